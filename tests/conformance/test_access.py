"""Users, groups and memberships: stored from the first day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_group, a_memory, a_numbered_id, a_user, an_id
from vestige.errors import InvalidInputError
from vestige.models import LOCAL_USER_ID, GroupMembership, User, Visibility

if TYPE_CHECKING:
    from typing import Literal

    from vestige.storage.protocol import MemoryStore

ANA, BEN = a_user("ana"), a_user("ben")
TEAM, CLUB = a_group("team"), a_group("club")


def a_membership(
    user: User = ANA, group_handle: str = "team", role: Literal["member", "admin"] = "member"
) -> GroupMembership:
    group = a_group(group_handle)
    return GroupMembership(user_id=user.id, group_id=group.id, joined_at=START, role=role)


@pytest.fixture
async def people(store: MemoryStore) -> MemoryStore:
    """A store with two users and two groups besides the local user."""
    for user in (ANA, BEN):
        await store.upsert_user(user)
    for group in (TEAM, CLUB):
        await store.upsert_group(group)
    return store


async def test_the_local_user_is_there_from_the_start(unbound_store: MemoryStore) -> None:
    (user,) = await unbound_store.list_users()
    assert (user.id, user.handle, user.display_name) == (LOCAL_USER_ID, "local", "Local User")
    assert user.metadata == {}
    assert await unbound_store.get_user(LOCAL_USER_ID) == user


async def test_the_local_user_was_made_at_a_time_in_utc(store: MemoryStore) -> None:
    user = await store.get_user(LOCAL_USER_ID)
    assert user is not None
    assert user.created_at.utcoffset() == timedelta()


async def test_the_local_user_is_never_deleted(store: MemoryStore) -> None:
    before = await store.list_users()
    with pytest.raises(InvalidInputError):
        await store.delete_user(LOCAL_USER_ID)
    assert await store.list_users() == before


async def test_the_local_user_can_be_renamed(store: MemoryStore) -> None:
    before = await store.get_user(LOCAL_USER_ID)
    assert before is not None
    after = replace(before, display_name="Ana", metadata={"mail": "ana@example.com"})
    await store.upsert_user(after)
    assert await store.list_users() == [after]


async def test_a_user_comes_back_whole(store: MemoryStore) -> None:
    user = a_user("ana", display_name="Ana «Á»", metadata={"langs": ["pt", "en"], "age": 0.5})
    await store.upsert_user(user)
    assert await store.get_user(user.id) == user
    assert user in await store.list_users()


async def test_a_group_comes_back_whole(store: MemoryStore) -> None:
    group = a_group("team", display_name="The «Team»", metadata={"size": 3})
    await store.upsert_group(group)
    assert await store.get_group(group.id) == group
    assert await store.list_groups() == [group]


async def test_an_upsert_of_a_user_replaces_everything_but_created_at(people: MemoryStore) -> None:
    new = User(id=ANA.id, handle="anna", created_at=START + DAY, display_name="Anna")
    await people.upsert_user(new)
    assert await people.get_user(ANA.id) == replace(new, created_at=START)


async def test_an_upsert_of_a_group_replaces_everything_but_created_at(people: MemoryStore) -> None:
    new = replace(TEAM, handle="crew", metadata={"new": True}, created_at=START + DAY)
    await people.upsert_group(new)
    assert await people.get_group(TEAM.id) == replace(new, created_at=START)


async def test_users_and_groups_are_ordered_by_id(store: MemoryStore) -> None:
    numbers = (4, 2, 5, 3)
    for number in numbers:
        await store.upsert_user(a_user(f"u{9 - number}", id=a_numbered_id(number)))
        await store.upsert_group(a_group(f"g{9 - number}", id=a_numbered_id(number)))
    ordered = [a_numbered_id(number) for number in sorted(numbers)]
    assert [user.id for user in await store.list_users()] == [LOCAL_USER_ID, *ordered]
    assert [group.id for group in await store.list_groups()] == ordered


async def test_an_unknown_user_or_group_is_none(people: MemoryStore) -> None:
    assert await people.get_user(an_id("unknown")) is None
    assert await people.get_group(an_id("unknown")) is None
    assert await people.get_user(TEAM.id) is None


@pytest.mark.parametrize("handle", ["ana", "local"])
async def test_a_handle_of_another_user_is_refused(people: MemoryStore, handle: str) -> None:
    before = await people.list_users()
    for user in (a_user("new", id=an_id("new")), BEN):
        with pytest.raises(InvalidInputError) as caught:
            await people.upsert_user(replace(user, handle=handle))
        assert caught.value.field == "handle"
    assert await people.list_users() == before


async def test_a_handle_of_another_group_is_refused(people: MemoryStore) -> None:
    before = await people.list_groups()
    for group in (a_group("new"), CLUB):
        with pytest.raises(InvalidInputError) as caught:
            await people.upsert_group(replace(group, handle="team"))
        assert caught.value.field == "handle"
    assert await people.list_groups() == before


async def test_a_user_and_a_group_may_have_the_same_handle(people: MemoryStore) -> None:
    await people.upsert_group(a_group("ana"))
    assert await people.get_group(a_group("ana").id) == a_group("ana")


async def test_delete_user_takes_its_memberships_with_it(people: MemoryStore) -> None:
    kept = a_membership(BEN)
    for membership in (a_membership(ANA), a_membership(ANA, "club"), kept):
        await people.upsert_membership(membership)
    assert await people.delete_user(ANA.id) is True
    assert await people.delete_user(ANA.id) is False
    assert await people.get_user(ANA.id) is None
    assert await people.list_memberships() == [kept]


async def test_delete_group_takes_its_memberships_with_it(people: MemoryStore) -> None:
    kept = a_membership(ANA, "club")
    for membership in (a_membership(ANA), a_membership(BEN), kept):
        await people.upsert_membership(membership)
    assert await people.delete_group(TEAM.id) is True
    assert await people.delete_group(TEAM.id) is False
    assert await people.list_groups() == [CLUB]
    assert await people.list_memberships() == [kept]


async def test_a_user_who_owns_memories_is_not_deleted(people: MemoryStore) -> None:
    record = a_memory(owner_user_id=ANA.id)
    await people.insert(record)
    await people.upsert_membership(a_membership(ANA))
    with pytest.raises(InvalidInputError):
        await people.delete_user(ANA.id)
    assert await people.get_user(ANA.id) == ANA
    assert await people.get(record.id) == record
    assert await people.list_memberships() == [a_membership(ANA)]
    await people.delete(record.id)
    assert await people.delete_user(ANA.id) is True


async def test_a_group_that_memories_are_shared_with_is_not_deleted(people: MemoryStore) -> None:
    record = a_memory(visibility=Visibility.GROUP, shared_with_groups=(CLUB.id, TEAM.id))
    await people.insert(record)
    await people.upsert_membership(a_membership())
    with pytest.raises(InvalidInputError):
        await people.delete_group(TEAM.id)
    assert await people.get_group(TEAM.id) == TEAM
    assert await people.list_memberships() == [a_membership()]
    await people.update(replace(record, shared_with_groups=(CLUB.id,)))
    assert await people.delete_group(TEAM.id) is True


@pytest.mark.parametrize("role", ["member", "admin"])
async def test_a_membership_comes_back_whole(
    people: MemoryStore, role: Literal["member", "admin"]
) -> None:
    membership = a_membership(role=role)
    await people.upsert_membership(membership)
    assert await people.get_membership(ANA.id, TEAM.id) == membership
    assert await people.list_memberships() == [membership]


async def test_an_upsert_of_a_membership_changes_only_the_role(people: MemoryStore) -> None:
    await people.upsert_membership(a_membership())
    again = replace(a_membership(role="admin"), joined_at=START + DAY)
    await people.upsert_membership(again)
    assert await people.list_memberships() == [a_membership(role="admin")]


@pytest.mark.parametrize(
    ("field", "unknown"),
    [
        ("user_id", replace(a_membership(), user_id=an_id("unknown"))),
        ("group_id", replace(a_membership(), group_id=an_id("unknown"))),
    ],
)
async def test_a_membership_of_an_unknown_user_or_group_is_refused(
    people: MemoryStore, field: str, unknown: GroupMembership
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await people.upsert_membership(unknown)
    assert caught.value.field == field
    assert await people.list_memberships() == []


async def test_memberships_are_ordered_by_user_and_group_and_narrowed_to_either(
    people: MemoryStore,
) -> None:
    all_of_them = sorted(
        (a_membership(user, handle) for user in (ANA, BEN) for handle in ("team", "club")),
        key=lambda membership: (membership.user_id, membership.group_id),
    )
    for membership in reversed(all_of_them):
        await people.upsert_membership(membership)
    assert await people.list_memberships() == all_of_them
    of_ana = [m for m in all_of_them if m.user_id == ANA.id]
    in_team = [m for m in all_of_them if m.group_id == TEAM.id]
    assert await people.list_memberships(user_id=ANA.id) == of_ana
    assert await people.list_memberships(group_id=TEAM.id) == in_team
    both = await people.list_memberships(user_id=ANA.id, group_id=TEAM.id)
    assert both == [a_membership()]
    assert await people.list_memberships(user_id=an_id("unknown")) == []


async def test_delete_membership_says_whether_there_was_one(people: MemoryStore) -> None:
    await people.upsert_membership(a_membership(ANA))
    await people.upsert_membership(a_membership(BEN))
    assert await people.delete_membership(ANA.id, TEAM.id) is True
    assert await people.delete_membership(ANA.id, TEAM.id) is False
    assert await people.list_memberships() == [a_membership(BEN)]
    assert await people.get_membership(ANA.id, TEAM.id) is None


async def test_no_query_filters_by_visibility_yet(people: MemoryStore) -> None:
    for visibility in Visibility:
        await people.insert(
            a_memory(f"target {visibility}", owner_user_id=ANA.id, visibility=visibility)
        )
    assert len(await people.list_memories()) == 3
    assert len(await people.fts_search("target")) == 3
