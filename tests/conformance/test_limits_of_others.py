"""Limits of everything that is not a memory: refused by name, and nothing changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from factories import (
    START,
    a_domain,
    a_group,
    a_memory,
    a_scheduling,
    a_user,
    a_vector,
    an_edge,
)
from vestige.errors import InvalidInputError
from vestige.models import GroupMembership, Rating

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore

NUL = "a\0b"
SURROGATE = "a\ud800b"
NAIVE = datetime(2024, 5, 17, 9, 30)  # noqa: DTZ001  # that it has no zone is the point
NAN, INFINITY = float("nan"), float("inf")

STATES: list[tuple[str, object, str]] = [
    ("stability", 0.0009999, "0.001"),
    ("stability", 36_500.001, "36500"),
    ("stability", -1.0, "0.001"),
    ("stability", NAN, ""),
    ("stability", INFINITY, ""),
    ("stability", None, ""),
    ("stability", "10", ""),
    ("difficulty", 0.999, "1"),
    ("difficulty", 10.001, "10"),
    ("difficulty", NAN, ""),
    ("retrievability", -0.001, "0"),
    ("retrievability", 1.001, "1"),
    ("retrievability", NAN, ""),
    ("reps", -1, "0"),
    ("reps", 1.5, ""),
    ("reps", 2**31, ""),
    ("lapses", -1, "0"),
    ("lapses", 0.5, ""),
    ("last_review", NAIVE, ""),
    ("next_review", NAIVE, ""),
    ("next_review", "tomorrow", ""),
]
EDGES: list[tuple[str, object]] = [
    ("edge_type", ""),
    ("edge_type", "x" * 65),
    ("edge_type", NUL),
    ("edge_type", SURROGATE),
    ("edge_type", None),
    ("weight", INFINITY),
    ("weight", NAN),
    ("weight", "1"),
    ("weight", None),
    ("created_at", NAIVE),
]
DOMAINS: list[tuple[str, object]] = [
    ("id", ""),
    ("id", "x" * 257),
    ("id", NUL),
    ("label", NUL),
    ("label", None),
    ("label", "x" * 257),
    ("top_terms", "store"),
    ("top_terms", (NUL,)),
    ("memory_count", -1),
    ("memory_count", 1.5),
    ("metadata", []),
    ("metadata", {"a": NUL}),
    ("metadata", {"a": NAN}),
    ("centroid", [0.5] * 16),
    ("created_at", NAIVE),
]
PARTIES: list[tuple[str, object]] = [
    ("handle", ""),
    ("handle", "x" * 257),
    ("handle", NUL),
    ("handle", SURROGATE),
    ("handle", None),
    ("display_name", NUL),
    ("display_name", "x" * 257),
    ("metadata", []),
    ("metadata", {"a": INFINITY}),
    ("created_at", NAIVE),
]


@pytest.mark.parametrize(("field", "value", "limit"), STATES)
async def test_a_state_out_of_range_is_refused_naming_field_and_limit(
    store: MemoryStore, field: str, value: object, limit: str
) -> None:
    record = a_memory()
    stored = a_scheduling(record.id)
    await store.insert(record, stored)
    bad = replace(stored, **{field: value})
    new = a_memory("new")
    for call in (
        lambda: store.update_scheduling(bad),
        lambda: store.record_review(record.id, Rating.GOOD, bad, START),
        lambda: store.insert(new, replace(bad, memory_id=new.id)),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await call()
        assert caught.value.field == field
        assert limit in caught.value.problem.replace(",", "").replace("_", "")
    assert await store.get_scheduling(record.id) == stored
    assert await store.list_review_events() == []
    assert await store.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"stability": 0.001, "difficulty": 1.0, "retrievability": 0.0},
        {"stability": 36_500.0, "difficulty": 10.0, "retrievability": 1.0},
        {"reps": 2**31 - 1, "lapses": 2**31 - 1},
        {"next_review": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)},
    ],
)
async def test_a_state_at_its_limits_is_kept(
    store: MemoryStore, changes: dict[str, object]
) -> None:
    record = a_memory()
    await store.insert(record)
    state = replace(a_scheduling(record.id), **changes)
    await store.update_scheduling(state)
    assert await store.get_scheduling(record.id) == state


@pytest.mark.parametrize(("field", "value"), EDGES)
async def test_a_link_outside_its_limits_is_refused(
    store: MemoryStore, field: str, value: object
) -> None:
    one, other = a_memory("one"), a_memory("other")
    await store.insert_many([one, other])
    with pytest.raises(InvalidInputError) as caught:
        await store.add_edge(replace(an_edge(one.id, other.id), **{field: value}))
    assert caught.value.field == field
    assert await store.get_edges(one.id) == []


async def test_a_link_at_its_limits_is_kept(store: MemoryStore) -> None:
    one, other = a_memory("one"), a_memory("other")
    await store.insert_many([one, other])
    for edge_type, weight in (("é" * 64, 1e300), ("small", 5e-324)):
        edge = an_edge(one.id, other.id, edge_type=edge_type, weight=weight)
        await store.add_edge(edge)
        assert await store.get_edges(one.id, edge_type) == [edge]


@pytest.mark.parametrize(("field", "value"), DOMAINS)
async def test_a_domain_outside_its_limits_is_refused(
    store: MemoryStore, field: str, value: object
) -> None:
    domain = a_domain("work", centroid=a_vector(1))
    await store.upsert_domain(domain)
    with pytest.raises(InvalidInputError) as caught:
        await store.upsert_domain(replace(domain, **{field: value}))
    assert caught.value.field == field
    assert await store.list_domains() == [domain]


@pytest.mark.parametrize(("field", "value"), PARTIES)
async def test_a_user_or_group_outside_its_limits_is_refused(
    store: MemoryStore, field: str, value: object
) -> None:
    before = await store.list_users()
    for call in (
        lambda: store.upsert_user(replace(a_user("ana"), **{field: value})),
        lambda: store.upsert_group(replace(a_group("team"), **{field: value})),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await call()
        assert caught.value.field == field
    assert await store.list_users() == before
    assert await store.list_groups() == []


@pytest.mark.parametrize(
    ("field", "value"), [("role", "owner"), ("role", None), ("joined_at", NAIVE)]
)
async def test_a_membership_outside_its_limits_is_refused(
    store: MemoryStore, field: str, value: object
) -> None:
    user, group = a_user("ana"), a_group("team")
    await store.upsert_user(user)
    await store.upsert_group(group)
    membership = GroupMembership(user_id=user.id, group_id=group.id, joined_at=START)
    with pytest.raises(InvalidInputError) as caught:
        await store.upsert_membership(replace(membership, **{field: value}))
    assert caught.value.field == field
    assert await store.list_memberships() == []


async def test_a_long_id_of_a_domain_is_kept(store: MemoryStore) -> None:
    domain = a_domain("é" * 256)
    await store.upsert_domain(domain)
    assert await store.get_domain("é" * 256) == domain
