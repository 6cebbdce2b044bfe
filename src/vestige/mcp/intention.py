"""The tool `intention`: what is to be done later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, cast

from mcp.types import CallToolResult
from pydantic import Field

from vestige.clock import SystemClock
from vestige.cognition.quotation import NOTICE, quoted
from vestige.engine.views import removal_note
from vestige.errors import InvalidInputError
from vestige.mcp.arguments import parse_id, parse_time, refuse_unused
from vestige.mcp.context import (
    ALL_CODEBASES,
    NO_CODEBASE,
    ToolContext,
    engine_of,
    memory_of,
    scope_of,
)
from vestige.mcp.results import IntentionAnswer, IntentionRow, success
from vestige.mcp.text import described, one_line

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.engine import Engine
    from vestige.engine.intentions import IntentionResult
    from vestige.models import Intention, JsonObject, JsonValue

Action: TypeAlias = Literal["set", "check", "list", "snooze", "complete", "cancel"]
PriorityName: TypeAlias = Literal["low", "normal", "high", "critical"]

# What an action takes.
USED: Final[dict[Action, Collection[str]]] = {
    "set": (
        *("content", "at", "in_minutes", "event", "codebase", "file", "topic", "deadline"),
        *("priority", "memory_ids"),
    ),
    "check": ("event", "codebase", "file", "topic", "limit"),
    "list": ("codebase", "limit"),
    "snooze": ("id", "at", "in_minutes"),
    "complete": ("id",),
    "cancel": ("id",),
}
SNOOZE_MINUTES: Final = 30
MINUTES_MAX: Final = 5_256_000  # ten years


async def intention(
    context: ToolContext,
    action: Annotated[
        Action, Field(description="check: what is to be done now, given the context")
    ],
    content: Annotated[str, Field(description="set: what is to be done")] = "",
    *,
    id: str = "",  # noqa: A002  # its name everywhere
    at: Annotated[str, Field(description="set, snooze: RFC 3339")] = "",
    in_minutes: Annotated[int | None, Field(description="Instead of at; snooze: 30")] = None,
    event: Annotated[str, Field(description="set: comes up with it; check: has happened")] = "",
    codebase: str = "",
    file: Annotated[str, Field(description="set: a glob; check: a path")] = "",
    topic: Annotated[str, Field(description="set: words that all have to come up")] = "",
    deadline: str = "",
    priority: PriorityName | None = None,
    memory_ids: Annotated[tuple[str, ...], Field(description="Memories it is about")] = (),
    limit: int | None = None,
) -> Annotated[CallToolResult, IntentionAnswer]:
    """Keep something to be done, or see what is to be done."""
    values: JsonObject = {
        "content": content or None,
        "id": id or None,
        "at": at or None,
        "in_minutes": in_minutes,
        "event": event or None,
        "codebase": codebase or None,
        "file": file or None,
        "topic": topic or None,
        "deadline": deadline or None,
        "priority": priority,
        "memory_ids": list(memory_ids) or None,
        "limit": limit,
    }
    _check(action, values)
    handle = memory_of(context)
    rows = limit or handle.config.defaults.limit
    fields = await _done(await engine_of(context), action, values, rows)
    everything = NO_CODEBASE if action == "set" else ALL_CODEBASES
    answer = IntentionAnswer.model_validate(
        {
            **fields,
            "action": action,
            "store": handle.store_name,
            "scope": scope_of(codebase, everything),
        }
    )
    return success(answer, _text(answer))


def _check(action: Action, values: JsonObject) -> None:
    refuse_unused(action, values, USED)
    if action in {"snooze", "complete", "cancel"} and values["id"] is None:
        raise InvalidInputError("id", f"is required by {action}", "list shows the ids.")
    if action == "set" and values["content"] is None:
        raise InvalidInputError("content", "is required by set", "Say what is to be done.")
    if values["at"] is not None and values["in_minutes"] is not None:
        raise InvalidInputError("in_minutes", "is given beside at", "Give one of the two.")


async def _done(engine: Engine, action: Action, values: JsonObject, limit: int) -> JsonObject:
    match action:
        case "set":
            return _one(await _set(engine, values))
        case "check":
            return await _checked(engine, values, limit)
        case "list":
            return await _listed(engine, cast("str | None", values["codebase"]), limit)
        case "snooze":
            until = _time(values) or SystemClock().now() + timedelta(minutes=SNOOZE_MINUTES)
            return _one(await engine.snooze_intention(_id(values), until))
        case "complete":
            return _one(await engine.complete_intention(_id(values)))
        case "cancel":
            return _one(await engine.cancel_intention(_id(values)))


async def _set(engine: Engine, values: JsonObject) -> IntentionResult:
    from vestige.models import Priority  # noqa: PLC0415  # imports numpy

    text = cast("dict[str, str | None]", values)
    memory_ids = cast("list[str] | None", values["memory_ids"]) or []
    return await engine.set_intention(
        text["content"] or "",
        at=_time(values),
        event=text["event"],
        file_pattern=text["file"],
        topic=text["topic"],
        codebase=text["codebase"],
        deadline=parse_time("deadline", text["deadline"] or ""),
        priority=Priority[(text["priority"] or "normal").upper()],
        memory_ids=[parse_id(memory_id, "memory_ids") for memory_id in memory_ids],
    )


async def _checked(engine: Engine, values: JsonObject, limit: int) -> JsonObject:
    text = cast("dict[str, str | None]", values)
    check = await engine.check_intentions(
        codebase=text["codebase"],
        files=() if text["file"] is None else (text["file"],),
        topics=() if text["topic"] is None else (text["topic"],),
        event=text["event"],
        limit=limit,
    )
    rows: list[JsonValue] = [
        {**row_of(one.intention), "reason": one.reason} for one in check.triggered
    ]
    return {"intentions": rows, "total": check.count}


async def _listed(engine: Engine, codebase: str | None, limit: int) -> JsonObject:
    from vestige.models import IntentionFilter, IntentionStatus  # noqa: PLC0415  # import numpy

    chosen = IntentionFilter(status=IntentionStatus.ACTIVE, codebase=codebase)
    return {
        "intentions": [row_of(item) for item in await engine.list_intentions(chosen, limit=limit)]
    }


def _one(result: IntentionResult) -> JsonObject:
    return {
        "change_id": str(result.change_id),
        "note": removal_note(result.removed) or None,
        "intentions": [row_of(result.intention)],
    }


def row_of(intention: Intention) -> JsonObject:
    """Return an intention as answers show it."""
    from vestige.engine.intention_views import intention_view, trigger_text  # noqa: PLC0415  # numpy

    view = intention_view(intention)
    shown = ("id", "content", "priority", "status", "snoozed_until")
    return {
        **{name: view[name] for name in shown},
        "trigger": one_line(trigger_text(intention)),
        "memory_ids": view["memory_ids"] or None,
    }


def intention_lines(rows: Collection[IntentionRow]) -> list[str]:
    """Return intentions as text, with what is to be done as quotations."""
    lines: list[str] = []
    for number, row in enumerate(rows, 1):
        fields = row.model_dump(mode="json", exclude_none=True, exclude={"id", "content"})
        lines += ["; ".join([f"{number}. {row.id}", *described(fields)]), quoted(row.content)]
    return lines


def _id(values: JsonObject) -> UUID:
    return parse_id(cast("str", values["id"]))


def _time(values: JsonObject) -> datetime | None:
    minutes = cast("int | None", values["in_minutes"])
    if minutes is None:
        return parse_time("at", cast("str | None", values["at"]) or "")
    if not 0 <= minutes <= MINUTES_MAX:
        raise InvalidInputError("in_minutes", f"must be 0 to {MINUTES_MAX}")
    return SystemClock().now() + timedelta(minutes=minutes)


def _text(answer: IntentionAnswer) -> str:
    lines = [f"{answer.action} in {answer.store} ({answer.scope}). {NOTICE}"]
    if answer.change_id is not None:
        lines.append(f"change_id: {answer.change_id}")
    if answer.note is not None:
        lines.append(answer.note)
    if answer.total is not None:
        lines.append(f"to be done now: {answer.total}, shown: {len(answer.intentions)}")
    return "\n".join([*lines, *intention_lines(answer.intentions)])
