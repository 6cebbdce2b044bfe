"""Changes as JSON objects: what `--json` prints and what the MCP server returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.engine.views import memory_view, places_view, time_view

if TYPE_CHECKING:
    from vestige.engine.results import EditResult, PurgeResult, UndoResult
    from vestige.models import ChangelogEntry, JsonObject

# The rows with a text, as storage.changes names them, whose import would cost the start of the MCP
# server a third of a second.
WITH_TEXT: Final = ("memory", "intention")


def entry_view(entry: ChangelogEntry) -> JsonObject:
    """Return what one change did to one memory or intention."""
    return {
        "change_id": str(entry.change_id),
        "memory_id": str(entry.memory_id),
        "action": entry.action.value,
        "timestamp": time_view(entry.timestamp),
        "client_id": entry.client_id,
        "session_id": entry.session_id,
        "reason": entry.reason,
        "undoes": None if entry.undoes is None else str(entry.undoes),
        "before": entry.before,
        "after": entry.after,
    }


def edit_view(result: EditResult) -> JsonObject:
    """Return a memory before and after a change of it."""
    return {
        "before": memory_view(result.before),
        "after": memory_view(result.after),
        "change_id": str(result.change_id),
        "removed": places_view(result.removed),
    }


def purge_view(result: PurgeResult) -> JsonObject:
    """Return which memories are gone for good."""
    return {
        "purged": [str(memory_id) for memory_id in result.ids],
        "change_id": str(result.change_id),
        "is_erased": result.is_erased,
    }


def undo_view(result: UndoResult) -> JsonObject:
    """Return the change that was taken back, and what that made of its memories."""
    return {
        "undone": [entry_view(entry) for entry in result.undone],
        "changes": [entry_view(entry) for entry in result.entries],
    }


def texts_of(entry: ChangelogEntry) -> tuple[str | None, str | None]:
    """Return what a memory or an intention said before and after a change.

    None where it was not there, where the change did not touch it (but, for example, a link of it),
    and after a purge.
    """
    return _content(entry.before), _content(entry.after)


def changed_fields(entry: ChangelogEntry) -> list[str]:
    """Return the fields that a change made different of what was there before and after.

    `updated_at` is left out: it says no more than the time of the change.
    """
    before, after = _row(entry.before), _row(entry.after)
    if not before or not after:
        return []
    return [name for name in after if name != "updated_at" and before.get(name) != after.get(name)]


def _content(rows: JsonObject | None) -> str | None:
    row = _row(rows)
    return cast("str", row["content"]) if row else None


def _row(rows: JsonObject | None) -> JsonObject:
    found = [row for name in WITH_TEXT if (row := (rows or {}).get(name))]
    return cast("JsonObject", found[0]) if found else {}
