"""Memories that are superseded, suppressed or past their time stay, and can be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory, a_signature, a_vector, an_id
from vestige.errors import InvalidInputError
from vestige.models import MemoryFilter, MemoryRecord, SearchQuery

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore

LATER = START + 10 * DAY
RECORDS = (
    a_memory("bread now", embedding=a_vector(1)),
    a_memory("bread superseded", superseded_at=LATER, embedding=a_vector(1)),
    a_memory("bread suppressed", suppressed_at=LATER, embedding=a_vector(1)),
    a_memory("bread expired", valid_until=LATER, embedding=a_vector(1)),
)


async def fill(store: MemoryStore) -> None:
    await store.register_model(a_signature())
    await store.insert_many(RECORDS)


def contents(records: list[MemoryRecord]) -> set[str]:
    return {record.content for record in records}


async def test_what_ends_a_memory_comes_back_with_it(store: MemoryStore) -> None:
    await fill(store)
    for record in RECORDS:
        assert await store.get(record.id) == record


@pytest.mark.parametrize("leg", ["text", "embedding", "both"])
async def test_a_search_leaves_out_what_is_not_current(store: MemoryStore, leg: str) -> None:
    await fill(store)
    query = SearchQuery(
        text=None if leg == "embedding" else "bread",
        embedding=None if leg == "text" else a_vector(1),
        current_at=LATER,
    )
    assert contents([hit.record for hit in await store.search(query)]) == {"bread now"}


async def test_a_search_at_an_earlier_time_finds_what_was_current_then(store: MemoryStore) -> None:
    await fill(store)
    found = await store.search(SearchQuery(text="bread", current_at=LATER - DAY))
    # Hiding is a wish of its own, whatever the time that is asked about.
    assert contents([hit.record for hit in found]) == {
        "bread now", "bread superseded", "bread expired",
    }  # fmt: skip


async def test_a_search_without_a_time_finds_all(store: MemoryStore) -> None:
    await fill(store)
    assert len(await store.search(SearchQuery(text="bread"))) == len(RECORDS)


async def test_lists_and_counts_leave_out_what_is_not_current(store: MemoryStore) -> None:
    await fill(store)
    current = MemoryFilter(current_at=LATER)
    assert contents(await store.list_memories(current)) == {"bread now"}
    assert await store.count(current) == 1
    assert await store.count() == len(RECORDS)


async def test_what_is_not_current_is_not_due(store: MemoryStore) -> None:
    await fill(store)
    due = await store.get_due_memories(LATER)
    assert contents([record for record, _ in due]) == {"bread now"}


async def test_marks_are_changed_without_a_new_time_of_change(store: MemoryStore) -> None:
    await fill(store)
    hidden = a_memory("bread now", suppressed_at=LATER, embedding=a_vector(1))
    await store.update(hidden)
    assert await store.get(hidden.id) == hidden
    await store.update(RECORDS[0])
    assert await store.get(hidden.id) == RECORDS[0]


@pytest.mark.parametrize("field", ["valid_until", "superseded_at", "suppressed_at"])
async def test_a_time_without_a_zone_is_refused(store: MemoryStore, field: str) -> None:
    naive = LATER.replace(tzinfo=None)
    record = a_memory("text", **{field: naive})  # pyright: ignore[reportArgumentType]  # any field
    with pytest.raises(InvalidInputError, match=field):
        await store.insert(record)


async def test_scheduling_of_several_comes_in_the_order_asked_for(store: MemoryStore) -> None:
    await fill(store)
    ids = [RECORDS[2].id, an_id("unknown"), RECORDS[0].id]
    states = await store.list_scheduling(ids)
    assert [state.memory_id for state in states] == [RECORDS[2].id, RECORDS[0].id]
    assert states[1] == await store.get_scheduling(RECORDS[0].id)
    assert await store.list_scheduling([]) == []
