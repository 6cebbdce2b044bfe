"""What is to be done later."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.errors import InvalidInputError
from vestige.models import Intention, IntentionStatus, Priority, TriggerType
from vestige.storage.encoding import json_object, json_text
from vestige.storage.postgres import changelog
from vestige.storage.postgres.errors import ForeignKeyError
from vestige.storage.postgres.rows import uuid_of
from vestige.storage.transfer_rows import purged_here

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.models import IntentionFilter, MemoryCursor
    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.driver import Row
    from vestige.storage.postgres.rows import Named

SELECT: Final = (
    "SELECT id, content, trigger_type, trigger_at, event, file_pattern, topic, codebase, deadline,"
    " priority, status, snoozed_until, closed_at, memory_ids, tags, metadata, owner_user_id,"
    " created_at, updated_at FROM intentions AS i"
)
WITH_ID: Final = " WHERE id = $1"
LOCK: Final = "SELECT id FROM intentions WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
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
DELETE: Final = "DELETE FROM intentions WHERE id = $1"


async def get_intention(session: Session, intention_id: UUID) -> Intention | None:
    row = await session.db.row(SELECT + WITH_ID, (intention_id,))
    return None if row is None else intention_of(row)


async def list_intentions(
    session: Session,
    intention_filter: IntentionFilter | None,
    after: MemoryCursor | None,
    limit: int,
) -> list[Intention]:
    values = _filter_values(intention_filter)
    if after is not None:
        values["after_at"], values["after_id"] = after.at, after.id
    sql = list_sql(tuple(name for name in CONDITIONS if name in values))
    values["limit"] = limit
    return [intention_of(row) for row in await session.db.rows(sql, values)]


async def lock(session: Session, intention_ids: Sequence[UUID]) -> None:
    """Keep other writers from these intentions until the end of the transaction."""
    await session.db.run(LOCK, (list(intention_ids),))


async def put(session: Session, intention: Intention) -> None:
    """Write an intention as it is given, whether it is there or not."""
    await put_many(session, [intention])


async def put_many(session: Session, intentions: Sequence[Intention]) -> None:
    """Write intentions as they are given, whether they are there or not."""
    for intention_id in await changelog.purged(session, [item.id for item in intentions]):
        raise purged_here(intention_id)
    try:
        await session.db.run_many(UPSERT, [_values(item) for item in intentions])
    except ForeignKeyError as error:
        owners = ", ".join(sorted({str(item.owner_user_id) for item in intentions}))
        raise InvalidInputError(
            "owner_user_id",
            f"{owners} is not a user of this store",
            "Add the user first, or leave the owner out: it is the local user then.",
        ) from error


async def remove(session: Session, intention_id: UUID) -> bool:
    """Delete an intention; say whether there was one."""
    return await session.db.run(DELETE, (intention_id,)) > 0


def intention_of(row: Row) -> Intention:
    """Return the intention of a row of all columns, in the order of the schema."""
    (
        intention_id, content, trigger_type, trigger_at, event, file_pattern, topic, codebase,
        deadline, priority, status, snoozed_until, closed_at, memory_ids, tags, metadata,
        owner_user_id, created_at, updated_at,
    ) = row  # fmt: skip
    return Intention(
        id=uuid_of(intention_id),
        content=cast("str", content),
        trigger_type=TriggerType(cast("str", trigger_type)),
        trigger_at=cast("datetime | None", trigger_at),
        event=cast("str | None", event),
        file_pattern=cast("str | None", file_pattern),
        topic=cast("str | None", topic),
        codebase=cast("str | None", codebase),
        deadline=cast("datetime | None", deadline),
        priority=Priority(cast("int", priority)),
        status=IntentionStatus(cast("str", status)),
        snoozed_until=cast("datetime | None", snoozed_until),
        closed_at=cast("datetime | None", closed_at),
        memory_ids=tuple(map(uuid_of, cast("list[object]", memory_ids))),
        tags=tuple(cast("list[str]", tags)),
        metadata=json_object(cast("str", metadata)),
        owner_user_id=uuid_of(owner_user_id),
        created_at=cast("datetime", created_at),
        updated_at=cast("datetime", updated_at),
    )


@cache
def list_sql(names: tuple[str, ...]) -> LiteralString:
    """Return the SELECT of a page of intentions, one text per filter shape."""
    text: LiteralString = SELECT + " WHERE true"
    for name in names:
        text = text + " AND " + CONDITIONS[name]
    return text + NEWEST_FIRST


def _values(intention: Intention) -> Named:
    return {
        "id": intention.id,
        "content": intention.content,
        "trigger_type": intention.trigger_type.value,
        "trigger_at": intention.trigger_at,
        "event": intention.event,
        "file_pattern": intention.file_pattern,
        "topic": intention.topic,
        "codebase": intention.codebase,
        "deadline": intention.deadline,
        "priority": int(intention.priority),
        "status": intention.status.value,
        "snoozed_until": intention.snoozed_until,
        "closed_at": intention.closed_at,
        "memory_ids": list(intention.memory_ids),
        "tags": list(intention.tags),
        "metadata": json_text("metadata", intention.metadata),
        "owner_user_id": intention.owner_user_id,
        "created_at": intention.created_at,
        "updated_at": intention.updated_at,
    }


def _filter_values(intention_filter: IntentionFilter | None) -> Named:
    if intention_filter is None:
        return {}
    given: Named = {
        "status": None if intention_filter.status is None else intention_filter.status.value,
        "codebase": intention_filter.codebase,
        "may_fire_at": intention_filter.may_fire_at,
    }
    return {name: value for name, value in given.items() if value is not None}
