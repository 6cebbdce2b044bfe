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
    intentions_of,
    keys_by_table,
    memories_of,
    purged_ids,
    review_slice,
    rows_of,
    slices_of,
    slices_of_deleted,
)
from vestige.storage.postgres import changelog, graph, intentions, memories, scheduling, transfer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige.models import Change, ChangelogEntry, Operation
    from vestige.storage.changes import Rows
    from vestige.storage.postgres.connection import Session

# Before any row is locked: who waits here for a switch of the model, which locks writers out, then
# holds nothing that the switch waits for.
ANNOUNCE: Final = "LOCK TABLE knowledge_nodes IN ROW EXCLUSIVE MODE"
LOCK: Final = (
    "SELECT id FROM knowledge_nodes WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
)
REMOVE_REVIEW: Final = "DELETE FROM review_events WHERE memory_id = $1 AND id = $2"


async def commit(session: Session, change: Change) -> list[ChangelogEntry]:
    await session.db.run(ANNOUNCE)
    # In one order for all, so that two changes of the same memories take turns.
    await session.db.run(LOCK, (memories_of(change.operations),))
    await intentions.lock(session, intentions_of(change.operations))
    slices = {item for operation in change.operations for item in slices_of(operation)}
    for memory_id in deleted_memories(change):
        slices.update(await _taken_along(session, memory_id))
    before = await _read(session, slices)
    check_expected(change, before)
    for operation in change.operations:
        slices.update(await _apply(session, operation))
    entries = entries_of(change, before, await _read(session, slices), session.clock.now())
    await changelog.write_entries(session, entries)
    return entries


async def purge(session: Session, change: Change) -> list[ChangelogEntry]:
    await session.db.run(ANNOUNCE)
    gone = purged_ids(change)
    others = tuple(
        item for item in change.operations if not isinstance(item, (DeleteMemory, RemoveIntention))
    )
    entries = await commit(session, replace(change, operations=others)) if others else []
    for memory_id in gone:
        if await memories.get_many(session, [memory_id]):
            await memories.delete(session, memory_id)
        elif not await intentions.remove(session, memory_id):
            known = await changelog.names(session, memory_id)
            if not known:
                raise MemoryNotFoundError(memory_id)
    purged_at = session.clock.now()
    entries += entries_of_purged(change, purged_at)
    await changelog.forget_content(session, gone)
    await changelog.write_tombstones(
        session, [Tombstone(memory_id=memory_id, purged_at=purged_at) for memory_id in gone]
    )
    await changelog.write_entries(session, entries[-len(gone) :])
    return entries


async def _taken_along(session: Session, memory_id: UUID) -> list[Slice]:
    edges = await graph.get_edges(session, memory_id, None)
    events = await scheduling.list_review_events(session, memory_id, None, None)
    return slices_of_deleted(memory_id, edges, events)


async def _read(session: Session, slices: set[Slice]) -> Rows:
    found = [
        row
        for table, keys in keys_by_table(slices).items()
        for row in await transfer.export_rows(session, table, keys)
    ]
    return rows_of(slices, found)


async def _apply(session: Session, operation: Operation) -> Sequence[Slice]:
    """Apply an operation; return the rows that it made and could not name before."""
    match operation:
        case InsertMemory():
            await memories.insert(session, operation.record, operation.scheduling)
        case ReplaceMemory():
            await memories.update(
                session, operation.record, keeps_updated_at=operation.keeps_updated_at
            )
        case DeleteMemory():
            await memories.delete(session, operation.memory_id)
        case PutScheduling():
            await scheduling.update_scheduling(session, operation.state)
        case AddReview():
            event = await scheduling.record_review(
                session,
                operation.memory_id,
                operation.rating,
                operation.new_state,
                operation.timestamp,
            )
            return [review_slice(event.memory_id, event.id)]
        case _:
            await _apply_beside(session, operation)
    return []


async def _apply_beside(session: Session, operation: Operation) -> None:
    """Apply an operation on what lies beside memories: past reviews, links and intentions."""
    match operation:
        case PutReview():
            await scheduling.write_events(session, [operation.event])
        case RemoveReview():
            await session.db.run(REMOVE_REVIEW, (operation.memory_id, operation.event_id))
        case PutEdge():
            await graph.add_edge(session, operation.edge)
        case RemoveEdge():
            await graph.remove_edge(
                session, operation.source_id, operation.target_id, operation.edge_type
            )
        case PutIntention():
            await intentions.put(session, operation.intention)
        case RemoveIntention():
            await intentions.remove(session, operation.intention_id)
        case _:
            pass  # of the memory itself
