"""Histories as the optimiser learns from them, and what it makes of people that are known."""

from __future__ import annotations

import sys
from dataclasses import astuple, replace
from datetime import timedelta
from math import fsum, log
from operator import mul
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, an_id
from reviewers import FORGETFUL, events_of
from vestige.cognition import fsrs, fsrs_histories, fsrs_optimizer
from vestige.cognition.fsrs_histories import REVIEWS_MAX, Histories, Sample
from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS, WEIGHT_BOUNDS
from vestige.errors import ConfigError, InvalidInputError
from vestige.models import Rating, ReviewEvent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from vestige.cognition.fsrs_weights import Weights
    from vestige.models import SchedulingState

CREATED = fsrs.initial_state(an_id("memory"), START)


def an_event(
    at: datetime, rating: Rating = Rating.GOOD, prior: SchedulingState = CREATED
) -> ReviewEvent:
    state = replace(prior, last_review=at, reps=prior.reps + 1)
    return ReviewEvent(
        id=1,
        memory_id=prior.memory_id,
        timestamp=at,
        rating=rating,
        prior_state=prior,
        new_state=state,
    )


def histories_of(events: Iterable[ReviewEvent]) -> Histories:
    histories = Histories()
    for event in events:
        histories.add(event)
    return histories


def samples_of(*events: ReviewEvent) -> list[tuple[tuple[Rating, int], ...]]:
    return [sample.reviews for sample in histories_of(events).samples()]


def predicted(sample: Sample, weights: Weights) -> float:
    """Return the recall that our own FSRS-6 gives a sample."""
    at = START
    state = fsrs.initial_state(an_id("memory"), at, weights=weights)
    for rating, days in sample.reviews[1:-1]:
        at += timedelta(days=days)
        state = fsrs.review(state, rating, at, weights=weights)
    later = at + timedelta(days=sample.reviews[-1][1])
    return fsrs.current_retrievability(state, later, decay=weights.decay)


# Histories


def test_a_memory_begins_with_its_creation_which_counts_as_good() -> None:
    first, second = START + 3 * DAY, START + 10 * DAY
    assert samples_of(an_event(first, Rating.HARD), an_event(second, Rating.AGAIN)) == [
        ((Rating.GOOD, 0), (Rating.HARD, 3)),
        ((Rating.GOOD, 0), (Rating.HARD, 3), (Rating.AGAIN, 7)),
    ]


def test_a_memory_that_was_never_reviewed_begins_with_its_first_event() -> None:
    never = replace(CREATED, last_review=None)
    assert samples_of(an_event(START, Rating.HARD, never), an_event(START + 2 * DAY)) == [
        ((Rating.HARD, 0), (Rating.GOOD, 2))
    ]


def test_a_memory_whose_beginning_nobody_recorded_is_left_out_with_all_its_reviews() -> None:
    reviewed = replace(CREATED, reps=4)
    histories = histories_of([an_event(START + DAY, prior=reviewed), an_event(START + 9 * DAY)])
    assert histories.samples() == []
    counts = (histories.review_count, histories.memory_count, histories.left_out_count)
    assert counts == (2, 1, 1)


def test_reviews_of_the_same_day_come_before_a_sample_and_are_none() -> None:
    almost = START + DAY - timedelta(microseconds=1)
    assert samples_of(an_event(almost), an_event(almost + DAY)) == [
        ((Rating.GOOD, 0), (Rating.GOOD, 0), (Rating.GOOD, 1))
    ]


def test_a_clock_set_back_counts_as_the_same_day() -> None:
    assert samples_of(an_event(START - 5 * DAY), an_event(START - 4 * DAY)) == [
        ((Rating.GOOD, 0), (Rating.GOOD, 0), (Rating.GOOD, 1))
    ]


def test_of_one_memory_only_the_first_reviews_are_learned_from() -> None:
    events = [an_event(START + (n + 1) * DAY) for n in range(REVIEWS_MAX + 9)]
    histories = histories_of(events)
    assert len(histories.samples()) == REVIEWS_MAX - 1
    assert histories.review_count == len(events)


def test_samples_come_oldest_first() -> None:
    other = fsrs.initial_state(an_id("other"), START)
    events = [
        an_event(START + 9 * DAY),
        an_event(START + 2 * DAY, prior=other),
        an_event(START + 10 * DAY, prior=other),
    ]
    assert [sample.reviews[-1][1] for sample in histories_of(events).samples()] == [2, 9, 8]


def test_of_too_many_samples_those_of_the_memories_reviewed_last_stay_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = fsrs.initial_state(an_id("other"), START)
    events = [
        an_event(START + 2 * DAY),
        an_event(START + 9 * DAY),
        an_event(START + 3 * DAY, prior=other),
        an_event(START + 10 * DAY, prior=other),
    ]
    monkeypatch.setattr(fsrs_histories, "SAMPLES_MAX", 3)
    assert [sample.reviews[-1][1] for sample in histories_of(events).samples()] == [3, 7]


# The optimiser


def test_a_fit_predicts_reviews_that_it_has_not_seen_better_than_the_default_weights() -> None:
    seen = histories_of(events_of(FORGETFUL, memories=300, reviews=8)).samples()
    unseen = histories_of(events_of(FORGETFUL, memories=300, reviews=8, seed=8)).samples()
    fitted = fsrs_optimizer.fit(seen)
    by_default = fsrs_optimizer.evaluate(DEFAULT_WEIGHTS, unseen)
    by_fit = fsrs_optimizer.evaluate(fitted, unseen)
    by_truth = fsrs_optimizer.evaluate(FORGETFUL, unseen)
    assert by_fit.log_loss < by_default.log_loss
    assert by_fit.rmse < by_default.rmse
    # Most of what can be won is won: nothing predicts better than the weights of the person.
    assert by_fit.log_loss - by_truth.log_loss < 0.2 * (by_default.log_loss - by_truth.log_loss)


def test_the_same_samples_give_the_same_weights_within_their_bounds() -> None:
    samples = histories_of(events_of(FORGETFUL, memories=100, reviews=6)).samples()
    fitted = fsrs_optimizer.fit(samples)
    assert fsrs_optimizer.fit(samples) == fitted != DEFAULT_WEIGHTS
    for value, (low, high) in zip(astuple(fitted), WEIGHT_BOUNDS, strict=True):
        assert low <= value <= high


@pytest.mark.parametrize("weights", [DEFAULT_WEIGHTS, FORGETFUL], ids=["default", "forgetful"])
def test_the_library_counts_as_our_own_formulas_do(weights: Weights) -> None:
    samples = histories_of(events_of(FORGETFUL, memories=40, reviews=6)).samples()
    recalls = [predicted(sample, weights) for sample in samples]
    losses = [
        -log(recall if sample.is_recalled else 1 - recall)
        for sample, recall in zip(samples, recalls, strict=True)
    ]
    last = len(losses) - 1
    later_weigh_more = [0.25 + 0.75 * (place / last) ** 3 for place in range(last + 1)]
    expected = fsum(map(mul, losses, later_weigh_more)) / fsum(later_weigh_more)
    found = fsrs_optimizer.evaluate(weights, samples)
    assert found.log_loss == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("rating", [Rating.AGAIN, Rating.EASY])
def test_a_fit_to_one_grade_only_stays_within_the_bounds(rating: Rating) -> None:
    events = events_of(FORGETFUL, memories=60, reviews=6)
    samples = histories_of(replace(event, rating=rating) for event in events).samples()
    assert fsrs_optimizer.fit(samples) != DEFAULT_WEIGHTS


def test_reviews_without_their_beginnings_are_too_few_to_fit() -> None:
    samples = histories_of(events_of(FORGETFUL, memories=60, reviews=8)).samples()
    late = [sample for sample in samples if len(sample.reviews) > 2]
    with pytest.raises(InvalidInputError, match="too few of a kind"):
        fsrs_optimizer.fit(late)


def test_without_the_extra_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "fsrs_rs_python", None)
    with pytest.raises(ConfigError, match="is not installed") as caught:
        fsrs_optimizer.check_installed()
    assert "pip install 'vestige[fsrs]'" in caught.value.hint
