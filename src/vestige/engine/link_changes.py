"""Writing the links that consolidation adds and prunes, with their account in the changelog."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from vestige.errors import ConflictError, MemoryNotFoundError
from vestige.models import ChangeAction, PutEdge, RemoveEdge, TransferTable
from vestige.storage.changes import edge_slice, row_account

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from vestige.engine.parts import Parts
    from vestige.models import JsonObject, JsonValue, MemoryEdge, Operation

ADDED_REASON: Final = "consolidate: links to what is similar, of the same file or session"
PRUNED_REASON: Final = "consolidate: links of the engine that weigh too little"


async def add_links(parts: Parts, edges: Sequence[MemoryEdge]) -> list[MemoryEdge]:
    """Add links that are not there yet; return those that were added.

    What somebody has linked or deleted meanwhile is left out.
    """
    return await _commit(
        parts, edges, ADDED_REASON, lambda edge: PutEdge(edge=edge), lambda _: None
    )


async def prune_links(parts: Parts, edges: Sequence[MemoryEdge]) -> list[MemoryEdge]:
    """Remove links; return those that were removed.

    What somebody has changed or removed meanwhile is left out.
    """
    row_before = partial(row_account, TransferTable.EDGES)
    return await _commit(parts, edges, PRUNED_REASON, _removal, row_before)


async def _commit(
    parts: Parts,
    edges: Sequence[MemoryEdge],
    reason: str,
    operation: Callable[[MemoryEdge], Operation],
    row_before: Callable[[MemoryEdge], JsonValue],
) -> list[MemoryEdge]:
    left = list(edges)
    while left:
        expected: dict[UUID, JsonObject] = defaultdict(dict)
        for edge in left:
            key = (edge.source_id, edge.target_id, edge.edge_type)
            expected[edge.source_id][edge_slice(edge.source_id, key).name] = row_before(edge)
        change = parts.change(ChangeAction.CONSOLIDATED, *map(operation, left), reason=reason)
        try:
            await parts.store.commit(replace(change, expected=expected))
        except (ConflictError, MemoryNotFoundError) as error:
            # Somebody was faster; without the links of this memory there are fewer each time.
            left = [
                edge for edge in left if error.memory_id not in {edge.source_id, edge.target_id}
            ]
        else:
            break
    return left


def _removal(edge: MemoryEdge) -> RemoveEdge:
    return RemoveEdge(source_id=edge.source_id, target_id=edge.target_id, edge_type=edge.edge_type)
