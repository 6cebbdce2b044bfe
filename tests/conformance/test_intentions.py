"""Intentions: written with changes, read by page, taken back and purged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory, a_user, an_id, an_intention
from vestige.errors import ConflictError, InvalidInputError, MemoryNotFoundError
from vestige.models import (
    Change,
    ChangeAction,
    InsertMemory,
    Intention,
    IntentionFilter,
    IntentionStatus,
    MemoryCursor,
    Priority,
    PutIntention,
    RemoveIntention,
    Tombstone,
    TransferTable,
    TriggerType,
)
from vestige.storage.changes import intention_account

if TYPE_CHECKING:
    from vestige.models import Operation
    from vestige.storage.protocol import MemoryStore

FULL = an_intention(
    "tell Ana that the release is out",
    trigger_type=TriggerType.CONTEXT,
    file_pattern="src/**/*.py",
    topic="release 1.0 \N{ROCKET}",
    codebase="vestige",
    deadline=START + 2 * DAY,
    priority=Priority.CRITICAL,
    snoozed_until=START + DAY,
    memory_ids=(an_id("one"), an_id("two")),
    tags=("a", "b"),
    metadata={"nested": [1, None, {"x": "y"}]},
)
DEPLOY = an_intention("look at the logs", trigger_type=TriggerType.EVENT, event="deploy")
LATER = an_intention("renew the certificate", trigger_at=START + DAY)


def a_change(*operations: Operation, name: str = "change") -> Change:
    return Change(id=an_id(name), action=ChangeAction.INTENDED, operations=operations)


async def put(store: MemoryStore, *intentions: Intention, name: str = "change") -> None:
    await store.commit(a_change(*(PutIntention(intention=item) for item in intentions), name=name))


async def names(store: MemoryStore, chosen: IntentionFilter | None = None) -> set[str]:
    return {item.content for item in await store.list_intentions(chosen, limit=1000)}


@pytest.mark.parametrize("intention", [FULL, DEPLOY, LATER])
async def test_an_intention_comes_back_as_it_was_given(
    store: MemoryStore, intention: Intention
) -> None:
    await put(store, intention)
    assert await store.get_intention(intention.id) == intention
    assert await store.list_intentions() == [intention]


async def test_an_unknown_intention_is_none(store: MemoryStore) -> None:
    assert await store.get_intention(an_id("nothing")) is None


async def test_an_intention_is_replaced_as_a_whole(store: MemoryStore) -> None:
    await put(store, FULL)
    other = replace(LATER, id=FULL.id, updated_at=START + DAY)
    await put(store, other, name="second")
    assert await store.list_intentions() == [other]


async def test_every_change_of_an_intention_is_in_the_changelog(store: MemoryStore) -> None:
    await put(store, DEPLOY)
    done = replace(DEPLOY, status=IntentionStatus.COMPLETED, closed_at=START + DAY)
    await put(store, done, name="second")
    second, first = await store.list_changelog()
    assert (first.memory_id, first.before) == (DEPLOY.id, {"intention": None})
    assert first.after == second.before == intention_account(DEPLOY)
    assert second.after == intention_account(done)


async def test_an_intention_and_a_memory_change_together_or_not_at_all(store: MemoryStore) -> None:
    memory = a_memory("the release is out")
    await store.insert(memory)
    with pytest.raises(Exception, match=str(memory.id)):
        await store.commit(a_change(PutIntention(intention=DEPLOY), InsertMemory(record=memory)))
    assert await store.list_intentions() == []
    assert await store.list_changelog() == []


async def test_a_change_of_an_intention_that_was_changed_meanwhile_is_refused(
    store: MemoryStore,
) -> None:
    await put(store, DEPLOY)
    await put(store, replace(DEPLOY, topic=None, event="release"), name="second")
    late = a_change(PutIntention(intention=replace(DEPLOY, content="x")), name="third")
    with pytest.raises(ConflictError):
        await store.commit(replace(late, expected={DEPLOY.id: intention_account(DEPLOY)}))
    kept = await store.get_intention(DEPLOY.id)
    assert kept is not None
    assert kept.event == "release"


async def test_pages_are_newest_first_and_go_on_where_the_last_ended(store: MemoryStore) -> None:
    made = [an_intention(f"number {n}", created_at=START + (n // 2) * DAY) for n in range(7)]
    await put(store, *made)
    in_order = sorted(made, key=lambda item: (-item.created_at.timestamp(), str(item.id)))
    read: list[Intention] = []
    after: MemoryCursor | None = None
    while page := await store.list_intentions(after=after, limit=2):
        read += page
        after = MemoryCursor(at=page[-1].created_at, id=page[-1].id)
    assert read == in_order


async def test_filters_keep_what_they_say(store: MemoryStore) -> None:
    closed = an_intention("done", status=IntentionStatus.COMPLETED, closed_at=START)
    await put(store, FULL, DEPLOY, LATER, closed)
    active = IntentionFilter(status=IntentionStatus.ACTIVE)
    assert await names(store, active) == {FULL.content, DEPLOY.content, LATER.content}
    assert await names(store, IntentionFilter(codebase="vestige")) == {FULL.content}
    assert await names(store, IntentionFilter(codebase="Vestige")) == set()
    both = IntentionFilter(status=IntentionStatus.COMPLETED, codebase="vestige")
    assert await names(store, both) == set()


async def test_what_cannot_come_up_yet_is_left_out(store: MemoryStore) -> None:
    closed = an_intention("done", status=IntentionStatus.CANCELLED, closed_at=START)
    urgent = an_intention("urgent", trigger_at=START + 9 * DAY, deadline=START + DAY)
    await put(store, FULL, DEPLOY, LATER, closed, urgent)
    assert await names(store, IntentionFilter(may_fire_at=START)) == {DEPLOY.content}
    next_day = IntentionFilter(may_fire_at=START + DAY)
    assert await names(store, next_day) == {FULL.content, DEPLOY.content, LATER.content, "urgent"}


async def test_removing_one_leaves_the_others_and_its_account(store: MemoryStore) -> None:
    await put(store, DEPLOY, LATER)
    await store.commit(a_change(RemoveIntention(intention_id=DEPLOY.id), name="second"))
    assert await names(store) == {LATER.content}
    entry, *_ = await store.list_changelog()
    assert (entry.before, entry.after) == (intention_account(DEPLOY), {"intention": None})


@pytest.mark.parametrize("is_removed_before", [False, True])
async def test_a_purge_leaves_a_tombstone_and_no_text(
    store: MemoryStore, *, is_removed_before: bool
) -> None:
    await put(store, DEPLOY, LATER)
    removal = RemoveIntention(intention_id=DEPLOY.id)
    if is_removed_before:
        await store.commit(a_change(removal, name="second"))
    purge = Change(id=an_id("purge"), action=ChangeAction.PURGED, operations=(removal,))
    await store.purge(purge)
    assert await names(store) == {LATER.content}
    assert DEPLOY.content not in repr(await store.list_changelog(limit=1000))
    (stone,) = (await store.export_page(TransferTable.TOMBSTONES)).rows
    assert isinstance(stone, Tombstone)
    assert stone.memory_id == DEPLOY.id
    with pytest.raises(InvalidInputError, match="was purged"):
        await put(store, DEPLOY, name="again")


async def test_a_tombstone_of_an_intention_that_is_there_is_refused(store: MemoryStore) -> None:
    await put(store, DEPLOY)
    stone = Tombstone(memory_id=DEPLOY.id, purged_at=START)
    result = await store.import_rows(TransferTable.TOMBSTONES, [stone])
    assert result.written == 0
    assert str(DEPLOY.id) in result.failures[0].reason


async def test_a_purge_of_what_nobody_knows_is_refused(store: MemoryStore) -> None:
    purge = a_change(RemoveIntention(intention_id=an_id("nothing")))
    with pytest.raises(MemoryNotFoundError):
        await store.purge(purge)


async def test_a_user_who_owns_an_intention_is_not_deleted(store: MemoryStore) -> None:
    ana = a_user("ana")
    await store.upsert_user(ana)
    await put(store, replace(DEPLOY, owner_user_id=ana.id))
    with pytest.raises(InvalidInputError, match="still owns"):
        await store.delete_user(ana.id)


async def test_an_owner_who_is_no_user_is_refused(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError, match="is not a user"):
        await put(store, replace(DEPLOY, owner_user_id=an_id("nobody")))
    assert await store.list_intentions() == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(DEPLOY, content=""), "content"),
        (replace(DEPLOY, content=" \n"), "content"),
        (replace(DEPLOY, content="x" * 10_001), "content"),
        (replace(DEPLOY, content="a\0b"), "content"),
        (replace(DEPLOY, event=None), "event"),
        (replace(DEPLOY, event="x" * 257), "event"),
        (replace(DEPLOY, topic="release"), "topic"),
        (replace(DEPLOY, trigger_at=START), "trigger_at"),
        (replace(LATER, trigger_at=None), "trigger_at"),
        (replace(LATER, trigger_at=START.replace(tzinfo=None)), "trigger_at"),
        (replace(FULL, codebase=None, file_pattern=None, topic=None), "file_pattern"),
        (replace(FULL, codebase="x" * 257), "codebase"),
        (replace(FULL, tags=("x",) * 65), "tags"),
        (replace(FULL, memory_ids=(an_id("x"),) * 65), "memory_ids"),
        (replace(FULL, metadata={"x": "\ud800"}), "metadata"),
        (replace(FULL, status=IntentionStatus.COMPLETED), "closed_at"),
        (replace(FULL, closed_at=START), "closed_at"),
    ],
)
async def test_a_value_outside_its_limits_is_refused_by_name(
    store: MemoryStore, wrong: Intention, field: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await put(store, wrong)
    assert caught.value.field == field
    assert await store.list_intentions() == []
    result = await store.import_rows(TransferTable.INTENTIONS, [wrong])
    assert (result.written, len(result.failures)) == (0, 1)
