"""Writing, reading and listing memories."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.cognition.fsrs import initial_state
from vestige.errors import DuplicateMemoryError, InvalidInputError, MemoryNotFoundError
from vestige.models import MemoryOrder
from vestige.storage.encoding import time_text
from vestige.storage.sqlite import filters, registry, scheduling, vectors
from vestige.storage.sqlite.errors import (
    FOREIGN_KEY,
    UNIQUE,
    ConstraintError,
    broken_constraint,
)
from vestige.storage.sqlite.rows import (
    MEMORY_COLUMN_COUNT,
    MEMORY_COLUMNS,
    list_text,
    memory_of,
    memory_values,
)
from vestige.storage.vectors import vector_bytes, vector_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from vestige.models import (
        MemoryCursor,
        MemoryFilter,
        MemoryRecord,
        SchedulingState,
        Vector,
    )
    from vestige.storage.sqlite.connection import Session
    from vestige.storage.sqlite.driver import Row

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
UPDATE: Final = """
UPDATE knowledge_nodes SET
    content = :content, search_terms = :search_terms, node_type = :node_type, tags = :tags,
    metadata = :metadata, domains = :domains, domain_scores = :domain_scores,
    embedding = :embedding, codebase = :codebase, owner_user_id = :owner_user_id,
    visibility = :visibility, shared_with_groups = :shared_with_groups, valid_until = :valid_until,
    superseded_at = :superseded_at, suppressed_at = :suppressed_at
WHERE key = :key
"""
# The words of a memory are indexed anew only when they changed.
UPDATE_BESIDE_TEXT: Final = """
UPDATE knowledge_nodes SET
    metadata = :metadata, domains = :domains, domain_scores = :domain_scores,
    embedding = :embedding, codebase = :codebase, owner_user_id = :owner_user_id,
    visibility = :visibility, shared_with_groups = :shared_with_groups, valid_until = :valid_until,
    superseded_at = :superseded_at, suppressed_at = :suppressed_at
WHERE key = :key
"""
SET_UPDATED_AT: Final = "UPDATE knowledge_nodes SET updated_at = ? WHERE key = ?"
DELETE: Final = "DELETE FROM knowledge_nodes WHERE key = ?"
SELECT_KEY: Final = "SELECT key FROM knowledge_nodes WHERE id = ?"
SELECT_ONE: Final = f"SELECT {MEMORY_COLUMNS} FROM knowledge_nodes AS m WHERE m.id = ?"
SELECT_MANY: Final = (
    f"SELECT {MEMORY_COLUMNS} FROM knowledge_nodes AS m"
    " WHERE m.id IN (SELECT value FROM json_each(?))"
)
COUNT: Final = "SELECT count(*) FROM knowledge_nodes AS m WHERE 1"

INSERT_WINDOW: Final = (
    "INSERT INTO memory_windows (memory_id, position, embedding) VALUES (?, ?, ?)"
)
SELECT_WINDOW_KEYS: Final = "SELECT key FROM memory_windows WHERE memory_id = ? ORDER BY position"
SELECT_WINDOWS: Final = (
    "SELECT memory_id, embedding FROM memory_windows"
    " WHERE memory_id IN (SELECT value FROM json_each(?)) ORDER BY memory_id, position"
)
# The index of the spare vectors is only filled while a change of the model is open.
HAS_SPARE_VECTORS: Final = (
    "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'reembedding_update'"
)
SELECT_SPARE_WINDOW_KEYS: Final = "SELECT key FROM spare_windows WHERE memory_id = ?"
DELETE_WINDOWS: Final = "DELETE FROM memory_windows WHERE memory_id = ?"

_LIST: Final = f"SELECT {MEMORY_COLUMNS} FROM knowledge_nodes AS m WHERE 1"
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


def insert(
    session: Session, record: MemoryRecord, scheduling_state: SchedulingState | None
) -> None:
    insert_many(session, [(record, scheduling_state)])


def insert_many(
    session: Session, items: Sequence[tuple[MemoryRecord, SchedulingState | None]]
) -> None:
    registry.check_vectors_may_be_written(
        session, "embedding", (record.embedding for record, _ in items)
    )
    slots: list[vectors.Slot] = []
    for record, _ in items:
        key = _insert_row(session, record)
        slots.extend(_vector_slots(session, record, key))
    scheduling.insert(
        session,
        (state or initial_state(record.id, record.created_at) for record, state in items),
    )
    vectors.write(session, slots)


def get(session: Session, memory_id: UUID) -> MemoryRecord | None:
    rows = session.db.rows(SELECT_ONE, (str(memory_id),))
    return next(iter(_records(session, rows)), None)


def get_many(session: Session, memory_ids: Sequence[UUID]) -> list[MemoryRecord]:
    by_id = get_by_id(session, memory_ids)
    return [by_id[memory_id] for memory_id in memory_ids if memory_id in by_id]


def get_by_id(session: Session, memory_ids: Iterable[UUID]) -> dict[UUID, MemoryRecord]:
    """Return the known ones of these memories by their ids."""
    wanted = list_text([str(memory_id) for memory_id in memory_ids])
    rows = session.db.rows(SELECT_MANY, (wanted,))
    return {record.id: record for record in _records(session, rows)}


def list_memories(
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
        values["after_at"] = time_text(after.at)
        values["after_id"] = str(after.id)
    return _records(session, session.db.rows(sql, values))


def count(session: Session, memory_filter: MemoryFilter | None) -> int:
    values = filters.filter_values(memory_filter)
    return cast("int", session.db.value(COUNT + filters.conditions(values), values))


def update(session: Session, record: MemoryRecord, *, keeps_updated_at: bool = False) -> None:
    key = key_of(session, record.id)
    stored = get(session, record.id)
    if stored is None:
        raise MemoryNotFoundError(record.id)
    vectors_changed = not _same_vectors(record, stored)
    if vectors_changed:
        registry.check_vectors_may_be_written(session, "embedding", [record.embedding])
    if record.content != stored.content:
        _forget_spare_vectors(session, record.id, key)
    text_changed = _text(record) != _text(stored)
    sql = UPDATE if text_changed else UPDATE_BESIDE_TEXT
    try:
        session.db.run(sql, memory_values(record) | {"key": key})
    except ConstraintError as error:
        raise _refusal(error, record) from error
    changed = text_changed or _settings(record) != _settings(stored)
    updated_at = session.clock.now() if changed else stored.updated_at
    if keeps_updated_at:
        updated_at = record.updated_at
    session.db.run(SET_UPDATED_AT, (time_text(updated_at), key))
    if vectors_changed:
        _replace_vectors(session, record, key)


def delete(session: Session, memory_id: UUID) -> None:
    key = key_of(session, memory_id)
    _forget_vectors(session, memory_id, key)
    _forget_spare_vectors(session, memory_id, key)
    session.db.run(DELETE, (key,))


def key_of(session: Session, memory_id: UUID) -> int:
    """Return the integer key of a memory.

    Raises:
        MemoryNotFoundError: the id is unknown.
    """
    row = session.db.row(SELECT_KEY, (str(memory_id),))
    if row is None:
        raise MemoryNotFoundError(memory_id)
    return cast("int", row[0])


@cache
def list_sql(order: MemoryOrder, conditions: LiteralString, *, is_continued: bool) -> LiteralString:
    """Return the SELECT of a page, one text per order, filter shape and place."""
    continuation, ordering = _LIST_ORDERS[order]
    return _LIST + conditions + (continuation if is_continued else "") + ordering


def _insert_row(session: Session, record: MemoryRecord) -> int:
    try:
        return session.db.insert(INSERT, memory_values(record))
    except ConstraintError as error:
        raise _refusal(error, record) from error


def _refusal(error: ConstraintError, record: MemoryRecord) -> Exception:
    if broken_constraint(error) in UNIQUE:
        return DuplicateMemoryError(record.id)
    if broken_constraint(error) == FOREIGN_KEY:
        return InvalidInputError(
            "owner_user_id",
            f"{record.owner_user_id} is not a user of this store",
            "Add the user first, or leave the owner out: it is the local user then.",
        )
    return error


def _vector_slots(session: Session, record: MemoryRecord, key: int) -> list[vectors.Slot]:
    """Store a memory's windows; return where the vector index keeps its vectors."""
    if record.embedding is None:
        return []
    slots = [vectors.Slot(source="memory", key=key, owner=key, vector=record.embedding)]
    for position, window in enumerate(record.windows):
        values = (str(record.id), position, vector_bytes(window))
        window_key = session.db.insert(INSERT_WINDOW, values)
        slots.append(vectors.Slot(source="window", key=window_key, owner=key, vector=window))
    return slots


def _replace_vectors(session: Session, record: MemoryRecord, key: int) -> None:
    _forget_vectors(session, record.id, key)
    session.db.run(DELETE_WINDOWS, (str(record.id),))
    vectors.write(session, _vector_slots(session, record, key))


def _forget_vectors(session: Session, memory_id: UUID, key: int) -> None:
    windows = session.db.rows(SELECT_WINDOW_KEYS, (str(memory_id),))
    vectors.clear(session, [key], [cast("int", window) for (window,) in windows])


def _forget_spare_vectors(session: Session, memory_id: UUID, key: int) -> None:
    """Take what a change of the model has made of a memory out of the index of the spare vectors.

    The vectors themselves go with the row, or by a trigger when its text changes.
    """
    if session.db.value(HAS_SPARE_VECTORS):
        windows = session.db.rows(SELECT_SPARE_WINDOW_KEYS, (str(memory_id),))
        keys = [cast("int", window) for (window,) in windows]
        vectors.clear(session, [key], keys, is_spare=True)


def _records(session: Session, rows: Sequence[Row]) -> list[MemoryRecord]:
    if not rows:
        return []
    windows: dict[str, list[Vector]] = {}
    ids = list_text([row[0] for row in rows])
    for memory_id, embedding in session.db.rows(SELECT_WINDOWS, (ids,)):
        windows.setdefault(cast("str", memory_id), []).append(vector_of(cast("bytes", embedding)))
    return [
        memory_of(row[:MEMORY_COLUMN_COUNT], tuple(windows.get(cast("str", row[0]), ())))
        for row in rows
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
