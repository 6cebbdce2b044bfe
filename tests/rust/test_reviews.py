"""Review events out of the log of accesses: which ones, in which order, leading where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from rust.files import (
    CREATED,
    Cell,
    a_file,
    add_access,
    add_node,
    changes,
    execute,
    execute_many,
    memories,
    node_id,
    opened,
    read_all,
)
from vestige.cognition import fsrs
from vestige.models import Rating, ReviewEvent, TransferTable

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.storage.rust.source import RustSource

CREATED_AT = datetime(2026, 3, 14, 15, 7, 59, 857129, tzinfo=UTC)


async def events(source: RustSource, *, limit: int = 500) -> list[ReviewEvent]:
    rows = await read_all(source, TransferTable.REVIEW_EVENTS, limit=limit)
    return [row for row in rows if isinstance(row, ReviewEvent)]


@pytest.mark.parametrize(
    ("kind", "rating"),
    [
        ("promote", Rating.EASY),
        ("search_hit", Rating.GOOD),
        ("demote", Rating.AGAIN),
    ],
)
async def test_an_access_is_the_rating_that_the_rust_program_takes_it_for(
    kind: str, rating: Rating, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_access(path, add_node(path), kind, "2026-04-01T12:00:00.123456789+00:00")
    async with opened(path) as source:
        (event,) = await events(source)
        assert not source.report().adjusted
    assert (event.id, event.memory_id, event.rating) == (1, UUID(node_id(1)), rating)
    assert event.timestamp == datetime(2026, 4, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["touched", "", 7, b"promote"])
async def test_an_unknown_access_counts_as_good_and_is_said_so(kind: Cell, tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_access(path, add_node(path), kind, CREATED)
    async with opened(path) as source:
        (event,) = await events(source)
        assert changes(source.report()) == {"access_type: unknown, counted as good": 1}
    assert event.rating == Rating.GOOD


async def test_suppression_is_no_review_and_its_rows_are_counted(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    memory_id = add_node(path)
    for kind in ("suppress", "reverse_suppress", "suppress"):
        add_access(path, memory_id, kind, CREATED)
    async with opened(path) as source:
        assert not await events(source)
        assert (await source.counts())[TransferTable.REVIEW_EVENTS] == 0
        report = source.report()
    assert {table.name: table.rows for table in report.skipped}["memory_access_log"] == 3
    assert "memory_access_log" not in {table.name for table in report.copied}


async def test_events_are_numbered_by_time_however_it_is_written(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    for number in (1, 2):
        add_node(path, number)
    # As texts, these sort in another order.
    add_access(path, node_id(1), "promote", "2026-04-01T12:00:00+02:00")
    add_access(path, node_id(2), "promote", "2026-04-01 11:00:00")
    add_access(path, node_id(1), "demote", "2026-04-01T09:00:00Z")
    add_access(path, node_id(2), "demote", "2026-04-01T10:00:00.000000Z")
    async with opened(path) as source:
        found = await events(source, limit=1)
    assert [event.id for event in found] == [1, 2, 3, 4]
    order = [(event.memory_id.int % 16, event.rating) for event in found]
    # Two at the same moment stay in the order of the log.
    assert order == [(1, Rating.AGAIN), (1, Rating.EASY), (2, Rating.AGAIN), (2, Rating.EASY)]


async def test_each_memorys_events_lead_from_its_creation_on(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    kinds = ("search_hit", "demote", "promote", "search_hit")
    for number in (1, 2):
        add_node(path, number)
        for day, kind in enumerate(kinds, start=number):
            at = CREATED_AT + timedelta(days=3 * day)
            add_access(path, node_id(number), kind, at.isoformat())
    async with opened(path) as source:
        found = await events(source, limit=3)
    for number in (1, 2):
        mine = [event for event in found if event.memory_id == UUID(node_id(number))]
        first = fsrs.initial_state(mine[0].memory_id, CREATED_AT)
        assert mine[0].prior_state == first
        assert [event.prior_state for event in mine[1:]] == [event.new_state for event in mine[:-1]]
        replayed = fsrs.replay(first, [(event.rating, event.timestamp) for event in mine])
        assert mine[-1].new_state == replayed
        assert (replayed.reps, replayed.lapses) == (4, 1)


async def test_an_event_that_names_no_memory_or_no_time_is_named(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path)
    add_access(path, node_id(9), "promote", CREATED)
    add_access(path, node_id(1), "promote", "soon")
    add_access(path, node_id(1), "promote", CREATED)
    async with opened(path) as source:
        assert len(await events(source)) == 1
        assert len(await events(source)) == 1
        counts = await source.counts()
        report = source.report()
    assert counts[TransferTable.REVIEW_EVENTS] == 3
    assert [(failure.table, failure.key, failure.reason) for failure in report.failures] == [
        (
            TransferTable.REVIEW_EVENTS,
            "1",
            f"node_id: names a memory that is not in the file: {node_id(9)}",
        ),
        (TransferTable.REVIEW_EVENTS, "2", "accessed_at: no time that can be read: soon"),
    ]


async def test_an_event_before_the_creation_of_its_memory_counts_as_the_same_day(
    tmp_path: Path,
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_access(path, add_node(path), "demote", "1970-01-01T00:00:00Z")
    async with opened(path) as source:
        (event,) = await events(source)
    assert event.new_state.last_review == datetime(1970, 1, 1, tzinfo=UTC)
    assert event.new_state.stability < event.prior_state.stability


async def test_the_columns_of_a_memory_overrule_its_events(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_access(path, add_node(path, stability=80.5, reps=9), "demote", CREATED)
    async with opened(path) as source:
        (memory,) = await memories(source)
        assert len(await events(source)) == 1
    assert (memory.scheduling.stability, memory.scheduling.reps) == (80.5, 9)


async def test_a_memory_without_columns_of_time_still_has_its_events(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    execute(path, "CREATE TABLE knowledge_nodes (id TEXT PRIMARY KEY, content TEXT, stability)")
    execute(path, "CREATE TABLE memory_access_log (id INTEGER, node_id, access_type, accessed_at)")
    execute(path, "INSERT INTO knowledge_nodes VALUES (?, 'alone', 1.0)", (node_id(1),))
    add_access(path, node_id(1), "promote", CREATED)
    async with opened(path) as source:
        (event,) = await events(source)
    assert event.new_state.reps == 1


async def test_events_come_in_pages_without_gaps(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    execute_many(
        path,
        "INSERT INTO memory_access_log (node_id, access_type, accessed_at) VALUES (?, ?, ?)",
        [
            (node_id(number % 7), "search_hit", (CREATED_AT + timedelta(hours=number)).isoformat())
            for number in range(1000)
        ],
    )
    for number in range(7):
        add_node(path, number)
    async with opened(path) as source:
        paged = await events(source, limit=37)
        assert paged == await events(source, limit=1000)
    assert [event.id for event in paged] == list(range(1, 1001))
