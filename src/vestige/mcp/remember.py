"""The tool `remember`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mcp.types import CallToolResult
from pydantic import Field

from vestige.cognition.quotation import NOTICE, quoted
from vestige.engine.results import IngestContext, RememberItem
from vestige.errors import InvalidInputError, VestigeError
from vestige.mcp.arguments import parse_id, parse_time
from vestige.mcp.context import (
    NO_CODEBASE,
    ToolContext,
    client_id,
    engine_of,
    memory_of,
    scope_of,
)
from vestige.mcp.results import RememberAnswer, success
from vestige.mcp.text import beginning, described, link_line, one_line, rounded

if TYPE_CHECKING:
    from vestige.engine.engine import Engine
    from vestige.engine.results import Candidate, RememberResult
    from vestige.mcp.results import ItemRow
    from vestige.models import JsonObject, JsonValue


async def remember(
    context: ToolContext,
    content: Annotated[str, Field(description="One self-contained statement")] = "",
    *,
    items: Annotated[
        tuple[str, ...],
        Field(description="Instead of content: up to 100 statements, each stored on its own"),
    ] = (),
    node_type: Annotated[
        str, Field(description="fact (default), decision, preference, procedure, code, ...")
    ] = "",
    tags: tuple[str, ...] = (),
    codebase: Annotated[str, Field(description="Project it belongs to")] = "",
    file: str = "",
    topics: tuple[str, ...] = (),
    source: str = "",
    created_at: Annotated[str, Field(description="When learned, RFC 3339; default now")] = "",
    valid_until: Annotated[str, Field(description="When it ceases to hold")] = "",
    supersedes: Annotated[
        str, Field(description="Id of the outdated memory whose place it takes; that one is kept")
    ] = "",
    force_create: Annotated[bool, Field(description="Store even if known")] = False,
) -> Annotated[CallToolResult, RememberAnswer]:
    """Store a text, and where it comes from."""
    memory = memory_of(context)
    _check(content, items, supersedes)
    origin = IngestContext(
        codebase=codebase or None,
        mcp_client_id=client_id(context),
        session_id=memory.session_id,
        file=file or None,
        topics=topics,
        source=source or None,
    )
    texts = [
        RememberItem(
            content=text,
            node_type=node_type or None,
            tags=tags,
            context=origin,
            created_at=parse_time("created_at", created_at),
            valid_until=parse_time("valid_until", valid_until),
            supersedes=parse_id(supersedes, "supersedes") if supersedes else None,
            force_create=force_create,
        )
        for text in items or (content,)
    ]
    engine = await engine_of(context)
    fields = await (_all(engine, texts) if items else _one(engine, texts[0]))
    scope = scope_of(codebase, NO_CODEBASE)
    answer = RememberAnswer.model_validate({**fields, "store": memory.store_name, "scope": scope})
    return success(answer, _text(answer))


def _check(content: str, items: tuple[str, ...], supersedes: str) -> None:
    if content and items:
        raise InvalidInputError("items", "is given beside content", "Give one of the two.")
    if not content and not items:
        raise InvalidInputError("content", "is required", "Give content, or several as items.")
    if items and supersedes:
        raise InvalidInputError(
            "supersedes", "is not used with items", "Remember that statement with content."
        )


async def _one(engine: Engine, text: RememberItem) -> JsonObject:
    result = await engine.remember_item(text)
    previous = result.previous
    return {
        **_outcome(result),
        "previous_id": None if previous is None else str(previous.id),
        "previous_content": None if previous is None else previous.content,
        "links": [link_line(edge) for edge in result.links] or None,
        "candidates": [_candidate(candidate) for candidate in result.candidates],
    }


async def _all(engine: Engine, texts: list[RememberItem]) -> JsonObject:
    rows: list[JsonValue] = []
    for outcome in await engine.remember_many(texts):
        if isinstance(outcome, VestigeError):
            rows.append({"error": outcome.code, "reason": str(outcome), "hint": outcome.hint})
        else:
            rows.append(_outcome(outcome))
    return {"results": rows}


def _outcome(result: RememberResult) -> JsonObject:
    return {
        "id": str(result.id),
        "action": result.action,
        "reason": result.reason,
        "change_id": str(result.change_id),
    }


def _candidate(candidate: Candidate) -> JsonObject:
    return {
        "id": str(candidate.id),
        "similarity": rounded(candidate.similarity),
        "relation": candidate.comparison.action.value,
        "content": beginning(candidate.content),
    }


def _text(answer: RememberAnswer) -> str:
    if answer.results is not None:
        return _batch_text(answer, answer.results)
    # A reason may quote the values in which a known text differs.
    known = {"reason": answer.reason, "change_id": answer.change_id}
    lines = [f"{answer.action} {answer.id} in {answer.store} ({answer.scope}). {NOTICE}"]
    lines += described(known)
    lines += [f"linked: {link}" for link in answer.links or ()]
    if answer.previous_content is not None:
        lines += [f"in the place of {answer.previous_id}:", quoted(answer.previous_content)]
    if answer.candidates:
        lines.append("The nearest that were there before.")
    for row in answer.candidates or ():
        lines += [f"{row.id}, similarity {row.similarity}, {row.relation}", quoted(row.content)]
    return "\n".join(lines)


def _batch_text(answer: RememberAnswer, rows: list[ItemRow]) -> str:
    stored = sum(row.error is None for row in rows)
    lines = [f"{stored} of {len(rows)} stored in {answer.store} ({answer.scope}). {NOTICE}"]
    for number, row in enumerate(rows, 1):
        outcome = f"refused ({row.error})" if row.action is None else f"{row.action} {row.id}"
        lines += ["; ".join([f"{number}. {outcome}", *described({"reason": row.reason})])]
        if row.hint is not None:
            lines.append(f"hint: {one_line(row.hint)}")
    return "\n".join(lines)
