"""The FSRS-6 state of memories and the log of their reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.errors import MemoryNotFoundError
from vestige.models import ReviewEvent
from vestige.storage.encoding import time_text, utc
from vestige.storage.sqlite import filters, memories
from vestige.storage.sqlite.rows import (
    SCHEDULING_COLUMNS,
    event_of,
    list_text,
    scheduling_of,
    scheduling_values,
    state_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.models import MemoryRecord, Rating, SchedulingState
    from vestige.storage.sqlite.connection import Session

INSERT: Final = """
INSERT INTO scheduling (
    memory_id, stability, difficulty, retrievability, last_review, next_review, reps, lapses
) VALUES (
    :memory_id, :stability, :difficulty, :retrievability, :last_review, :next_review, :reps,
    :lapses
)
"""
UPDATE: Final = """
UPDATE scheduling SET
    stability = :stability, difficulty = :difficulty, retrievability = :retrievability,
    last_review = :last_review, next_review = :next_review, reps = :reps, lapses = :lapses
WHERE memory_id = :memory_id
"""
REFRESH: Final = """
UPDATE scheduling SET retrievability = :retrievability
WHERE memory_id = :memory_id AND stability = :stability AND last_review IS :last_review
"""
SELECT: Final = f"SELECT {SCHEDULING_COLUMNS} FROM scheduling AS s WHERE s.memory_id = ?"
SELECT_MANY: Final = (
    f"SELECT {SCHEDULING_COLUMNS} FROM scheduling AS s"
    " WHERE s.memory_id IN (SELECT value FROM json_each(?))"
)
SELECT_DUE: Final = f"""
SELECT {SCHEDULING_COLUMNS}
FROM scheduling AS s JOIN knowledge_nodes AS m ON m.id = s.memory_id
WHERE s.next_review IS NOT NULL AND s.next_review <= :current_at
AND {filters.CONDITIONS["current_at"]}
ORDER BY s.next_review, s.memory_id LIMIT :limit
"""
INSERT_EVENT: Final = """
INSERT INTO review_events (memory_id, timestamp, rating, prior_state, new_state)
VALUES (?, ?, ?, ?, ?)
"""
INSERT_KNOWN_EVENT: Final = """
INSERT INTO review_events (id, memory_id, timestamp, rating, prior_state, new_state)
VALUES (?, ?, ?, ?, ?, ?)
"""
SELECT_EVENTS: Final = (
    "SELECT id, memory_id, timestamp, rating, prior_state, new_state FROM review_events"
    " WHERE id > ? ORDER BY id LIMIT ?"
)
SELECT_EVENTS_OF_MEMORY: Final = (
    "SELECT id, memory_id, timestamp, rating, prior_state, new_state FROM review_events"
    " WHERE memory_id = ? AND id > ? ORDER BY id LIMIT ?"
)


def insert(session: Session, states: Iterable[SchedulingState]) -> None:
    session.db.run_many(INSERT, map(scheduling_values, states))


def get_scheduling(session: Session, memory_id: UUID) -> SchedulingState | None:
    row = session.db.row(SELECT, (str(memory_id),))
    return None if row is None else scheduling_of(row)


def list_scheduling(session: Session, memory_ids: Sequence[UUID]) -> list[SchedulingState]:
    rows = session.db.rows(SELECT_MANY, (list_text([str(item) for item in memory_ids]),))
    states = {state.memory_id: state for state in map(scheduling_of, rows)}
    return [states[item] for item in memory_ids if item in states]


def update_scheduling(session: Session, state: SchedulingState) -> None:
    if session.db.run(UPDATE, scheduling_values(state)) == 0:
        # A row that was made by hand has no state yet.
        memories.key_of(session, state.memory_id)
        insert(session, [state])


def refresh_retrievability(session: Session, states: Sequence[SchedulingState]) -> int:
    return sum(session.db.run(REFRESH, scheduling_values(state)) for state in states)


def record_review(
    session: Session,
    memory_id: UUID,
    rating: Rating,
    new_state: SchedulingState,
    timestamp: datetime,
) -> ReviewEvent:
    prior_state = get_scheduling(session, memory_id)
    if prior_state is None:
        raise MemoryNotFoundError(memory_id)
    event_id = session.db.insert(
        INSERT_EVENT,
        (
            str(memory_id),
            time_text(timestamp),
            int(rating),
            state_text(prior_state),
            state_text(new_state),
        ),
    )
    update_scheduling(session, new_state)
    return ReviewEvent(
        id=event_id,
        memory_id=memory_id,
        timestamp=utc("timestamp", timestamp),
        rating=rating,
        prior_state=prior_state,
        new_state=new_state,
    )


def list_review_events(
    session: Session, memory_id: UUID | None, after: int | None, limit: int
) -> list[ReviewEvent]:
    start = 0 if after is None else after
    if memory_id is None:
        rows = session.db.rows(SELECT_EVENTS, (start, limit))
    else:
        rows = session.db.rows(SELECT_EVENTS_OF_MEMORY, (str(memory_id), start, limit))
    return [event_of(row) for row in rows]


def get_due_memories(
    session: Session, before: datetime, limit: int
) -> list[tuple[MemoryRecord, SchedulingState]]:
    rows = session.db.rows(SELECT_DUE, {"current_at": time_text(before), "limit": limit})
    states = [scheduling_of(row) for row in rows]
    records = memories.get_by_id(session, [state.memory_id for state in states])
    return [(records[state.memory_id], state) for state in states]


def write_event(session: Session, event: ReviewEvent) -> None:
    """Write a review event with the id that it has; the state is left as it is."""
    memories.key_of(session, event.memory_id)
    session.db.run(
        INSERT_KNOWN_EVENT,
        (
            event.id,
            str(event.memory_id),
            time_text(event.timestamp),
            int(event.rating),
            state_text(event.prior_state),
            state_text(event.new_state),
        ),
    )
