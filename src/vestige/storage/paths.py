"""The best paths from a memory over the graph, level by level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.models import Neighbor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    Link = tuple[UUID, UUID, float]

NEIGHBORS_MAX: Final = 256
# How many memories of a level are followed. With weights up to 1 a path only gets worse, so the 256
# best ends are reached through the 256 best of each level; the rest is room for ties.
FRONTIER_MAX: Final = 1024


class PathSearch:
    """At most 256 memories that links lead to from a start, best first, ties by id.

    A path visits no memory twice. With weights up to 1 the weights found are the best there are;
    a weight above 1 can hide a better path behind a worse beginning.
    """

    def __init__(self, start: UUID) -> None:
        self._best: dict[UUID, Neighbor] = {}
        self._paths: dict[UUID, tuple[UUID, ...]] = {start: (start,)}
        self._weights: dict[UUID, float] = {start: 1.0}
        self._hops = 0

    @property
    def frontier(self) -> Collection[UUID]:
        """The memories whose links `follow` wants next; none when all has been reached."""
        return self._weights.keys()

    def follow(self, links: Iterable[Link]) -> None:
        """Go one link further.

        Args:
            links: those of the memories of the frontier, as (memory, other end, weight).
        """
        self._hops += 1
        reached: dict[UUID, tuple[float, tuple[UUID, ...]]] = {}
        for node, other, weight in sorted(links):
            product = self._weights[node] * weight
            known = self._best.get(other)
            is_better = known is None or product > known.weight
            is_best_here = other not in reached or product > reached[other][0]
            if is_better and is_best_here and other not in self._paths[node]:
                reached[other] = (product, (*self._paths[node], other))
        kept = sorted(reached, key=lambda node: (-reached[node][0], node))[:FRONTIER_MAX]
        self._weights = {node: reached[node][0] for node in kept}
        self._paths = {node: reached[node][1] for node in kept}
        for node in kept:
            self._best[node] = Neighbor(memory_id=node, weight=self._weights[node], hops=self._hops)

    def found(self) -> list[Neighbor]:
        """Return what was reached, without the start."""
        best = sorted(self._best.values(), key=lambda found: (-found.weight, found.memory_id))
        return best[:NEIGHBORS_MAX]
