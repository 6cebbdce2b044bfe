"""Weights that are fitted to a store's reviews, put to use, followed and taken back."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory, a_scheduling, a_set_of_weights
from reviewers import FORGETFUL, events_of, store_reviews
from vestige.cognition import fsrs
from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS
from vestige.engine.fitting import LAPSES_MIN, SAMPLES_MIN
from vestige.engine.recall_options import RecallFilter, RecallOptions
from vestige.engine.weights import weights_of
from vestige.errors import InvalidInputError
from vestige.models import Rating, ScheduledMemory, TransferTable

if TYPE_CHECKING:
    from factories import ManualClock
    from vestige.engine.engine import Engine
    from vestige.models import FsrsWeights
    from vestige.storage.protocol import MemoryStore

FITTED = a_set_of_weights(decay=0.5)
MEMORIES, REVIEWS = 150, 8


async def fill(store: MemoryStore, *, memories: int = MEMORIES) -> None:
    await store_reviews(store, FORGETFUL, memories=memories, reviews=REVIEWS)


async def whole(store: MemoryStore) -> list[object]:
    pages = [await store.export_page(table, limit=1000) for table in TransferTable]
    return [row for page in pages for row in page.rows]


async def test_a_fit_predicts_the_latest_reviews_better_and_writes_nothing(
    any_engine: Engine, clock: ManualClock
) -> None:
    await fill(any_engine.store)
    clock.advance(900 * DAY)
    before = await whole(any_engine.store)
    told: list[float] = []
    result = await any_engine.fit_fsrs_weights(
        advance=lambda count, total: told.append(count / total)
    )
    assert result.is_better
    assert result.after.log_loss < result.before.log_loss
    assert result.after.rmse < result.before.rmse
    assert (result.is_applied, result.refreshed) == (False, 0)
    assert (result.review_count, result.memory_count) == (MEMORIES * REVIEWS, MEMORIES)
    assert result.sample_count == MEMORIES * REVIEWS
    assert result.held_out_count == MEMORIES * REVIEWS // 5
    assert result.previous == DEFAULT_WEIGHTS != result.weights
    assert sum(told) == pytest.approx(1)
    assert await whole(any_engine.store) == before
    assert await any_engine.fsrs_weights() is None


async def test_better_weights_are_applied_and_all_memories_fade_by_them(
    any_engine: Engine, clock: ManualClock
) -> None:
    await fill(any_engine.store)
    clock.advance(900 * DAY)
    (row, *_) = (await any_engine.store.export_page(TransferTable.KNOWLEDGE_NODES)).rows
    assert isinstance(row, ScheduledMemory)
    result = await any_engine.fit_fsrs_weights(apply=True)
    stored = await any_engine.fsrs_weights()
    assert stored is not None
    assert (result.is_applied, stored.weights) == (True, astuple(result.weights))
    assert (stored.review_count, stored.fitted_at) == (result.sample_count, clock.now())
    assert stored.log_loss_after == result.after.log_loss < stored.log_loss_before
    assert result.refreshed == MEMORIES
    after = await any_engine.store.get_scheduling(row.record.id)
    assert after is not None
    # The curve is another one; how stable a memory is, and when it is due, changes with reviews.
    expected = fsrs.current_retrievability(after, clock.now(), decay=result.weights.decay)
    assert after.retrievability == pytest.approx(expected)
    assert (after.stability, after.next_review) == (
        row.scheduling.stability,
        row.scheduling.next_review,
    )


async def test_a_second_fit_to_the_same_reviews_finds_nothing_better(any_engine: Engine) -> None:
    """What is in use by then was fitted to the reviews that are kept out of the comparison."""
    await fill(any_engine.store)
    first = await any_engine.fit_fsrs_weights(apply=True)
    stored = await any_engine.fsrs_weights()
    again = await any_engine.fit_fsrs_weights(apply=True)
    assert (again.is_better, again.is_applied) == (False, False)
    assert again.previous == first.weights
    assert await any_engine.fsrs_weights() == stored


async def test_too_few_reviews_are_refused_with_what_is_there_and_what_is_needed(
    any_engine: Engine,
) -> None:
    await fill(any_engine.store, memories=12)
    with pytest.raises(InvalidInputError) as caught:
        await any_engine.fit_fsrs_weights(apply=True)
    text = str(caught.value)
    assert f"96 of {12 * REVIEWS} can be learned from" in text
    assert f"needed are {SAMPLES_MIN}, and {LAPSES_MIN} rated `again`" in text
    assert await any_engine.fsrs_weights() is None


async def test_somebody_who_forgets_nothing_is_refused(any_engine: Engine) -> None:
    events = events_of(FORGETFUL, memories=MEMORIES, reviews=REVIEWS)
    memories = {event.memory_id for event in events}
    await any_engine.store.insert_many([a_memory(str(one), id=one) for one in memories])
    for memory_id in sorted(memories):
        for day in range(3):
            at = START + (day + 1) * DAY
            state = a_scheduling(memory_id, last_review=at, reps=day + 1)
            await any_engine.store.record_review(memory_id, Rating.GOOD, state, at)
    with pytest.raises(InvalidInputError, match="0 of them rated `again`"):
        await any_engine.fit_fsrs_weights()


async def test_a_reset_goes_back_to_the_default_curve(
    any_engine: Engine, clock: ManualClock
) -> None:
    memory = a_memory("text")
    await any_engine.store.insert(memory)
    clock.advance(30 * DAY)
    await any_engine.reset_fsrs_weights()
    before = await any_engine.store.get_scheduling(memory.id)
    await any_engine.store.set_fsrs_weights(FITTED)
    await any_engine.consolidate()
    assert await any_engine.store.get_scheduling(memory.id) != before
    assert await any_engine.reset_fsrs_weights() == 1
    assert await any_engine.fsrs_weights() is None
    assert await any_engine.store.get_scheduling(memory.id) == before


async def test_an_open_engine_follows_weights_that_another_one_writes(
    any_engine: Engine, clock: ManualClock
) -> None:
    old = (await any_engine.remember("the door is green")).id
    weights = FORGETFUL
    clock.advance(3 * DAY)
    await any_engine.store.set_fsrs_weights(replace(FITTED, weights=astuple(weights)))
    assert await weights_of(any_engine.store) == weights
    new = (await any_engine.remember("ships sail at night")).id
    _, fresh = await any_engine.get(new)
    assert fresh == fsrs.initial_state(new, clock.now(), weights=weights)
    (hit, *_) = (await any_engine.recall("door green")).hits
    _, state = await any_engine.get(old)
    assert state is not None
    shown = fsrs.current_retrievability(state, clock.now(), decay=weights.decay)
    assert (hit.record.id, hit.retrievability) == (old, pytest.approx(shown))
    (due,) = await any_engine.due()
    assert due.retrievability == pytest.approx(shown)
    result = await any_engine.review(old, Rating.GOOD)
    assert result.after == fsrs.review(state, Rating.GOOD, clock.now(), weights=weights)


async def test_a_recall_filters_and_reinforces_by_the_weights_of_the_store(
    any_engine: Engine, clock: ManualClock
) -> None:
    memory_id = (await any_engine.remember("the door is green")).id
    clock.advance(30 * DAY)
    _, state = await any_engine.get(memory_id)
    assert state is not None
    by_default = fsrs.current_retrievability(state, clock.now())
    by_fit = fsrs.current_retrievability(state, clock.now(), decay=0.5)
    narrowed = RecallFilter(min_retrievability=(by_default + by_fit) / 2)
    assert len((await any_engine.recall("door", narrowed=narrowed)).hits) == 1
    await any_engine.store.set_fsrs_weights(FITTED)
    assert (await any_engine.recall("door", narrowed=narrowed)).hits == ()
    await any_engine.recall("door", options=RecallOptions(reinforce=True))
    _, after = await any_engine.get(memory_id)
    weights = await weights_of(any_engine.store)
    assert after == fsrs.review(state, Rating.GOOD, clock.now(), weights=weights)


async def test_what_was_cut_off_after_the_weights_were_written_is_finished_by_a_consolidation(
    any_engine: Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(any_engine.store)
    clock.advance(900 * DAY)
    refresh = any_engine.store.refresh_retrievability

    async def killed(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(any_engine.store, "refresh_retrievability", killed)
    with pytest.raises(KeyboardInterrupt):
        await any_engine.fit_fsrs_weights(apply=True)
    monkeypatch.setattr(any_engine.store, "refresh_retrievability", refresh)
    assert await any_engine.fsrs_weights() is not None
    assert (await any_engine.consolidation_plan()).retrievability == MEMORIES
    assert (await any_engine.consolidate()).retrievability == MEMORIES
    assert (await any_engine.consolidation_plan()).retrievability == 0


async def test_weights_that_somebody_put_into_the_table_are_refused_with_the_way_back(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wrong() -> FsrsWeights:
        return a_set_of_weights(decay=9.0)

    monkeypatch.setattr(any_engine.store, "get_fsrs_weights", wrong)
    with pytest.raises(InvalidInputError, match="fsrs_weights: w20") as caught:
        await any_engine.due()
    assert "vestige fsrs reset" in caught.value.hint
