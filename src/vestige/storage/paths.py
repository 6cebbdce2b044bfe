"""The best paths from a memory over the graph, level by level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.models import Neighbor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from uuid import UUID

    Links = list[tuple[UUID, UUID, float]]

NEIGHBORS_MAX: Final = 256
# How many memories of a level are followed. With weights up to 1 a path only gets worse, so the 256
# best ends are reached through the 256 best of each level; the rest is room for ties.
FRONTIER_MAX: Final = 1024


def best_paths(
    start: UUID, depth: int, links_of: Callable[[Collection[UUID]], Links]
) -> list[Neighbor]:
    """Return at most 256 memories within `depth` links of `start`, best first, ties by id.

    A path visits no memory twice. With weights up to 1 the weights found are the best there are;
    a weight above 1 can hide a better path behind a worse beginning.

    Args:
        start: where to begin; not part of the result.
        depth: how many links a path may have.
        links_of: returns the links of memories as (memory, other end, weight).
    """
    best: dict[UUID, Neighbor] = {}
    paths: dict[UUID, tuple[UUID, ...]] = {start: (start,)}
    frontier: dict[UUID, float] = {start: 1.0}
    for hops in range(1, depth + 1):
        reached: dict[UUID, tuple[float, tuple[UUID, ...]]] = {}
        for node, other, weight in sorted(links_of(frontier.keys())):
            product = frontier[node] * weight
            known = best.get(other)
            is_better = known is None or product > known.weight
            is_best_here = other not in reached or product > reached[other][0]
            if is_better and is_best_here and other not in paths[node]:
                reached[other] = (product, (*paths[node], other))
        if not reached:
            break
        kept = sorted(reached, key=lambda node: (-reached[node][0], node))[:FRONTIER_MAX]
        frontier = {node: reached[node][0] for node in kept}
        paths = {node: reached[node][1] for node in kept}
        best.update(
            {node: Neighbor(memory_id=node, weight=frontier[node], hops=hops) for node in kept}
        )
    return sorted(best.values(), key=lambda found: (-found.weight, found.memory_id))[:NEIGHBORS_MAX]
