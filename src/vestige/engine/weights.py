"""The weights of FSRS-6 by which the memories of a store are scheduled, and what follows of them.

They are read once a call, and so are those that another process has just written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vestige.cognition import fsrs
from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS, Weights
from vestige.engine.near_pairs import pages
from vestige.errors import InvalidInputError
from vestige.models import InsertMemory
from vestige.storage import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from vestige.engine.parts import Parts
    from vestige.models import FsrsWeights, MemoryRecord, SchedulingState
    from vestige.storage.protocol import MemoryStore

# A stored value that is nearer to the curve is left: nobody sees a difference in two digits, and a
# second run a minute later finds nothing to write.
RETRIEVABILITY_TOLERANCE: Final = 0.005


async def weights_of(store: MemoryStore) -> Weights:
    """Return the weights by which the memories of a store are scheduled.

    Raises:
        InvalidInputError: somebody has put weights into the table that FSRS-6 has not.
    """
    return named(await store.get_fsrs_weights())


def named(stored: FsrsWeights | None) -> Weights:
    """Return what a store holds as weights with names; the default ones for None.

    Raises:
        InvalidInputError: FSRS-6 cannot count with them.
    """
    if stored is None:
        return DEFAULT_WEIGHTS
    try:
        return Weights.from_sequence(stored.weights)
    except ValueError as error:
        raise InvalidInputError(
            "fsrs_weights",
            str(error),
            "Go back to the default weights: `vestige fsrs reset`.",
        ) from error


async def insertion(parts: Parts, record: MemoryRecord) -> InsertMemory:
    """Return how a new memory is written: known as after a first `good` by the store's weights."""
    weights = await weights_of(parts.store)
    if weights == DEFAULT_WEIGHTS:
        return InsertMemory(record=record)  # the store does the same by itself
    state = fsrs.initial_state(record.id, record.created_at, weights=weights)
    return InsertMemory(record=record, scheduling=state)


async def refresh_all(parts: Parts, decay: float, done: Callable[[int], None]) -> int:
    """Bring the stored retrievability of all memories up to date; return how many it changed.

    Each page is a transaction of its own. Whatever ends it in between, `consolidate` goes on.
    """
    now, refreshed = parts.clock.now(), 0
    async for page in pages(parts.store):
        states = await parts.store.list_scheduling([record.id for record in page])
        stale = outdated(states, now, decay)
        if stale:
            refreshed += await parts.store.refresh_retrievability(stale)
        done(len(page))
    return refreshed


def outdated(
    states: Sequence[SchedulingState], now: datetime, decay: float
) -> list[SchedulingState]:
    """Return the states that the forgetting curve has left behind, with what it says now."""
    found = (_refreshed(state, now, decay) for state in states)
    return [state for state in found if state is not None]


def _refreshed(state: SchedulingState, now: datetime, decay: float) -> SchedulingState | None:
    try:
        limits.check_scheduling(state)
    except InvalidInputError:
        return None  # written by hand, and nothing follows from it
    value = fsrs.current_retrievability(state, now, decay=decay)
    if abs(value - state.retrievability) < RETRIEVABILITY_TOLERANCE:
        return None
    return replace(state, retrievability=value)
