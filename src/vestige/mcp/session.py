"""The tool `session`: what to know before the work, what happened when, and the memory's state."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, cast

from mcp.types import CallToolResult
from pydantic import Field

from vestige.cognition.quotation import NOTICE, quoted
from vestige.engine.views import stats_view, time_view
from vestige.mcp.arguments import parse_time, refuse_unused
from vestige.mcp.context import ALL_CODEBASES, ToolContext, engine_of, memory_of, scope_of
from vestige.mcp.intention import intention_lines, row_of
from vestige.mcp.results import SessionAnswer, success
from vestige.mcp.text import beginning, described

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from vestige.engine.engine import Engine
    from vestige.models import JsonObject, JsonValue, MemoryRecord

Action: TypeAlias = Literal["start", "timeline", "status"]

# What an action takes.
USED: Final[dict[Action, Collection[str]]] = {
    "start": ("queries", "codebase", "files", "topics", "token_budget"),
    "timeline": ("codebase", "since", "until", "limit"),
}
NAMES_SHOWN: Final = 20  # of node types and of codebases, the most frequent ones


async def session(
    context: ToolContext,
    action: Action = "start",
    *,
    queries: Annotated[
        tuple[str, ...], Field(description="start: what to recall, such as user preferences")
    ] = (),
    codebase: str = "",
    files: Annotated[tuple[str, ...], Field(description="Paths you work on")] = (),
    topics: tuple[str, ...] = (),
    token_budget: Annotated[int | None, Field(description="start: default 1000")] = None,
    since: Annotated[str, Field(description="timeline: RFC 3339")] = "",
    until: str = "",
    limit: int | None = None,
) -> Annotated[CallToolResult, SessionAnswer]:
    """Say what is good to know where the work begins."""
    values: JsonObject = {
        "queries": list(queries) or None,
        "codebase": codebase or None,
        "files": list(files) or None,
        "topics": list(topics) or None,
        "token_budget": token_budget,
        "since": since or None,
        "until": until or None,
        "limit": limit,
    }
    refuse_unused(action, values, USED)
    handle = memory_of(context)
    engine = await engine_of(context)
    if action == "start":
        fields = await _start(engine, values)
    elif action == "timeline":
        fields = await timeline_fields(
            engine,
            since=parse_time("since", since),
            until=parse_time("until", until),
            codebase=codebase or None,
            limit=limit or handle.config.defaults.limit,
        )
    else:
        fields = await status_fields(engine)
    answer = SessionAnswer.model_validate(
        {
            **fields,
            "action": action,
            "store": handle.store_name,
            "scope": scope_of(codebase, ALL_CODEBASES),
        }
    )
    return success(answer, _text(answer))


async def _start(engine: Engine, values: JsonObject) -> JsonObject:
    from vestige.engine.session_start import SESSION_TOKENS  # noqa: PLC0415  # imports numpy

    lists = cast("dict[str, list[str] | None]", values)
    started = await engine.session_start(
        queries=lists["queries"] or (),
        codebase=cast("str | None", values["codebase"]),
        files=lists["files"] or (),
        topics=lists["topics"] or (),
        token_budget=cast("int | None", values["token_budget"]) or SESSION_TOKENS,
    )
    reminders: list[JsonValue] = [
        {**row_of(one.intention), "reason": one.reason, "content": one.text}
        for one in started.reminders
    ]
    found = [*started.codebase, *started.recalled]
    left_out = started.left_out
    return {
        "notes": list(started.notes),
        "reminders": reminders,
        "memories": [memory_row(one.record, one.text) for one in found],
        "left_out": left_out.reminders + left_out.codebase + left_out.recalled or None,
    }


async def timeline_fields(
    engine: Engine,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    codebase: str | None = None,
    limit: int,
) -> JsonObject:
    """Return what was stored when, newest first, with the count of each day."""
    timeline = await engine.timeline(since=since, until=until, codebase=codebase, limit=limit)
    return {
        "notes": [f"{day.day.isoformat()}: {day.count} created" for day in timeline.days],
        "memories": [memory_row(entry.record) for day in timeline.days for entry in day.entries],
        "left_out": timeline.left_out or None,
    }


async def status_fields(engine: Engine) -> JsonObject:
    """Return which store and model are in use, whether they are healthy, and counts."""
    health = await engine.health()
    stats = await engine.stats()
    model = stats.model or await engine.model()
    return {
        **stats_view(stats),
        "version": version("vestige"),
        "health": health.status,
        "reason": health.reason,
        "model": model.name,
        "dimension": model.dimension,
        "node_types": _most_frequent(stats.node_types),
        "codebases": _most_frequent(stats.codebases),
    }


def memory_row(record: MemoryRecord, shown: str | None = None) -> JsonObject:
    """Return a memory with as much of its content as is to be shown; by default the beginning."""
    text = beginning(record.content) if shown is None else shown
    return {
        "id": str(record.id),
        "node_type": record.node_type,
        "created_at": time_view(record.created_at),
        "codebase": record.codebase,
        "content": text,
        "is_cut": True if len(text) < len(record.content) else None,
    }


def _most_frequent(counts: dict[str, int]) -> JsonObject:
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return {name: counts[name] for name in names[:NAMES_SHOWN]}


def _text(answer: SessionAnswer) -> str:
    rows = {"notes", "reminders", "memories"}
    fields = answer.model_dump(
        mode="json", exclude_none=True, exclude={"action", "store", "scope", "notice", *rows}
    )
    lines = [f"{answer.action} of {answer.store} ({answer.scope}). {NOTICE}", *described(fields)]
    lines += answer.notes or ()
    if answer.reminders:
        lines += ["To be done now:", *intention_lines(answer.reminders)]
    for number, row in enumerate(answer.memories or (), 1):
        shown = row.model_dump(mode="json", exclude_none=True, exclude={"id", "content"})
        lines += ["; ".join([f"{number}. {row.id}", *described(shown)]), quoted(row.content)]
    return "\n".join(lines)
