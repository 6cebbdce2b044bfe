"""The tool `memory`: what is done with one memory whose id is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from mcp.types import CallToolResult
from pydantic import Field

from vestige.clock import SystemClock
from vestige.cognition import fsrs
from vestige.engine.views import memory_view, scheduling_view
from vestige.errors import InvalidInputError
from vestige.mcp.arguments import parse_id
from vestige.mcp.context import NO_CODEBASE, ToolContext, memory_of, scope_of
from vestige.mcp.results import MemoryAnswer, success
from vestige.mcp.text import NOTICE, described, quoted, rounded

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.engine.engine import Engine
    from vestige.engine.results import EditResult
    from vestige.models import JsonObject, MemoryRecord, SchedulingState

Action: TypeAlias = Literal["get", "edit", "forget", "promote", "demote"]

EDITABLE: Final = ("content", "node_type", "tags", "codebase")
SHOWN_FIELDS: Final = (*EDITABLE, "created_at", "updated_at", "metadata")
SCHEDULING: Final = ("stability", "next_review", "reps", "lapses")


async def memory(
    context: ToolContext,
    action: Annotated[
        Action,
        Field(description="promote: it was right and useful; demote: wrong or useless"),
    ],
    id: str,  # noqa: A002  # its name everywhere
    *,
    content: str = "",
    node_type: str = "",
    tags: Annotated[tuple[str, ...] | None, Field(description="edit: replace all")] = None,
    codebase: str = "",
    confirm: Annotated[bool, Field(description="forget: true, it cannot be undone")] = False,
) -> Annotated[CallToolResult, MemoryAnswer]:
    """Do something with one memory."""
    memory_id = parse_id(id)
    edits: JsonObject = {
        "content": content or None,
        "node_type": node_type or None,
        "tags": None if tags is None else list(tags),
        "codebase": codebase or None,
    }
    _check(action, edits, is_confirmed=confirm)
    handle = memory_of(context)
    engine = await handle.engine()
    if action == "edit":
        result = await engine.edit(
            memory_id,
            content=content or None,
            node_type=node_type or None,
            tags=tags,
            codebase=codebase or None,
        )
        record, fields = result.after, _edited(result)
    else:
        record, fields = await _done(engine, action, memory_id)
    answer = MemoryAnswer.model_validate(
        {
            **fields,
            "id": str(memory_id),
            "action": action,
            "store": handle.store_name,
            "scope": scope_of(record.codebase, NO_CODEBASE),
        }
    )
    return success(answer, _text(answer))


def _check(action: Action, edits: JsonObject, *, is_confirmed: bool) -> None:
    if action == "forget" and not is_confirmed:
        raise InvalidInputError(
            "confirm",
            "must be true to forget a memory; nothing was changed",
            "If the user wants it deleted for good, call again with confirm: true.",
        )
    unused = [name for name, value in edits.items() if value is not None]
    if action != "edit" and unused:
        raise InvalidInputError(
            unused[0], f"is not used by {action}", "Leave it out, or use action edit."
        )


async def _done(engine: Engine, action: Action, memory_id: UUID) -> tuple[MemoryRecord, JsonObject]:
    """Get, forget or rate a memory; return it with what there is to say about it."""
    if action == "forget":
        record = await engine.forget(memory_id)
        return record, {f"previous_{name}": memory_view(record)[name] for name in EDITABLE}
    record, state = await engine.get(memory_id)
    if action == "get":
        view = memory_view(record)
        shown = {name: view[name] for name in SHOWN_FIELDS}
        return record, shown if state is None else {**shown, **_scheduling(state)}
    rate = engine.promote if action == "promote" else engine.demote
    result = await rate(memory_id)
    return record, {
        **_scheduling(result.after),
        "previous_stability": rounded(result.before.stability),
    }


def _edited(result: EditResult) -> JsonObject:
    """Return the memory as it is now, and what was replaced of it."""
    before, after = memory_view(result.before), memory_view(result.after)
    fields: JsonObject = {name: after[name] for name in (*EDITABLE, "updated_at")}
    for name in EDITABLE:
        if name == "content" or before[name] != after[name]:
            fields[f"previous_{name}"] = before[name]
    return fields


def _scheduling(state: SchedulingState) -> JsonObject:
    view = scheduling_view(state)
    fields: JsonObject = {name: rounded(view[name]) for name in SCHEDULING}
    # The stored one was true when it was written.
    fields["retrievability"] = rounded(fsrs.current_retrievability(state, SystemClock().now()))
    return fields


def _text(answer: MemoryAnswer) -> str:
    contents = {"content", "previous_content"}
    fields = answer.model_dump(
        mode="json",
        exclude_none=True,
        exclude={"id", "action", "store", "scope", "notice", *contents},
    )
    lines = [f"{answer.action} {answer.id} in {answer.store} ({answer.scope}). {NOTICE}"]
    lines += described(fields)
    if answer.content is not None:
        lines += ["content:", quoted(answer.content)]
    if answer.previous_content is not None:
        lines += ["previous content:", quoted(answer.previous_content)]
    return "\n".join(lines)
