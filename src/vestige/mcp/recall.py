"""The tool `recall`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

from mcp.types import CallToolResult
from pydantic import Field

from vestige.cognition.quotation import NOTICE, quoted
from vestige.engine.views import hit_view
from vestige.mcp.arguments import parse_time
from vestige.mcp.context import ALL_CODEBASES, ToolContext, engine_of, memory_of, scope_of
from vestige.mcp.results import HitRow, RecallAnswer, success
from vestige.mcp.text import BRIEF_CHARACTERS, described, rounded

if TYPE_CHECKING:
    from vestige.engine.results import RecallHit
    from vestige.models import JsonObject

SUMMARY_CHARACTERS: Final = 2_000
SHOWN_CHARACTERS: Final = {"brief": BRIEF_CHARACTERS, "summary": SUMMARY_CHARACTERS, "full": None}

SUMMARY: Final = ("score", "node_type", "tags", "codebase", "created_at", "retrievability")
# What a level shows of a memory beside its id and content.
SHOWN_FIELDS: Final = {
    "brief": (),
    "summary": SUMMARY,
    "full": (*SUMMARY, "updated_at", "metadata"),
}


async def recall(
    context: ToolContext,
    query: Annotated[str, Field(description='Question or words; "phrases" and -word are exact')],
    *,
    limit: int | None = None,
    tags: Annotated[tuple[str, ...], Field(description="Any of")] = (),
    node_types: Annotated[tuple[str, ...], Field(description="Any of")] = (),
    codebase: Annotated[str, Field(description="Only this project")] = "",
    since: Annotated[str, Field(description="Created from then on, RFC 3339")] = "",
    until: Annotated[str, Field(description="Created before, RFC 3339")] = "",
    min_retrievability: Annotated[float | None, Field(description="0 to 1")] = None,
    as_of: Annotated[str, Field(description="What was known and held then")] = "",
    include_superseded: Annotated[bool, Field(description="Also what holds no longer")] = False,
    include_suppressed: bool = False,
    token_budget: int | None = None,
    reinforce: Annotated[bool, Field(description="Count a good review of each")] = False,
    explain: Annotated[bool, Field(description="Add the parts of each score")] = False,
    detail_level: Annotated[
        Literal["brief", "summary", "full"] | None,
        Field(description="200 characters, 2000, or all with metadata"),
    ] = None,
) -> Annotated[CallToolResult, RecallAnswer]:
    """Return the memories that answer a query."""
    from vestige.engine.recall_options import (  # noqa: PLC0415  # imports numpy
        RecallFilter,
        RecallOptions,
    )

    memory = memory_of(context)
    defaults = memory.config.defaults
    level = detail_level or defaults.detail_level
    narrowed = RecallFilter(
        tags=tags,
        node_types=node_types,
        codebase=codebase or None,
        since=parse_time("since", since),
        until=parse_time("until", until),
        min_retrievability=min_retrievability,
    )
    options = RecallOptions(
        as_of=parse_time("as_of", as_of),
        include_superseded=include_superseded,
        include_suppressed=include_suppressed,
        token_budget=token_budget,
        shown_characters=SHOWN_CHARACTERS[level],
        reinforce=reinforce,
    )
    engine = await engine_of(context)
    result = await engine.recall(
        query, narrowed=narrowed, options=options, limit=limit or defaults.limit
    )
    answer = RecallAnswer(
        store=memory.store_name,
        scope=scope_of(codebase, ALL_CODEBASES),
        note=await engine.note(result),
        left_out=result.left_out or None,
        results=[_row(hit, level, explain=explain) for hit in result],
    )
    return success(answer, _text(answer))


def _row(hit: RecallHit, level: Literal["brief", "summary", "full"], *, explain: bool) -> HitRow:
    known: JsonObject = {**hit_view(hit), "metadata": hit.record.metadata}
    content = hit.content[: SHOWN_CHARACTERS[level]]
    return HitRow.model_validate(
        {
            "id": str(hit.record.id),
            "content": content,
            "is_cut": len(content) < len(hit.record.content) or None,
            "marks": list(hit.marks) or None,
            "explanation": _explanation(hit) if explain else None,
            **{name: rounded(known[name]) for name in SHOWN_FIELDS[level]},
        }
    )


def _explanation(hit: RecallHit) -> JsonObject:
    """Return what the score is the sum of and comes from; what adds nothing is left out."""
    view = hit_view(hit, explain=True)
    known: JsonObject = {name: view[name] for name in ("score", "vector_score", "fts_score")}
    known |= cast("JsonObject", view["explanation"])
    known["accessibility"] = hit.accessibility
    return {name: rounded(value) for name, value in known.items() if value not in (None, 0.0, [])}


def _text(answer: RecallAnswer) -> str:
    count = len(answer.results)
    head = f"{count} {'memory' if count == 1 else 'memories'} from {answer.store} ({answer.scope})."
    if answer.note is not None:
        head += f" Note: {answer.note}."
    if answer.left_out:
        head += f" {answer.left_out} more do not fit into the token budget."
    if not answer.results:
        return head
    blocks = [_block(number, row) for number, row in enumerate(answer.results, 1)]
    return "\n\n".join([f"{head} {NOTICE}", *blocks])


def _block(number: int, row: HitRow) -> str:
    fields = row.model_dump(mode="json", exclude_none=True, exclude={"id", "content", "is_cut"})
    lines = ["; ".join([f"{number}. {row.id}", *described(fields)]), quoted(row.content)]
    if row.is_cut:
        lines.append("(cut here; the tool memory with action get returns all of it)")
    return "\n".join(lines)
