"""What the changelog says about a change, the same on every backend: rows as JSON, by name.

The rows of a memory that a change may touch have names: `memory`, `scheduling`, one `edge ...` for
each link and one `review ...` for each review event. An intention has an account of its own, under
its own id, with one row, `intention`. Vectors are left out: they follow from the
text.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from vestige.cognition.fsrs import initial_state
from vestige.errors import ConflictError, InvalidInputError
from vestige.models import (
    AddReview,
    ChangelogEntry,
    DeleteMemory,
    InsertMemory,
    Intention,
    MemoryEdge,
    PutEdge,
    PutIntention,
    PutReview,
    PutScheduling,
    RemoveEdge,
    RemoveIntention,
    RemoveReview,
    ReplaceMemory,
    ReviewEvent,
    ScheduledMemory,
    TransferTable,
)
from vestige.storage import limits
from vestige.storage.intention_limits import check_intention
from vestige.storage.row_objects import row_object, row_of, state_object

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from uuid import UUID

    from vestige.models import (
        Change,
        JsonObject,
        JsonValue,
        MemoryRecord,
        Operation,
        RowKey,
        SchedulingState,
        TransferRow,
    )

MEMORY: Final = "memory"
SCHEDULING: Final = "scheduling"
INTENTION: Final = "intention"
WITHOUT_VECTORS: Final[JsonObject] = {"embedding": None, "windows": []}


@dataclass(frozen=True, slots=True)
class Slice:
    """One row that belongs to a memory: its name, and its table and key where it has its own."""

    memory_id: UUID
    name: str
    key: RowKey = ()


Rows: TypeAlias = "dict[Slice, JsonValue]"


def check_change(change: Change) -> None:
    """Refuse a change whose values are outside the limits.

    Raises:
        InvalidInputError: names the field and the limit.
    """
    if not change.operations:
        raise InvalidInputError("operations", "must not be empty")
    for name in ("reason", "client_id", "session_id"):
        value = cast("str | None", getattr(change, name))
        if value is not None:
            limits.check_text(name, value, max_characters=limits.NAME_MAX_CHARACTERS)
    for operation in change.operations:
        _check_operation(operation)


def _check_operation(operation: Operation) -> None:
    match operation:
        case InsertMemory():
            limits.check_record(operation.record)
            if operation.scheduling is not None:
                limits.check_scheduling(operation.scheduling)
                limits.check_same_memory(operation.record.id, operation.scheduling)
        case ReplaceMemory():
            limits.check_record(operation.record)
        case PutScheduling():
            limits.check_scheduling(operation.state)
        case AddReview():
            limits.check_rating(operation.rating)
            limits.check_scheduling(operation.new_state)
            limits.check_same_memory(operation.memory_id, operation.new_state)
            limits.check_time("timestamp", operation.timestamp)
        case PutEdge():
            limits.check_edge(operation.edge)
        case PutIntention():
            check_intention(operation.intention)
        case _:
            pass  # nothing but keys


def slices_of(operation: Operation) -> list[Slice]:
    """Return the rows that an operation names; a deletion takes others with it."""
    match operation:
        case PutReview():
            return [review_slice(operation.event.memory_id, operation.event.id)]
        case RemoveReview():
            return [review_slice(operation.memory_id, operation.event_id)]
        case PutEdge() | RemoveEdge():
            edge = operation.edge if isinstance(operation, PutEdge) else operation
            return [edge_slice(edge.source_id, (edge.source_id, edge.target_id, edge.edge_type))]
        case PutIntention():
            return [Slice(operation.intention.id, INTENTION)]
        case RemoveIntention():
            return [Slice(operation.intention_id, INTENTION)]
        case InsertMemory() | ReplaceMemory():
            memory_id = operation.record.id
        case PutScheduling():
            memory_id = operation.state.memory_id
        case DeleteMemory() | AddReview():
            memory_id = operation.memory_id
    return [Slice(memory_id, MEMORY), Slice(memory_id, SCHEDULING)]


def memories_of(operations: Iterable[Operation]) -> list[UUID]:
    """Return the memories that operations write to, or link, in the order of their ids."""
    ids = {
        item.memory_id
        for operation in operations
        for item in slices_of(operation)
        if item.name != INTENTION
    }
    for operation in operations:
        if isinstance(operation, PutEdge):
            ids.add(operation.edge.target_id)
    return sorted(ids)


def intentions_of(operations: Iterable[Operation]) -> list[UUID]:
    """Return the intentions that operations write to, in the order of their ids."""
    return sorted(
        item.memory_id
        for operation in operations
        for item in slices_of(operation)
        if item.name == INTENTION
    )


def deleted_memories(change: Change) -> list[UUID]:
    """Return the memories that a change deletes."""
    return [item.memory_id for item in change.operations if isinstance(item, DeleteMemory)]


def purged_ids(change: Change) -> list[UUID]:
    """Return the memories and the intentions that a purge takes."""
    return deleted_memories(change) + [
        item.intention_id for item in change.operations if isinstance(item, RemoveIntention)
    ]


def slices_of_deleted(
    memory_id: UUID, edges: Iterable[MemoryEdge], events: Iterable[ReviewEvent]
) -> list[Slice]:
    """Return the rows that a memory takes with it: its links, in both directions, and reviews."""
    links = [(edge.source_id, edge.target_id, edge.edge_type) for edge in edges]
    return [
        *(edge_slice(memory_id, key) for key in links),
        *(review_slice(memory_id, event.id) for event in events),
    ]


def edge_slice(memory_id: UUID, key: tuple[UUID, UUID, str]) -> Slice:
    """Return the name of a link in the account of a memory."""
    return Slice(memory_id, f"edge {key[0]} {key[1]} {key[2]}", key)


def review_slice(memory_id: UUID, event_id: int) -> Slice:
    """Return the name of a review event in the account of its memory."""
    return Slice(memory_id, f"review {event_id}", (event_id,))


def keys_by_table(slices: Collection[Slice]) -> dict[TransferTable, list[RowKey]]:
    """Return the keys of the rows that have to be read, by table."""
    keys: dict[TransferTable, dict[RowKey, None]] = defaultdict(dict)
    for item in slices:
        keys[_table(item)][item.key or (item.memory_id,)] = None
    return {table: list(found) for table, found in keys.items()}


def rows_of(slices: Collection[Slice], found: Iterable[TransferRow]) -> Rows:
    """Return what the slices hold; None for a row that was not found."""
    by_name: dict[tuple[str, RowKey], JsonValue] = {}
    for row in found:
        match row:
            case ScheduledMemory():
                value = row_account(TransferTable.KNOWLEDGE_NODES, row)
                state = value.pop(SCHEDULING)
                by_name[MEMORY, (row.record.id,)] = value | WITHOUT_VECTORS
                by_name[SCHEDULING, (row.record.id,)] = state
            case MemoryEdge():
                key = (row.source_id, row.target_id, row.edge_type)
                by_name["edge", key] = row_account(TransferTable.EDGES, row)
            case ReviewEvent():
                by_name["review", (row.id,)] = row_account(TransferTable.REVIEW_EVENTS, row)
            case Intention():
                by_name[INTENTION, (row.id,)] = row_account(TransferTable.INTENTIONS, row)
            case _:
                pass  # no other table is asked for
    return {
        item: by_name.get((item.name.split(" ", 1)[0], item.key or (item.memory_id,)))
        for item in sorted(slices, key=lambda item: (item.memory_id, item.name))
    }


def check_expected(change: Change, before: Rows) -> None:
    """Refuse a change of memories that are not what it expects.

    Raises:
        ConflictError: names the memory.
    """
    by_name = {(item.memory_id, item.name): value for item, value in before.items()}
    for memory_id, rows in change.expected.items():
        for name, value in rows.items():
            if _lasting(by_name.get((memory_id, name))) != _lasting(value):
                raise ConflictError(memory_id)


def entries_of(
    change: Change, before: Rows, after: Rows, timestamp: datetime
) -> list[ChangelogEntry]:
    """Return the account of a change: one entry for each memory that it made different."""
    old: dict[UUID, JsonObject] = defaultdict(dict)
    new: dict[UUID, JsonObject] = defaultdict(dict)
    for item, value in after.items():
        if before.get(item) != value:
            old[item.memory_id][item.name] = before.get(item)
            new[item.memory_id][item.name] = value
    return [
        ChangelogEntry(
            change_id=change.id,
            memory_id=memory_id,
            action=change.action,
            timestamp=timestamp,
            before=old[memory_id],
            after=new[memory_id],
            reason=change.reason,
            client_id=change.client_id,
            session_id=change.session_id,
            undoes=change.undoes,
        )
        for memory_id in new
    ]


def entries_of_purged(change: Change, timestamp: datetime) -> list[ChangelogEntry]:
    """Return the account of what a change purges: nothing but that it is gone."""
    return [
        ChangelogEntry(
            change_id=change.id,
            memory_id=memory_id,
            action=change.action,
            timestamp=timestamp,
            before=None,
            after=None,
            client_id=change.client_id,
            session_id=change.session_id,
        )
        for memory_id in purged_ids(change)
    ]


def memory_account(record: MemoryRecord) -> JsonObject:
    """Return what the changelog says about the memory's own row as it is: `{"memory": ...}`."""
    row = ScheduledMemory(record=record, scheduling=initial_state(record.id, record.created_at))
    value = row_account(TransferTable.KNOWLEDGE_NODES, row)
    del value[SCHEDULING]
    return {MEMORY: value | WITHOUT_VECTORS}


def scheduling_account(state: SchedulingState) -> JsonObject:
    """Return what the changelog says about a memory's scheduling as it is."""
    return {SCHEDULING: state_object(state)}


def row_account(table: TransferTable, row: TransferRow) -> JsonObject:
    """Return what the changelog says about a row as it is."""
    value = row_object(table, row)
    del value["table"]
    return value


def intention_account(intention: Intention) -> JsonObject:
    """Return what the changelog says about an intention as it is: `{"intention": ...}`."""
    return {INTENTION: row_account(TransferTable.INTENTIONS, intention)}


def row_from(name: str, value: JsonValue) -> MemoryEdge | ReviewEvent | Intention:
    """Return the link, review event or intention of an account by its name."""
    tables = {"edge": TransferTable.EDGES, "review": TransferTable.REVIEW_EVENTS}
    table = tables.get(name.split(" ", 1)[0], TransferTable.INTENTIONS)
    return cast("MemoryEdge | ReviewEvent | Intention", row_of(table, cast("JsonObject", value)))


def account_text(value: JsonObject | None) -> str | None:
    """Return the rows of an entry as compact JSON; they were checked when they were stored."""
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _lasting(value: JsonValue) -> JsonValue:
    """Return a row without what is only derived, and refreshed without an account."""
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if name != "retrievability"}


def _table(item: Slice) -> TransferTable:
    if item.name == INTENTION:
        return TransferTable.INTENTIONS
    if not item.key:
        return TransferTable.KNOWLEDGE_NODES
    is_edge = len(item.key) > 1
    return TransferTable.EDGES if is_edge else TransferTable.REVIEW_EVENTS
