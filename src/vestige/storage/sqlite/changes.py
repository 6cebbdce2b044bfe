"""Changes of memories, each with its account in the changelog."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vestige.errors import MemoryNotFoundError
from vestige.models import (
    AddReview,
    DeleteMemory,
    InsertMemory,
    PutEdge,
    PutIntention,
    PutReview,
    PutScheduling,
    RemoveEdge,
    RemoveIntention,
    RemoveReview,
    ReplaceMemory,
    Tombstone,
)
from vestige.storage.changes import (
    Slice,
    check_expected,
    deleted_memories,
    entries_of,
    entries_of_purged,
    keys_by_table,
    purged_ids,
    review_slice,
    rows_of,
    slices_of,
    slices_of_deleted,
)
from vestige.storage.sqlite import changelog, graph, intentions, memories, scheduling, transfer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige.models import Change, ChangelogEntry, Operation
    from vestige.storage.changes import Rows
    from vestige.storage.sqlite.connection import Session

ALL_EVENTS: Final = -1  # a limit that is none
REMOVE_REVIEW: Final = "DELETE FROM review_events WHERE memory_id = ? AND id = ?"


def commit(session: Session, change: Change) -> list[ChangelogEntry]:
    slices = {item for operation in change.operations for item in slices_of(operation)}
    for memory_id in deleted_memories(change):
        slices.update(_taken_along(session, memory_id))
    before = _read(session, slices)
    check_expected(change, before)
    for operation in change.operations:
        slices.update(_apply(session, operation))
    entries = entries_of(change, before, _read(session, slices), session.clock.now())
    changelog.write_entries(session, entries)
    return entries


def purge(session: Session, change: Change) -> list[ChangelogEntry]:
    gone = purged_ids(change)
    others = tuple(
        item for item in change.operations if not isinstance(item, (DeleteMemory, RemoveIntention))
    )
    entries = commit(session, replace(change, operations=others)) if others else []
    for memory_id in gone:
        if memories.get_many(session, [memory_id]):
            memories.delete(session, memory_id)
        elif not intentions.remove(session, memory_id):
            known = changelog.names(session, memory_id)
            if not known:
                raise MemoryNotFoundError(memory_id)
    purged_at = session.clock.now()
    entries += entries_of_purged(change, purged_at)
    changelog.forget_content(session, gone)
    changelog.write_tombstones(
        session, [Tombstone(memory_id=memory_id, purged_at=purged_at) for memory_id in gone]
    )
    changelog.write_entries(session, entries[-len(gone) :])
    return entries


def _taken_along(session: Session, memory_id: UUID) -> list[Slice]:
    edges = graph.get_edges(session, memory_id, None)
    events = scheduling.list_review_events(session, memory_id, None, ALL_EVENTS)
    return slices_of_deleted(memory_id, edges, events)


def _read(session: Session, slices: set[Slice]) -> Rows:
    found = [
        row
        for table, keys in keys_by_table(slices).items()
        for row in transfer.export_rows(session, table, keys)
    ]
    return rows_of(slices, found)


def _apply(session: Session, operation: Operation) -> Sequence[Slice]:
    """Apply an operation; return the rows that it made and could not name before."""
    match operation:
        case InsertMemory():
            memories.insert(session, operation.record, operation.scheduling)
        case ReplaceMemory():
            memories.update(session, operation.record, keeps_updated_at=operation.keeps_updated_at)
        case DeleteMemory():
            memories.delete(session, operation.memory_id)
        case PutScheduling():
            scheduling.update_scheduling(session, operation.state)
        case AddReview():
            event = scheduling.record_review(
                session,
                operation.memory_id,
                operation.rating,
                operation.new_state,
                operation.timestamp,
            )
            return [review_slice(event.memory_id, event.id)]
        case _:
            _apply_beside(session, operation)
    return []


def _apply_beside(session: Session, operation: Operation) -> None:
    """Apply an operation on what lies beside memories: past reviews, links and intentions."""
    match operation:
        case PutReview():
            scheduling.write_event(session, operation.event)
        case RemoveReview():
            session.db.run(REMOVE_REVIEW, (str(operation.memory_id), operation.event_id))
        case PutEdge():
            graph.add_edge(session, operation.edge)
        case RemoveEdge():
            graph.remove_edge(
                session, operation.source_id, operation.target_id, operation.edge_type
            )
        case PutIntention():
            intentions.put(session, operation.intention)
        case RemoveIntention():
            intentions.remove(session, operation.intention_id)
        case _:
            pass  # of the memory itself
