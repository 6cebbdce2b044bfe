"""Export pages and import batches: a store moves whole, twice moves nothing, bad rows stay out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import (
    DAY,
    START,
    a_domain,
    a_full_memory,
    a_group,
    a_memory,
    a_numbered_id,
    a_scheduling,
    a_signature,
    a_user,
    a_vector,
    an_edge,
    an_id,
)
from filled_store import ANA, BOTH, TEAM, fill
from vestige.errors import InvalidInputError
from vestige.models import (
    LOCAL_USER_ID,
    ImportResult,
    Rating,
    ReviewEvent,
    ScheduledMemory,
    SearchQuery,
    TransferTable,
    User,
)

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.models import MemoryRecord, TransferRow
    from vestige.storage.protocol import MemoryStore


async def every_row(
    store: MemoryStore, table: TransferTable, limit: int = 500
) -> list[TransferRow]:
    rows: list[TransferRow] = []
    page = await store.export_page(table, limit=limit)
    rows += page.rows
    while page.next_after is not None:
        page = await store.export_page(table, after=page.next_after, limit=limit)
        assert len(page.rows) <= limit
        rows += page.rows
    return rows


async def whole(store: MemoryStore) -> dict[TransferTable, list[TransferRow]]:
    return {table: await every_row(store, table) for table in TransferTable}


@pytest.fixture
async def target(open_handle: OpenHandle) -> MemoryStore:
    """A second, empty store that is bound to the same model."""
    second = await open_handle("target")
    await second.register_model(a_signature())
    return second


def scheduled(*records: MemoryRecord) -> list[TransferRow]:
    return [ScheduledMemory(record=r, scheduling=a_scheduling(r.id)) for r in records]


def an_event(event_id: int, memory_id: object = None) -> ReviewEvent:
    record_id = an_id("known") if memory_id is None else an_id(str(memory_id))
    return ReviewEvent(
        id=event_id,
        memory_id=record_id,
        timestamp=START,
        rating=Rating.GOOD,
        prior_state=a_scheduling(record_id),
        new_state=a_scheduling(record_id, reps=2),
    )


async def test_a_store_imported_into_another_exports_the_same(
    store: MemoryStore, target: MemoryStore
) -> None:
    await fill(store)
    source = await whole(store)
    for table, rows in source.items():
        assert rows, f"{table} would prove nothing"
        result = await target.import_rows(table, rows)
        present = 1 if table is TransferTable.USERS else 0  # the local user is everywhere
        assert result == ImportResult(written=len(rows) - present, present=present)
    moved = await whole(target)
    moved[TransferTable.USERS] = [row for row in moved[TransferTable.USERS] if row == ANA]
    source[TransferTable.USERS] = [ANA]
    assert moved == source


async def test_an_imported_store_is_searched_like_its_source(
    store: MemoryStore, target: MemoryStore
) -> None:
    await fill(store)
    for table, rows in (await whole(store)).items():
        await target.import_rows(table, rows)
    query = SearchQuery(text="memory", embedding=a_vector(3), limit=20)
    assert await target.search(query) == await store.search(query)
    start = a_memory("memory 0").id
    assert await target.get_neighbors(start, 3) == await store.get_neighbors(start, 3)
    assert await target.classify(a_vector(4)) == await store.classify(a_vector(4))


async def test_an_import_of_what_is_there_writes_nothing(store: MemoryStore) -> None:
    await fill(store)
    before = await whole(store)
    for table, rows in before.items():
        result = await store.import_rows(table, rows)
        assert result == ImportResult(written=0, present=len(rows))
    assert await whole(store) == before


async def test_a_row_whose_key_exists_is_left_as_it_is(store: MemoryStore) -> None:
    await fill(store)
    before = await whole(store)
    changed: dict[TransferTable, TransferRow] = {
        TransferTable.USERS: replace(ANA, handle="other", display_name="Other"),
        TransferTable.GROUPS: replace(TEAM, handle="other"),
        TransferTable.GROUP_MEMBERSHIPS: replace(BOTH, role="member", joined_at=START + DAY),
        TransferTable.KNOWLEDGE_NODES: scheduled(a_memory("other", id=a_memory("memory 1").id))[0],
        TransferTable.EDGES: an_edge(a_memory("memory 0").id, a_memory("memory 1").id, weight=0.9),
        TransferTable.DOMAINS: a_domain("work", label="Other"),
    }
    for table, row in changed.items():
        assert await store.import_rows(table, [row]) == ImportResult(written=0, present=1)
    assert await whole(store) == before


@pytest.mark.parametrize("table", TransferTable)
@pytest.mark.parametrize("limit", [1, 2, 1000])
async def test_pages_hold_every_row_once(
    store: MemoryStore, table: TransferTable, limit: int
) -> None:
    await fill(store)
    assert await every_row(store, table, limit) == await every_row(store, table)


async def test_rows_that_arrive_between_pages_disturb_none_of_the_old_ones(
    store: MemoryStore,
) -> None:
    records = [a_memory(f"m{n}", created_at=START - n * DAY) for n in range(20)]
    await store.insert_many(records)
    seen: list[TransferRow] = []
    after: str | None = None
    for arrival in range(100):
        page = await store.export_page(TransferTable.KNOWLEDGE_NODES, after=after, limit=3)
        seen += page.rows
        after = page.next_after
        if after is None:
            break
        if arrival < 10:
            at = START + (arrival % 3 - 1) * 40 * DAY
            await store.insert(a_memory(f"late {arrival}", created_at=at))
    ids = [row.record.id for row in seen if isinstance(row, ScheduledMemory)]
    assert after is None
    assert {record.id for record in records} <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("table", [t for t in TransferTable if t is not TransferTable.USERS])
async def test_an_empty_table_is_one_empty_page(store: MemoryStore, table: TransferTable) -> None:
    page = await store.export_page(table)
    assert (page.rows, page.next_after) == ((), None)


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_page_size_outside_its_range_is_refused(store: MemoryStore, limit: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.export_page(TransferTable.USERS, limit=limit)
    assert caught.value.field == "limit"


async def test_an_import_of_nothing_does_nothing(store: MemoryStore) -> None:
    for table in TransferTable:
        assert await store.import_rows(table, []) == ImportResult(written=0, present=0)


async def test_twenty_bad_rows_never_take_the_others_with_them(store: MemoryStore) -> None:
    good = [a_memory(f"good {n}", embedding=a_vector(n)) for n in range(480)]
    bad = [
        *(a_memory("", id=an_id(f"empty {n}")) for n in range(5)),
        *(a_memory(f"stray {n}", owner_user_id=an_id("nobody")) for n in range(5)),
        *(a_memory(f"short {n}", embedding=a_vector(n, dimension=3)) for n in range(5)),
        *(a_memory(f"tags {n}", tags=("x" * 129,)) for n in range(5)),
    ]
    mixed = list(good)
    for number, record in enumerate(bad):
        mixed.insert(number * 25, record)
    result = await store.import_rows(TransferTable.KNOWLEDGE_NODES, scheduled(*mixed))
    assert (result.written, result.present) == (480, 0)
    reasons = {failure.key: failure.reason for failure in result.failures}
    assert len(result.failures) == 20
    assert set(reasons) == {str(record.id) for record in bad}
    fields = ("content",) * 5 + ("owner_user_id",) * 5 + ("embedding",) * 5 + ("tags",) * 5
    for record, field in zip(bad, fields, strict=True):
        assert field in reasons[str(record.id)]
    assert await store.count() == 480
    assert (await store.get_stats(START)).embedded_count == 480
    assert await store.get_many([record.id for record in good]) == good


def rows_with_unknown_references() -> dict[TransferTable, tuple[TransferRow, TransferRow]]:
    """Return, per table, a row that can be written and one that refers to something unknown."""
    known, other, unknown = an_id("known"), an_id("other"), an_id("unknown")
    stray = a_memory("stray", owner_user_id=unknown)
    return {
        TransferTable.GROUP_MEMBERSHIPS: (BOTH, replace(BOTH, user_id=unknown)),
        TransferTable.KNOWLEDGE_NODES: (
            scheduled(a_memory("new", owner_user_id=ANA.id))[0],
            scheduled(stray)[0],
        ),
        TransferTable.EDGES: (an_edge(known, other), an_edge(known, unknown)),
        TransferTable.REVIEW_EVENTS: (an_event(5), an_event(6, "unknown")),
    }


@pytest.mark.parametrize("table", rows_with_unknown_references())
async def test_a_row_that_refers_to_something_unknown_is_listed_with_its_reason(
    store: MemoryStore, table: TransferTable
) -> None:
    await store.upsert_user(ANA)
    await store.upsert_group(TEAM)
    await store.insert_many([a_memory("known"), a_memory("other")])
    before = await every_row(store, table)
    good, bad = rows_with_unknown_references()[table]
    result = await store.import_rows(table, [bad, good])
    assert (result.written, result.present, len(result.failures)) == (1, 0, 1)
    assert result.failures[0].key
    assert result.failures[0].reason
    after = await every_row(store, table)
    assert good in after
    assert bad not in after
    assert len(after) == len(before) + 1


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (TransferTable.USERS, a_user("ana", id=an_id("another ana"))),
        (TransferTable.USERS, a_user("local")),
        (TransferTable.USERS, a_user("")),
        (TransferTable.GROUPS, a_group("team", id=an_id("another team"))),
        (TransferTable.EDGES, an_edge(an_id("known"), an_id("known"))),
        (TransferTable.EDGES, an_edge(an_id("known"), an_id("other"), weight=-1.0)),
        (TransferTable.DOMAINS, a_domain("work", centroid=a_vector(1, dimension=3))),
        (TransferTable.DOMAINS, a_domain("")),
        (TransferTable.REVIEW_EVENTS, replace(an_event(7), timestamp=START.replace(tzinfo=None))),
        (
            TransferTable.KNOWLEDGE_NODES,
            ScheduledMemory(
                record=a_memory("new"),
                scheduling=a_scheduling(an_id("new"), difficulty=99.0),
            ),
        ),
        (
            TransferTable.KNOWLEDGE_NODES,
            ScheduledMemory(record=a_memory("new"), scheduling=a_scheduling(an_id("other"))),
        ),
    ],
)
async def test_a_row_that_a_single_write_would_refuse_is_listed(
    store: MemoryStore, table: TransferTable, row: TransferRow
) -> None:
    await store.upsert_user(ANA)
    await store.upsert_group(TEAM)
    await store.insert_many([a_memory("known"), a_memory("other")])
    before = await whole(store)
    result = await store.import_rows(table, [row])
    assert (result.written, result.present, len(result.failures)) == (0, 0, 1)
    assert result.failures[0].reason
    assert await whole(store) == before


async def test_a_key_twice_in_a_batch_is_written_once_and_then_present(store: MemoryStore) -> None:
    first, second = a_memory("first"), a_memory("second", id=a_memory("first").id)
    result = await store.import_rows(TransferTable.KNOWLEDGE_NODES, scheduled(first, second))
    assert result == ImportResult(written=1, present=1)
    assert await store.list_memories() == [first]


async def test_review_events_keep_their_ids_and_new_ones_come_after_them(
    store: MemoryStore,
) -> None:
    known = a_memory("known")
    await store.insert(known)
    events = [an_event(event_id) for event_id in (3, 4, 900)]
    result = await store.import_rows(TransferTable.REVIEW_EVENTS, events)
    assert result == ImportResult(written=3, present=0)
    assert await store.list_review_events() == events
    new = await store.record_review(known.id, Rating.GOOD, a_scheduling(known.id), START)
    assert new.id > 900
    assert await store.list_review_events() == [*events, new]


async def test_an_imported_review_event_leaves_the_scheduling(store: MemoryStore) -> None:
    known = a_memory("known")
    await store.insert(known, a_scheduling(known.id, stability=77.0))
    await store.import_rows(TransferTable.REVIEW_EVENTS, [an_event(1)])
    assert await store.get_scheduling(known.id) == a_scheduling(known.id, stability=77.0)


async def test_an_import_keeps_the_times_and_the_scheduling_of_a_memory(
    store: MemoryStore,
) -> None:
    record = a_full_memory("old", created_at=START - 99 * DAY, updated_at=START - 9 * DAY)
    state = a_scheduling(record.id, retrievability=0.25, next_review=None)
    row = ScheduledMemory(record=record, scheduling=state)
    await store.import_rows(TransferTable.KNOWLEDGE_NODES, [row])
    assert await every_row(store, TransferTable.KNOWLEDGE_NODES) == [row]


async def test_a_local_user_of_another_store_is_present_already(store: MemoryStore) -> None:
    before = await store.list_users()
    other = User(id=LOCAL_USER_ID, handle="local", created_at=START - DAY, display_name="Other")
    result = await store.import_rows(TransferTable.USERS, [other])
    assert result == ImportResult(written=0, present=1)
    assert await store.list_users() == before


async def test_a_large_table_is_paged_whole(store: MemoryStore) -> None:
    ids = [a_numbered_id(number + 1) for number in range(1203)]
    await store.insert_many([a_memory(str(n), id=id_) for n, id_ in enumerate(ids)])
    page = await store.export_page(TransferTable.KNOWLEDGE_NODES)
    assert len(page.rows) == 500
    rows = await every_row(store, TransferTable.KNOWLEDGE_NODES)
    assert len(rows) == len(ids)
