"""Keeping texts under ids that the caller has chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vestige.engine.ingest import check_memory
from vestige.engine.parts import ATTEMPTS
from vestige.engine.results import PutResult
from vestige.errors import DuplicateMemoryError, InvalidInputError, MemoryNotFoundError
from vestige.models import (
    ChangeAction,
    ChangelogFilter,
    InsertMemory,
    MemoryRecord,
    ReplaceMemory,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.embedding.texts import TextVectors
    from vestige.engine.parts import Parts
    from vestige.engine.results import PutItem
    from vestige.storage.protocol import MemoryStore


def new_records(items: Sequence[PutItem], now: datetime) -> list[MemoryRecord]:
    """Return the memories of items, not stored and without vectors.

    Raises:
        InvalidInputError: a limit; checked here, before any time is spent on embedding.
    """
    records = [
        MemoryRecord(
            id=item.id,
            content=item.content,
            node_type=item.node_type,
            tags=tuple(dict.fromkeys(item.tags)),
            metadata=item.metadata,
            codebase=item.codebase,
            created_at=now,
            updated_at=now,
        )
        for item in items
    ]
    for record in records:
        check_memory(record)
    return records


async def put(parts: Parts, records: Sequence[MemoryRecord]) -> list[PutResult]:
    """Write memories, each under its id; what is there is replaced, and keeps its scheduling.

    Args:
        parts: where to, and what makes the vectors.
        records: without vectors; the last one of an id counts.

    Raises:
        InvalidInputError: a memory with such an id was purged.
    """
    pending = {record.id: record for record in records}
    vectors: dict[UUID, TextVectors] = {}
    results: dict[UUID, PutResult] = {}
    for attempt in range(1, ATTEMPTS + 1):
        known = {record.id: record for record in await parts.store.get_many([*pending])}
        await _refuse_purged(parts.store, [key for key in pending if key not in known])
        await _embed(parts, pending, known, vectors)
        try:
            for result in await _write_new(parts, pending, known, vectors):
                results[result.id] = result
                del pending[result.id]
            for result in await _write_known(parts, pending, known, vectors):
                results[result.id] = result
        except (DuplicateMemoryError, MemoryNotFoundError):  # others were quicker
            if attempt == ATTEMPTS:
                raise
        else:
            break
    return [results[record_id] for record_id in dict.fromkeys(record.id for record in records)]


async def was_purged(store: MemoryStore, memory_id: UUID) -> bool:
    """Say whether an id is that of a memory which was purged, and so must not be used again."""
    newest = await store.list_changelog(ChangelogFilter(memory_id=memory_id), limit=1)
    return bool(newest) and newest[0].action == ChangeAction.PURGED


async def _refuse_purged(store: MemoryStore, new_ids: Sequence[UUID]) -> None:
    for memory_id in new_ids:
        if await was_purged(store, memory_id):
            raise InvalidInputError(
                "id",
                f"a memory with the id {memory_id} was purged",
                "Use another id: a copy of the store would leave out what has a purged one.",
            )


async def _embed(
    parts: Parts,
    pending: Mapping[UUID, MemoryRecord],
    known: Mapping[UUID, MemoryRecord],
    vectors: dict[UUID, TextVectors],
) -> None:
    """Add the vectors of the texts that are new."""
    missing = [
        record
        for record in pending.values()
        if record.id not in vectors
        and (record.id not in known or known[record.id].content != record.content)
    ]
    if missing:
        made = await parts.embed_many([record.content for record in missing])
        vectors.update(zip((record.id for record in missing), made, strict=True))


async def _write_new(
    parts: Parts,
    pending: Mapping[UUID, MemoryRecord],
    known: Mapping[UUID, MemoryRecord],
    vectors: Mapping[UUID, TextVectors],
) -> list[PutResult]:
    inserts = [
        InsertMemory(
            record=replace(
                record,
                embedding=vectors[record.id].embedding,
                windows=vectors[record.id].windows,
            )
        )
        for record in pending.values()
        if record.id not in known
    ]
    if not inserts:
        return []
    change = parts.change(ChangeAction.CREATED, *inserts, reason="put under an id, not compared")
    await parts.store.commit(change)
    return [
        PutResult(id=insert.record.id, action="created", change_id=change.id) for insert in inserts
    ]


async def _write_known(
    parts: Parts,
    pending: Mapping[UUID, MemoryRecord],
    known: Mapping[UUID, MemoryRecord],
    vectors: Mapping[UUID, TextVectors],
) -> list[PutResult]:
    replacements = [
        # The time of the call, also where nothing else is different: it was put again.
        ReplaceMemory(
            record=_replaced(known[record.id], record, vectors.get(record.id)),
            keeps_updated_at=True,
        )
        for record in pending.values()
        if record.id in known
    ]
    if not replacements:
        return []
    change = parts.change(ChangeAction.EDITED, *replacements, reason="put under the same id")
    await parts.store.commit(change)
    return [
        PutResult(id=item.record.id, action="edited", change_id=change.id) for item in replacements
    ]


def _replaced(
    known: MemoryRecord, record: MemoryRecord, vectors: TextVectors | None
) -> MemoryRecord:
    changed = replace(
        known,
        content=record.content,
        node_type=record.node_type,
        tags=record.tags,
        metadata=record.metadata,
        codebase=record.codebase,
        updated_at=record.updated_at,
        valid_until=None,
        superseded_at=None,
        suppressed_at=None,
    )
    if vectors is None:
        return changed
    return replace(changed, embedding=vectors.embedding, windows=vectors.windows)
