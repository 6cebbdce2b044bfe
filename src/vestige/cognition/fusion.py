"""Fusing the full-text leg and the vector leg of a search into one ranking.

Both rules have a total order: higher score first, ties by key, ascending. Neither depends on the
order in which its input happens to arrive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from vestige.cognition.keys import Key
from vestige.models import DEFAULT_RRF_K

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_VECTOR_WEIGHT: Final = 0.65  # share of the cosine in a convex combination

K = TypeVar("K", bound=Key)


@dataclass(frozen=True, kw_only=True, slots=True)
class FusedScore(Generic[K]):
    """A key with its fused score and what each leg added to it.

    Attributes:
        key: what was ranked.
        score: the sum of the two parts.
        vector_part: the cosine times its weight; 0 when the vector leg did not find the key.
        lexical_part: the share of the best lexical score times its weight; 0 when the full-text
            leg did not find the key.
    """

    key: K
    score: float
    vector_part: float
    lexical_part: float


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[K]], k: int = DEFAULT_RRF_K
) -> list[tuple[K, float]]:
    """Fuse rankings by the sum of `1 / (k + rank)` over the rankings that hold a key.

    Args:
        rankings: keys, best first; ranks count from 1.
        k: how little the first ranks stand out; not negative.

    Returns:
        Every key once with its score, best first, ties by key.

    Raises:
        ValueError: `k` is negative, or a ranking holds a key twice and so gives it two ranks.

    Source:
        Cormack, Clarke and Buettcher, Reciprocal Rank Fusion outperforms Condorcet (SIGIR 2009).
    """
    if k < 0:
        raise ValueError(f"need k >= 0: {k}")
    # Whole numbers until one final division: sums of floats depend on their order in the last
    # digit, which would turn equal scores into an order that follows the order of the legs.
    sums: dict[K, tuple[int, int]] = {}
    for ranking in rankings:
        if len(set(ranking)) != len(ranking):
            raise ValueError("a ranking holds the same key twice")
        for rank, key in enumerate(ranking, start=1):
            numerator, denominator = sums.get(key, (0, 1))
            sums[key] = (numerator * (k + rank) + denominator, denominator * (k + rank))
    scored = ((key, numerator / denominator) for key, (numerator, denominator) in sums.items())
    return sorted(scored, key=lambda item: (-item[1], item[0]))


def convex_combination(
    cosines: Mapping[K, float],
    lexical_scores: Mapping[K, float],
    *,
    vector_weight: float = DEFAULT_VECTOR_WEIGHT,
) -> list[FusedScore[K]]:
    """Fuse native scores: `weight * cosine + (1 - weight) * lexical / best lexical`.

    Args:
        cosines: cosine similarity per key the vector leg found, -1 to 1.
        lexical_scores: score per key the full-text leg found, higher is better, not negative.
        vector_weight: share of the cosine, 0 to 1.

    Returns:
        Every key of either leg once, best first, ties by key. A score that a leg did not give
        counts as 0.

    Raises:
        ValueError: a weight outside 0 to 1, a score that is not finite, a negative lexical score.
    """
    if not 0 <= vector_weight <= 1:
        raise ValueError(f"need a vector weight of 0 to 1: {vector_weight}")
    for key, cosine in cosines.items():
        if not math.isfinite(cosine):
            raise ValueError(f"the cosine of {key} is {cosine}")
    for key, lexical in lexical_scores.items():
        if not 0 <= lexical < math.inf:
            raise ValueError(f"the lexical score of {key} is {lexical}")
    best = max(lexical_scores.values(), default=0.0)
    fused: list[FusedScore[K]] = []
    for key in {*cosines, *lexical_scores}:
        # Nothing is better than nothing when the best is 0, and 0 / 0 would be NaN.
        share = lexical_scores.get(key, 0.0) / best if best > 0 else 0.0
        vector_part = vector_weight * cosines.get(key, 0.0)
        lexical_part = (1 - vector_weight) * share
        fused.append(
            FusedScore(
                key=key,
                score=vector_part + lexical_part,
                vector_part=vector_part,
                lexical_part=lexical_part,
            )
        )
    return sorted(fused, key=lambda item: (-item.score, item.key))
