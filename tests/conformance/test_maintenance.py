"""Counts, statistics and vacuum."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from factories import (
    DAY,
    START,
    a_domain,
    a_full_memory,
    a_memory,
    a_scheduling,
    a_signature,
    a_user,
    a_vector,
    an_edge,
)
from vestige.errors import InvalidInputError
from vestige.models import MemoryFilter, Rating, SearchQuery

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore


async def test_count_follows_inserts_and_deletes(store: MemoryStore) -> None:
    assert await store.count() == 0
    await store.insert_many([a_memory(str(n)) for n in range(5)])
    assert await store.count() == 5
    await store.delete(a_memory("3").id)
    assert await store.count() == 4


@pytest.mark.parametrize(
    ("memory_filter", "expected"),
    [
        (MemoryFilter(), 12),
        (MemoryFilter(codebase="vestige"), 6),
        (MemoryFilter(codebase="unheard-of"), 0),
        (MemoryFilter(tags=("three",)), 4),
        (MemoryFilter(tags=("three", "even")), 8),
        (MemoryFilter(node_types=("note", "fact")), 12),
        (MemoryFilter(node_types=("note",)), 3),
        (MemoryFilter(created_after=START + 2 * DAY), 10),
        (MemoryFilter(created_before=START + 2 * DAY), 2),
        (MemoryFilter(owner_user_id=a_user("ana").id), 1),
        (MemoryFilter(codebase="vestige", tags=("three",)), 2),
    ],
)
async def test_count_counts_what_the_filter_keeps(
    store: MemoryStore, memory_filter: MemoryFilter, expected: int
) -> None:
    await store.upsert_user(a_user("ana"))
    for n in range(12):
        tags = [name for name, by in (("even", 2), ("three", 3)) if n % by == 0]
        record = a_memory(
            str(n),
            codebase="vestige" if n % 2 else None,
            tags=tuple(tags),
            node_type="note" if n % 4 == 0 else "fact",
            created_at=START + n * DAY,
        )
        await store.insert(record if n else replace(record, owner_user_id=a_user("ana").id))
    assert await store.count(memory_filter) == expected
    assert len(await store.list_memories(memory_filter, limit=1000)) == expected


async def test_count_refuses_a_filter_outside_its_limits(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.count(MemoryFilter(created_after=START.replace(tzinfo=None)))
    assert caught.value.field == "created_after"


async def test_an_empty_store_has_empty_stats(unbound_store: MemoryStore, backend: str) -> None:
    stats = await unbound_store.get_stats(START)
    assert stats.backend == backend
    assert stats.location
    assert stats.schema_version > 0
    assert stats.size_bytes > 0
    assert stats.model is None
    assert (stats.memory_count, stats.embedded_count, stats.window_count) == (0, 0, 0)
    assert (stats.edge_count, stats.review_event_count, stats.domain_count) == (0, 0, 0)
    assert stats.due_count == 0
    assert (stats.oldest_created_at, stats.newest_created_at) == (None, None)
    assert (stats.node_types, stats.codebases) == ({}, {})


async def test_stats_count_what_is_stored(store: MemoryStore) -> None:
    records = [
        a_full_memory("one", created_at=START),
        a_full_memory("two", created_at=START + DAY, windows=()),
        a_memory("three", created_at=START - 2 * DAY, node_type="note", codebase="other"),
        a_memory("four", created_at=START, node_type="note"),
    ]
    await store.insert_many(records)
    await store.add_edge(an_edge(records[0].id, records[1].id))
    await store.add_edge(an_edge(records[0].id, records[1].id, edge_type="other"))
    state = a_scheduling(records[3].id, next_review=None)
    for _ in range(3):
        await store.record_review(records[3].id, Rating.GOOD, state, START)
    await store.upsert_domain(a_domain("work", centroid=a_vector(1)))
    stats = await store.get_stats(START)
    assert stats.model == a_signature()
    assert (stats.memory_count, stats.embedded_count, stats.window_count) == (4, 2, 2)
    assert (stats.edge_count, stats.review_event_count, stats.domain_count) == (2, 3, 1)
    assert (stats.oldest_created_at, stats.newest_created_at) == (START - 2 * DAY, START + DAY)
    assert stats.node_types == {"decision": 2, "note": 2}
    assert stats.codebases == {"vestige": 2, "other": 1}


async def test_now_decides_what_is_due(store: MemoryStore) -> None:
    for day in (1, 2, 2, 3):
        record = a_memory(f"{day} {await store.count()}")
        await store.insert(record, a_scheduling(record.id, next_review=START + day * DAY))
    never = a_memory("never")
    await store.insert(never, a_scheduling(never.id, next_review=None))
    microsecond = timedelta(microseconds=1)
    due = {
        moment: (await store.get_stats(moment)).due_count
        for moment in (START, START + DAY, START + 2 * DAY - microsecond, START + 9 * DAY)
    }
    assert list(due.values()) == [0, 1, 1, 4]


async def test_stats_refuse_a_time_without_a_zone(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.get_stats(START.replace(tzinfo=None))
    assert caught.value.field == "now"


async def test_vacuum_changes_nothing_that_can_be_read(store: MemoryStore) -> None:
    records = [a_full_memory(f"amber {n}", embedding=a_vector(n)) for n in range(30)]
    await store.insert_many(records)
    await store.add_edge(an_edge(records[0].id, records[1].id))
    for record in records[20:]:
        await store.delete(record.id)
    query = SearchQuery(text="amber", embedding=a_vector(500), limit=100)
    before = await store.search(query)
    await store.vacuum()
    assert await store.search(query) == before
    assert await store.get_many([record.id for record in records]) == records[:20]
    assert len(await store.get_edges(records[0].id)) == 1
    assert (await store.health_check()).status == "healthy"


async def test_vacuum_of_an_empty_store_does_nothing(unbound_store: MemoryStore) -> None:
    await unbound_store.vacuum()
    assert await unbound_store.count() == 0
