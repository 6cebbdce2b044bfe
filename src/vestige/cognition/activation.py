"""Spreading activation: what is connected to what was found.

Source:
    Collins and Loftus, A spreading-activation theory of semantic processing (Psychological Review,
    1975); the sum over sources is left out, so that one path explains each result.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from vestige.cognition.keys import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# What is left of an activation after a link of weight 1. With it three links leave a third.
DECAY: Final = 0.7
HOPS_MAX: Final = 3
THRESHOLD: Final = 0.1  # below it nothing is activated
ACTIVATED_MAX: Final = 20
LINK_WEIGHT_MAX: Final = 1.0  # a link passes on at most what it gets

K = TypeVar("K", bound=Key)


class Link(NamedTuple, Generic[K]):
    """A connection that activation passes in both directions.

    Attributes:
        source: one end.
        target: the other.
        weight: strength, above 0; more than 1 counts as 1.
    """

    source: K
    target: K
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Activated(Generic[K]):
    """A key that activation has reached.

    Attributes:
        key: what was reached.
        activation: above 0, at most the activation of the seed.
        path: the keys from the seed to it, both included, that brought it the most.
    """

    key: K
    activation: float
    path: tuple[K, ...]


def spread(
    seeds: Mapping[K, float],
    links: Iterable[Link[K]],
    *,
    decay: float = DECAY,
    hops: int = HOPS_MAX,
    threshold: float = THRESHOLD,
    limit: int = ACTIVATED_MAX,
) -> list[Activated[K]]:
    """Follow links from seeds, the strongest activation first.

    What reaches a key over a path is the activation of the seed times the weights of the links
    times `decay` for each of them; the best path counts. Each link is looked at once per number of
    hops at most, however many paths there are.

    Args:
        seeds: what was found, with its activation, 0 or more.
        links: between any keys; parallel ones count as the strongest of them, and one from a key to
            itself or without a positive weight does not count.
        decay: what a link of weight 1 leaves, above 0 and at most 1.
        hops: how many links a path may have.
        threshold: least activation; also bounds how far is looked.
        limit: most results.

    Returns:
        The strongest first, ties by key; no seed among them.

    Raises:
        ValueError: a seed that is negative or not finite, a decay out of range, a limit or number
            of hops below 0.
    """
    _check(seeds, decay, hops, limit)
    found: dict[K, Activated[K]] = {}
    least = threshold  # that is worth finding; more once there are enough results
    for step in _best_steps(seeds, _neighbours(links), decay, hops, threshold):
        activation, key = -step.negated, step.path[-1]
        if activation < least:
            break
        if key not in seeds and key not in found:
            found[key] = Activated(key=key, activation=activation, path=step.path)
            if len(found) == limit:
                least = activation  # equal ones still count: which of them are left is up to keys
    ordered = sorted(found.values(), key=lambda result: (-result.activation, result.key))
    return ordered[:limit]


class _Step(NamedTuple, Generic[K]):
    """A path that waits to be followed; the best one is the least."""

    negated: float
    hops: int
    path: tuple[K, ...]


def _best_steps(
    seeds: Mapping[K, float],
    neighbours: Mapping[K, Mapping[K, float]],
    decay: float,
    hops: int,
    threshold: float,
) -> Iterator[_Step[K]]:
    """Yield paths in the order of their activation, ties with fewer links first.

    So the first path to a key is its best one, and a later one is only worth following when it has
    fewer links and leaves more of them.
    """
    queue = [_Step(-value, 0, (key,)) for key, value in seeds.items() if value >= threshold]
    heapq.heapify(queue)
    waiting: dict[tuple[K, int], float] = {}
    fewest_hops: dict[K, int] = {}
    while queue:
        step = heapq.heappop(queue)
        key, next_hops = step.path[-1], step.hops + 1
        if fewest_hops.get(key, next_hops) <= step.hops:
            continue
        fewest_hops[key] = step.hops
        yield step
        for other, weight in neighbours.get(key, {}).items() if next_hops <= hops else ():
            passed = -step.negated * weight * decay
            is_shorter = fewest_hops.get(other, hops + 1) > next_hops
            best_waiting = waiting.get((other, next_hops), threshold)
            if is_shorter and passed >= best_waiting and passed > 0:
                waiting[other, next_hops] = passed
                heapq.heappush(queue, _Step(-passed, next_hops, (*step.path, other)))


def _check(seeds: Mapping[K, float], decay: float, hops: int, limit: int) -> None:
    for key, value in seeds.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"the activation of {key} is {value}")
    if not 0 < decay <= 1:
        raise ValueError(f"need a decay above 0 and at most 1: {decay}")
    if hops < 0 or limit < 0:
        raise ValueError(f"need hops and a limit of 0 or more: {hops}, {limit}")


def _neighbours(links: Iterable[Link[K]]) -> dict[K, dict[K, float]]:
    neighbours: dict[K, dict[K, float]] = {}
    for source, target, weight in links:
        if source == target or not weight > 0:
            continue
        capped = min(weight, LINK_WEIGHT_MAX)
        for one, other in ((source, target), (target, source)):
            known = neighbours.setdefault(one, {})
            known[other] = max(capped, known.get(other, 0.0))
    return neighbours
