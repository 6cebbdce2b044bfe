"""Collecting the contradictions among pairs of near memories, the surest ones first."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

from vestige.cognition.contradictions import contradiction
from vestige.engine.upkeep_results import Excerpt, FoundContradiction

if TYPE_CHECKING:
    from vestige.engine.near_pairs import NearPair


class ContradictionSearch:
    """The surest contradictions so far, and how many there were.

    Args:
        limit: how many are kept, 0 or more.
    """

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._limit = limit
        self._numbers = count(0, -1)  # of two that are as sure, the first is kept
        self._found: list[tuple[float, float, int, FoundContradiction]] = []

    def add(self, pair: NearPair) -> None:
        """Compare the texts of a pair."""
        found = contradiction(pair.older.content, pair.newer.content, pair.similarity)
        if found is None:
            return
        self.count += 1
        rank = (found.confidence, pair.similarity, next(self._numbers))
        if len(self._found) == self._limit:
            if not self._limit or rank < self._found[0][:3]:
                return
            heapq.heappop(self._found)
        reported = FoundContradiction(
            kind=found.kind,
            subject=found.subject,
            older=Excerpt.of(pair.older),
            newer=Excerpt.of(pair.newer),
            older_value=found.a,
            newer_value=found.b,
            confidence=found.confidence,
            similarity=pair.similarity,
        )
        heapq.heappush(self._found, (*rank, reported))

    def found(self) -> tuple[FoundContradiction, ...]:
        """Return what is kept, the surest first."""
        return tuple(entry[3] for entry in sorted(self._found, reverse=True, key=_rank))


def _rank(entry: tuple[float, float, int, FoundContradiction]) -> tuple[float, float, int]:
    return entry[:3]
