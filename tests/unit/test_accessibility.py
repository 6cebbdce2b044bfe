"""The states of a memory, and that a store of memories with a past holds some of each."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.cognition import fsrs
from vestige.cognition.accessibility import (
    ACTIVE_RETRIEVABILITY,
    DORMANT_RETRIEVABILITY,
    AccessibilityState,
    accessibility,
)
from vestige.models import Rating

if TYPE_CHECKING:
    from vestige.models import SchedulingState

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
MEMORIES: Final = 3_000
ORDER: Final = [AccessibilityState.SILENT, AccessibilityState.DORMANT, AccessibilityState.ACTIVE]


@given(recall=st.floats(0, 1), other=st.floats(0, 1))
def test_a_memory_that_is_recalled_more_easily_is_never_in_a_lower_state(
    recall: float, other: float
) -> None:
    low, high = sorted((recall, other))
    assert ORDER.index(accessibility(low)) <= ORDER.index(accessibility(high))


@given(recall=st.floats(0, 1))
def test_what_is_suppressed_is_unavailable_however_well_it_is_known(recall: float) -> None:
    state = accessibility(recall, is_suppressed=True)
    assert state is AccessibilityState.UNAVAILABLE
    assert accessibility(recall) is not AccessibilityState.UNAVAILABLE


@pytest.mark.parametrize(
    ("recall", "state"),
    [
        (1.0, "active"),
        (ACTIVE_RETRIEVABILITY, "active"),
        (math.nextafter(ACTIVE_RETRIEVABILITY, 0), "dormant"),
        (DORMANT_RETRIEVABILITY, "dormant"),
        (math.nextafter(DORMANT_RETRIEVABILITY, 0), "silent"),
        (0.0, "silent"),
    ],
)
def test_the_thresholds_belong_to_the_higher_state(recall: float, state: str) -> None:
    assert accessibility(recall) == state


@pytest.mark.parametrize("recall", [-0.01, 1.01, math.nan])
def test_what_is_no_probability_has_no_state(recall: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        accessibility(recall)


@pytest.mark.parametrize(
    ("days", "state"),
    [(0, "active"), (12, "active"), (14, "dormant"), (200, "dormant"), (220, "silent")],
)
def test_a_memory_without_a_review_fades_within_months(days: int, state: str) -> None:
    recall = fsrs.retrievability(days, fsrs.initial_stability(Rating.GOOD))
    assert accessibility(recall) == state


def test_a_year_of_use_leaves_memories_in_every_state() -> None:
    # The formula that this replaces kept nearly everything active.
    source = random.Random(365)  # noqa: S311  # histories, not secrets
    counts = Counter(
        accessibility(fsrs.current_retrievability(a_history(source), NOW)) for _ in range(MEMORIES)
    )
    shares = {state: round(counts[state] / MEMORIES, 2) for state in reversed(ORDER)}
    assert shares == {"active": 0.35, "dormant": 0.38, "silent": 0.27}


@pytest.mark.parametrize("reviews", [0, 1, 3, 6])
def test_reviews_that_are_long_ago_keep_nothing_active(reviews: int) -> None:
    state = fsrs.initial_state(UUID(int=1), NOW)
    at = NOW
    for _ in range(reviews):
        at = state.next_review or at
        state = fsrs.review(state, Rating.GOOD, at)
    ages = (state.stability * share for share in (0, 1, 10, 200))
    states = [
        accessibility(fsrs.current_retrievability(state, at + timedelta(days=age))) for age in ages
    ]
    assert states == ["active", "active", "dormant", "silent"]
    assert all(ORDER.index(one) >= ORDER.index(other) for one, other in pairwise(states))


def a_history(source: random.Random) -> SchedulingState:
    """Return a memory of the last year: six of ten never reviewed, three at times, one when due."""
    at = NOW - timedelta(days=source.uniform(0, 365))
    state = fsrs.initial_state(UUID(int=1), at)
    habit = source.choices(["never", "now and then", "when due"], [6, 3, 1])[0]
    while habit != "never":
        due = state.next_review or NOW
        at = due if habit == "when due" else at + timedelta(days=source.expovariate(1 / 45))
        if at >= NOW:
            break
        rating = source.choices(list(Rating), [15, 10, 60, 15])[0]
        state = fsrs.review(state, rating, at)
    return state
