"""Intentions as JSON objects: what `--json` prints and what the MCP server returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.engine.views import places_view, time_view

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.engine.intentions import IntentionCheck, IntentionResult
    from vestige.models import Intention, JsonObject


def intention_view(intention: Intention) -> JsonObject:
    """Return an intention; what it does not have is null."""
    return {
        "id": str(intention.id),
        "content": intention.content,
        "trigger_type": intention.trigger_type.value,
        "trigger_at": _optional_time(intention.trigger_at),
        "event": intention.event,
        "file_pattern": intention.file_pattern,
        "topic": intention.topic,
        "codebase": intention.codebase,
        "deadline": _optional_time(intention.deadline),
        "priority": intention.priority.name.lower(),
        "status": intention.status.value,
        "snoozed_until": _optional_time(intention.snoozed_until),
        "closed_at": _optional_time(intention.closed_at),
        "memory_ids": [str(memory_id) for memory_id in intention.memory_ids],
        "tags": list(intention.tags),
        "metadata": intention.metadata,
        "owner_user_id": str(intention.owner_user_id),
        "created_at": time_view(intention.created_at),
        "updated_at": time_view(intention.updated_at),
    }


def intention_result_view(result: IntentionResult) -> JsonObject:
    """Return what became of an intention."""
    return {
        "intention": intention_view(result.intention),
        "previous": None if result.previous is None else intention_view(result.previous),
        "change_id": str(result.change_id),
        "removed": places_view(result.removed),
    }


def check_view(check: IntentionCheck) -> JsonObject:
    """Return the intentions whose moment has come, each with the reason."""
    return {
        "triggered": [
            {**intention_view(one.intention), "reason": one.reason} for one in check.triggered
        ],
        "count": check.count,
    }


def trigger_text(intention: Intention) -> str:
    """Return what brings an intention up, in words."""
    named = {
        "at": _optional_time(intention.trigger_at),
        "event": intention.event,
        "codebase": intention.codebase,
        "file": intention.file_pattern,
        "topic": intention.topic,
        "deadline": _optional_time(intention.deadline),
    }
    return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)


def _optional_time(time: datetime | None) -> str | None:
    return None if time is None else time_view(time)
