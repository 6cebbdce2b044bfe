"""FSRS-6 states, and which memories are due."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from closeness import assert_close
from factories import DAY, START, a_memory, a_numbered_id, a_scheduling, an_id
from vestige.errors import InvalidInputError, MemoryNotFoundError

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.storage.protocol import MemoryStore

# FSRS-6 with its default weights, first rating `good`: S0 = w2, D0 = w4 - exp(2 * w5) + 1.
INITIAL_STABILITY = 2.3065
INITIAL_DIFFICULTY = 2.118103970459015
MICROSECOND = timedelta(microseconds=1)


async def test_without_a_state_a_memory_starts_as_good_and_is_due_after_one_day(
    store: MemoryStore,
) -> None:
    record = a_memory(created_at=START - 5 * DAY)
    await store.insert(record)
    state = await store.get_scheduling(record.id)
    assert state is not None
    assert state.memory_id == record.id
    initial = (INITIAL_STABILITY, INITIAL_DIFFICULTY)
    assert_close((state.stability, state.difficulty), initial, tolerance=1e-9)
    assert state.retrievability == 1.0
    assert state.last_review == record.created_at
    assert state.next_review == record.created_at + DAY
    assert (state.reps, state.lapses) == (0, 0)


async def test_the_callers_state_is_stored_as_given(store: MemoryStore) -> None:
    record = a_memory()
    state = a_scheduling(
        record.id, stability=1 / 3, difficulty=0.1 + 1.2, retrievability=2 / 3, reps=7, lapses=3
    )
    await store.insert(record, state)
    assert await store.get_scheduling(record.id) == state


async def test_a_state_without_times_is_stored_as_given(store: MemoryStore) -> None:
    record = a_memory()
    state = a_scheduling(record.id, last_review=None, next_review=None, reps=0)
    await store.insert(record, state)
    assert await store.get_scheduling(record.id) == state


async def test_an_insert_with_the_state_of_another_memory_is_refused(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError):
        await store.insert(a_memory("one"), a_scheduling(an_id("other")))
    assert await store.count() == 0


async def test_get_scheduling_of_an_unknown_id_is_none(store: MemoryStore) -> None:
    assert await store.get_scheduling(an_id("unknown")) is None


async def test_update_scheduling_replaces_the_whole_state(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record, a_scheduling(record.id, lapses=2))
    new = a_scheduling(
        record.id,
        stability=36500.0,
        difficulty=1.0,
        retrievability=0.0,
        last_review=START + DAY,
        next_review=None,
        reps=9,
    )
    await store.update_scheduling(new)
    assert await store.get_scheduling(record.id) == new


async def test_update_scheduling_leaves_the_memory_as_it_is(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    await store.update_scheduling(a_scheduling(record.id))
    assert await store.get(record.id) == record


async def test_update_scheduling_of_an_unknown_id_names_it(store: MemoryStore) -> None:
    with pytest.raises(MemoryNotFoundError) as caught:
        await store.update_scheduling(a_scheduling(an_id("unknown")))
    assert caught.value.memory_id == an_id("unknown")
    assert await store.get_scheduling(an_id("unknown")) is None


async def test_of_two_writers_the_last_wins(store: MemoryStore, open_handle: OpenHandle) -> None:
    record = a_memory()
    await store.insert(record)
    other = await open_handle()
    await store.update_scheduling(a_scheduling(record.id, stability=1.0))
    await other.update_scheduling(a_scheduling(record.id, stability=2.0))
    for handle in (store, other):
        assert await handle.get_scheduling(record.id) == a_scheduling(record.id, stability=2.0)


async def test_writers_at_the_same_time_all_succeed(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    record = a_memory()
    await store.insert(record)
    handles = [store, await open_handle()]
    states = [a_scheduling(record.id, stability=float(n + 1), reps=n) for n in range(20)]
    await asyncio.gather(*(handles[n % 2].update_scheduling(states[n]) for n in range(20)))
    assert await store.get_scheduling(record.id) in states


async def test_times_in_other_zones_come_back_in_utc(store: MemoryStore) -> None:
    record = a_memory()
    zone = timezone(timedelta(hours=-9, minutes=-30))
    state = a_scheduling(
        record.id, last_review=START.astimezone(zone), next_review=(START + DAY).astimezone(zone)
    )
    await store.insert(record, state)
    stored = await store.get_scheduling(record.id)
    assert stored == state
    assert stored is not None
    assert stored.last_review is not None
    assert stored.next_review is not None
    assert {stored.last_review.utcoffset(), stored.next_review.utcoffset()} == {timedelta()}


async def test_a_memory_is_due_from_its_next_review_on(store: MemoryStore) -> None:
    record = a_memory()
    state = a_scheduling(record.id, next_review=START + DAY)
    await store.insert(record, state)
    assert await store.get_due_memories(START + DAY - MICROSECOND) == []
    assert await store.get_due_memories(START + DAY) == [(record, state)]
    assert await store.get_due_memories(START + 99 * DAY) == [(record, state)]


async def test_a_memory_without_a_next_review_is_never_due(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record, a_scheduling(record.id, next_review=None))
    assert await store.get_due_memories(datetime(9999, 1, 1, tzinfo=UTC)) == []


async def test_the_longest_due_comes_first_and_ties_go_by_id(store: MemoryStore) -> None:
    days = {4: 3, 1: 3, 3: 1, 2: 2, 5: 2}
    for number, day in days.items():
        record = a_memory(str(number), id=a_numbered_id(number))
        await store.insert(record, a_scheduling(record.id, next_review=START + DAY * day))
    due = await store.get_due_memories(START + 9 * DAY)
    assert [record.content for record, _ in due] == ["3", "2", "5", "1", "4"]
    assert [state.memory_id for _, state in due] == [record.id for record, _ in due]


async def test_due_memories_are_ten_by_default_and_as_many_as_asked(store: MemoryStore) -> None:
    await store.insert_many([a_memory(str(n), id=a_numbered_id(n + 1)) for n in range(14)])
    everything = await store.get_due_memories(START + DAY, limit=1000)
    assert len(everything) == 14
    assert await store.get_due_memories(START + DAY) == everything[:10]
    assert await store.get_due_memories(START + DAY, limit=3) == everything[:3]


@pytest.mark.parametrize("limit", [-1, 1001])
async def test_due_memories_refuse_a_limit_outside_its_range(
    store: MemoryStore, limit: int
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.get_due_memories(START, limit)
    assert caught.value.field == "limit"


async def test_due_memories_refuse_a_time_without_a_zone(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.get_due_memories(START.replace(tzinfo=None))
    assert caught.value.field == "before"


async def test_due_memories_of_an_instant_are_the_same_in_every_zone(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    for hours in (-12, 0, 14):
        before = (START + DAY).astimezone(timezone(timedelta(hours=hours)))
        assert len(await store.get_due_memories(before)) == 1
        assert await store.get_due_memories(before - MICROSECOND) == []


async def test_a_rescheduled_memory_is_due_by_its_new_time(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    state = a_scheduling(record.id, next_review=START + 30 * DAY)
    await store.update_scheduling(state)
    assert await store.get_due_memories(START + 29 * DAY) == []
    await store.update_scheduling(replace(state, next_review=START))
    assert len(await store.get_due_memories(START)) == 1
