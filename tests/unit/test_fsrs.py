"""FSRS-6 against py-fsrs, and what must hold for any history."""

from __future__ import annotations

import math
import random
from dataclasses import Field, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeAlias
from uuid import UUID

import fsrs as py_fsrs
import pytest
from fsrs.scheduler import (
    DEFAULT_PARAMETERS,
    LOWER_BOUNDS_PARAMETERS,
    UPPER_BOUNDS_PARAMETERS,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.cognition import fsrs
from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS, WEIGHT_BOUNDS, Weights
from vestige.models import Rating, SchedulingState

History: TypeAlias = list[tuple[Rating, timedelta]]  # a rating, and the gap before it

MEMORY_ID = UUID(int=7)
CREATED_AT = datetime(2024, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)
TOLERANCE = 1e-9
# Weights at their bounds drive stability into the ten thousands within a few reviews, where the
# rounding of twenty float operations (relative 1e-13) is no longer below 1e-9.
FOREIGN_WEIGHTS_TOLERANCE = 1e-7
SECONDS_PER_DAY = 86_400

# A lapse, a review on the same day, and each grade after some time.
SHORT_HISTORIES: list[History] = [
    [(Rating.HARD, timedelta(days=9)), (rating, timedelta(days=gap)), (Rating.GOOD, timedelta(0))]
    for rating in Rating
    for gap in (0, 30)
]

ratings = st.sampled_from(Rating)
gaps = st.one_of(
    st.timedeltas(timedelta(days=-2), timedelta(days=1)),  # the same day, or a clock set back
    st.integers(0, 60).map(lambda days: timedelta(days=days)),  # on the edge of a day
    st.timedeltas(timedelta(days=1), timedelta(days=60)),
    st.timedeltas(timedelta(days=60), timedelta(days=20_000)),
)
histories = st.lists(st.tuples(ratings, gaps), max_size=40)
unhurried = settings(deadline=None)  # a busy machine is no failure
stabilities = st.floats(fsrs.STABILITY_MIN, fsrs.STABILITY_MAX)
difficulties = st.floats(fsrs.DIFFICULTY_MIN, fsrs.DIFFICULTY_MAX)
recalls = st.floats(0.0, 1.0)
weights_of_any_size = st.tuples(
    *(st.floats(low, high) for low, high in WEIGHT_BOUNDS),
).map(Weights.from_sequence)


def test_the_weights_and_their_bounds_are_those_of_py_fsrs() -> None:
    values = tuple(getattr(DEFAULT_WEIGHTS, field.name) for field in fields(Weights))
    assert values == DEFAULT_PARAMETERS
    assert (
        tuple(zip(LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS, strict=True)) == WEIGHT_BOUNDS
    )
    assert Weights.from_sequence(DEFAULT_PARAMETERS) == DEFAULT_WEIGHTS


def test_a_sequence_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="21 weights, got 19"):
        Weights.from_sequence(DEFAULT_PARAMETERS[:19])


@pytest.mark.parametrize("decay", [0.0, 0.81, -0.5, math.nan])
def test_a_weight_out_of_bounds_is_named(decay: float) -> None:
    with pytest.raises(ValueError, match=r"w20 \(decay\)"):
        Weights(decay=decay)


# The oracle


@settings(max_examples=400, deadline=None)
@given(history=histories)
def test_any_history_gives_what_py_fsrs_gives(history: History) -> None:
    _assert_equal_to_py_fsrs(history)


@settings(max_examples=100, deadline=None)
@given(history=histories, weights=weights_of_any_size, retention=st.floats(0.7, 0.99))
def test_any_history_with_other_weights_gives_what_py_fsrs_gives(
    history: History, weights: Weights, retention: float
) -> None:
    # A first `good` under the default weights is where a memory starts, whatever follows.
    _assert_equal_to_py_fsrs(history, weights, retention, tolerance=FOREIGN_WEIGHTS_TOLERANCE)


def test_thousands_of_seeded_histories_give_what_py_fsrs_gives() -> None:
    source = random.Random(20_240_229)  # noqa: S311  # histories, not secrets
    for _ in range(5_000):
        longest_gap = source.choice([1.0, 20.0, 400.0, 6_000.0])
        weights = [source.random() for _ in Rating]
        _assert_equal_to_py_fsrs(
            [
                (
                    source.choices(list(Rating), weights)[0],
                    timedelta(seconds=source.uniform(0, longest_gap * SECONDS_PER_DAY)),
                )
                for _ in range(source.randrange(1, 25))
            ]
        )


@pytest.mark.parametrize("field", fields(Weights), ids=lambda field: field.name)
def test_each_of_the_21_weights_counts_as_it_does_in_py_fsrs(field: Field[float]) -> None:
    moved = getattr(DEFAULT_WEIGHTS, field.name) * 0.9 + 0.011
    weights = replace(DEFAULT_WEIGHTS, **{field.name: moved})
    is_changed = False
    for first in Rating:
        for history in SHORT_HISTORIES:
            state, card = _after_first_review(first, weights)
            for rating, at in _timed(history):
                state = fsrs.review(state, rating, at, weights=weights)
                card, _ = _scheduler(weights).review_card(card, py_fsrs.Rating(rating), at)
                _assert_equal_states(state, card)
            plain = fsrs.replay(_after_first_review(first, DEFAULT_WEIGHTS)[0], _timed(history))
            is_changed |= state != plain
    assert is_changed


def test_a_first_review_of_any_grade_gives_what_py_fsrs_gives() -> None:
    for rating in Rating:
        card, _ = _scheduler().review_card(
            py_fsrs.Card(card_id=1, due=CREATED_AT), py_fsrs.Rating(rating), CREATED_AT
        )
        never_reviewed = SchedulingState(memory_id=MEMORY_ID, stability=0.0, difficulty=0.0)
        state = fsrs.review(never_reviewed, rating, CREATED_AT)
        _assert_equal_states(state, card)


# A memory's life


def test_a_new_memory_is_known_like_after_a_first_good_and_due_the_next_day() -> None:
    state = fsrs.initial_state(MEMORY_ID, CREATED_AT)
    assert state == SchedulingState(
        memory_id=MEMORY_ID,
        stability=2.3065,
        difficulty=state.difficulty,
        retrievability=1.0,
        last_review=CREATED_AT,
        next_review=CREATED_AT + timedelta(days=1),
        reps=0,
        lapses=0,
    )
    assert abs(state.difficulty - (6.4133 - math.e ** (2 * 0.8334) + 1)) <= TOLERANCE


@pytest.mark.parametrize(
    ("rating", "lapses"), [(Rating.AGAIN, 3), (Rating.HARD, 2), (Rating.GOOD, 2), (Rating.EASY, 2)]
)
def test_a_review_counts_itself_and_only_again_as_a_lapse(rating: Rating, lapses: int) -> None:
    state = replace(fsrs.initial_state(MEMORY_ID, CREATED_AT), reps=5, lapses=2, retrievability=0.4)
    after = fsrs.review(state, rating, CREATED_AT + timedelta(days=3))
    assert (after.reps, after.lapses, after.retrievability) == (6, lapses, 1.0)
    assert after.memory_id == MEMORY_ID


@settings(max_examples=100, deadline=None)
@given(history=histories)
def test_a_state_stays_within_its_bounds(history: History) -> None:
    state = fsrs.initial_state(MEMORY_ID, CREATED_AT)
    for rating, at in _timed(history):
        state = fsrs.review(state, rating, at)
        assert fsrs.STABILITY_MIN <= state.stability <= fsrs.STABILITY_MAX
        assert fsrs.DIFFICULTY_MIN <= state.difficulty <= fsrs.DIFFICULTY_MAX
        assert state.last_review == at
        assert state.next_review is not None
        assert timedelta(days=1) <= state.next_review - at <= timedelta(days=36_500)


def test_years_of_easy_reviews_reach_the_greatest_stability_and_no_more() -> None:
    state = fsrs.initial_state(MEMORY_ID, CREATED_AT)
    for number in range(1, 30):
        state = fsrs.review(state, Rating.EASY, CREATED_AT + timedelta(days=number * 1_000))
    assert state.stability == fsrs.STABILITY_MAX


def test_lapses_on_one_day_reach_the_least_stability_and_no_less() -> None:
    events = [(Rating.AGAIN, CREATED_AT)] * 50
    assert fsrs.replay(fsrs.initial_state(MEMORY_ID, CREATED_AT), events).stability == 0.001


@settings(max_examples=50, deadline=None)
@given(history=histories, split=st.integers(0, 40), weights=weights_of_any_size)
def test_a_replay_equals_the_reviews_one_by_one(
    history: History, split: int, weights: Weights
) -> None:
    first = fsrs.initial_state(MEMORY_ID, CREATED_AT)
    state, states = first, [first]
    for rating, at in _timed(history):
        state = fsrs.review(state, rating, at, weights=weights, desired_retention=0.8)
        states.append(state)
    middle = states[min(split, len(history))]
    rest = _timed(history)[split:]
    assert fsrs.replay(middle, rest, weights=weights, desired_retention=0.8) == state


def test_a_replay_without_events_is_the_first_state() -> None:
    state = fsrs.initial_state(MEMORY_ID, CREATED_AT)
    assert fsrs.replay(state, []) is state


@unhurried
@given(stability=stabilities, difficulty=difficulties, gap=gaps)
def test_a_better_rating_never_leaves_a_weaker_or_harder_memory(
    stability: float, difficulty: float, gap: timedelta
) -> None:
    state = replace(
        fsrs.initial_state(MEMORY_ID, CREATED_AT), stability=stability, difficulty=difficulty
    )
    after = [fsrs.review(state, rating, CREATED_AT + gap) for rating in Rating]
    assert [a.stability for a in after] == sorted(a.stability for a in after)
    assert [a.difficulty for a in after] == sorted((a.difficulty for a in after), reverse=True)
    assert [a.next_review or CREATED_AT for a in after] == sorted(
        a.next_review or CREATED_AT for a in after
    )


@unhurried
@given(stability=stabilities, difficulty=difficulties, recall=recalls)
def test_a_recall_never_lowers_stability_and_a_lapse_never_raises_it(
    stability: float, difficulty: float, recall: float
) -> None:
    assert fsrs.stability_after_lapse(stability, difficulty, recall) <= stability
    for rating in (Rating.HARD, Rating.GOOD, Rating.EASY):
        assert fsrs.stability_after_recall(stability, difficulty, recall, rating) >= stability
        assert fsrs.stability_within_a_day(stability, rating) >= stability


def test_a_state_with_the_zeros_of_an_empty_row_can_be_reviewed() -> None:
    empty = SchedulingState(
        memory_id=MEMORY_ID, stability=0.0, difficulty=0.0, last_review=CREATED_AT
    )
    least = replace(empty, stability=fsrs.STABILITY_MIN, difficulty=fsrs.DIFFICULTY_MIN)
    at = CREATED_AT + timedelta(days=2)
    for rating in Rating:
        assert fsrs.review(empty, rating, at) == fsrs.review(least, rating, at)


def test_a_state_with_nan_is_refused() -> None:
    state = replace(fsrs.initial_state(MEMORY_ID, CREATED_AT), difficulty=math.nan)
    with pytest.raises(ValueError, match="NaN"):
        fsrs.review(state, Rating.GOOD, CREATED_AT)


# Time


def test_a_time_without_a_zone_is_refused() -> None:
    naive = CREATED_AT.replace(tzinfo=None)
    state = fsrs.initial_state(MEMORY_ID, CREATED_AT)
    with pytest.raises(ValueError, match="time zone"):
        fsrs.initial_state(MEMORY_ID, naive)
    with pytest.raises(ValueError, match="time zone"):
        fsrs.review(state, Rating.GOOD, naive)
    with pytest.raises(ValueError, match="time zone"):
        fsrs.current_retrievability(state, naive)


def test_a_time_in_another_zone_gives_the_same_state_in_utc() -> None:
    far_east = timezone(timedelta(hours=14))
    state = fsrs.initial_state(MEMORY_ID, CREATED_AT.astimezone(far_east))
    after = fsrs.review(state, Rating.HARD, (CREATED_AT + timedelta(days=9)).astimezone(far_east))
    assert after == fsrs.review(
        fsrs.initial_state(MEMORY_ID, CREATED_AT), Rating.HARD, CREATED_AT + timedelta(days=9)
    )
    assert after.last_review is not None
    assert after.last_review.tzinfo is UTC


def test_a_review_at_the_end_of_the_calendar_is_due_at_its_end() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    assert fsrs.initial_state(MEMORY_ID, end - timedelta(hours=1)).next_review == end
    state = replace(fsrs.initial_state(MEMORY_ID, CREATED_AT), stability=fsrs.STABILITY_MAX)
    century = timedelta(days=36_500)
    for before_end in (timedelta(0), century - timedelta(microseconds=1), century):
        assert fsrs.review(state, Rating.EASY, end - before_end).next_review == end
    early = end - century - timedelta(days=1)
    assert fsrs.review(state, Rating.EASY, early).next_review == end - timedelta(days=1)


def test_current_retrievability_counts_fractions_of_days_from_the_last_review() -> None:
    state = replace(fsrs.initial_state(MEMORY_ID, CREATED_AT), stability=2.5)
    now = CREATED_AT + timedelta(days=2, hours=12)
    assert abs(fsrs.current_retrievability(state, now) - 0.9) <= TOLERANCE
    assert fsrs.current_retrievability(state, now - timedelta(hours=1)) > 0.9


def test_a_review_in_the_future_counts_as_just_done() -> None:
    state = fsrs.initial_state(MEMORY_ID, CREATED_AT)
    assert fsrs.current_retrievability(state, CREATED_AT - timedelta(days=400)) == 1.0


def test_a_memory_without_any_review_keeps_its_stored_retrievability() -> None:
    state = SchedulingState(
        memory_id=MEMORY_ID, stability=1.0, difficulty=5.0, retrievability=0.625
    )
    assert fsrs.current_retrievability(state, CREATED_AT) == 0.625


def _scheduler(
    weights: Weights = DEFAULT_WEIGHTS, retention: float = fsrs.DESIRED_RETENTION
) -> py_fsrs.Scheduler:
    return py_fsrs.Scheduler(
        parameters=[getattr(weights, field.name) for field in fields(Weights)],
        desired_retention=retention,
        learning_steps=(),
        relearning_steps=(),
        enable_fuzzing=False,
    )


def _after_first_review(rating: Rating, weights: Weights) -> tuple[SchedulingState, py_fsrs.Card]:
    card, _ = _scheduler(weights).review_card(
        py_fsrs.Card(card_id=1, due=CREATED_AT), py_fsrs.Rating(rating), CREATED_AT
    )
    never_reviewed = SchedulingState(memory_id=MEMORY_ID, stability=0.0, difficulty=0.0)
    return fsrs.review(never_reviewed, rating, CREATED_AT, weights=weights), card


def _timed(history: History) -> list[tuple[Rating, datetime]]:
    at, events = CREATED_AT, list[tuple[Rating, datetime]]()
    for rating, gap in history:
        at += gap
        events.append((rating, at))
    return events


def _assert_equal_to_py_fsrs(
    history: History,
    weights: Weights = DEFAULT_WEIGHTS,
    retention: float = fsrs.DESIRED_RETENTION,
    tolerance: float = TOLERANCE,
) -> None:
    oracle = _scheduler(weights, retention)
    # With an id and a due time given, Card() neither sleeps nor reads the clock.
    card, _ = _scheduler().review_card(
        py_fsrs.Card(card_id=1, due=CREATED_AT), py_fsrs.Rating.Good, CREATED_AT
    )
    state = fsrs.initial_state(MEMORY_ID, CREATED_AT)
    for rating, at in _timed(history):
        whole_days = max(0, (at - (state.last_review or at)).days)
        recall = fsrs.retrievability(whole_days, state.stability, decay=weights.decay)
        assert abs(recall - oracle.get_card_retrievability(card, at)) <= tolerance
        state = fsrs.review(state, rating, at, weights=weights, desired_retention=retention)
        card, _ = oracle.review_card(card, py_fsrs.Rating(rating), at)
        assert card.stability is not None
        if card.stability > fsrs.STABILITY_MAX:
            # py-fsrs knows no upper bound, and its due time follows from what lies beyond ours.
            card.stability = fsrs.STABILITY_MAX
            card.due = at + timedelta(
                days=fsrs.next_interval_days(
                    fsrs.STABILITY_MAX, desired_retention=retention, decay=weights.decay
                )
            )
        _assert_equal_states(state, card, tolerance)


def _assert_equal_states(
    state: SchedulingState, card: py_fsrs.Card, tolerance: float = TOLERANCE
) -> None:
    assert card.stability is not None
    assert card.difficulty is not None
    assert abs(state.stability - card.stability) <= tolerance
    assert abs(state.difficulty - card.difficulty) <= tolerance
    assert (state.last_review, state.next_review) == (card.last_review, card.due)
