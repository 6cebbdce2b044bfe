"""Reviews: explicit feedback that changes when a memory is due and how fast it fades."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vestige.cognition import fsrs
from vestige.engine.parts import commit
from vestige.engine.results import DueMemory, ReviewResult
from vestige.engine.weights import weights_of
from vestige.errors import MemoryNotFoundError
from vestige.models import AddReview, ChangeAction
from vestige.storage import limits
from vestige.storage.changes import scheduling_account

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.clock import Clock
    from vestige.engine.parts import Parts
    from vestige.models import Change, Rating, SchedulingState
    from vestige.storage.protocol import MemoryStore


async def review(
    parts: Parts, memory_id: UUID, rating: Rating, at: datetime | None
) -> ReviewResult:
    """Rate how well a memory held up, and schedule it by FSRS-6.

    Raises:
        MemoryNotFoundError: the id is unknown.
        InvalidInputError: the rating is not 1 to 4, or the time has no zone.
    """
    grade = limits.check_rating(rating)
    reviewed_at = parts.clock.now() if at is None else at
    limits.check_time("at", reviewed_at)
    before = after = await _state(parts, memory_id)
    weights = await weights_of(parts.store)

    async def make() -> Change:
        nonlocal before, after
        before = await _state(parts, memory_id)
        after = fsrs.review(before, grade, reviewed_at, weights=weights)
        review = AddReview(
            memory_id=memory_id, rating=grade, new_state=after, timestamp=reviewed_at
        )
        change = parts.change(ChangeAction.REVIEWED, review)
        return replace(change, expected={memory_id: scheduling_account(before)})

    change = await commit(parts, make)
    return ReviewResult(memory_id=memory_id, before=before, after=after, change_id=change.id)


async def _state(parts: Parts, memory_id: UUID) -> SchedulingState:
    state = await parts.store.get_scheduling(memory_id)
    if state is None:
        raise MemoryNotFoundError(memory_id)
    return state


async def due(
    store: MemoryStore, clock: Clock, before: datetime | None, limit: int
) -> list[DueMemory]:
    """Return the memories that are due, longest due first."""
    now = clock.now()
    found = await store.get_due_memories(now if before is None else before, limit)
    decay = (await weights_of(store)).decay
    return [
        DueMemory(
            record=record,
            scheduling=state,
            due_at=state.next_review or now,
            retrievability=fsrs.current_retrievability(state, now, decay=decay),
        )
        for record, state in found
    ]
