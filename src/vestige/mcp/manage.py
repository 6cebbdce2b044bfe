"""The tool `memory`: what is done with one memory whose id is known, and with changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, cast

from mcp.types import CallToolResult
from pydantic import Field

from vestige.clock import SystemClock
from vestige.cognition import fsrs
from vestige.cognition.quotation import NOTICE, quoted
from vestige.engine.views import memory_view, removal_note, scheduling_view
from vestige.errors import InvalidInputError
from vestige.mcp import changes
from vestige.mcp.arguments import parse_id, parse_time, refuse_unused
from vestige.mcp.context import (
    ALL_CODEBASES,
    NO_CODEBASE,
    ToolContext,
    engine_of,
    memory_of,
    scope_of,
)
from vestige.mcp.results import MemoryAnswer, success
from vestige.mcp.text import described, link_line, rounded

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from vestige.engine.engine import Engine
    from vestige.engine.results import EditResult
    from vestige.models import JsonObject, JsonValue, MemoryRecord, SchedulingState

Action: TypeAlias = Literal[
    "get",
    "edit",
    "forget",
    "promote",
    "demote",
    "suppress",
    "restore",
    "purge",
    "undo",
    "changelog",
]

EDITABLE: Final = ("content", "node_type", "tags", "codebase", "valid_until")
MARKS: Final = ("superseded_at", "suppressed_at")
SHOWN_FIELDS: Final = (*EDITABLE, *MARKS, "created_at", "updated_at", "metadata")
LINKS_SHOWN: Final = 20  # of a memory, the strongest
SCHEDULING: Final = ("stability", "next_review", "reps", "lapses")
# What an action takes beside `id` and `confirm`.
USED: Final[dict[Action, Collection[str]]] = {
    "edit": EDITABLE,
    "suppress": ("reason",),
    "undo": ("change_id",),
    "changelog": ("change_id", "limit"),
}
NOT_ABOUT_ONE: Final = ("undo", "changelog")  # they do not need the id of a memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """The arguments of a call, as far as they are given."""

    action: Action
    id: UUID | None
    change_id: UUID | None
    values: JsonObject
    limit: int


async def memory(
    context: ToolContext,
    action: Annotated[
        Action,
        Field(
            description="promote: it was right and useful; demote: wrong or useless; suppress: "
            "hide until restore; purge: delete without a trace"
        ),
    ],
    id: Annotated[  # noqa: A002  # its name everywhere
        str, Field(description="Not with undo; changelog: only this memory")
    ] = "",
    *,
    content: str = "",
    node_type: str = "",
    tags: Annotated[tuple[str, ...] | None, Field(description="edit: replace all")] = None,
    codebase: str = "",
    valid_until: str = "",
    reason: Annotated[str, Field(description="suppress: why")] = "",
    change_id: Annotated[
        str, Field(description="undo: default your newest; changelog: only this change")
    ] = "",
    limit: int | None = None,
    confirm: Annotated[
        bool, Field(description="forget, purge: true; a purge cannot be undone")
    ] = False,
) -> Annotated[CallToolResult, MemoryAnswer]:
    """Do something with one memory, or with changes."""
    values: JsonObject = {
        "content": content or None,
        "node_type": node_type or None,
        "tags": None if tags is None else list(tags),
        "codebase": codebase or None,
        "valid_until": valid_until or None,
        "reason": reason or None,
        "change_id": change_id or None,
        "limit": limit,
    }
    _check(action, id, values, is_confirmed=confirm)
    handle = memory_of(context)
    request = Request(
        action=action,
        id=parse_id(id) if id else None,
        change_id=parse_id(change_id, "change_id") if change_id else None,
        values=values,
        limit=handle.config.defaults.limit if limit is None else limit,
    )
    scope, fields = await _done(await engine_of(context), request)
    answer = MemoryAnswer.model_validate(
        {
            **fields,
            "id": None if request.id is None else str(request.id),
            "action": action,
            "store": handle.store_name,
            "scope": scope,
        }
    )
    return success(answer, _text(answer))


def _check(action: Action, memory_id: str, values: JsonObject, *, is_confirmed: bool) -> None:
    if action in {"forget", "purge"} and not is_confirmed:
        for_good = " for good, which cannot be undone" if action == "purge" else ""
        raise InvalidInputError(
            "confirm",
            f"must be true to {action} a memory; nothing was changed",
            f"If the user wants it deleted{for_good}, call again with confirm: true.",
        )
    refuse_unused(action, values, USED)
    if memory_id and action == "undo":
        raise InvalidInputError(
            "id", "is not used by undo", "Give change_id; changelog with the id lists them."
        )
    if not memory_id and action not in NOT_ABOUT_ONE:
        raise InvalidInputError(
            "id", f"is required by {action}", "Take the id from recall or remember."
        )


async def _done(engine: Engine, request: Request) -> tuple[str, JsonObject]:
    """Do what is asked for; return the scope, and what there is to say about it."""
    if request.action == "undo":
        return ALL_CODEBASES, await changes.undo(engine, request.change_id)
    if request.action == "changelog":
        fields = await changes.changelog(engine, request.id, request.change_id, request.limit)
        return ALL_CODEBASES, fields
    memory_id = cast("UUID", request.id)  # _check has made sure
    if request.action == "purge":
        result = await engine.purge([memory_id])
        # Nothing of the memory is said any more, nor whose it was.
        return ALL_CODEBASES, {"change_id": str(result.change_id), "is_erased": result.is_erased}
    record, fields = await _done_to(engine, request, memory_id)
    return scope_of(record.codebase, NO_CODEBASE), fields


async def _done_to(
    engine: Engine, request: Request, memory_id: UUID
) -> tuple[MemoryRecord, JsonObject]:
    """Get or change one memory; return it with what there is to say about it."""
    match request.action:
        case "edit":
            result = await _edit(engine, request, memory_id)
            return result.after, _edited(result)
        case "suppress" | "restore":
            reason = cast("str | None", request.values["reason"])
            is_hidden = request.action == "suppress"
            result = await (
                engine.suppress(memory_id, reason=reason)
                if is_hidden
                else engine.restore(memory_id)
            )
            fields = _edited(result)
            del fields["previous_content"]  # it is the content
            return result.after, fields
        case "forget":
            record = await engine.forget(memory_id)
            return record, {f"previous_{name}": memory_view(record)[name] for name in EDITABLE}
        case "promote" | "demote":
            return await _rated(engine, request.action, memory_id)
        case _:
            return await _got(engine, memory_id)


async def _edit(engine: Engine, request: Request, memory_id: UUID) -> EditResult:
    values = request.values
    tags = cast("list[str] | None", values["tags"])
    return await engine.edit(
        memory_id,
        content=cast("str | None", values["content"]),
        node_type=cast("str | None", values["node_type"]),
        tags=tags,
        codebase=cast("str | None", values["codebase"]),
        valid_until=parse_time("valid_until", cast("str | None", values["valid_until"]) or ""),
    )


async def _got(engine: Engine, memory_id: UUID) -> tuple[MemoryRecord, JsonObject]:
    record, state = await engine.get(memory_id)
    view = memory_view(record)
    fields: JsonObject = {name: view[name] for name in SHOWN_FIELDS}
    edges = sorted(await engine.links(memory_id), key=lambda edge: -edge.weight)
    links: list[JsonValue] = [link_line(edge) for edge in edges[:LINKS_SHOWN]]
    fields["links"] = links or None
    return record, fields if state is None else {**fields, **await _scheduling(engine, state)}


async def _rated(
    engine: Engine, action: Literal["promote", "demote"], memory_id: UUID
) -> tuple[MemoryRecord, JsonObject]:
    record, _ = await engine.get(memory_id)
    result = await (engine.promote if action == "promote" else engine.demote)(memory_id)
    return record, {
        **await _scheduling(engine, result.after),
        "previous_stability": rounded(result.before.stability),
        "change_id": str(result.change_id),
    }


def _edited(result: EditResult) -> JsonObject:
    """Return the memory as it is now, and what was replaced of it."""
    before, after = memory_view(result.before), memory_view(result.after)
    fields: JsonObject = {name: after[name] for name in (*EDITABLE, *MARKS, "updated_at")}
    fields["change_id"] = str(result.change_id)
    fields["note"] = removal_note(result.removed) or None
    for name in EDITABLE:
        if name == "content" or before[name] != after[name]:
            fields[f"previous_{name}"] = before[name]
    return fields


async def _scheduling(engine: Engine, state: SchedulingState) -> JsonObject:
    from vestige.engine.weights import weights_of  # noqa: PLC0415  # imports numpy

    view = scheduling_view(state)
    fields: JsonObject = {name: rounded(view[name]) for name in SCHEDULING}
    # The stored one was true when it was written.
    decay = (await weights_of(engine.store)).decay
    now = SystemClock().now()
    fields["retrievability"] = rounded(fsrs.current_retrievability(state, now, decay=decay))
    return fields


def _text(answer: MemoryAnswer) -> str:
    contents = {"content", "previous_content"}
    fields = answer.model_dump(
        mode="json",
        exclude_none=True,
        exclude={"id", "action", "store", "scope", "notice", "changes", *contents},
    )
    about = answer.action if answer.id is None else f"{answer.action} {answer.id}"
    lines = [f"{about} in {answer.store} ({answer.scope}). {NOTICE}"]
    lines += described(fields)
    if answer.changes is not None:
        lines += changes.change_lines(answer.changes) or ["There are no such changes."]
    if answer.content is not None:
        lines += ["content:", quoted(answer.content)]
    if answer.previous_content is not None:
        lines += ["previous content:", quoted(answer.previous_content)]
    return "\n".join(lines)
