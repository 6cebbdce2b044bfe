"""Links between memories: drawing and removing them, and following them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vestige.engine.parts import need
from vestige.engine.results import LinkResult, NeighborMemory
from vestige.engine.screening import screened_text
from vestige.errors import MemoryNotFoundError
from vestige.models import ChangeAction, MemoryEdge, PutEdge, RemoveEdge
from vestige.storage import limits

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.engine.parts import Parts
    from vestige.storage.protocol import MemoryStore


async def link(
    parts: Parts,
    source_id: UUID,
    target_id: UUID,
    *,
    edge_type: str,
    weight: float,
) -> LinkResult:
    """Add a link, or change the weight of the one with the same ends and type.

    Raises:
        MemoryNotFoundError: an end is unknown.
        InvalidInputError: the ends are the same, or the weight or type is outside its limits.
        SecretFoundError: the type holds a key or token.
    """
    edge_type = screened_text("edge_type", edge_type, parts.secrets)
    edge = MemoryEdge(
        source_id=source_id,
        target_id=target_id,
        edge_type=edge_type,
        weight=weight,
        created_at=parts.clock.now(),
    )
    limits.check_edge(edge)
    known = next(
        (
            known
            for known in await parts.store.get_edges(source_id, edge_type)
            if (known.source_id, known.target_id) == (source_id, target_id)
        ),
        None,
    )
    await parts.store.commit(parts.change(ChangeAction.LINKED, PutEdge(edge=edge)))
    if known is None:
        return LinkResult(edge=edge, action="added")
    return LinkResult(
        edge=replace(known, weight=weight), action="changed", previous_weight=known.weight
    )


async def unlink(
    parts: Parts, source_id: UUID, target_id: UUID, edge_type: str | None
) -> list[MemoryEdge]:
    """Remove the link of a type, or all links between two memories; return what was removed.

    Raises:
        MemoryNotFoundError: an end is unknown.
        InvalidInputError: the type is unusable.
    """
    if edge_type is not None:
        limits.check_text("edge_type", edge_type, max_characters=limits.EDGE_TYPE_MAX_CHARACTERS)
    await need(parts, source_id)
    await need(parts, target_id)
    ends = {source_id, target_id}
    removed = [
        edge
        for edge in await parts.store.get_edges(source_id, edge_type)
        if {edge.source_id, edge.target_id} == ends
        # A link of a given type is the one in the given direction.
        and (edge_type is None or edge.source_id == source_id)
    ]
    if removed:
        operations = (
            RemoveEdge(source_id=edge.source_id, target_id=edge.target_id, edge_type=edge.edge_type)
            for edge in removed
        )
        await parts.store.commit(parts.change(ChangeAction.UNLINKED, *operations))
    return removed


async def links(store: MemoryStore, memory_id: UUID) -> list[MemoryEdge]:
    """Return the links from and to a memory.

    Raises:
        MemoryNotFoundError: the id is unknown.
    """
    await _need(store, memory_id)
    return await store.get_edges(memory_id)


async def neighbors(store: MemoryStore, memory_id: UUID, depth: int) -> list[NeighborMemory]:
    """Return at most 256 memories within `depth` links, best first.

    Raises:
        MemoryNotFoundError: the id is unknown.
        InvalidInputError: the depth is not 0 to 16.
    """
    reached = await store.get_neighbors(memory_id, depth)
    found = await store.get_many([neighbor.memory_id for neighbor in reached])
    records = {record.id: record for record in found}
    return [
        NeighborMemory(
            record=records[neighbor.memory_id], weight=neighbor.weight, hops=neighbor.hops
        )
        for neighbor in reached
        # Another process may have deleted one between the two reads.
        if neighbor.memory_id in records
    ]


async def _need(store: MemoryStore, memory_id: UUID) -> None:
    if await store.get(memory_id) is None:
        raise MemoryNotFoundError(memory_id)
