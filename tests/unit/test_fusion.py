"""Fusion against oracles that compute the same rules in another way."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cmp_to_key
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.cognition.fusion import (
    DEFAULT_VECTOR_WEIGHT,
    FusedScore,
    convex_combination,
    reciprocal_rank_fusion,
)

unhurried = settings(deadline=None)  # a busy machine is no failure
keys = st.integers(0, 40).map(lambda number: UUID(int=number))
rankings_of_keys = st.lists(st.lists(keys, unique=True), max_size=3)
cosines_of_keys = st.dictionaries(keys, st.floats(-1, 1))
lexical_scores_of_keys = st.dictionaries(
    keys, st.one_of(st.floats(0, 50), st.floats(0, allow_infinity=False))
)
vector_weights = st.floats(0, 1)


# Reciprocal rank fusion


def test_standing_in_both_rankings_beats_standing_first_in_one() -> None:
    assert reciprocal_rank_fusion([["a", "b"], ["c", "b"]]) == [
        ("b", 1 / 31),  # 2 / 62
        ("a", 1 / 61),
        ("c", 1 / 61),
    ]


def test_a_small_k_lets_the_first_place_win() -> None:
    fused = reciprocal_rank_fusion([["a", "b", "c"], ["d", "e", "c"]], k=0)
    assert [key for key, _ in fused] == ["a", "d", "c", "b", "e"]


def test_no_rankings_fuse_to_nothing() -> None:
    assert reciprocal_rank_fusion(list[list[UUID]]()) == []
    assert reciprocal_rank_fusion([list[UUID](), []]) == []


def test_equal_sums_of_different_ranks_are_a_tie() -> None:
    # 1/3 + 1/6 == 1/4 + 1/4, although floats added in turn need not agree.
    first = ["a", "b", "z", "y", "c", "d"]
    second = ["e", "f", "g", "y", "h", "z"]
    fused = reciprocal_rank_fusion([first, second], k=0)
    scores = dict(fused)
    assert scores["y"] == scores["z"] == 0.5
    assert [key for key, _ in fused if key in "yz"] == ["y", "z"]


def test_a_key_with_two_ranks_in_one_ranking_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        reciprocal_rank_fusion([["a", "b", "a"]])


def test_a_negative_k_is_refused() -> None:
    with pytest.raises(ValueError, match="k >= 0"):
        reciprocal_rank_fusion([["a"]], k=-1)


@unhurried
@given(rankings=rankings_of_keys, k=st.integers(0, 100))
def test_rank_fusion_orders_by_the_exact_sum_of_reciprocals(
    rankings: list[list[UUID]], k: int
) -> None:
    exact = {
        key: sum(
            (Fraction(1, k + ranking.index(key) + 1) for ranking in rankings if key in ranking),
            Fraction(0),
        )
        for ranking in rankings
        for key in ranking
    }
    expected = sorted(sorted(exact), key=lambda key: exact[key], reverse=True)
    assert reciprocal_rank_fusion(rankings, k) == [(key, float(exact[key])) for key in expected]


@unhurried
@given(rankings=rankings_of_keys, data=st.data())
def test_rank_fusion_does_not_depend_on_the_order_of_the_rankings(
    rankings: list[list[UUID]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rankings))
    assert reciprocal_rank_fusion(shuffled) == reciprocal_rank_fusion(rankings)


@unhurried
@given(rankings=rankings_of_keys)
def test_rank_fusion_loses_and_invents_no_key(rankings: list[list[UUID]]) -> None:
    fused = [key for key, _ in reciprocal_rank_fusion(rankings)]
    assert sorted(fused) == sorted({key for ranking in rankings for key in ranking})


@unhurried
@given(ranking=st.lists(keys, unique=True), k=st.integers(0, 1_000))
def test_one_ranking_alone_keeps_its_order(ranking: list[UUID], k: int) -> None:
    assert [key for key, _ in reciprocal_rank_fusion([ranking], k)] == ranking


# Convex combination


def test_a_convex_combination_weighs_the_cosine_and_the_share_of_the_best_words() -> None:
    fused = convex_combination({"a": 0.5, "b": 1.0}, {"a": 8.0, "c": 2.0}, vector_weight=0.75)
    assert fused == [
        FusedScore(key="b", score=0.75, vector_part=0.75, lexical_part=0.0),
        FusedScore(key="a", score=0.625, vector_part=0.375, lexical_part=0.25),
        FusedScore(key="c", score=0.0625, vector_part=0.0, lexical_part=0.0625),
    ]


def test_the_cosine_counts_for_65_percent_by_default() -> None:
    assert DEFAULT_VECTOR_WEIGHT == 0.65
    assert [fused.score for fused in convex_combination({"a": 1.0}, {"b": 3.0})] == [0.65, 0.35]


def test_equal_scores_are_ordered_by_key() -> None:
    fused = convex_combination({"c": 0.5, "a": 0.5, "b": 0.5}, {})
    assert [item.key for item in fused] == ["a", "b", "c"]


def test_words_that_all_score_nothing_add_nothing() -> None:
    assert [item.lexical_part for item in convex_combination({}, {"a": 0.0, "b": 0.0})] == [0, 0]


def test_nothing_found_fuses_to_nothing() -> None:
    assert convex_combination(dict[UUID, float](), {}) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="the cosine of a"):
        convex_combination({"a": bad}, {})
    with pytest.raises(ValueError, match="the lexical score of a"):
        convex_combination({}, {"a": bad})


def test_a_lexical_score_where_lower_is_better_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the lexical score of a is -1\.5"):
        convex_combination({}, {"a": -1.5})


@pytest.mark.parametrize("weight", [-0.01, 1.01, math.nan])
def test_a_vector_weight_outside_0_to_1_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="vector weight"):
        convex_combination({"a": 1.0}, {}, vector_weight=weight)


@unhurried
@given(cosines=cosines_of_keys, lexical=lexical_scores_of_keys, weight=vector_weights)
def test_a_convex_combination_scores_as_the_exact_formula_does(
    cosines: dict[UUID, float], lexical: dict[UUID, float], weight: float
) -> None:
    best = max([Fraction(score) for score in lexical.values()], default=Fraction(0))
    for item in convex_combination(cosines, lexical, vector_weight=weight):
        vector = Fraction(weight) * Fraction(cosines.get(item.key, 0))
        words = (1 - Fraction(weight)) * Fraction(lexical.get(item.key, 0)) / (best or 1)
        assert abs(item.score - float(vector + words)) <= 1e-12
        assert abs(item.vector_part - float(vector)) <= 1e-12
        assert abs(item.lexical_part - float(words)) <= 1e-12
        assert item.score == item.vector_part + item.lexical_part


@unhurried
@given(cosines=cosines_of_keys, lexical=lexical_scores_of_keys, weight=vector_weights)
def test_a_convex_combination_is_a_total_order_of_all_keys(
    cosines: dict[UUID, float], lexical: dict[UUID, float], weight: float
) -> None:
    fused = convex_combination(cosines, lexical, vector_weight=weight)
    assert sorted(item.key for item in fused) == sorted(cosines.keys() | lexical.keys())
    in_order = sorted(fused, key=cmp_to_key(_compare))
    assert fused == in_order


@unhurried
@given(cosines=cosines_of_keys, lexical=lexical_scores_of_keys, data=st.data())
def test_a_convex_combination_does_not_depend_on_the_order_of_its_input(
    cosines: dict[UUID, float], lexical: dict[UUID, float], data: st.DataObject
) -> None:
    shuffled_cosines = dict(data.draw(st.permutations(list(cosines.items()))))
    shuffled_lexical = dict(data.draw(st.permutations(list(lexical.items()))))
    assert convex_combination(shuffled_cosines, shuffled_lexical) == convex_combination(
        cosines, lexical
    )


def _compare(a: FusedScore[UUID], b: FusedScore[UUID]) -> int:
    if a.score != b.score:
        return -1 if a.score > b.score else 1
    return -1 if a.key.int < b.key.int else 1
