"""Reviews: explicit feedback that changes when a memory is due and how fast it fades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.cognition import fsrs
from vestige.engine.results import DueMemory, ReviewResult
from vestige.errors import MemoryNotFoundError
from vestige.storage import limits

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.clock import Clock
    from vestige.models import Rating
    from vestige.storage.protocol import MemoryStore


async def review(
    store: MemoryStore, clock: Clock, memory_id: UUID, rating: Rating, at: datetime | None
) -> ReviewResult:
    """Rate how well a memory held up, and schedule it by FSRS-6.

    Raises:
        MemoryNotFoundError: the id is unknown.
        InvalidInputError: the rating is not 1 to 4, or the time has no zone.
    """
    grade = limits.check_rating(rating)
    reviewed_at = clock.now() if at is None else at
    limits.check_time("at", reviewed_at)
    before = await store.get_scheduling(memory_id)
    if before is None:
        raise MemoryNotFoundError(memory_id)
    after = fsrs.review(before, grade, reviewed_at)
    event = await store.record_review(memory_id, grade, after, reviewed_at)
    return ReviewResult(memory_id=memory_id, before=event.prior_state, after=event.new_state)


async def due(
    store: MemoryStore, clock: Clock, before: datetime | None, limit: int
) -> list[DueMemory]:
    """Return the memories that are due, longest due first."""
    now = clock.now()
    found = await store.get_due_memories(now if before is None else before, limit)
    return [
        DueMemory(
            record=record,
            scheduling=state,
            due_at=state.next_review or now,
            retrievability=fsrs.current_retrievability(state, now),
        )
        for record, state in found
    ]
