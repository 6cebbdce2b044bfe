"""Hiding and forgetting memories, and taking changes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vestige.engine.links import SUPERSEDES
from vestige.engine.parts import commit, need
from vestige.engine.results import EditResult, PurgeResult, UndoResult
from vestige.errors import InvalidInputError
from vestige.models import (
    MAX_LIMIT,
    ChangeAction,
    ChangelogFilter,
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
)
from vestige.storage.changes import MEMORY, SCHEDULING, memory_account, row_from
from vestige.storage.row_objects import record_of, state_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige.engine.parts import Parts
    from vestige.models import (
        Change,
        ChangelogEntry,
        JsonValue,
        MemoryRecord,
        Operation,
    )

PURGED_MAX: Final = 100  # memories of one purge


async def suppress(parts: Parts, memory_id: UUID, reason: str | None) -> EditResult:
    """Hide a memory from recall, lists and reviews; `restore` shows it again.

    Raises:
        MemoryNotFoundError: the id is unknown.
        InvalidInputError: it is hidden already.
    """
    return await _marked(parts, memory_id, ChangeAction.SUPPRESSED, reason)


async def restore(parts: Parts, memory_id: UUID) -> EditResult:
    """Show a memory again that was suppressed, superseded, or past its time.

    Raises:
        MemoryNotFoundError: the id is unknown.
        InvalidInputError: it is not hidden.
    """
    return await _marked(parts, memory_id, ChangeAction.RESTORED, None)


async def forget(parts: Parts, memory_id: UUID) -> MemoryRecord:
    """Delete a memory with all that belongs to it; what it had superseded holds again.

    Raises:
        MemoryNotFoundError: the id is unknown.
    """
    record = await need(parts, memory_id)

    async def make() -> Change:
        nonlocal record
        record = await need(parts, memory_id)
        change = parts.change(
            ChangeAction.FORGOTTEN,
            *await _uncovered(parts, [memory_id]),
            DeleteMemory(memory_id=memory_id),
        )
        return replace(change, expected={memory_id: memory_account(record)})

    await commit(parts, make)
    return record


async def purge(parts: Parts, memory_ids: Sequence[UUID], *, is_erased: bool) -> PurgeResult:
    """Delete memories and intentions, and all that the changelog holds of them, for good.

    Args:
        parts: where from.
        memory_ids: up to 100; also of memories that were forgotten already, and of intentions.
        is_erased: also rewrite the files of the database, which takes long for a large store.

    Raises:
        MemoryNotFoundError: neither the store nor the changelog knows one; nothing was purged.
    """
    ids = tuple(dict.fromkeys(memory_ids))
    if not 0 < len(ids) <= PURGED_MAX:
        raise InvalidInputError("memory_ids", f"must be 1 to {PURGED_MAX} ids")
    change = parts.change(
        ChangeAction.PURGED,
        *await _uncovered(parts, ids),
        *[await _removal(parts, memory_id) for memory_id in ids],
    )
    await parts.store.purge(change)
    erased = await parts.store.erase() if is_erased else None
    return PurgeResult(ids=ids, change_id=change.id, is_erased=erased)


async def last_change(parts: Parts) -> list[ChangelogEntry]:
    """Return the entries of the newest change that is no undo and was not taken back.

    Raises:
        InvalidInputError: there is none.
    """
    return await _entries(parts, await _newest(parts))


async def undo(parts: Parts, change_id: UUID | None) -> UndoResult:
    """Take a change back: every row that it touched becomes what it was before.

    Args:
        parts: where.
        change_id: which; by default the newest that was not taken back already. Taking back an
            undo does the change again.

    Raises:
        InvalidInputError: there is no such change, it was taken back already, or a memory of it
            was purged.
        ConflictError: a memory was changed since; nothing was taken back.
    """
    if change_id is None:
        change_id = await _newest(parts)
    elif await _is_undone(parts, change_id):
        raise InvalidInputError("change_id", f"{change_id} was taken back already")
    undone = await _entries(parts, change_id)
    if any(entry.after is None for entry in undone):
        raise InvalidInputError(
            "change_id", f"{change_id} touched a memory that was purged, which cannot be undone"
        )
    operations: list[Operation] = []
    for entry in undone:
        operations += await _inverse(parts, entry)
    change = replace(
        parts.change(ChangeAction.UNDONE, *sorted(operations, key=_order), undoes=change_id),
        expected={entry.memory_id: entry.after or {} for entry in undone},
    )
    entries = await parts.store.commit(change)
    return UndoResult(undone=tuple(undone), entries=tuple(entries))


async def _marked(
    parts: Parts, memory_id: UUID, action: ChangeAction, reason: str | None
) -> EditResult:
    before = after = await need(parts, memory_id)

    async def make() -> Change:
        nonlocal before, after
        before = await need(parts, memory_id)
        if action == ChangeAction.SUPPRESSED:
            after = replace(before, suppressed_at=before.suppressed_at or parts.clock.now())
        else:
            after = replace(before, suppressed_at=None, superseded_at=None, valid_until=None)
        if after == before:
            raise InvalidInputError("id", f"{memory_id} is {action} already")
        change = parts.change(action, ReplaceMemory(record=after), reason=reason)
        return replace(change, expected={memory_id: memory_account(before)})

    change = await commit(parts, make)
    return EditResult(before=before, after=after, change_id=change.id)


async def _removal(parts: Parts, memory_id: UUID) -> Operation:
    if await parts.store.get_intention(memory_id) is not None:
        return RemoveIntention(intention_id=memory_id)
    return DeleteMemory(memory_id=memory_id)


async def _uncovered(parts: Parts, going: Sequence[UUID]) -> list[Operation]:
    """Return what shows memories again of which only those that go had taken the place."""
    links = [edge for edge in await parts.store.list_edges(going) if edge.edge_type == SUPERSEDES]
    covered = {edge.target_id for edge in links if edge.source_id in going} - set(going)
    still = {
        edge.target_id
        for edge in await parts.store.list_edges(sorted(covered))
        if edge.edge_type == SUPERSEDES and edge.source_id not in going
    }
    shown = await parts.store.get_many(sorted(covered - still))
    return [
        ReplaceMemory(record=replace(record, superseded_at=None))
        for record in shown
        if record.superseded_at is not None
    ]


async def _entries(parts: Parts, change_id: UUID) -> list[ChangelogEntry]:
    """Return all entries of a change.

    Raises:
        InvalidInputError: there are none.
    """
    entries: list[ChangelogEntry] = []
    chosen = ChangelogFilter(change_id=change_id)
    after: tuple[UUID, UUID] | None = None
    while True:
        page = await parts.store.list_changelog(chosen, after=after, limit=MAX_LIMIT)
        entries += page
        if len(page) < MAX_LIMIT:
            break
        after = (page[-1].change_id, page[-1].memory_id)
    if not entries:
        raise InvalidInputError(
            "change_id", f"there is no change {change_id}", "`vestige changelog` lists them."
        )
    return entries


async def _newest(parts: Parts) -> UUID:
    """Return the newest change that is no undo and was not taken back.

    Raises:
        InvalidInputError: there is none.
    """
    undone: set[UUID] = set()
    after: tuple[UUID, UUID] | None = None
    while True:
        page = await parts.store.list_changelog(after=after, limit=MAX_LIMIT)
        for entry in page:
            if entry.undoes is not None:
                if entry.change_id not in undone:
                    undone.add(entry.undoes)
            elif entry.change_id not in undone and entry.action != ChangeAction.PURGED:
                return entry.change_id
        if len(page) < MAX_LIMIT:
            raise InvalidInputError("change_id", "there is no change to undo")
        after = (page[-1].change_id, page[-1].memory_id)


async def _is_undone(parts: Parts, change_id: UUID) -> bool:
    takers = await parts.store.list_changelog(ChangelogFilter(undoes=change_id), limit=1)
    return bool(takers) and not await _is_undone(parts, takers[0].change_id)


async def _inverse(parts: Parts, entry: ChangelogEntry) -> list[Operation]:
    """Return what makes the rows of an entry what they were before."""
    before, after = entry.before or {}, entry.after or {}
    operations: list[Operation] = []
    is_new = MEMORY in before and before[MEMORY] is None
    is_gone = MEMORY in after and after[MEMORY] is None
    if is_new:
        return [DeleteMemory(memory_id=entry.memory_id)]  # what belongs to it goes with it
    if MEMORY in before:
        record = await _with_vectors(parts, record_of(before[MEMORY]))
        operations.append(
            InsertMemory(record=record, scheduling=state_of(before[SCHEDULING]))
            if is_gone
            else ReplaceMemory(record=record, keeps_updated_at=True)
        )
    if SCHEDULING in before and not is_gone:
        operations.append(PutScheduling(state=state_of(before[SCHEDULING])))
    return operations + [
        _row_inverse(name, before[name], after[name])
        for name in before
        if name not in {MEMORY, SCHEDULING}
    ]


async def _with_vectors(parts: Parts, record: MemoryRecord) -> MemoryRecord:
    current = await parts.store.get(record.id)
    if current is not None and current.content == record.content:
        return replace(record, embedding=current.embedding, windows=current.windows)
    vectors = await parts.embed(record.content)
    return replace(record, embedding=vectors.embedding, windows=vectors.windows)


def _row_inverse(name: str, before: JsonValue, after: JsonValue) -> Operation:
    """Return what makes a link, review event or intention what it was before."""
    row = row_from(name, after if before is None else before)
    if isinstance(row, Intention):
        if before is not None:
            return PutIntention(intention=row)
        return RemoveIntention(intention_id=row.id)
    if isinstance(row, MemoryEdge):
        if before is not None:
            return PutEdge(edge=row)
        return RemoveEdge(source_id=row.source_id, target_id=row.target_id, edge_type=row.edge_type)
    if before is not None:
        return PutReview(event=row)
    return RemoveReview(memory_id=row.memory_id, event_id=row.id)


def _order(operation: Operation) -> int:
    """Return when an operation can be done: links need both of their memories."""
    if isinstance(operation, InsertMemory):
        return 0
    return 2 if isinstance(operation, DeleteMemory) else 1
