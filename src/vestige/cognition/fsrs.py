"""FSRS-6: how well a memory is known, how fast that fades, and when it is due again.

Stability and difficulty follow whole days between reviews, the forgetting curve takes fractions of
a day. Every formula here is FSRS-6's; the only product rule is `FIRST_REVIEW_DAYS`.

Source:
    https://github.com/open-spaced-repetition/awesome-fsrs/wiki/The-Algorithm
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS, Weights
from vestige.models import Rating, SchedulingState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

DESIRED_RETENTION: Final = 0.9  # recall at which a memory is due
STABILITY_RECALL: Final = 0.9  # recall after one stability has passed: what stability means
STABILITY_MIN: Final = 0.001  # days
STABILITY_MAX: Final = 36_500.0  # days
DIFFICULTY_MIN: Final = 1.0
DIFFICULTY_MAX: Final = 10.0
INTERVAL_MIN_DAYS: Final = 1
INTERVAL_MAX_DAYS: Final = 36_500
FIRST_REVIEW_DAYS: Final = 1  # a product rule: a new memory is looked at again the next day
LATEST_TIME: Final = datetime.max.replace(tzinfo=UTC)
ONE_DAY: Final = timedelta(days=1)


def initial_state(
    memory_id: UUID, created_at: datetime, *, weights: Weights = DEFAULT_WEIGHTS
) -> SchedulingState:
    """Return the state of a memory that was just created.

    It is known as well as after a first `good`, and due one day later whatever FSRS says.

    Args:
        memory_id: the memory.
        created_at: when it was created; aware.
        weights: FSRS-6 weights.

    Raises:
        ValueError: `created_at` has no time zone.
    """
    created_at = _as_utc(created_at)
    return SchedulingState(
        memory_id=memory_id,
        stability=initial_stability(Rating.GOOD, weights=weights),
        difficulty=initial_difficulty(Rating.GOOD, weights=weights),
        retrievability=1.0,
        last_review=created_at,
        next_review=_days_later(created_at, FIRST_REVIEW_DAYS),
    )


def review(
    state: SchedulingState,
    rating: Rating,
    reviewed_at: datetime,
    *,
    weights: Weights = DEFAULT_WEIGHTS,
    desired_retention: float = DESIRED_RETENTION,
) -> SchedulingState:
    """Return the state after an explicit review.

    Args:
        state: the state before; without a `last_review` this is the first review of all, and its
            stability and difficulty are not used.
        rating: how well the memory held up.
        reviewed_at: when; aware. Before the last review it counts as the same day.
        weights: FSRS-6 weights.
        desired_retention: recall at which the memory is due again, above 0 and at most 1.

    Raises:
        ValueError: a time without a time zone, a retention out of range, a state with NaN.
    """
    reviewed_at = _as_utc(reviewed_at)
    stability, difficulty = _stability_and_difficulty(state, rating, reviewed_at, weights)
    interval_days = next_interval_days(
        stability, desired_retention=desired_retention, decay=weights.decay
    )
    return SchedulingState(
        memory_id=state.memory_id,
        stability=stability,
        difficulty=difficulty,
        retrievability=1.0,
        last_review=reviewed_at,
        next_review=_days_later(reviewed_at, interval_days),
        reps=state.reps + 1,
        lapses=state.lapses + (rating == Rating.AGAIN),
    )


def replay(
    first_state: SchedulingState,
    events: Iterable[tuple[Rating, datetime]],
    *,
    weights: Weights = DEFAULT_WEIGHTS,
    desired_retention: float = DESIRED_RETENTION,
) -> SchedulingState:
    """Rebuild the scheduling of a memory from its review events.

    Args:
        first_state: the prior state of the first event.
        events: rating and time of each event, in the order they were recorded.
        weights: FSRS-6 weights.
        desired_retention: recall at which the memory is due again, above 0 and at most 1.

    Returns:
        The state after the last event; `first_state` when there is none.
    """
    state = first_state
    for rating, reviewed_at in events:
        state = review(
            state, rating, reviewed_at, weights=weights, desired_retention=desired_retention
        )
    return state


def current_retrievability(
    state: SchedulingState, now: datetime, *, decay: float = DEFAULT_WEIGHTS.decay
) -> float:
    """Return the probability in [0, 1] that a memory is recalled now.

    A review in the future counts as just done. Without any review there is no time to count from,
    and the stored value is returned.

    Raises:
        ValueError: a time without a time zone, or a stability that is NaN.
    """
    if state.last_review is None:
        return state.retrievability
    elapsed_days = (_as_utc(now) - _as_utc(state.last_review)) / ONE_DAY
    return retrievability(max(elapsed_days, 0.0), _clamp_stability(state.stability), decay=decay)


def retrievability(
    elapsed_days: float, stability: float, *, decay: float = DEFAULT_WEIGHTS.decay
) -> float:
    """Return the probability in [0, 1] that a memory is recalled.

    Args:
        elapsed_days: days since the last review, fractions allowed; not negative.
        stability: days after which recall falls to 90 %; positive.
        decay: steepness of the curve, the 21st weight (dimensionless).

    Returns:
        1.0 at `elapsed_days == 0`, 0.9 at `elapsed_days == stability`.

    Raises:
        ValueError: `elapsed_days` is negative or `stability` not positive, or one is NaN.

    Source:
        FSRS-6, R(t, S) = (1 + factor * t / S) ** -w20.
    """
    if not (elapsed_days >= 0 and stability > 0):
        raise ValueError(f"need elapsed_days >= 0 and stability > 0: {elapsed_days}, {stability}")
    return math.pow(1 + _curve_factor(decay) * elapsed_days / stability, -decay)


def stabilities_until(retrievability: float, *, decay: float = DEFAULT_WEIGHTS.decay) -> float:
    """Return after how many stabilities recall has fallen to a value: the inverse of the curve.

    A memory is still recalled with at least this probability while
    `elapsed_days <= stability * stabilities_until(retrievability)`, which needs no power per row.

    Args:
        retrievability: 0 to 1.
        decay: steepness of the curve, the 21st weight.

    Returns:
        0.0 for 1, 1.0 for 0.9; infinity for 0 and for values too small to be reached.

    Raises:
        ValueError: `retrievability` is not in [0, 1].
    """
    if not 0 <= retrievability <= 1:
        raise ValueError(f"need a retrievability of 0 to 1: {retrievability}")
    try:
        return (math.pow(retrievability, -1 / decay) - 1) / _curve_factor(decay)
    except (OverflowError, ValueError):  # math.pow: too large, and zero to a negative power
        return math.inf


def initial_stability(rating: Rating, *, weights: Weights = DEFAULT_WEIGHTS) -> float:
    """Return the stability in days after a first review. Source: FSRS-6, S0(G)."""
    return {
        Rating.AGAIN: weights.initial_stability_again,
        Rating.HARD: weights.initial_stability_hard,
        Rating.GOOD: weights.initial_stability_good,
        Rating.EASY: weights.initial_stability_easy,
    }[rating]


def initial_difficulty(rating: Rating, *, weights: Weights = DEFAULT_WEIGHTS) -> float:
    """Return the difficulty, 1 to 10, after a first review. Source: FSRS-6, D0(G)."""
    return _clamp_difficulty(_unclamped_initial_difficulty(rating, weights))


def next_difficulty(
    difficulty: float, rating: Rating, *, weights: Weights = DEFAULT_WEIGHTS
) -> float:
    """Return the difficulty, 1 to 10, after a review.

    Source:
        FSRS-6, D'(D, G): a step that shrinks towards 10, then reversion to that of a first `easy`.
    """
    step = -weights.difficulty_step * (rating - Rating.GOOD)
    damped = difficulty + (DIFFICULTY_MAX - difficulty) * step / (DIFFICULTY_MAX - DIFFICULTY_MIN)
    easy = _unclamped_initial_difficulty(Rating.EASY, weights)
    reversion = weights.difficulty_reversion
    return _clamp_difficulty(reversion * easy + (1 - reversion) * damped)


def stability_after_recall(
    stability: float,
    difficulty: float,
    retrievability: float,
    rating: Rating,
    *,
    weights: Weights = DEFAULT_WEIGHTS,
) -> float:
    """Return the stability in days after a memory was recalled a day or more later.

    Args:
        stability: before the review, days.
        difficulty: before the review, 1 to 10.
        retrievability: at the review, 0 to 1.
        rating: hard, good or easy.
        weights: FSRS-6 weights.

    Source:
        FSRS-6, S'r(D, S, R, G).
    """
    growth = (
        math.exp(weights.recall_growth)
        * (11 - difficulty)
        * math.pow(stability, -weights.recall_saturation)
        * (math.exp((1 - retrievability) * weights.recall_spacing) - 1)
        * (weights.hard_penalty if rating == Rating.HARD else 1)
        * (weights.easy_bonus if rating == Rating.EASY else 1)
    )
    return _clamp_stability(stability * (1 + growth))


def stability_after_lapse(
    stability: float,
    difficulty: float,
    retrievability: float,
    *,
    weights: Weights = DEFAULT_WEIGHTS,
) -> float:
    """Return the stability in days after `again` a day or more later; never more than before.

    Args:
        stability: before the review, days.
        difficulty: before the review, 1 to 10.
        retrievability: at the review, 0 to 1.
        weights: FSRS-6 weights.

    Source:
        FSRS-6, S'f(D, S, R), bounded so that forgetting never makes a memory more stable.
    """
    left = (
        weights.lapse_scale
        * math.pow(difficulty, -weights.lapse_difficulty)
        * (math.pow(stability + 1, weights.lapse_stability) - 1)
        * math.exp((1 - retrievability) * weights.lapse_spacing)
    )
    most = stability / math.exp(weights.same_day_growth * weights.same_day_offset)
    return _clamp_stability(min(left, most))


def stability_within_a_day(
    stability: float, rating: Rating, *, weights: Weights = DEFAULT_WEIGHTS
) -> float:
    """Return the stability in days after a review less than a day after the last.

    Source:
        FSRS-6, S'(S, G); only `again` can lower it.
    """
    growth = math.exp(
        weights.same_day_growth * (rating - Rating.GOOD + weights.same_day_offset)
    ) * math.pow(stability, -weights.same_day_saturation)
    if rating != Rating.AGAIN:
        growth = max(growth, 1.0)
    return _clamp_stability(stability * growth)


def next_interval_days(
    stability: float,
    *,
    desired_retention: float = DESIRED_RETENTION,
    decay: float = DEFAULT_WEIGHTS.decay,
) -> int:
    """Return the whole days, 1 to 36,500, until recall falls to the desired retention.

    Raises:
        ValueError: the retention is not above 0 and at most 1.
    """
    if not 0 < desired_retention <= 1:
        raise ValueError(f"need a desired retention above 0 and at most 1: {desired_retention}")
    days = stability * stabilities_until(desired_retention, decay=decay)
    return round(min(max(days, INTERVAL_MIN_DAYS), INTERVAL_MAX_DAYS))


def _stability_and_difficulty(
    state: SchedulingState, rating: Rating, reviewed_at: datetime, weights: Weights
) -> tuple[float, float]:
    if state.last_review is None:
        return (
            initial_stability(rating, weights=weights),
            initial_difficulty(rating, weights=weights),
        )
    # A row written by hand or imported may hold the column's default of 0, which has no logarithm.
    stability = _clamp_stability(state.stability)
    difficulty = _clamp_difficulty(state.difficulty)
    elapsed_days = (reviewed_at - _as_utc(state.last_review)).days
    recall = retrievability(max(elapsed_days, 0), stability, decay=weights.decay)
    if elapsed_days < 1:
        after = stability_within_a_day(stability, rating, weights=weights)
    elif rating == Rating.AGAIN:
        after = stability_after_lapse(stability, difficulty, recall, weights=weights)
    else:
        after = stability_after_recall(stability, difficulty, recall, rating, weights=weights)
    return after, next_difficulty(difficulty, rating, weights=weights)


def _curve_factor(decay: float) -> float:
    return math.pow(STABILITY_RECALL, -1 / decay) - 1


def _unclamped_initial_difficulty(rating: Rating, weights: Weights) -> float:
    growth = weights.initial_difficulty_growth * (rating - Rating.AGAIN)
    return weights.initial_difficulty - math.exp(growth) + 1


def _clamp_stability(stability: float) -> float:
    return _clamp(stability, STABILITY_MIN, STABILITY_MAX)


def _clamp_difficulty(difficulty: float) -> float:
    return _clamp(difficulty, DIFFICULTY_MIN, DIFFICULTY_MAX)


def _clamp(value: float, low: float, high: float) -> float:
    if math.isnan(value):  # min and max would let it through or not, depending on their order
        raise ValueError("NaN is no stability and no difficulty")
    return min(max(value, low), high)


def _as_utc(at: datetime) -> datetime:
    # Days are counted in UTC: in a zone with summer time a day may last 23 or 25 hours. A time
    # without a zone would be read as the machine's local time.
    if at.utcoffset() is None:
        raise ValueError(f"need a time with a time zone: {at.isoformat()}")
    return at.astimezone(UTC)


def _days_later(at: datetime, days: int) -> datetime:
    # Python's calendar ends with the year 9999. A review in the last century before that must not
    # fail for the sake of a date that nobody lives to see, so such a memory is due at the very end.
    return at + min(timedelta(days=days), LATEST_TIME - at)
