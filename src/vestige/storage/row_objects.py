"""Rows of the tables as JSON objects and back, without losing a bit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from vestige.errors import InvalidInputError
from vestige.models import (
    LOCAL_USER_ID,
    ChangelogEntry,
    Domain,
    FsrsWeights,
    Group,
    GroupMembership,
    Intention,
    MemoryEdge,
    MemoryRecord,
    ReviewEvent,
    ScheduledMemory,
    SchedulingState,
    Tombstone,
    TransferTable,
    User,
)
from vestige.storage.row_values import (
    ACTION,
    COUNT,
    EVENT_ID,
    ID,
    IDS,
    INTENTION_STATUS,
    NUMBER,
    NUMBERS,
    OBJECT,
    OPTIONAL_ID,
    OPTIONAL_OBJECT,
    OPTIONAL_TEXT,
    OPTIONAL_TIME,
    OPTIONAL_VECTOR,
    PRIORITY,
    RATING,
    ROLE,
    SCORES,
    TEXT,
    TEXTS,
    TIME,
    TRIGGER_TYPE,
    VECTORS,
    VISIBILITY,
    Form,
)

if TYPE_CHECKING:
    from vestige.models import JsonObject, JsonValue, TransferRow

Forms: TypeAlias = "dict[str, Form]"

SCHEDULING: Final = "scheduling"
# As every store makes it; when it was made is the store's own, so the time here means nothing.
LOCAL_USER: Final = User(
    id=LOCAL_USER_ID,
    handle="local",
    display_name="Local User",
    created_at=datetime(1970, 1, 1, tzinfo=UTC),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableForm:
    """How the rows of a table are written: their type and the form of each field."""

    kind: type
    fields: Forms


def row_object(table: TransferTable, row: TransferRow) -> JsonObject:
    """Return a row as the JSON object of its line."""
    form = TABLE_FORMS[table]
    written: JsonObject = {"table": table.value}
    if isinstance(row, ScheduledMemory):
        written |= _object(form.fields, row.record)
        written[SCHEDULING] = _object(STATE_FIELDS, row.scheduling)
        return written
    written |= _object(form.fields, row)
    if isinstance(row, User) and row.id == LOCAL_USER_ID:
        # It is in every store, made with it: this time is the store's own and is not moved.
        written["created_at"] = None
    return written


def row_of(table: TransferTable, value: JsonObject) -> TransferRow:
    """Return the row of a JSON object.

    Args:
        table: which table the row is of.
        value: the object of a line, without `table`.

    Raises:
        InvalidInputError: a field is unknown, missing or not of its form.
    """
    form = TABLE_FORMS[table]
    if table is TransferTable.KNOWLEDGE_NODES:
        rest = dict(value)
        scheduling = rest.pop(SCHEDULING, None)
        record = MemoryRecord(**_fields(form.fields, rest))
        return ScheduledMemory(record=record, scheduling=_state(SCHEDULING, scheduling))
    fields = form.fields
    if table is TransferTable.USERS and value.get("id") == str(LOCAL_USER_ID):
        fields = {name: kind for name, kind in fields.items() if name != "created_at"}
        known = {name: item for name, item in value.items() if name != "created_at"}
        return replace(LOCAL_USER, **_fields(fields, known))
    return cast("TransferRow", form.kind(**_fields(fields, value)))


def record_of(value: JsonValue) -> MemoryRecord:
    """Return the memory of an object of its own fields, without its scheduling.

    Raises:
        InvalidInputError: a field is unknown, missing or not of its form.
    """
    form = TABLE_FORMS[TransferTable.KNOWLEDGE_NODES]
    return MemoryRecord(**_fields(form.fields, cast("JsonObject", value)))


def state_of(value: JsonValue) -> SchedulingState:
    """Return the scheduling of an object of its fields.

    Raises:
        InvalidInputError: a field is unknown, missing or not of its form.
    """
    return _state(SCHEDULING, value)


def _object(fields: Forms, row: object) -> JsonObject:
    return {name: form.write(getattr(row, name)) for name, form in fields.items()}


def _fields(fields: Forms, value: JsonObject) -> dict[str, Any]:
    unknown, missing = value.keys() - fields.keys(), fields.keys() - value.keys()
    if unknown:
        names = ", ".join(sorted(ascii(name) for name in unknown))
        raise InvalidInputError("line", f"has the unknown field {names}")
    if missing:
        raise InvalidInputError("line", f"has no field {', '.join(sorted(missing))}")
    return {name: form.read(name, value[name]) for name, form in fields.items()}


def _state(field: str, value: JsonValue) -> SchedulingState:
    if not isinstance(value, dict):
        raise InvalidInputError(field, "must be an object")
    return SchedulingState(**_fields(STATE_FIELDS, value))


def state_object(state: SchedulingState) -> JsonObject:
    """Return a scheduling as an object of its fields."""
    return _object(STATE_FIELDS, state)


STATE_FIELDS: Final[Forms] = {
    "memory_id": ID,
    "stability": NUMBER,
    "difficulty": NUMBER,
    "retrievability": NUMBER,
    "last_review": OPTIONAL_TIME,
    "next_review": OPTIONAL_TIME,
    "reps": COUNT,
    "lapses": COUNT,
}
STATE: Final = Form(write=state_object, read=_state)
PARTY_FIELDS: Final[Forms] = {
    "id": ID,
    "handle": TEXT,
    "display_name": OPTIONAL_TEXT,
    "metadata": OBJECT,
    "created_at": TIME,
}
MEMORY_FIELDS: Final[Forms] = {
    "id": ID,
    "content": TEXT,
    "node_type": TEXT,
    "tags": TEXTS,
    "metadata": OBJECT,
    "domains": TEXTS,
    "domain_scores": SCORES,
    "codebase": OPTIONAL_TEXT,
    "owner_user_id": ID,
    "visibility": VISIBILITY,
    "shared_with_groups": IDS,
    "created_at": TIME,
    "updated_at": TIME,
    "valid_until": OPTIONAL_TIME,
    "superseded_at": OPTIONAL_TIME,
    "suppressed_at": OPTIONAL_TIME,
    "embedding": OPTIONAL_VECTOR,
    "windows": VECTORS,
}
TABLE_FORMS: Final[dict[TransferTable, TableForm]] = {
    TransferTable.USERS: TableForm(kind=User, fields=PARTY_FIELDS),
    TransferTable.GROUPS: TableForm(kind=Group, fields=PARTY_FIELDS),
    TransferTable.GROUP_MEMBERSHIPS: TableForm(
        kind=GroupMembership,
        fields={"user_id": ID, "group_id": ID, "role": ROLE, "joined_at": TIME},
    ),
    TransferTable.KNOWLEDGE_NODES: TableForm(kind=MemoryRecord, fields=MEMORY_FIELDS),
    TransferTable.EDGES: TableForm(
        kind=MemoryEdge,
        fields={
            "source_id": ID,
            "target_id": ID,
            "edge_type": TEXT,
            "weight": NUMBER,
            "created_at": TIME,
        },
    ),
    TransferTable.REVIEW_EVENTS: TableForm(
        kind=ReviewEvent,
        fields={
            "id": EVENT_ID,
            "memory_id": ID,
            "timestamp": TIME,
            "rating": RATING,
            "prior_state": STATE,
            "new_state": STATE,
        },
    ),
    TransferTable.DOMAINS: TableForm(
        kind=Domain,
        fields={
            "id": TEXT,
            "label": TEXT,
            "top_terms": TEXTS,
            "memory_count": COUNT,
            "metadata": OBJECT,
            "created_at": TIME,
            "centroid": OPTIONAL_VECTOR,
        },
    ),
    TransferTable.INTENTIONS: TableForm(
        kind=Intention,
        fields={
            "id": ID,
            "content": TEXT,
            "trigger_type": TRIGGER_TYPE,
            "trigger_at": OPTIONAL_TIME,
            "event": OPTIONAL_TEXT,
            "file_pattern": OPTIONAL_TEXT,
            "topic": OPTIONAL_TEXT,
            "codebase": OPTIONAL_TEXT,
            "deadline": OPTIONAL_TIME,
            "priority": PRIORITY,
            "status": INTENTION_STATUS,
            "snoozed_until": OPTIONAL_TIME,
            "closed_at": OPTIONAL_TIME,
            "memory_ids": IDS,
            "tags": TEXTS,
            "metadata": OBJECT,
            "owner_user_id": ID,
            "created_at": TIME,
            "updated_at": TIME,
        },
    ),
    TransferTable.FSRS_WEIGHTS: TableForm(
        kind=FsrsWeights,
        fields={
            "weights": NUMBERS,
            "review_count": COUNT,
            "log_loss_before": NUMBER,
            "log_loss_after": NUMBER,
            "fitted_at": TIME,
        },
    ),
    TransferTable.CHANGELOG: TableForm(
        kind=ChangelogEntry,
        fields={
            "change_id": ID,
            "memory_id": ID,
            "action": ACTION,
            "timestamp": TIME,
            "before": OPTIONAL_OBJECT,
            "after": OPTIONAL_OBJECT,
            "reason": OPTIONAL_TEXT,
            "client_id": OPTIONAL_TEXT,
            "session_id": OPTIONAL_TEXT,
            "undoes": OPTIONAL_ID,
        },
    ),
    TransferTable.TOMBSTONES: TableForm(
        kind=Tombstone, fields={"memory_id": ID, "purged_at": TIME}
    ),
}
