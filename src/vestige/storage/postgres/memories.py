"""Writing, reading and listing memories."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.cognition.fsrs import initial_state
from vestige.errors import DuplicateMemoryError, InvalidInputError, MemoryNotFoundError
from vestige.models import MemoryOrder
from vestige.storage.postgres import filters, registry, scheduling
from vestige.storage.postgres.errors import ForeignKeyError, UniqueError
from vestige.storage.postgres.rows import (
    MEMORY_COLUMNS,
    memory_of,
    memory_values,
    scheduling_values,
    uuid_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from uuid import UUID

    from vestige.models import (
        MemoryCursor,
        MemoryFilter,
        MemoryRecord,
        SchedulingState,
    )
    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.rows import Named

INSERT: Final = """
INSERT INTO knowledge_nodes (
    id, content, search_terms, node_type, tags, metadata, domains, domain_scores, embedding,
    codebase, owner_user_id, visibility, shared_with_groups, created_at, updated_at,
    valid_until, superseded_at, suppressed_at
) VALUES (
    :id, :content, :search_terms, :node_type, :tags, :metadata, :domains, :domain_scores,
    :embedding, :codebase, :owner_user_id, :visibility, :shared_with_groups, :created_at,
    :updated_at, :valid_until, :superseded_at, :suppressed_at
)
"""
# The words and the vector of a memory are indexed anew only when they changed.
UPDATE: Final = """
UPDATE knowledge_nodes SET
    content = :content, search_terms = :search_terms, node_type = :node_type, tags = :tags,
    metadata = :metadata, domains = :domains, domain_scores = :domain_scores,
    codebase = :codebase, owner_user_id = :owner_user_id, visibility = :visibility,
    shared_with_groups = :shared_with_groups, updated_at = :updated_at, valid_until = :valid_until,
    superseded_at = :superseded_at, suppressed_at = :suppressed_at
WHERE id = :id
"""
UPDATE_BESIDE_TEXT: Final = """
UPDATE knowledge_nodes SET
    metadata = :metadata, domains = :domains, domain_scores = :domain_scores,
    codebase = :codebase, owner_user_id = :owner_user_id, visibility = :visibility,
    shared_with_groups = :shared_with_groups, updated_at = :updated_at, valid_until = :valid_until,
    superseded_at = :superseded_at, suppressed_at = :suppressed_at
WHERE id = :id
"""
UPDATE_EMBEDDING: Final = "UPDATE knowledge_nodes SET embedding = :embedding WHERE id = :id"
DELETE: Final = "DELETE FROM knowledge_nodes WHERE id = $1"
LOCK: Final = "SELECT id FROM knowledge_nodes WHERE id = ANY($1::uuid[]) ORDER BY id FOR KEY SHARE"
IS_KNOWN: Final = "SELECT EXISTS (SELECT 1 FROM knowledge_nodes WHERE id = $1)"
SELECT_ONE: Final = f"SELECT {MEMORY_COLUMNS} FROM knowledge_nodes AS m WHERE m.id = $1"
SELECT_TO_UPDATE: Final = f"{SELECT_ONE} FOR UPDATE"
SELECT_MANY: Final = (
    f"SELECT {MEMORY_COLUMNS} FROM knowledge_nodes AS m WHERE m.id = ANY($1::uuid[])"
)
COUNT: Final = "SELECT count(*) FROM knowledge_nodes AS m WHERE true"

INSERT_WINDOW: Final = (
    "INSERT INTO memory_windows (memory_id, position, embedding)"
    " VALUES (:memory_id, :position, :embedding)"
)
DELETE_WINDOWS: Final = "DELETE FROM memory_windows WHERE memory_id = $1"

# From so many memories on, a COPY is quicker than a statement for each.
COPIED_MIN: Final = 20

_LIST: Final = f"SELECT {MEMORY_COLUMNS} FROM knowledge_nodes AS m WHERE true"
_LIST_ORDERS: Final[dict[MemoryOrder, tuple[LiteralString, LiteralString]]] = {
    MemoryOrder.CREATED: (
        " AND (m.created_at, m.id) > (:after_at, :after_id)",
        " ORDER BY m.created_at, m.id LIMIT :limit",
    ),
    MemoryOrder.CREATED_DESC: (
        " AND m.created_at <= :after_at AND (m.created_at < :after_at OR m.id > :after_id)",
        " ORDER BY m.created_at DESC, m.id LIMIT :limit",
    ),
    MemoryOrder.UPDATED: (
        " AND (m.updated_at, m.id) > (:after_at, :after_id)",
        " ORDER BY m.updated_at, m.id LIMIT :limit",
    ),
    MemoryOrder.UPDATED_DESC: (
        " AND m.updated_at <= :after_at AND (m.updated_at < :after_at OR m.id > :after_id)",
        " ORDER BY m.updated_at DESC, m.id LIMIT :limit",
    ),
}


async def insert(
    session: Session, record: MemoryRecord, scheduling_state: SchedulingState | None
) -> None:
    await insert_many(session, [(record, scheduling_state)])


async def insert_many(
    session: Session, items: Sequence[tuple[MemoryRecord, SchedulingState | None]]
) -> None:
    await registry.check_vectors_may_be_written(
        session, "embedding", (record.embedding for record, _ in items)
    )
    rows = [memory_values(record) for record, _ in items]
    states = [
        scheduling_values(state or initial_state(record.id, record.created_at))
        for record, state in items
    ]
    windows = [window for record, _ in items for window in _window_values(record)]
    try:
        if len(items) < COPIED_MIN:
            await session.db.run_many(INSERT, rows)
            await session.db.run_many(scheduling.INSERT, states)
            await session.db.run_many(INSERT_WINDOW, windows)
        else:
            await session.db.copy("knowledge_nodes", rows)
            await session.db.copy("scheduling", states)
            await session.db.copy("memory_windows", windows)
    except (UniqueError, ForeignKeyError) as error:
        raise _refusal(error, [record for record, _ in items]) from error


async def get(session: Session, memory_id: UUID) -> MemoryRecord | None:
    row = await session.db.row(SELECT_ONE, (memory_id,))
    return None if row is None else memory_of(row)


async def get_many(session: Session, memory_ids: Sequence[UUID]) -> list[MemoryRecord]:
    by_id = await get_by_id(session, memory_ids)
    return [by_id[memory_id] for memory_id in memory_ids if memory_id in by_id]


async def get_by_id(session: Session, memory_ids: Iterable[UUID]) -> dict[UUID, MemoryRecord]:
    """Return the known ones of these memories by their ids."""
    rows = await session.db.rows(SELECT_MANY, (list(memory_ids),))
    return {record.id: record for record in map(memory_of, rows)}


async def list_memories(
    session: Session,
    memory_filter: MemoryFilter | None,
    order: MemoryOrder,
    after: MemoryCursor | None,
    limit: int,
) -> list[MemoryRecord]:
    values = filters.filter_values(memory_filter)
    sql = list_sql(order, filters.conditions(values), is_continued=after is not None)
    values["limit"] = limit
    if after is not None:
        values["after_at"] = after.at
        values["after_id"] = after.id
    return [memory_of(row) for row in await session.db.rows(sql, values)]


async def count(session: Session, memory_filter: MemoryFilter | None) -> int:
    values = filters.filter_values(memory_filter)
    return cast("int", await session.db.value(COUNT + filters.conditions(values), values))


async def update(session: Session, record: MemoryRecord, *, keeps_updated_at: bool = False) -> None:
    row = await session.db.row(SELECT_TO_UPDATE, (record.id,))
    if row is None:
        raise MemoryNotFoundError(record.id)
    stored = memory_of(row)
    vectors_changed = not _same_vectors(record, stored)
    if vectors_changed:
        await registry.check_vectors_may_be_written(session, "embedding", [record.embedding])
    text_changed = _text(record) != _text(stored)
    changed = text_changed or _settings(record) != _settings(stored)
    values = memory_values(record)
    if not keeps_updated_at:
        values["updated_at"] = session.clock.now() if changed else stored.updated_at
    try:
        await session.db.run(UPDATE if text_changed else UPDATE_BESIDE_TEXT, values)
    except ForeignKeyError as error:
        raise _refusal(error, [record]) from error
    if vectors_changed:
        await session.db.run(UPDATE_EMBEDDING, values)
        await session.db.run(DELETE_WINDOWS, (record.id,))
        await session.db.run_many(INSERT_WINDOW, _window_values(record))


async def delete(session: Session, memory_id: UUID) -> None:
    if not await session.db.run(DELETE, (memory_id,)):
        raise MemoryNotFoundError(memory_id)


async def check_known(session: Session, memory_id: UUID) -> None:
    """Refuse an unknown id.

    Raises:
        MemoryNotFoundError: names it.
    """
    if not await session.db.value(IS_KNOWN, (memory_id,)):
        raise MemoryNotFoundError(memory_id)


async def lock(session: Session, memory_ids: Collection[UUID]) -> None:
    """See to it that memories are there, and stay, until the transaction ends.

    Raises:
        MemoryNotFoundError: an id is unknown.
    """
    known = {uuid_of(row[0]) for row in await session.db.rows(LOCK, (list(memory_ids),))}
    for memory_id in memory_ids:
        if memory_id not in known:
            raise MemoryNotFoundError(memory_id)


@cache
def list_sql(order: MemoryOrder, conditions: LiteralString, *, is_continued: bool) -> LiteralString:
    """Return the SELECT of a page, one text per order, filter shape and place."""
    continuation, ordering = _LIST_ORDERS[order]
    return _LIST + conditions + (continuation if is_continued else "") + ordering


def _refusal(error: UniqueError | ForeignKeyError, records: Sequence[MemoryRecord]) -> Exception:
    """Return the error of the record that the server's message names."""
    detail = str(getattr(error, "detail", "") or "")
    if isinstance(error, UniqueError):
        for record in records:
            if str(record.id) in detail:
                return DuplicateMemoryError(record.id)
    for record in records:
        if str(record.owner_user_id) in detail:
            return InvalidInputError(
                "owner_user_id",
                f"{record.owner_user_id} is not a user of this store",
                "Add the user first, or leave the owner out: it is the local user then.",
            )
    return error


def _window_values(record: MemoryRecord) -> list[Named]:
    return [
        {"memory_id": record.id, "position": position, "embedding": window}
        for position, window in enumerate(record.windows)
    ]


def _text(record: MemoryRecord) -> object:
    return (record.content, record.node_type, tuple(record.tags))


def _settings(record: MemoryRecord) -> object:
    """Return the other columns that a person would call content."""
    return (
        record.metadata,
        record.codebase,
        record.visibility,
        tuple(record.shared_with_groups),
    )


def _same_vectors(record: MemoryRecord, stored: MemoryRecord) -> bool:
    return replace(stored, embedding=record.embedding, windows=record.windows) == stored
