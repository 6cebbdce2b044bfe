"""Correcting a memory in its place; what it said before is in the changelog."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vestige.engine.ingest import check_memory
from vestige.engine.parts import commit, need
from vestige.engine.results import EditResult
from vestige.engine.screening import screened
from vestige.errors import InvalidInputError
from vestige.models import ChangeAction, ReplaceMemory
from vestige.storage.changes import memory_account

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.embedding.texts import TextVectors
    from vestige.engine.parts import Parts
    from vestige.models import Change, MemoryRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """What is to be different; None leaves it as it is.

    An empty `codebase` takes the memory out of its codebase, empty `tags` take its tags.
    """

    content: str | None = None
    node_type: str | None = None
    tags: tuple[str, ...] | None = None
    codebase: str | None = None
    valid_until: datetime | None = None


async def edit(parts: Parts, memory_id: UUID, wanted: Edit) -> EditResult:
    """Change what is given of a memory; new content is embedded again.

    Raises:
        MemoryNotFoundError: the id is unknown.
        InvalidInputError: nothing is given, or a limit.
        SecretFoundError: what is given holds a key or token.
    """
    before = await need(parts, memory_id)
    _check(before, wanted)
    wanted, removed = screened(wanted, parts.secrets, lambda clean: _check(before, clean))
    vectors: TextVectors | None = None
    if wanted.content is not None and wanted.content != before.content:
        vectors = await parts.embed(wanted.content)

    async def make() -> Change:
        nonlocal before
        before = await need(parts, memory_id)
        changed = _edited(before, wanted)
        if vectors is not None:
            changed = replace(changed, embedding=vectors.embedding, windows=vectors.windows)
        change = parts.change(ChangeAction.EDITED, ReplaceMemory(record=changed))
        return replace(change, expected={memory_id: memory_account(before)})

    change = await commit(parts, make)
    after = await parts.store.get(memory_id)
    return EditResult(
        before=before,
        after=after or _edited(before, wanted),
        change_id=change.id,
        removed=removed,
    )


def _edited(before: MemoryRecord, wanted: Edit) -> MemoryRecord:
    return replace(
        before,
        content=before.content if wanted.content is None else wanted.content,
        node_type=before.node_type if wanted.node_type is None else wanted.node_type,
        tags=before.tags if wanted.tags is None else tuple(dict.fromkeys(wanted.tags)),
        codebase=before.codebase if wanted.codebase is None else wanted.codebase or None,
        valid_until=before.valid_until if wanted.valid_until is None else wanted.valid_until,
    )


def _check(before: MemoryRecord, wanted: Edit) -> None:
    changed = _edited(before, wanted)
    check_memory(changed)
    if changed == before:
        raise InvalidInputError(
            "edit", "nothing would change", "Give new content, a type, tags or a codebase."
        )
