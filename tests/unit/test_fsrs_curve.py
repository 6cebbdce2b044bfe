"""The forgetting curve of FSRS-6, its inverse, and the interval that follows from it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.cognition import fsrs

unhurried = settings(deadline=None)  # a busy machine is no failure
stabilities = st.floats(fsrs.STABILITY_MIN, fsrs.STABILITY_MAX)
decays = st.floats(0.1, 0.8)


@unhurried
@given(stability=stabilities, decay=decays)
def test_recall_is_certain_at_once_and_90_percent_after_one_stability(
    stability: float, decay: float
) -> None:
    assert fsrs.retrievability(0, stability, decay=decay) == 1.0
    after_one = fsrs.retrievability(stability, stability, decay=decay)
    assert abs(after_one - 0.9) <= 1e-12


@unhurried
@given(days=st.floats(0, 50_000), more=st.floats(0.001, 1_000), stability=stabilities)
def test_recall_only_falls(days: float, more: float, stability: float) -> None:
    later = days + more * max(days, stability)
    assert fsrs.retrievability(later, stability) < fsrs.retrievability(days, stability)


@unhurried
@given(days=st.floats(0, 4_000_000), stability=stabilities, decay=decays)
def test_recall_is_a_probability(days: float, stability: float, decay: float) -> None:
    assert 0 < fsrs.retrievability(days, stability, decay=decay) <= 1


@unhurried
@given(recall=st.floats(0.01, 1.0), stability=stabilities, decay=decays)
def test_after_that_many_stabilities_recall_has_fallen_to_the_value(
    recall: float, stability: float, decay: float
) -> None:
    days = stability * fsrs.stabilities_until(recall, decay=decay)
    assert abs(fsrs.retrievability(days, stability, decay=decay) - recall) <= 1e-9 * recall


def test_stabilities_until_is_exact_where_a_filter_needs_it() -> None:
    assert fsrs.stabilities_until(1.0) == 0.0
    assert fsrs.stabilities_until(0.9) == 1.0
    assert fsrs.stabilities_until(0.0) == math.inf
    assert fsrs.stabilities_until(5e-324) == math.inf


@pytest.mark.parametrize("recall", [-0.001, 1.001, math.nan])
def test_stabilities_until_no_probability_is_refused(recall: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        fsrs.stabilities_until(recall)


@pytest.mark.parametrize(
    ("days", "stability"), [(-0.001, 1.0), (1.0, 0.0), (1.0, -1.0), (math.nan, 1.0), (1, math.nan)]
)
def test_a_curve_that_does_not_exist_is_refused(days: float, stability: float) -> None:
    with pytest.raises(ValueError, match="need elapsed_days"):
        fsrs.retrievability(days, stability)


@pytest.mark.parametrize(
    ("stability", "retention", "days"),
    [
        (0.001, 0.9, 1),
        (10.4, 0.9, 10),
        (10.6, 0.9, 11),
        (36_500.0, 0.9, 36_500),
        (36_500.0, 1e-300, 36_500),
        (36_500.0, 1.0, 1),
    ],
)
def test_an_interval_is_whole_days_within_a_century(
    stability: float, retention: float, days: int
) -> None:
    assert fsrs.next_interval_days(stability, desired_retention=retention) == days


@pytest.mark.parametrize("retention", [0.0, -0.1, 1.1, math.nan])
def test_an_interval_for_an_impossible_retention_is_refused(retention: float) -> None:
    with pytest.raises(ValueError, match="desired retention"):
        fsrs.next_interval_days(1.0, desired_retention=retention)
