"""What is current stands above what it has replaced."""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from vestige.models import MemoryRecord

HALF_LIFE_DAYS: Final = 30.0

SUPERSEDED: Final = "superseded"
EXPIRED: Final = "expired"
SUPPRESSED: Final = "suppressed"

K = TypeVar("K", bound=Hashable)


def is_current(record: MemoryRecord, at: datetime) -> bool:
    """Say whether a memory is neither suppressed, nor superseded or past its time at a moment."""
    return (
        record.suppressed_at is None
        and (record.superseded_at is None or record.superseded_at > at)
        and (record.valid_until is None or record.valid_until > at)
    )


def marks_at(record: MemoryRecord, at: datetime) -> tuple[str, ...]:
    """Return why a memory does not hold, or is hidden, at a moment; often nothing."""
    found: list[str] = []
    if record.superseded_at is not None and record.superseded_at <= at:
        found.append(SUPERSEDED)
    if record.valid_until is not None and record.valid_until <= at:
        found.append(EXPIRED)
    # Whenever it was hidden: the past is no way around that.
    if record.suppressed_at is not None:
        found.append(SUPPRESSED)
    return tuple(found)


def recency(age_days: float, *, half_life_days: float = HALF_LIFE_DAYS) -> float:
    """Return how recent something is: 1 now, a half after one half-life.

    Args:
        age_days: fractions allowed; what lies in the future counts as now.
        half_life_days: above 0.

    Raises:
        ValueError: an age that is NaN, or a half-life that is not above 0.

    Source:
        Exponential decay, 0.5 ** (age / half-life).
    """
    if math.isnan(age_days) or not half_life_days > 0:
        raise ValueError(f"need an age and a half-life above 0: {age_days}, {half_life_days}")
    return math.pow(0.5, max(age_days, 0.0) / half_life_days)


def current_first(
    ranked: Sequence[K], superseded_by: Mapping[K, K], expired: AbstractSet[K]
) -> list[K]:
    """Bring what is current above what it has replaced, and change nothing else.

    The memories that supersede one another, over any number of steps, form a chain. A chain keeps
    the places that its members have in the ranking, and only shares them out anew:

    - what is superseded stands below each memory that supersedes it, directly or by others;
    - what is expired, and what an expired one supersedes, stands below the rest of its chain.

    Otherwise the order stays. Memories that supersede each other in a circle count as not
    superseded.

    Args:
        ranked: keys, best first, each once.
        superseded_by: what replaces a key; it may name keys that are not ranked.
        expired: keys that are no longer true; may hold keys that are not ranked.

    Raises:
        ValueError: a key is ranked twice.
    """
    rank = {key: number for number, key in enumerate(ranked)}
    if len(rank) != len(ranked):
        raise ValueError("the ranking holds the same key twice")
    places = _places(rank, superseded_by, expired)
    chains: dict[K, list[K]] = {}
    for key in ranked:
        chains.setdefault(places[key].newest, []).append(key)
    result = list(ranked)
    for members in chains.values():
        for key, better in zip(members, _ordered(members, places, rank), strict=True):
            result[rank[key]] = better
    return result


class _Place(NamedTuple, Generic[K]):
    """Where a key stands in its chain.

    Attributes:
        newest: the end of the chain, which names it.
        above: those of the ranked keys that supersedes it in the fewest steps, if any.
        is_stale: it, or one that supersedes it, is expired.
    """

    newest: K
    above: tuple[K, ...]
    is_stale: bool


def _places(
    rank: Mapping[K, int], superseded_by: Mapping[K, K], expired: AbstractSet[K]
) -> dict[K, _Place[K]]:
    places: dict[K, _Place[K]] = {}
    for start in rank:
        path, circle = _path(start, superseded_by, places)
        for key in reversed(path):
            if key in circle or key not in superseded_by:
                places[key] = _Place(key, (), key in expired)
                continue
            newer = superseded_by[key]
            place = places[newer]
            places[key] = _Place(
                place.newest,
                (newer,) if newer in rank else place.above,
                place.is_stale or key in expired,
            )
    return places


def _path(
    start: K, superseded_by: Mapping[K, K], known: Mapping[K, _Place[K]]
) -> tuple[list[K], set[K]]:
    """Return the keys from a start up to one whose place is known, and those that form a circle."""
    steps: dict[K, int] = {}
    key = start
    while key not in known and key not in steps:
        steps[key] = len(steps)
        if key not in superseded_by:
            return list(steps), set()
        key = superseded_by[key]
    path = list(steps)
    return path, set(path[steps[key] :]) if key in steps else set()


def _ordered(members: Sequence[K], places: Mapping[K, _Place[K]], rank: Mapping[K, int]) -> list[K]:
    """Take the best ranked of those whose superseder was taken, what is not stale before."""
    below: dict[K, list[K]] = {}
    free: list[tuple[bool, int]] = []
    for key in members:
        for above in places[key].above:
            below.setdefault(above, []).append(key)
        if not places[key].above:
            free.append((places[key].is_stale, rank[key]))
    keys = {rank[key]: key for key in members}
    heapq.heapify(free)
    ordered: list[K] = []
    while free:
        _, number = heapq.heappop(free)
        ordered.append(keys[number])
        for key in below.get(keys[number], ()):
            heapq.heappush(free, (places[key].is_stale, rank[key]))
    return ordered
