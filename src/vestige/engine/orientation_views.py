"""What tells an agent where it is, as JSON objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.engine.upkeep_results import Excerpt
from vestige.engine.views import time_view

if TYPE_CHECKING:
    from vestige.engine.orientation_results import (
        CodebaseContext,
        CodebaseCount,
        CodebaseMemory,
        Timeline,
        TimelineDay,
        TimelineEntry,
    )
    from vestige.engine.session_results import RecalledMemory, Reminder, SessionStart
    from vestige.models import JsonObject


def codebase_context_view(context: CodebaseContext) -> JsonObject:
    """Return the patterns and decisions of a codebase, and what was left out."""
    return {
        "codebase": context.codebase,
        "memories": [codebase_memory_view(memory) for memory in context.memories],
        "left_out": context.left_out,
        "tokens": context.tokens,
        "pattern_count": context.pattern_count,
        "decision_count": context.decision_count,
        "looked_at": context.looked_at,
    }


def codebase_memory_view(memory: CodebaseMemory) -> JsonObject:
    """Return a pattern or decision, as much of it as fits."""
    return {
        "id": str(memory.record.id),
        "node_type": memory.record.node_type,
        "relation": memory.relation,
        "text": memory.text,
        "characters_left_out": memory.characters_left_out,
        "created_at": time_view(memory.record.created_at),
    }


def codebase_count_view(codebase: CodebaseCount) -> JsonObject:
    """Return a codebase with its count."""
    return {"name": codebase.name, "memory_count": codebase.memory_count}


def timeline_view(timeline: Timeline) -> JsonObject:
    """Return days with their memories, of each the first 300 characters."""
    return {
        "days": [_day_view(day) for day in timeline.days],
        "count": timeline.count,
        "left_out": timeline.left_out,
        "time_zone": timeline.time_zone,
    }


def session_view(start: SessionStart) -> JsonObject:
    """Return what an agent is told when it starts to work."""
    left_out = start.left_out
    return {
        "reminders": [_reminder_view(reminder) for reminder in start.reminders],
        "codebase": [codebase_memory_view(memory) for memory in start.codebase],
        "recalled": [_recalled_view(memory) for memory in start.recalled],
        "notes": list(start.notes),
        "left_out": {
            "reminders": left_out.reminders,
            "codebase": left_out.codebase,
            "recalled": left_out.recalled,
            "notes": left_out.notes,
        },
        "due_count": start.due_count,
        "memory_count": start.memory_count,
        "tokens": start.tokens,
        "token_budget": start.token_budget,
    }


def _reminder_view(reminder: Reminder) -> JsonObject:
    intention = reminder.intention
    return {
        "id": str(intention.id),
        "text": reminder.text,
        "reason": reminder.reason,
        "priority": intention.priority.name.lower(),
        "characters_left_out": reminder.characters_left_out,
    }


def _recalled_view(memory: RecalledMemory) -> JsonObject:
    return {
        "id": str(memory.record.id),
        "node_type": memory.record.node_type,
        "query": memory.query,
        "text": memory.text,
        "characters_left_out": memory.characters_left_out,
        "created_at": time_view(memory.record.created_at),
    }


def _day_view(day: TimelineDay) -> JsonObject:
    return {
        "day": day.day.isoformat(),
        "count": day.count,
        "memories": [_entry_view(entry) for entry in day.entries],
    }


def _entry_view(entry: TimelineEntry) -> JsonObject:
    record, excerpt = entry.record, Excerpt.of(entry.record)
    return {
        "id": str(record.id),
        "text": excerpt.text,
        "node_type": record.node_type,
        "tags": list(record.tags),
        "codebase": record.codebase,
        "created_at": time_view(record.created_at),
        "marks": list(entry.marks),
    }
