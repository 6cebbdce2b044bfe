"""The tool `maintain`: what is out of date, said twice or contradictory in the whole memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, TypeAlias

from mcp.types import CallToolResult
from pydantic import Field

from vestige.cognition.quotation import NOTICE, quoted
from vestige.mcp.arguments import refuse_unused
from vestige.mcp.context import ALL_CODEBASES, ToolContext, engine_of, memory_of, scope_of
from vestige.mcp.results import FindingRow, MaintainAnswer, success
from vestige.mcp.text import beginning, described, one_line, rounded

if TYPE_CHECKING:
    from vestige.engine.engine import Engine
    from vestige.engine.upkeep_results import Consolidation, DuplicateCluster, FoundContradiction
    from vestige.models import JsonObject

Action: TypeAlias = Literal[
    "consolidate_plan", "consolidate", "find_duplicates", "find_contradictions"
]

# What an action takes.
USED: Final[dict[Action, tuple[str, ...]]] = {
    "find_duplicates": ("codebase", "limit", "threshold"),
    "find_contradictions": ("codebase", "limit"),
}
IDS_SHOWN: Final = 10  # of a cluster


class _Findings(NamedTuple):
    """What an action has found, and what it has counted."""

    total: int
    rows: list[FindingRow]
    notes: tuple[str, ...]
    changes: dict[str, int] | None = None


async def maintain(
    context: ToolContext,
    action: Action,
    *,
    codebase: Annotated[str, Field(description="Only this project")] = "",
    threshold: Annotated[float | None, Field(description="Least cosine, 0 to 1")] = None,
    limit: int | None = None,
) -> Annotated[CallToolResult, MaintainAnswer]:
    """Look the whole memory through."""
    values: JsonObject = {"codebase": codebase or None, "threshold": threshold, "limit": limit}
    refuse_unused(action, values, USED)
    memory = memory_of(context)
    engine = await engine_of(context)
    rows = limit or memory.config.defaults.limit
    if action == "find_duplicates":
        findings = await _duplicates(engine, codebase or None, threshold, rows)
    elif action == "find_contradictions":
        found = await engine.find_contradictions(codebase=codebase or None, limit=rows)
        findings = _Findings(found.count, [_contradiction(one) for one in found.found], found.notes)
    else:
        is_plan = action == "consolidate_plan"
        findings = _consolidated(
            await (engine.consolidation_plan() if is_plan else engine.consolidate())
        )
    answer = MaintainAnswer(
        store=memory.store_name,
        scope=scope_of(codebase, ALL_CODEBASES),
        changes=findings.changes,
        total=findings.total,
        findings=findings.rows,
        notes=list(findings.notes),
    )
    return success(answer, _text(action, answer))


async def _duplicates(
    engine: Engine, codebase: str | None, threshold: float | None, limit: int
) -> _Findings:
    from vestige.engine.duplicates import DUPLICATE_SIMILARITY  # noqa: PLC0415  # imports numpy

    found = await engine.find_duplicates(
        threshold=DUPLICATE_SIMILARITY if threshold is None else threshold,
        codebase=codebase,
        limit=limit,
    )
    return _Findings(
        found.cluster_count, [_cluster(cluster) for cluster in found.clusters], found.notes
    )


def _consolidated(result: Consolidation) -> _Findings:
    links = {f"{name} links": count for name, count in result.links.items()}
    pruned = {f"weak {name} links": count for name, count in result.pruned.items()}
    duplicates, contradictions = result.duplicates, result.contradictions
    return _Findings(
        total=duplicates.cluster_count + contradictions.count,
        rows=[
            *map(_cluster, duplicates.clusters),
            *map(_contradiction, contradictions.found),
        ],
        notes=result.notes,
        changes={
            "retrievability": result.retrievability,
            "vectors": result.vectors,
            "domains": len(result.domains),
            **links,
            **pruned,
        },
    )


def _cluster(cluster: DuplicateCluster) -> FindingRow:
    first, second = cluster.members[:2]
    pair = next(pair for pair in cluster.pairs if second.id in {pair.older_id, pair.newer_id})
    return FindingRow.model_validate(
        {
            "kind": "duplicate",
            "ids": [str(member.id) for member in cluster.members[:IDS_SHOWN]],
            "content": beginning(first.text),
            "other_content": beginning(second.text),
            "reason": f"{cluster.size} memories; the first two: {pair.reason}",
        }
    )


def _contradiction(found: FoundContradiction) -> FindingRow:
    values = f"{one_line(found.older_value)!r} and {one_line(found.newer_value)!r}"
    return FindingRow.model_validate(
        {
            "kind": "contradiction",
            "ids": [str(found.older.id), str(found.newer.id)],
            "content": beginning(found.older.text),
            "other_content": beginning(found.newer.text),
            "confidence": rounded(found.confidence),
            "reason": f"{found.kind.value}: {values}",
        }
    )


def _text(action: Action, answer: MaintainAnswer) -> str:
    lines = [f"{action} in {answer.store} ({answer.scope}). {NOTICE}"]
    if answer.changes is not None:
        is_done = action == "consolidate"
        lines += described({"done" if is_done else "planned": dict(answer.changes)})
    lines.append(f"found: {answer.total}, of which {len(answer.findings)} follow")
    for row in answer.findings:
        contents = {"content", "other_content"}
        fields = row.model_dump(mode="json", exclude_none=True, exclude=contents)
        lines += ["; ".join(described(fields)), quoted(row.content), quoted(row.other_content)]
    return "\n".join([*lines, *(f"note: {note}" for note in answer.notes)])
