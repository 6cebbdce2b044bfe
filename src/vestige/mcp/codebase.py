"""The tool `codebase`: how things are done in a project, and what was decided there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, cast

from mcp.types import CallToolResult
from pydantic import Field

from vestige.cognition.quotation import NOTICE, quoted
from vestige.errors import InvalidInputError
from vestige.mcp.arguments import parse_id, refuse_unused
from vestige.mcp.context import ToolContext, client_id, engine_of, memory_of, scope_of
from vestige.mcp.results import CodebaseAnswer, CodebaseRow, success
from vestige.mcp.text import described

if TYPE_CHECKING:
    from collections.abc import Collection

    from vestige.engine.engine import Engine
    from vestige.engine.results import IngestContext, RememberResult
    from vestige.models import JsonObject, JsonValue

Action: TypeAlias = Literal["remember_pattern", "remember_decision", "get_context"]

# What an action takes beside the codebase and files.
USED: Final[dict[Action, Collection[str]]] = {
    "remember_pattern": ("name", "description", "tags", "supersedes"),
    "remember_decision": ("decision", "rationale", "alternatives", "tags", "supersedes"),
    "get_context": ("query", "token_budget", "limit"),
}
NEEDED: Final[dict[Action, tuple[str, ...]]] = {
    "remember_pattern": ("name", "description"),
    "remember_decision": ("decision",),
    "get_context": (),
}


async def codebase(
    context: ToolContext,
    action: Action,
    codebase: Annotated[str, Field(description="The project's name")],
    *,
    name: str = "",
    description: Annotated[str, Field(description="Pattern: what to do, and why")] = "",
    decision: str = "",
    rationale: str = "",
    alternatives: tuple[str, ...] = (),
    files: Annotated[tuple[str, ...], Field(description="Paths it is about")] = (),
    tags: tuple[str, ...] = (),
    supersedes: Annotated[str, Field(description="Id of what it replaces")] = "",
    query: Annotated[str, Field(description="get_context: what the work is about")] = "",
    token_budget: int | None = None,
    limit: int | None = None,
) -> Annotated[CallToolResult, CodebaseAnswer]:
    """Remember a pattern or decision, or get those that matter now."""
    values: JsonObject = {
        "name": name or None,
        "description": description or None,
        "decision": decision or None,
        "rationale": rationale or None,
        "alternatives": list(alternatives) or None,
        "tags": list(tags) or None,
        "supersedes": supersedes or None,
        "query": query or None,
        "token_budget": token_budget,
        "limit": limit,
    }
    _check(action, codebase, values)
    handle = memory_of(context)
    engine = await engine_of(context)
    if action == "get_context":
        values["limit"] = limit or handle.config.defaults.limit
        fields = await _context(engine, codebase, files, values)
    else:
        values["files"] = list(files)
        fields = await _remembered(engine, action, _origin(context, codebase), values)
    answer = CodebaseAnswer.model_validate(
        {
            **fields,
            "store": handle.store_name,
            "scope": scope_of(codebase, codebase),
        }
    )
    return success(answer, _text(answer))


def _check(action: Action, codebase: str, values: JsonObject) -> None:
    if not codebase:
        raise InvalidInputError("codebase", "is required", "Give the name of the project.")
    refuse_unused(action, values, USED)
    for name in NEEDED[action]:
        if values[name] is None:
            raise InvalidInputError(name, f"is required by {action}")


async def _remembered(
    engine: Engine, action: Action, origin: IngestContext, values: JsonObject
) -> JsonObject:
    codebase, files = origin.codebase or "", cast("list[str]", values["files"])
    text = cast("dict[str, str | None]", values)
    lists = cast("dict[str, list[str] | None]", values)
    supersedes = text["supersedes"]
    replaced = None if supersedes is None else parse_id(supersedes, "supersedes")
    if action == "remember_pattern":
        result = await engine.remember_pattern(
            text["name"] or "",
            text["description"] or "",
            codebase=codebase,
            files=files,
            tags=lists["tags"] or (),
            context=origin,
            supersedes=replaced,
        )
    else:
        result = await engine.remember_decision(
            text["decision"] or "",
            codebase=codebase,
            rationale=text["rationale"],
            alternatives=lists["alternatives"] or (),
            files=files,
            tags=lists["tags"] or (),
            context=origin,
            supersedes=replaced,
        )
    return _outcome(result)


async def _context(
    engine: Engine, codebase: str, files: tuple[str, ...], values: JsonObject
) -> JsonObject:
    from vestige.engine.orientation import CONTEXT_TOKENS  # noqa: PLC0415  # imports numpy

    found = await engine.codebase_context(
        codebase,
        files=files,
        text=cast("str | None", values["query"]) or "",
        token_budget=cast("int | None", values["token_budget"]) or CONTEXT_TOKENS,
        limit=cast("int", values["limit"]),
    )
    rows: list[JsonValue] = [
        {
            "id": str(one.record.id),
            "node_type": one.record.node_type,
            "relation": one.relation,
            "content": one.text,
            "is_cut": True if one.characters_left_out else None,
        }
        for one in found.memories
    ]
    return {
        "action": "get_context",
        "results": rows,
        "left_out": found.left_out or None,
        "total": found.count,
    }


def _origin(context: ToolContext, codebase: str) -> IngestContext:
    from vestige.engine.results import IngestContext  # noqa: PLC0415  # as in the line below

    return IngestContext(
        codebase=codebase,
        mcp_client_id=client_id(context),
        session_id=memory_of(context).session_id,
    )


def _outcome(result: RememberResult) -> JsonObject:
    return {
        "action": result.action,
        "id": str(result.id),
        "reason": result.reason,
        "change_id": str(result.change_id),
        "previous_id": None if result.previous is None else str(result.previous.id),
    }


def _text(answer: CodebaseAnswer) -> str:
    fields = answer.model_dump(
        mode="json", exclude_none=True, exclude={"action", "store", "scope", "notice", "results"}
    )
    lines = [f"{answer.action} in {answer.store} ({answer.scope}). {NOTICE}", *described(fields)]
    for number, row in enumerate(answer.results or (), 1):
        lines += [_headline(number, row), quoted(row.content)]
    return "\n".join(lines)


def _headline(number: int, row: CodebaseRow) -> str:
    cut = ", cut" if row.is_cut else ""
    return f"{number}. {row.id}, {row.node_type}, {row.relation}{cut}"
