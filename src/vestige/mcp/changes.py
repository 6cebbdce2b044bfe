"""What the tool `memory` says of changes, and what it takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.cognition.quotation import quoted
from vestige.engine.change_views import WITH_TEXT, changed_fields, texts_of
from vestige.engine.views import time_view
from vestige.errors import InvalidInputError
from vestige.mcp.text import beginning, described

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige.engine.engine import Engine
    from vestige.mcp.results import ChangeRow
    from vestige.models import ChangelogEntry, JsonObject, JsonValue


async def changelog(
    engine: Engine, memory_id: UUID | None, change_id: UUID | None, limit: int
) -> JsonObject:
    """Return the newest changes: all, those of one memory, or all that one change touched."""
    from vestige.models import ChangelogFilter  # noqa: PLC0415  # imports numpy

    narrowed = ChangelogFilter(memory_id=memory_id, change_id=change_id)
    entries = await engine.changelog(narrowed, limit=limit)
    return {"changes": [_row(entry, entry) for entry in entries]}


async def undo(engine: Engine, change_id: UUID | None) -> JsonObject:
    """Take a change back; without an id the newest, as long as this session has made it.

    Raises:
        InvalidInputError: the newest change is somebody else's, or cannot be taken back.
        ConflictError: a memory was changed since.
    """
    result = await engine.undo(change_id or await _newest_own(engine))
    outcomes = {entry.memory_id: entry for entry in result.entries}
    rows: list[JsonValue] = [
        _row(entry, outcomes.get(entry.memory_id, entry)) for entry in result.undone
    ]
    undo_id = str(result.entries[0].change_id) if result.entries else None
    return {"change_id": undo_id, "changes": rows}


def change_lines(rows: Sequence[ChangeRow]) -> list[str]:
    """Return changes as text, with what memories say as quotations."""
    lines: list[str] = []
    for number, row in enumerate(rows, 1):
        fields = row.model_dump(
            mode="json",
            exclude_none=True,
            exclude={"action", "memory_id", "previous_content", "content"},
        )
        lines.append("; ".join([f"{number}. {row.action} {row.memory_id}", *described(fields)]))
        if row.previous_content is not None:
            lines += ["before:", quoted(row.previous_content)]
        if row.content is not None:
            lines += ["after:", quoted(row.content)]
    return lines


async def _newest_own(engine: Engine) -> UUID:
    """Return the newest change; one that somebody else has made is not taken back unnamed."""
    entry = (await engine.last_change())[0]
    if entry.session_id != engine.actor.session_id:
        raise InvalidInputError(
            "change_id",
            f"the newest change, {entry.change_id}, was not made in this session",
            f"See changelog; if it is the one, give change_id: {entry.change_id}.",
        )
    return entry.change_id


def _row(change: ChangelogEntry, outcome: ChangelogEntry) -> JsonObject:
    """Return what a change was, and what the memory said before and after an outcome of it."""
    old, new = texts_of(outcome)
    return {
        "change_id": str(change.change_id),
        "memory_id": str(change.memory_id),
        "action": change.action.value,
        "timestamp": time_view(change.timestamp),
        "client_id": change.client_id,
        "reason": change.reason,
        "changed": [*_changed(outcome)] or None,
        "previous_content": None if old is None or old == new else beginning(old),
        "content": None if new is None else beginning(new),
    }


def _changed(entry: ChangelogEntry) -> list[str]:
    """Return what is different beside the text: fields, scheduling, links and reviews by kind."""
    fields = [name for name in changed_fields(entry) if name != "content"]
    kinds = {name.partition(" ")[0] for name in entry.after or {}}
    return [*fields, *sorted(kinds - set(WITH_TEXT))]
