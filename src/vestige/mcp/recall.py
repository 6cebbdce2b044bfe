"""The tool `recall`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

from mcp.types import CallToolResult
from pydantic import Field

from vestige.engine.views import hit_view
from vestige.mcp.arguments import parse_time
from vestige.mcp.context import ALL_CODEBASES, ToolContext, memory_of, scope_of
from vestige.mcp.results import HitRow, RecallAnswer, success
from vestige.mcp.text import BRIEF_CHARACTERS, NOTICE, described, quoted, rounded

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
EXPLANATION: Final = (
    *("score", "vector_part", "vector_score", "vector_rank"),
    *("lexical_part", "fts_score", "fts_rank"),
)


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
    explain: Annotated[bool, Field(description="Add the parts of each score")] = False,
    detail_level: Annotated[
        Literal["brief", "summary", "full"] | None,
        Field(description="200 characters, 2000, or all with metadata"),
    ] = None,
) -> Annotated[CallToolResult, RecallAnswer]:
    """Return the memories that answer a query."""
    from vestige.engine.recall import RecallFilter  # noqa: PLC0415  # imports numpy

    memory = memory_of(context)
    narrowed = RecallFilter(
        tags=tags,
        node_types=node_types,
        codebase=codebase or None,
        since=parse_time("since", since),
        until=parse_time("until", until),
        min_retrievability=min_retrievability,
    )
    engine = await memory.engine()
    defaults = memory.config.defaults
    hits = await engine.recall(query, narrowed=narrowed, limit=limit or defaults.limit)
    level = detail_level or defaults.detail_level
    answer = RecallAnswer(
        store=memory.store_name,
        scope=scope_of(codebase, ALL_CODEBASES),
        note=await engine.note(hits),
        results=[_row(hit, level, explain=explain) for hit in hits],
    )
    return success(answer, _text(answer))


def _row(hit: RecallHit, level: Literal["brief", "summary", "full"], *, explain: bool) -> HitRow:
    view = hit_view(hit, explain=True)
    parts = cast("JsonObject", view["explanation"])
    known: JsonObject = {**view, **parts, "metadata": hit.record.metadata}
    content = hit.record.content[: SHOWN_CHARACTERS[level]]
    wanted = SHOWN_FIELDS[level] + (EXPLANATION if explain else ())
    return HitRow.model_validate(
        {
            "id": str(hit.record.id),
            "content": content,
            "is_cut": len(content) < len(hit.record.content) or None,
            **{name: rounded(known[name]) for name in wanted},
        }
    )


def _text(answer: RecallAnswer) -> str:
    count = len(answer.results)
    head = f"{count} {'memory' if count == 1 else 'memories'} from {answer.store} ({answer.scope})."
    if answer.note is not None:
        head += f" Note: {answer.note}."
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
