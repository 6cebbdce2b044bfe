"""Links between memories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.storage.paths import PathSearch
from vestige.storage.postgres import memories
from vestige.storage.postgres.rows import edge_of, uuid_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige.models import MemoryEdge, Neighbor
    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.rows import Named

UPSERT: Final = """
INSERT INTO edges (source_id, target_id, edge_type, weight, created_at)
VALUES (:source_id, :target_id, :edge_type, :weight, :created_at)
ON CONFLICT (source_id, target_id, edge_type) DO UPDATE SET weight = excluded.weight
"""
SELECT: Final = """
SELECT source_id, target_id, edge_type, weight, created_at FROM edges
WHERE source_id = :id OR target_id = :id
ORDER BY source_id, target_id, edge_type
"""
SELECT_TYPE: Final = """
SELECT source_id, target_id, edge_type, weight, created_at FROM edges
WHERE (source_id = :id OR target_id = :id) AND edge_type = :type
ORDER BY source_id, target_id
"""
# A union, so that each half has its own index.
SELECT_MANY: Final = """
SELECT source_id, target_id, edge_type, weight, created_at FROM edges
WHERE source_id = ANY($1::uuid[])
UNION
SELECT source_id, target_id, edge_type, weight, created_at FROM edges
WHERE target_id = ANY($1::uuid[])
ORDER BY source_id, target_id, edge_type
"""
REMOVE_TYPE: Final = "DELETE FROM edges WHERE source_id = $1 AND target_id = $2 AND edge_type = $3"
REMOVE_ALL: Final = (
    "DELETE FROM edges"
    " WHERE (source_id = $1 AND target_id = $2) OR (source_id = $2 AND target_id = $1)"
)
SELECT_LINKS: Final = """
SELECT source_id, target_id, max(weight) FROM edges
WHERE source_id = ANY($1::uuid[]) GROUP BY source_id, target_id
UNION ALL
SELECT target_id, source_id, max(weight) FROM edges
WHERE target_id = ANY($1::uuid[]) GROUP BY target_id, source_id
"""


async def add_edge(session: Session, edge: MemoryEdge) -> None:
    await add_edges(session, [edge])


async def add_edges(session: Session, edges: Sequence[MemoryEdge]) -> None:
    """Add links; all their ends are looked up at once."""
    ends = {end: None for edge in edges for end in (edge.source_id, edge.target_id)}
    await memories.lock(session, list(ends))
    values: list[Named] = [
        {
            "source_id": edge.source_id,
            "target_id": edge.target_id,
            "edge_type": edge.edge_type,
            "weight": float(edge.weight),
            "created_at": edge.created_at,
        }
        for edge in edges
    ]
    await session.db.run_many(UPSERT, values)


async def get_edges(session: Session, memory_id: UUID, edge_type: str | None) -> list[MemoryEdge]:
    if edge_type is None:
        rows = await session.db.rows(SELECT, {"id": memory_id})
    else:
        rows = await session.db.rows(SELECT_TYPE, {"id": memory_id, "type": edge_type})
    return [edge_of(row) for row in rows]


async def list_edges(session: Session, memory_ids: Sequence[UUID]) -> list[MemoryEdge]:
    return [edge_of(row) for row in await session.db.rows(SELECT_MANY, (list(memory_ids),))]


async def remove_edge(
    session: Session, source_id: UUID, target_id: UUID, edge_type: str | None
) -> None:
    if edge_type is None:
        await session.db.run(REMOVE_ALL, (source_id, target_id))
    else:
        await session.db.run(REMOVE_TYPE, (source_id, target_id, edge_type))


async def get_neighbors(session: Session, memory_id: UUID, depth: int) -> list[Neighbor]:
    await memories.check_known(session, memory_id)
    paths = PathSearch(memory_id)
    for _ in range(depth):
        rows = await session.db.rows(SELECT_LINKS, (list(paths.frontier),))
        paths.follow(
            [(uuid_of(start), uuid_of(end), cast("float", weight)) for start, end, weight in rows]
        )
    return paths.found()
