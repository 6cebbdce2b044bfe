"""The log of reviews, written together with the state that each one led to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, cast

import pytest

from factories import DAY, START, a_memory, a_scheduling, an_id
from vestige.errors import InvalidInputError, MemoryNotFoundError
from vestige.models import Rating

if TYPE_CHECKING:
    from uuid import UUID

    from conftest import OpenHandle
    from vestige.models import ReviewEvent, SchedulingState
    from vestige.storage.protocol import MemoryStore


async def review(store: MemoryStore, memory_id: UUID, number: int) -> ReviewEvent:
    state = a_scheduling(memory_id, stability=float(number + 1), reps=number + 1)
    rating = Rating(number % 4 + 1)
    return await store.record_review(memory_id, rating, state, START + DAY * number)


@pytest.mark.parametrize("rating", Rating)
async def test_a_review_is_returned_with_what_it_did(store: MemoryStore, rating: Rating) -> None:
    record = a_memory()
    prior, new = a_scheduling(record.id), a_scheduling(record.id, stability=20.0, reps=2)
    await store.insert(record, prior)
    event = await store.record_review(record.id, rating, new, START + DAY)
    assert (event.memory_id, event.rating) == (record.id, rating)
    assert isinstance(event.rating, Rating)
    assert event.timestamp == START + DAY
    assert (event.prior_state, event.new_state) == (prior, new)
    assert await store.list_review_events() == [event]


async def test_a_review_writes_the_state_it_led_to(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    new = a_scheduling(record.id, stability=3.7, reps=1, lapses=1)
    await store.record_review(record.id, Rating.AGAIN, new, START)
    assert await store.get_scheduling(record.id) == new
    assert await store.get(record.id) == record


async def test_the_prior_state_is_the_stored_one_at_that_moment(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    initial = await store.get_scheduling(record.id)
    events = [await review(store, record.id, number) for number in range(3)]
    changed = a_scheduling(record.id, stability=777.0)
    await store.update_scheduling(changed)
    events.append(await review(store, record.id, 3))
    assert [event.prior_state for event in events] == [
        initial,
        events[0].new_state,
        events[1].new_state,
        changed,
    ]


async def test_states_and_times_in_an_event_are_exact(store: MemoryStore) -> None:
    record = a_memory()
    prior = a_scheduling(
        record.id, stability=0.1 + 0.2, difficulty=10 / 3, retrievability=5e-324, next_review=None
    )
    new = a_scheduling(
        record.id,
        stability=36499.99999999999,
        difficulty=9.999999999999998,
        retrievability=1 / 3,
        last_review=START + timedelta(microseconds=1),
        next_review=START.replace(year=9999),
        reps=2**31 - 1,
        lapses=12,
    )
    await store.insert(record, prior)
    await store.record_review(record.id, Rating.EASY, new, START + timedelta(microseconds=7))
    (event,) = await store.list_review_events(record.id)
    assert (event.prior_state, event.new_state) == (prior, new)
    assert event.timestamp == START + timedelta(microseconds=7)


async def test_times_of_an_event_come_back_in_utc(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    zone = timezone(timedelta(hours=5, minutes=45))
    state = a_scheduling(record.id, last_review=START.astimezone(zone))
    await store.record_review(record.id, Rating.GOOD, state, START.astimezone(zone))
    (event,) = await store.list_review_events()
    assert event.timestamp == START
    assert event.new_state == state
    assert event.new_state.last_review is not None
    assert event.new_state.last_review.utcoffset() == timedelta()
    assert event.timestamp.utcoffset() == timedelta()


async def test_a_review_of_an_unknown_id_names_it(store: MemoryStore) -> None:
    unknown = an_id("unknown")
    with pytest.raises(MemoryNotFoundError) as caught:
        await store.record_review(unknown, Rating.GOOD, a_scheduling(unknown), START)
    assert caught.value.memory_id == unknown
    assert await store.list_review_events() == []


def refused_reviews() -> dict[str, tuple[str, Rating, SchedulingState]]:
    """Return reviews of the memory `one` that must be refused, and the field to blame."""
    good = a_scheduling(an_id("one"))
    return {
        "rating 0": ("rating", cast("Rating", 0), good),
        "rating 5": ("rating", cast("Rating", 5), good),
        "rating -1": ("rating", cast("Rating", -1), good),
        "state of another memory": ("memory_id", Rating.GOOD, a_scheduling(an_id("other"))),
        "state out of range": ("stability", Rating.GOOD, replace(good, stability=0.0)),
    }


@pytest.mark.parametrize("name", refused_reviews())
async def test_a_refused_review_writes_neither_event_nor_state(
    store: MemoryStore, name: str
) -> None:
    field, rating, state = refused_reviews()[name]
    await store.insert_many([a_memory("one"), a_memory("other")])
    before = await store.get_scheduling(an_id("one"))
    with pytest.raises(InvalidInputError) as caught:
        await store.record_review(an_id("one"), rating, state, START)
    assert field in caught.value.field
    assert await store.get_scheduling(an_id("one")) == before
    assert await store.list_review_events() == []


async def test_a_review_without_a_time_zone_is_refused(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    naive = START.replace(tzinfo=None)
    with pytest.raises(InvalidInputError) as caught:
        await store.record_review(record.id, Rating.GOOD, a_scheduling(record.id), naive)
    assert caught.value.field == "timestamp"
    assert await store.list_review_events() == []


async def test_events_come_in_the_order_they_were_recorded(store: MemoryStore) -> None:
    one, other = a_memory("one"), a_memory("other")
    await store.insert_many([one, other])
    numbers = [5, 1, 4, 2, 3]  # the days of the reviews are not in order
    events = [await review(store, (one, other)[number % 2].id, number) for number in numbers]
    assert await store.list_review_events() == events
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert await store.list_review_events(one.id) == [e for e in events if e.memory_id == one.id]


@pytest.mark.parametrize("only_one", [False, True])
async def test_pages_of_events_hold_each_once(store: MemoryStore, only_one: bool) -> None:
    one, other = a_memory("one"), a_memory("other")
    await store.insert_many([one, other])
    recorded = [
        await review(store, (one, other)[number % 3 % 2].id, number) for number in range(17)
    ]
    memory_id = one.id if only_one else None
    listed: list[ReviewEvent] = []
    after: int | None = None
    while page := await store.list_review_events(memory_id, after=after, limit=4):
        assert len(page) <= 4
        listed += page
        after = page[-1].id
    assert listed == [event for event in recorded if not only_one or event.memory_id == one.id]


async def test_events_are_ten_by_default(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    events = [await review(store, record.id, number) for number in range(12)]
    assert await store.list_review_events() == events[:10]
    assert await store.list_review_events(limit=1000) == events


@pytest.mark.parametrize("limit", [-1, 1001])
async def test_events_refuse_a_limit_outside_its_range(store: MemoryStore, limit: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.list_review_events(limit=limit)
    assert caught.value.field == "limit"


async def test_events_of_an_unknown_memory_are_none(store: MemoryStore) -> None:
    record = a_memory()
    await store.insert(record)
    await review(store, record.id, 0)
    assert await store.list_review_events(an_id("unknown")) == []


async def test_an_id_of_an_event_is_never_given_twice(store: MemoryStore) -> None:
    gone, kept = a_memory("gone"), a_memory("kept")
    await store.insert_many([gone, kept])
    first = await review(store, gone.id, 0)
    await store.delete(gone.id)
    assert (await review(store, kept.id, 1)).id > first.id


async def test_reviews_at_the_same_time_form_one_chain(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    record = a_memory()
    await store.insert(record)
    initial = await store.get_scheduling(record.id)
    handles = [store, await open_handle()]
    await asyncio.gather(*(review(handles[n % 2], record.id, n) for n in range(20)))
    events = await store.list_review_events(limit=100)
    assert len(events) == 20
    states = [initial, *(event.new_state for event in events)]
    assert [event.prior_state for event in events] == states[:-1]
    assert await store.get_scheduling(record.id) == states[-1]
