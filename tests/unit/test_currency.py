"""Current facts above those that they replaced."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.cognition.currency import current_first, recency

keys = st.integers(0, 9)
rankings = st.permutations(range(8))
relations = st.dictionaries(keys, keys, max_size=8)
expirations = st.sets(keys, max_size=5)


def superseders(key: int, superseded_by: dict[int, int]) -> list[int]:
    """Return what supersedes a key, nearest first; a circle supersedes nothing of itself."""
    found: list[int] = []
    while key in superseded_by and not in_circle(key, superseded_by):
        key = superseded_by[key]
        found.append(key)
    return found


def in_circle(key: int, superseded_by: dict[int, int]) -> bool:
    step = key
    for _ in range(len(superseded_by)):
        if step not in superseded_by:
            return False
        step = superseded_by[step]
        if step == key:
            return True
    return False


def chain_of(key: int, superseded_by: dict[int, int]) -> int:
    return [key, *superseders(key, superseded_by)][-1]


def is_stale(key: int, superseded_by: dict[int, int], expired: set[int]) -> bool:
    return not expired.isdisjoint([key, *superseders(key, superseded_by)])


@given(ranked=rankings, superseded_by=relations, expired=expirations)
def test_nothing_stands_above_what_supersedes_it(
    ranked: list[int], superseded_by: dict[int, int], expired: set[int]
) -> None:
    result = current_first(ranked, superseded_by, expired)
    assert sorted(result) == sorted(ranked)
    for above, below in combinations(result, 2):
        assert below not in superseders(above, superseded_by)


@given(ranked=rankings, superseded_by=relations, expired=expirations)
def test_nothing_expired_stands_above_what_is_true_of_the_same_chain(
    ranked: list[int], superseded_by: dict[int, int], expired: set[int]
) -> None:
    result = current_first(ranked, superseded_by, expired)
    for above, below in combinations(result, 2):
        if chain_of(above, superseded_by) == chain_of(below, superseded_by):
            assert is_stale(above, superseded_by, expired) <= is_stale(
                below, superseded_by, expired
            )


@given(ranked=rankings, superseded_by=relations, expired=expirations)
def test_a_chain_keeps_its_places_and_the_rest_its_order(
    ranked: list[int], superseded_by: dict[int, int], expired: set[int]
) -> None:
    result = current_first(ranked, superseded_by, expired)
    for before, after in zip(ranked, result, strict=True):
        assert chain_of(before, superseded_by) == chain_of(after, superseded_by)
    assert current_first(result, superseded_by, expired) == result


@given(ranked=rankings, superseded_by=relations, expired=expirations)
def test_what_is_in_order_stays_as_it_is(
    ranked: list[int], superseded_by: dict[int, int], expired: set[int]
) -> None:
    in_order = not any(
        below in superseders(above, superseded_by)
        or (
            chain_of(above, superseded_by) == chain_of(below, superseded_by)
            and is_stale(above, superseded_by, expired) > is_stale(below, superseded_by, expired)
        )
        for above, below in combinations(ranked, 2)
    )
    assert (current_first(ranked, superseded_by, expired) == ranked) == in_order


def test_the_current_one_takes_the_place_of_the_old_one() -> None:
    assert current_first(["old", "x", "new", "y"], {"old": "new"}, set()) == [
        "new",
        "x",
        "old",
        "y",
    ]


def test_a_chain_holds_over_one_that_was_not_found() -> None:
    assert current_first(["a", "c"], {"a": "b", "b": "c"}, set()) == ["c", "a"]


def test_an_expired_successor_brings_down_what_it_superseded_but_not_below_it() -> None:
    chain = {"first": "second", "second": "third"}
    assert current_first(["first", "second", "third"], chain, {"second"}) == [
        "third",
        "second",
        "first",
    ]


def test_two_that_supersede_each_other_stay_in_order() -> None:
    assert current_first(["a", "b", "c"], {"a": "b", "b": "a", "c": "c"}, set()) == ["a", "b", "c"]


def test_a_chain_of_a_hundred_thousand_is_put_in_order() -> None:
    chain = {number: number + 1 for number in range(100_000)}
    assert current_first(range(1_000), chain, set()) == list(range(999, -1, -1))


def test_a_key_that_is_ranked_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        current_first([1, 1], {}, set())


@given(age=st.floats(0, 1e6), more=st.floats(0, 1e6), half_life=st.floats(0.01, 1e5))
def test_recency_falls_from_one_and_never_below_zero(
    age: float, more: float, half_life: float
) -> None:
    now, later = (recency(days, half_life_days=half_life) for days in (age, age + more))
    assert 0 <= later <= now <= 1


def test_recency_is_halved_by_each_half_life() -> None:
    assert recency(0) == recency(-5) == 1.0
    assert recency(10, half_life_days=10) == 0.5
    assert recency(20, half_life_days=10) == 0.25


@pytest.mark.parametrize(("age", "half_life"), [(math.nan, 1.0), (1.0, 0.0), (1.0, math.nan)])
def test_a_recency_that_does_not_exist_is_refused(age: float, half_life: float) -> None:
    with pytest.raises(ValueError, match="half-life"):
        recency(age, half_life_days=half_life)
