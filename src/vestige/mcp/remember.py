"""The tool `remember`."""

from __future__ import annotations

from typing import Annotated

from mcp.types import CallToolResult
from pydantic import Field

from vestige.engine.results import IngestContext
from vestige.engine.views import remember_view
from vestige.mcp.arguments import parse_time
from vestige.mcp.context import NO_CODEBASE, ToolContext, client_id, memory_of, scope_of
from vestige.mcp.results import RememberAnswer, success
from vestige.mcp.text import NOTICE, beginning, one_line, quoted, rounded


async def remember(
    context: ToolContext,
    content: Annotated[str, Field(description="One self-contained statement")],
    *,
    node_type: Annotated[
        str, Field(description="fact, decision, preference, procedure, code, event, ...")
    ] = "fact",
    tags: tuple[str, ...] = (),
    codebase: Annotated[str, Field(description="Project it belongs to")] = "",
    file: str = "",
    topics: tuple[str, ...] = (),
    source: str = "",
    created_at: Annotated[str, Field(description="When learned, RFC 3339; default now")] = "",
    force_create: Annotated[bool, Field(description="Store even if known")] = False,
) -> Annotated[CallToolResult, RememberAnswer]:
    """Store a text, and where it comes from."""
    memory = memory_of(context)
    learned_at = parse_time("created_at", created_at)
    origin = IngestContext(
        codebase=codebase or None,
        mcp_client_id=client_id(context),
        session_id=memory.session_id,
        file=file or None,
        topics=topics,
        source=source or None,
    )
    engine = await memory.engine()
    result = await engine.remember(
        content,
        node_type=node_type,
        tags=tags,
        context=origin,
        created_at=learned_at,
        force_create=force_create,
    )
    view = remember_view(result)
    view["candidates"] = [
        {
            "id": str(candidate.id),
            "similarity": rounded(candidate.similarity),
            "content": beginning(candidate.content),
        }
        for candidate in result.candidates
    ]
    scope = scope_of(codebase, NO_CODEBASE)
    answer = RememberAnswer.model_validate({**view, "store": memory.store_name, "scope": scope})
    return success(answer, _text(answer))


def _text(answer: RememberAnswer) -> str:
    lines = [
        f"{answer.action} {answer.id} in {answer.store} ({answer.scope}): {one_line(answer.reason)}"
    ]
    if answer.candidates:
        lines.append(f"The nearest that were there before. {NOTICE}")
    for row in answer.candidates:
        lines += [f"{row.id}, similarity {row.similarity}", quoted(row.content)]
    return "\n".join(lines)
