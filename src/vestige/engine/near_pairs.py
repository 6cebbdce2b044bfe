"""Going through all memories, page by page, and pairing each with the older ones near to it.

A pair is found from its newer side only, so each comes once and nothing has to be kept of those
that were seen. It is missed where more than `NEAREST` others are nearer to the newer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.embedding.texts import signature_of
from vestige.models import MemoryCursor, MemoryOrder, SearchQuery
from vestige.storage.problems import is_filling_searched, unfinished_reembedding

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime
    from typing import TypeAlias

    from vestige.engine.parts import Parts
    from vestige.models import MemoryFilter, MemoryRecord
    from vestige.storage.protocol import MemoryStore

    # Is told how many more memories are done, and how many there are to do in all.
    Advance: TypeAlias = Callable[[int, int], None]

PAGE_ROWS: Final = 100
NEAREST: Final = 20  # memories that each one is compared with, itself among them


@dataclass(frozen=True, kw_only=True, slots=True)
class NearPair:
    """Two current memories of one codebase and owner, and the cosine of the two."""

    older: MemoryRecord
    newer: MemoryRecord
    similarity: float


async def pages(
    store: MemoryStore, memory_filter: MemoryFilter | None = None
) -> AsyncGenerator[list[MemoryRecord]]:
    """Yield all memories, oldest first, in pages."""
    after: MemoryCursor | None = None
    while page := await store.list_memories(
        memory_filter, order=MemoryOrder.CREATED, after=after, limit=PAGE_ROWS
    ):
        yield page
        after = MemoryCursor(at=page[-1].created_at, id=page[-1].id)


async def near_pairs(
    store: MemoryStore, record: MemoryRecord, now: datetime, least_similarity: float
) -> list[NearPair]:
    """Return the pairs of a memory with the older ones among its nearest, nearest first.

    Args:
        store: bound to the registered model.
        record: a current memory; without a vector it has no pairs.
        now: what is current at this time takes part.
        least_similarity: cosine, -1 to 1.
    """
    if record.embedding is None:
        return []
    nearest = await store.search(
        SearchQuery(
            embedding=record.embedding, codebase=record.codebase, current_at=now, limit=NEAREST
        )
    )
    return [
        NearPair(older=hit.record, newer=record, similarity=min(hit.score, 1.0))
        for hit in nearest
        if hit.score >= least_similarity
        and _is_older(hit.record, record)
        and (hit.record.codebase, hit.record.owner_user_id)
        == (record.codebase, record.owner_user_id)
    ]


async def meaning_obstacle(parts: Parts) -> str | None:
    """Say why memories cannot be compared by meaning; bind the store to its model if they can.

    Raises:
        EmbeddingError: the embedder failed.
        ModelMismatchError: the registered model is not the embedder's.
    """
    if await parts.store.registered_model() is None:
        return "nothing was compared by meaning: the store has no model and no vectors yet"
    unfinished = await parts.store.reembedding()
    if unfinished is not None and is_filling_searched(unfinished):
        (problem,) = unfinished_reembedding(unfinished)
        return f"nothing was compared by meaning: {problem.problem}; repair: {problem.repair}"
    await parts.store.register_model(await signature_of(parts.embedder))
    return None


def missing_note(without_vector: int) -> tuple[str, ...]:
    """Return the note about memories that could not be compared by meaning, if there are any."""
    if not without_vector:
        return ()
    have = "1 memory has" if without_vector == 1 else f"{without_vector:,} memories have"
    problem = f"{have} no vector and could not be compared by meaning"
    return (f"{problem}: `vestige consolidate --apply` makes what is missing",)


def _is_older(one: MemoryRecord, other: MemoryRecord) -> bool:
    return (one.created_at, one.id) < (other.created_at, other.id)
