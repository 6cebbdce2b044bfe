"""Links between memories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from vestige.storage.encoding import time_text
from vestige.storage.paths import PathSearch
from vestige.storage.sqlite import memories
from vestige.storage.sqlite.rows import edge_of, list_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.models import MemoryEdge, Neighbor
    from vestige.storage.sqlite.connection import Session

UPSERT: Final = """
INSERT INTO edges (source_id, target_id, edge_type, weight, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (source_id, target_id, edge_type) DO UPDATE SET weight = excluded.weight
"""
SELECT: Final = """
SELECT source_id, target_id, edge_type, weight, created_at FROM edges
WHERE (source_id = :id OR target_id = :id) AND (:type IS NULL OR edge_type = :type)
ORDER BY source_id, target_id, edge_type
"""
# A union, so that each half has its own index.
SELECT_MANY: Final = """
SELECT source_id, target_id, edge_type, weight, created_at FROM edges
WHERE source_id IN (SELECT value FROM json_each(:ids))
UNION
SELECT source_id, target_id, edge_type, weight, created_at FROM edges
WHERE target_id IN (SELECT value FROM json_each(:ids))
ORDER BY source_id, target_id, edge_type
"""
REMOVE_TYPE: Final = "DELETE FROM edges WHERE source_id = ? AND target_id = ? AND edge_type = ?"
REMOVE_ALL: Final = (
    "DELETE FROM edges"
    " WHERE (source_id = :a AND target_id = :b) OR (source_id = :b AND target_id = :a)"
)
SELECT_LINKS: Final = """
SELECT source_id, target_id, max(weight) FROM edges
WHERE source_id IN (SELECT value FROM json_each(:ids)) GROUP BY source_id, target_id
UNION ALL
SELECT target_id, source_id, max(weight) FROM edges
WHERE target_id IN (SELECT value FROM json_each(:ids)) GROUP BY target_id, source_id
"""


def add_edge(session: Session, edge: MemoryEdge) -> None:
    for end in (edge.source_id, edge.target_id):
        memories.key_of(session, end)
    session.db.run(
        UPSERT,
        (
            str(edge.source_id),
            str(edge.target_id),
            edge.edge_type,
            float(edge.weight),
            time_text(edge.created_at),
        ),
    )


def get_edges(session: Session, memory_id: UUID, edge_type: str | None) -> list[MemoryEdge]:
    rows = session.db.rows(SELECT, {"id": str(memory_id), "type": edge_type})
    return [edge_of(row) for row in rows]


def list_edges(session: Session, memory_ids: Sequence[UUID]) -> list[MemoryEdge]:
    ids = list_text([str(memory_id) for memory_id in memory_ids])
    return [edge_of(row) for row in session.db.rows(SELECT_MANY, {"ids": ids})]


def remove_edge(session: Session, source_id: UUID, target_id: UUID, edge_type: str | None) -> None:
    if edge_type is None:
        session.db.run(REMOVE_ALL, {"a": str(source_id), "b": str(target_id)})
    else:
        session.db.run(REMOVE_TYPE, (str(source_id), str(target_id), edge_type))


def get_neighbors(session: Session, memory_id: UUID, depth: int) -> list[Neighbor]:
    memories.key_of(session, memory_id)
    paths = PathSearch(memory_id)
    for _ in range(depth):
        wanted = list_text([str(node) for node in paths.frontier])
        rows = session.db.rows(SELECT_LINKS, {"ids": wanted})
        paths.follow(
            [
                (UUID(cast("str", start)), UUID(cast("str", end)), cast("float", weight))
                for start, end, weight in rows
            ]
        )
    return paths.found()
