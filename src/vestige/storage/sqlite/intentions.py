"""What is to be done later."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString, cast
from uuid import UUID

from vestige.errors import InvalidInputError
from vestige.models import Intention, IntentionStatus, Priority, TriggerType
from vestige.storage.encoding import json_list, json_object, json_text, time_text, time_value
from vestige.storage.sqlite import changelog
from vestige.storage.sqlite.errors import FOREIGN_KEY, ConstraintError, broken_constraint
from vestige.storage.sqlite.rows import list_text
from vestige.storage.transfer_rows import purged_here

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import IntentionFilter, MemoryCursor
    from vestige.storage.sqlite.connection import Session
    from vestige.storage.sqlite.driver import Row, Value

SELECT: Final = (
    "SELECT id, content, trigger_type, trigger_at, event, file_pattern, topic, codebase, deadline,"
    " priority, status, snoozed_until, closed_at, memory_ids, tags, metadata, owner_user_id,"
    " created_at, updated_at FROM intentions AS i"
)
WITH_ID: Final = " WHERE id = ?"
CONDITIONS: Final[dict[str, LiteralString]] = {
    "status": "i.status = :status",
    "codebase": "i.codebase = :codebase",
    "may_fire_at": (
        "i.status = 'active' AND (i.snoozed_until IS NULL OR i.snoozed_until <= :may_fire_at)"
        " AND (i.trigger_type <> 'time' OR i.trigger_at <= :may_fire_at"
        " OR i.deadline <= :may_fire_at)"
    ),
    "after_id": (
        "(i.created_at < :after_at OR (i.created_at = :after_at AND i.id > :after_id))"
        " AND i.created_at <= :after_at"
    ),
}
NEWEST_FIRST: Final = " ORDER BY i.created_at DESC, i.id LIMIT :limit"
UPSERT: Final = """
INSERT INTO intentions (
    id, content, trigger_type, trigger_at, event, file_pattern, topic, codebase, deadline, priority,
    status, snoozed_until, closed_at, memory_ids, tags, metadata, owner_user_id, created_at,
    updated_at
) VALUES (
    :id, :content, :trigger_type, :trigger_at, :event, :file_pattern, :topic, :codebase, :deadline,
    :priority, :status, :snoozed_until, :closed_at, :memory_ids, :tags, :metadata, :owner_user_id,
    :created_at, :updated_at
)
ON CONFLICT (id) DO UPDATE SET
    content = excluded.content, trigger_type = excluded.trigger_type,
    trigger_at = excluded.trigger_at, event = excluded.event, file_pattern = excluded.file_pattern,
    topic = excluded.topic, codebase = excluded.codebase, deadline = excluded.deadline,
    priority = excluded.priority, status = excluded.status, snoozed_until = excluded.snoozed_until,
    closed_at = excluded.closed_at, memory_ids = excluded.memory_ids, tags = excluded.tags,
    metadata = excluded.metadata, owner_user_id = excluded.owner_user_id,
    created_at = excluded.created_at, updated_at = excluded.updated_at
"""
DELETE: Final = "DELETE FROM intentions WHERE id = ?"


def get_intention(session: Session, intention_id: UUID) -> Intention | None:
    row = session.db.row(SELECT + WITH_ID, (str(intention_id),))
    return None if row is None else intention_of(row)


def list_intentions(
    session: Session,
    intention_filter: IntentionFilter | None,
    after: MemoryCursor | None,
    limit: int,
) -> list[Intention]:
    values = _filter_values(intention_filter)
    if after is not None:
        values["after_at"], values["after_id"] = time_text(after.at), str(after.id)
    sql = list_sql(tuple(name for name in CONDITIONS if name in values))
    values["limit"] = limit
    return [intention_of(row) for row in session.db.rows(sql, values)]


def put(session: Session, intention: Intention) -> None:
    """Write an intention as it is given, whether it is there or not."""
    if changelog.purged(session, [intention.id]):
        raise purged_here(intention.id)
    try:
        session.db.run(UPSERT, _values(intention))
    except ConstraintError as error:
        if broken_constraint(error) != FOREIGN_KEY:
            raise
        raise InvalidInputError(
            "owner_user_id",
            f"{intention.owner_user_id} is not a user of this store",
            "Add the user first, or leave the owner out: it is the local user then.",
        ) from error


def remove(session: Session, intention_id: UUID) -> bool:
    """Delete an intention; say whether there was one."""
    return session.db.run(DELETE, (str(intention_id),)) > 0


def intention_of(row: Row) -> Intention:
    """Return the intention of a row of all columns, in the order of the schema."""
    (
        intention_id, content, trigger_type, trigger_at, event, file_pattern, topic, codebase,
        deadline, priority, status, snoozed_until, closed_at, memory_ids, tags, metadata,
        owner_user_id, created_at, updated_at,
    ) = row  # fmt: skip
    return Intention(
        id=UUID(cast("str", intention_id)),
        content=cast("str", content),
        trigger_type=TriggerType(cast("str", trigger_type)),
        trigger_at=_time(trigger_at),
        event=cast("str | None", event),
        file_pattern=cast("str | None", file_pattern),
        topic=cast("str | None", topic),
        codebase=cast("str | None", codebase),
        deadline=_time(deadline),
        priority=Priority(cast("int", priority)),
        status=IntentionStatus(cast("str", status)),
        snoozed_until=_time(snoozed_until),
        closed_at=_time(closed_at),
        memory_ids=tuple(map(UUID, json_list(cast("str", memory_ids)))),
        tags=tuple(json_list(cast("str", tags))),
        metadata=json_object(cast("str", metadata)),
        owner_user_id=UUID(cast("str", owner_user_id)),
        created_at=time_value(cast("str", created_at)),
        updated_at=time_value(cast("str", updated_at)),
    )


@cache
def list_sql(names: tuple[str, ...]) -> LiteralString:
    """Return the SELECT of a page of intentions, one text per filter shape."""
    text: LiteralString = SELECT + " WHERE 1"
    for name in names:
        text = text + " AND " + CONDITIONS[name]
    return text + NEWEST_FIRST


def _values(intention: Intention) -> dict[str, Value]:
    return {
        "id": str(intention.id),
        "content": intention.content,
        "trigger_type": intention.trigger_type.value,
        "trigger_at": _text(intention.trigger_at),
        "event": intention.event,
        "file_pattern": intention.file_pattern,
        "topic": intention.topic,
        "codebase": intention.codebase,
        "deadline": _text(intention.deadline),
        "priority": int(intention.priority),
        "status": intention.status.value,
        "snoozed_until": _text(intention.snoozed_until),
        "closed_at": _text(intention.closed_at),
        "memory_ids": list_text([str(memory_id) for memory_id in intention.memory_ids]),
        "tags": list_text(intention.tags),
        "metadata": json_text("metadata", intention.metadata),
        "owner_user_id": str(intention.owner_user_id),
        "created_at": time_text(intention.created_at),
        "updated_at": time_text(intention.updated_at),
    }


def _filter_values(intention_filter: IntentionFilter | None) -> dict[str, Value]:
    if intention_filter is None:
        return {}
    status, may_fire_at = intention_filter.status, intention_filter.may_fire_at
    given: dict[str, Value] = {
        "status": None if status is None else status.value,
        "codebase": intention_filter.codebase,
        "may_fire_at": _text(may_fire_at),
    }
    return {name: value for name, value in given.items() if value is not None}


def _text(value: datetime | None) -> str | None:
    return None if value is None else time_text(value)


def _time(value: Value) -> datetime | None:
    return None if value is None else time_value(cast("str", value))
