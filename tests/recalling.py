"""Memories that were replaced, linked or hidden, put into a store for a recall to find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from factories import START, MemoryFields, a_memory
from vestige.models import MemoryEdge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Unpack
    from uuid import UUID

    from vestige.engine.engine import Engine
    from vestige.engine.results import RecallHit, RecallResult
    from vestige.models import MemoryRecord

PARTS: Final = (
    *("vector_part", "lexical_part", "literal_part", "activation_part"),
    *("retrievability_part", "recency_part", "currency_part"),
)


def sum_of_parts(hit: RecallHit) -> float:
    parts: list[float] = [getattr(hit, name) for name in PARTS]
    return sum(parts)


def contents(result: RecallResult) -> list[str]:
    return [hit.record.content for hit in result]


async def put(engine: Engine, content: str, **fields: Unpack[MemoryFields]) -> UUID:
    """Store a text with its vector."""
    (record,) = await put_all(engine, [a_memory(content, **fields)])
    return record.id


async def put_apart(engine: Engine, content: str, **fields: Unpack[MemoryFields]) -> UUID:
    """Store a text without a vector, which no question finds that has none of its words."""
    record = a_memory(content, **fields)
    await engine.store.insert(record)
    return record.id


async def put_all(engine: Engine, records: Sequence[MemoryRecord]) -> list[MemoryRecord]:
    """Store texts with their vectors, all at once."""
    vectors = engine.embedder.embed_documents([record.content for record in records])
    embedded = [
        a_memory(
            record.content,
            id=record.id,
            tags=record.tags,
            node_type=record.node_type,
            codebase=record.codebase,
            created_at=record.created_at,
            valid_until=record.valid_until,
            superseded_at=record.superseded_at,
            suppressed_at=record.suppressed_at,
            embedding=vector,
        )
        for record, vector in zip(records, vectors, strict=True)
    ]
    await engine.store.insert_many(embedded)
    return embedded


async def link(
    engine: Engine,
    source_id: UUID,
    target_id: UUID,
    edge_type: str = "related",
    *,
    weight: float = 1.0,
    created_at: datetime = START,
) -> None:
    await engine.store.add_edge(
        MemoryEdge(
            source_id=source_id,
            target_id=target_id,
            edge_type=edge_type,
            weight=weight,
            created_at=created_at,
        )
    )


async def put_versions(engine: Engine, *versions: str) -> list[UUID]:
    """Store texts, each of which supersedes the one before it."""
    ids: list[UUID] = []
    for number, content in enumerate(versions):
        is_last = number == len(versions) - 1
        ids.append(await put(engine, content, superseded_at=None if is_last else START))
    for newer, older in zip(ids[1:], ids, strict=False):
        await link(engine, newer, older, "supersedes")
    return ids
