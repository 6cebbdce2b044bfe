"""The FSRS-6 state of memories and the log of their reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.errors import MemoryNotFoundError
from vestige.models import ReviewEvent
from vestige.storage.encoding import utc
from vestige.storage.postgres import filters, memories
from vestige.storage.postgres.rows import (
    MEMORY_COLUMN_COUNT,
    MEMORY_COLUMNS,
    SCHEDULING_COLUMNS,
    event_of,
    memory_of,
    scheduling_of,
    scheduling_values,
    state_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.models import MemoryRecord, Rating, SchedulingState
    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.rows import Named

INSERT: Final = """
INSERT INTO scheduling (
    memory_id, stability, difficulty, retrievability, last_review, next_review, reps, lapses
) VALUES (
    :memory_id, :stability, :difficulty, :retrievability, :last_review, :next_review, :reps,
    :lapses
)
"""
# A row that was made by hand has no state yet.
UPSERT: Final = f"""
{INSERT} ON CONFLICT (memory_id) DO UPDATE SET
    stability = excluded.stability, difficulty = excluded.difficulty,
    retrievability = excluded.retrievability, last_review = excluded.last_review,
    next_review = excluded.next_review, reps = excluded.reps, lapses = excluded.lapses
"""
# In one order, so that two who refresh the same rows wait for each other instead of locking up.
LOCK: Final = (
    "SELECT 1 FROM scheduling WHERE memory_id = ANY($1::uuid[]) ORDER BY memory_id FOR UPDATE"
)
REFRESH: Final = """
UPDATE scheduling AS s SET retrievability = n.retrievability
FROM unnest(
    :memory_ids::uuid[], :stabilities::float8[], :last_reviews::timestamptz[],
    :retrievabilities::float8[]
) AS n (memory_id, stability, last_review, retrievability)
WHERE s.memory_id = n.memory_id AND s.stability = n.stability
AND s.last_review IS NOT DISTINCT FROM n.last_review
"""
SELECT: Final = f"SELECT {SCHEDULING_COLUMNS} FROM scheduling AS s WHERE s.memory_id = $1"
SELECT_TO_REVIEW: Final = f"{SELECT} FOR UPDATE"
SELECT_MANY: Final = (
    f"SELECT {SCHEDULING_COLUMNS} FROM scheduling AS s WHERE s.memory_id = ANY($1::uuid[])"
)
SELECT_DUE: Final = f"""
SELECT {MEMORY_COLUMNS}, {SCHEDULING_COLUMNS}
FROM scheduling AS s JOIN knowledge_nodes AS m ON m.id = s.memory_id
WHERE s.next_review IS NOT NULL AND s.next_review <= :current_at
AND {filters.CONDITIONS["current_at"]}
ORDER BY s.next_review, s.memory_id LIMIT :limit
"""
INSERT_EVENT: Final = """
INSERT INTO review_events (memory_id, timestamp, rating, prior_state, new_state)
VALUES (:memory_id, :timestamp, :rating, :prior_state, :new_state) RETURNING id
"""
SELECT_EVENTS: Final = (
    "SELECT id, memory_id, timestamp, rating, prior_state, new_state FROM review_events"
    " WHERE id > :after ORDER BY id LIMIT :limit"
)
SELECT_EVENTS_OF_MEMORY: Final = (
    "SELECT id, memory_id, timestamp, rating, prior_state, new_state FROM review_events"
    " WHERE memory_id = :memory_id AND id > :after ORDER BY id LIMIT :limit"
)
INSERT_KNOWN_EVENT: Final = """
INSERT INTO review_events (id, memory_id, timestamp, rating, prior_state, new_state)
VALUES (:id, :memory_id, :timestamp, :rating, :prior_state, :new_state)
"""
# The next event must not be given an id that came from elsewhere.
ADVANCE_EVENTS: Final = """
SELECT setval(pg_get_serial_sequence('review_events', 'id'), :newest)
WHERE :newest > (SELECT last_value FROM review_events_id_seq)
"""


async def insert(session: Session, state: SchedulingState) -> None:
    await session.db.run(INSERT, scheduling_values(state))


async def get_scheduling(session: Session, memory_id: UUID) -> SchedulingState | None:
    row = await session.db.row(SELECT, (memory_id,))
    return None if row is None else scheduling_of(row)


async def list_scheduling(session: Session, memory_ids: Sequence[UUID]) -> list[SchedulingState]:
    rows = await session.db.rows(SELECT_MANY, (list(memory_ids),))
    states = {state.memory_id: state for state in map(scheduling_of, rows)}
    return [states[item] for item in memory_ids if item in states]


async def update_scheduling(session: Session, state: SchedulingState) -> None:
    await memories.lock(session, [state.memory_id])
    await session.db.run(UPSERT, scheduling_values(state))


async def refresh_retrievability(session: Session, states: Sequence[SchedulingState]) -> int:
    memory_ids = [state.memory_id for state in states]
    await session.db.rows(LOCK, (memory_ids,))
    return await session.db.run(
        REFRESH,
        {
            "memory_ids": memory_ids,
            "stabilities": [state.stability for state in states],
            "last_reviews": [state.last_review for state in states],
            "retrievabilities": [state.retrievability for state in states],
        },
    )


async def record_review(
    session: Session,
    memory_id: UUID,
    rating: Rating,
    new_state: SchedulingState,
    timestamp: datetime,
) -> ReviewEvent:
    row = await session.db.row(SELECT_TO_REVIEW, (memory_id,))
    if row is None:
        raise MemoryNotFoundError(memory_id)
    prior_state = scheduling_of(row)
    values = {
        "memory_id": memory_id,
        "timestamp": timestamp,
        "rating": int(rating),
        "prior_state": state_text(prior_state),
        "new_state": state_text(new_state),
    }
    event_id = await session.db.value(INSERT_EVENT, values)
    await session.db.run(UPSERT, scheduling_values(new_state))
    return ReviewEvent(
        id=cast("int", event_id),
        memory_id=memory_id,
        timestamp=utc("timestamp", timestamp),
        rating=rating,
        prior_state=prior_state,
        new_state=new_state,
    )


async def list_review_events(
    session: Session, memory_id: UUID | None, after: int | None, limit: int | None
) -> list[ReviewEvent]:
    values: dict[str, object] = {"after": 0 if after is None else after, "limit": limit}
    if memory_id is None:
        rows = await session.db.rows(SELECT_EVENTS, values)
    else:
        rows = await session.db.rows(SELECT_EVENTS_OF_MEMORY, values | {"memory_id": memory_id})
    return [event_of(row) for row in rows]


async def get_due_memories(
    session: Session, before: datetime, limit: int
) -> list[tuple[MemoryRecord, SchedulingState]]:
    rows = await session.db.rows(SELECT_DUE, {"current_at": before, "limit": limit})
    return [(memory_of(row), scheduling_of(row[MEMORY_COLUMN_COUNT:])) for row in rows]


async def write_events(session: Session, events: Sequence[ReviewEvent]) -> None:
    """Write review events with the ids that they have; the states are left as they are."""
    await memories.lock(session, sorted({event.memory_id for event in events}))
    values: list[Named] = [
        {
            "id": event.id,
            "memory_id": event.memory_id,
            "timestamp": event.timestamp,
            "rating": int(event.rating),
            "prior_state": state_text(event.prior_state),
            "new_state": state_text(event.new_state),
        }
        for event in events
    ]
    await session.db.run_many(INSERT_KNOWN_EVENT, values)
    await session.db.run(ADVANCE_EVENTS, {"newest": max(event.id for event in events)})
