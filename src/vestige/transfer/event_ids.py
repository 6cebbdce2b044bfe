"""Review events of two stores may have the same ids, which are mere counters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vestige.models import MAX_LIMIT, ReviewEvent, TransferTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.storage.protocol import MemoryStore


async def find_ids(
    destination: MemoryStore, events: Sequence[ReviewEvent], changed: dict[int, int]
) -> None:
    """Find out under which ids events are, or are to be, known at a destination.

    An event keeps its id unless another event has it there. Then it gets the next free one, or
    that under which an earlier run brought it.

    Args:
        destination: where the events go.
        events: as the source has them.
        changed: is given the new id of each event that cannot keep its own.
    """
    found = await destination.export_rows(
        TransferTable.REVIEW_EVENTS, [(event.id,) for event in events]
    )
    by_id = {event.id: event for event in found if isinstance(event, ReviewEvent)}
    taken = [event for event in events if by_id.get(event.id, event) != event]
    if not taken:
        return
    # Ids that are still free there may be wanted by events of the source that come later.
    last = max(await _last_id(destination), max(changed.values(), default=0))
    last = max(last, *(event.id for event in events))
    for event in taken:
        same = await _same_event(destination, event)
        if same is None:
            last += 1
        changed[event.id] = last if same is None else same


async def _same_event(destination: MemoryStore, event: ReviewEvent) -> int | None:
    after: int | None = None
    while True:
        known = await destination.list_review_events(event.memory_id, after=after, limit=MAX_LIMIT)
        for other in known:
            if replace(other, id=event.id) == event:
                return other.id
        if len(known) < MAX_LIMIT:
            return None
        after = known[-1].id


async def _last_id(destination: MemoryStore) -> int:
    """Return the highest id there is, by strides that double until nothing lies beyond."""
    last, stride = 0, 1
    while stride:
        beyond = await destination.list_review_events(after=last + stride - 1, limit=1)
        if beyond:
            last, stride = beyond[0].id, stride * 2
        else:
            stride //= 2
    return last
