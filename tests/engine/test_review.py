"""Reviews: explicit feedback, scheduled by FSRS-6."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from factories import DAY, START, ManualClock
from vestige.cognition import fsrs
from vestige.errors import InvalidInputError
from vestige.models import Rating

if TYPE_CHECKING:
    from vestige.engine.engine import Engine


@pytest.mark.parametrize("rating", Rating)
async def test_a_review_schedules_by_fsrs_and_is_recorded(
    engine: Engine, clock: ManualClock, rating: Rating
) -> None:
    created = await engine.remember("The port is 8080.")
    clock.advance(3 * DAY)
    result = await engine.review(created.id, rating)
    assert result.after == fsrs.review(result.before, rating, START + 3 * DAY)
    _, scheduling = await engine.get(created.id)
    assert scheduling == result.after
    (event,) = await engine.store.list_review_events(created.id)
    assert (event.rating, event.timestamp) == (rating, START + 3 * DAY)
    assert (event.prior_state, event.new_state) == (result.before, result.after)


async def test_scheduling_can_be_rebuilt_from_the_events(
    engine: Engine, clock: ManualClock
) -> None:
    created = await engine.remember("The port is 8080.")
    for rating in (Rating.GOOD, Rating.AGAIN, Rating.HARD, Rating.EASY):
        clock.advance(5 * DAY)
        await engine.review(created.id, rating)
    events = await engine.store.list_review_events(created.id)
    rebuilt = fsrs.replay(
        events[0].prior_state, [(event.rating, event.timestamp) for event in events]
    )
    assert rebuilt == await engine.store.get_scheduling(created.id)


async def test_promote_is_easy_and_demote_is_again(engine: Engine) -> None:
    created = await engine.remember("The port is 8080.")
    await engine.promote(created.id)
    await engine.demote(created.id)
    events = await engine.store.list_review_events(created.id)
    assert [event.rating for event in events] == [Rating.EASY, Rating.AGAIN]


async def test_a_rating_out_of_range_is_refused(engine: Engine) -> None:
    created = await engine.remember("The port is 8080.")
    with pytest.raises(InvalidInputError, match="rating"):
        await engine.review(created.id, cast("Rating", 5))
    assert await engine.store.list_review_events(created.id) == []


async def test_due_memories_come_longest_due_first(engine: Engine, clock: ManualClock) -> None:
    first = await engine.remember("First.")
    clock.advance(DAY / 2)
    second = await engine.remember("Second.")
    assert await engine.due() == []
    clock.advance(DAY)
    due = await engine.due()
    assert [memory.record.id for memory in due] == [first.id, second.id]
    assert [memory.due_at for memory in due] == [START + DAY, START + 1.5 * DAY]
    assert all(0.9 < memory.retrievability < 1 for memory in due)
    assert [memory.record.id for memory in await engine.due(before=START + DAY)] == [first.id]
