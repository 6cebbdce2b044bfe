"""What was to be done later in a file, as intentions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vestige.models import Intention, IntentionStatus, Priority, TriggerType
from vestige.storage.intention_limits import MEMORIES_MAX
from vestige.storage.limits import (
    LIST_MAX,
    NAME_MAX_CHARACTERS,
    TAG_MAX_CHARACTERS,
    TAGS_MAX,
)
from vestige.storage.rust.memories import created_at_of, names_of
from vestige.storage.rust.values import NotJsonError, json_of, storable, text_of, time_of, whole_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from vestige.models import JsonObject, JsonValue
    from vestige.storage.rust.connection import Cell
    from vestige.storage.rust.findings import RowNotes

PLACED: Final = frozenset(
    {
        *("id", "content", "trigger_type", "trigger_data", "priority", "status", "created_at"),
        *("deadline", "fulfilled_at", "snoozed_until", "tags", "related_memories"),
    }
)
STATUSES: Final = {
    "active": IntentionStatus.ACTIVE,
    "triggered": IntentionStatus.ACTIVE,
    "snoozed": IntentionStatus.ACTIVE,
    "fulfilled": IntentionStatus.COMPLETED,
    "cancelled": IntentionStatus.CANCELLED,
    "expired": IntentionStatus.CANCELLED,
}
# Where the Rust program kept what brings an intention up; it wrote its names in two ways.
TIMES: Final = ("at", "trigger_at")
FILES: Final = ("file_pattern", "filePattern")
EVENTS: Final = ("event", "condition", "activity")


class _Trigger(NamedTuple):
    kind: TriggerType
    at: datetime | None = None
    event: str | None = None
    file_pattern: str | None = None
    topic: str | None = None
    codebase: str | None = None


def intention_of(
    notes: RowNotes,
    intention_id: UUID,
    row: Mapping[str, Cell],
    memory_of: Callable[[str], UUID | None],
    last_resort: datetime,
) -> Intention:
    """Return an intention; it is not checked yet.

    Args:
        notes: takes what is changed.
        intention_id: what its id became.
        row: its row.
        memory_of: what the id of a memory in the file became.
        last_resort: the time of its creation when the row tells none.
    """
    metadata: JsonObject = {
        name: storable(notes, name, cell)
        for name, cell in row.items()
        if name not in PLACED and cell is not None
    }
    created_at = created_at_of(notes, row, last_resort)
    status = _status(notes, row.get("status"), metadata)
    closed_at = None
    if status is not IntentionStatus.ACTIVE:
        closed_at = time_of(notes, "fulfilled_at", row.get("fulfilled_at")) or created_at
    trigger = _trigger(notes, row, metadata)
    return Intention(
        id=intention_id,
        content=text_of(notes, "content", row["content"]) or "",
        trigger_type=trigger.kind,
        trigger_at=trigger.at,
        event=trigger.event,
        file_pattern=trigger.file_pattern,
        topic=trigger.topic,
        codebase=trigger.codebase,
        deadline=time_of(notes, "deadline", row.get("deadline")),
        priority=_priority(notes, row.get("priority")),
        status=status,
        snoozed_until=time_of(notes, "snoozed_until", row.get("snoozed_until")),
        closed_at=closed_at,
        memory_ids=_memory_ids(notes, row, metadata, memory_of),
        tags=names_of(notes, "tags", row, metadata, most=TAGS_MAX, longest=TAG_MAX_CHARACTERS),
        metadata=metadata,
        created_at=created_at,
        updated_at=max(created_at, closed_at or created_at),
    )


def _trigger(notes: RowNotes, row: Mapping[str, Cell], metadata: JsonObject) -> _Trigger:
    """Return what brings an intention up; what this program does not know is kept in metadata."""
    kind = text_of(notes, "trigger_type", row.get("trigger_type")) or ""
    cell = row.get("trigger_data")
    try:
        given = storable(notes, "trigger_data", json_of(cell))
    except NotJsonError:
        given = storable(notes, "trigger_data", cell)
    data = given if isinstance(given, dict) else {}
    trigger = _known_trigger(notes, kind, data)
    metadata["trigger_type"], metadata["trigger_data"] = kind, given
    if trigger is None:
        event = kind[:NAME_MAX_CHARACTERS] or "unknown"
        notes.adjust("trigger: of no kind that is known here, an event now", kind, event)
        return _Trigger(TriggerType.EVENT, event=event)
    return trigger


def _known_trigger(notes: RowNotes, kind: str, data: JsonObject) -> _Trigger | None:
    at = next((data[name] for name in TIMES if isinstance(data.get(name), str)), None)
    if kind in {"time", "duration", "recurring"} and isinstance(at, str):
        time = time_of(notes, "trigger_data", at)
        return None if time is None else _Trigger(TriggerType.TIME, at=time)
    codebase, file_pattern, topic = (
        _name(data, *names) for names in (("codebase",), FILES, ("topic",))
    )
    if kind == "context" and (codebase or file_pattern or topic):
        return _Trigger(
            TriggerType.CONTEXT, file_pattern=file_pattern, topic=topic, codebase=codebase
        )
    event = _name(data, *EVENTS)
    return None if event is None else _Trigger(TriggerType.EVENT, event=event, codebase=codebase)


def _name(data: JsonObject, *names: str) -> str | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, str) and 0 < len(value) <= NAME_MAX_CHARACTERS:
            return value
    return None


def _status(notes: RowNotes, cell: Cell, metadata: JsonObject) -> IntentionStatus:
    name = text_of(notes, "status", cell) or "active"
    status = STATUSES.get(name)
    if status is None:
        notes.adjust("status: of no kind that is known here, active now", cell, "active")
    if status is None or name != status.value:
        metadata["status"] = name
    return status or IntentionStatus.ACTIVE


def _priority(notes: RowNotes, cell: Cell) -> Priority:
    number = Priority.NORMAL if cell is None else whole_of(notes, "priority", cell, highest=4)
    return Priority(max(number, 1))


def _memory_ids(
    notes: RowNotes,
    row: Mapping[str, Cell],
    metadata: JsonObject,
    memory_of: Callable[[str], UUID | None],
) -> tuple[UUID, ...]:
    names = names_of(
        notes, "related_memories", row, metadata, most=LIST_MAX, longest=NAME_MAX_CHARACTERS
    )
    found = [memory_of(name) for name in names]
    kept = tuple(dict.fromkeys(item for item in found if item is not None))[:MEMORIES_MAX]
    if len(kept) < len(names):
        value: list[JsonValue] = list(names)
        metadata["related_memories"] = value
        notes.adjust("related_memories: some are no memories of the file", names, kept)
    return kept
