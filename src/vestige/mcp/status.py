"""The tool `status`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Final

from mcp.types import CallToolResult

from vestige.engine.views import stats_view
from vestige.mcp.context import ALL_CODEBASES, ToolContext, memory_of
from vestige.mcp.results import StatusAnswer, success
from vestige.mcp.text import described

NAMES_SHOWN: Final = 20  # of node types and of codebases, the most frequent ones


async def status(context: ToolContext) -> Annotated[CallToolResult, StatusAnswer]:
    """Say whether the memory can be used, and what is in it."""
    memory = memory_of(context)
    engine = await memory.engine()
    health = await engine.health()
    stats = await engine.stats()
    model = stats.model or await engine.model()
    answer = StatusAnswer.model_validate(
        {
            **stats_view(stats),
            "store": memory.store_name,
            "scope": ALL_CODEBASES,
            "version": version("vestige"),
            "health": health.status,
            "reason": health.reason,
            "model": model.name,
            "dimension": model.dimension,
            "node_types": _most_frequent(stats.node_types),
            "codebases": _most_frequent(stats.codebases),
        }
    )
    fields = answer.model_dump(mode="json", exclude_none=True)
    return success(answer, "\n".join(described(fields)))


def _most_frequent(counts: dict[str, int]) -> dict[str, int]:
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return {name: counts[name] for name in names[:NAMES_SHOWN]}
