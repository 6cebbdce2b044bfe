"""Recalling: hybrid candidates from the store, ranked by the native scores of both legs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from vestige.cognition import fsrs
from vestige.cognition.fusion import convex_combination
from vestige.embedding.texts import embed_query
from vestige.engine.results import RecallHit
from vestige.models import MAX_LIMIT, SearchQuery
from vestige.storage import limits
from vestige.storage.vectors import cosine_similarities

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.clock import Clock
    from vestige.cognition.fusion import FusedScore
    from vestige.embedding import Embedder
    from vestige.models import MemoryRecord, SearchResult, Vector
    from vestige.storage.protocol import MemoryStore

# The store's order puts what stands in both legs before what stands first in one, so the best by
# score may be deep in it: this many times the limit are ranked, and never fewer than this.
CANDIDATES_FACTOR: Final = 2
CANDIDATES_MIN: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallFilter:
    """What a recall is narrowed to; the lists mean any of, the times are of creation."""

    tags: tuple[str, ...] = ()
    node_types: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    codebase: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    min_retrievability: float | None = None


async def recall(
    store: MemoryStore,
    embedder: Embedder,
    text: str,
    *,
    narrowed: RecallFilter,
    clock: Clock,
    limit: int,
) -> list[RecallHit]:
    """Return the memories that answer a text, best first.

    A recall is not a review: it changes nothing.

    Raises:
        InvalidInputError: the text is empty, or a limit.
        EmbeddingError: the text cannot be embedded.
    """
    limits.check_text("text", text, max_bytes=limits.QUERY_MAX_BYTES)
    wanted = limits.check_limit(limit)
    query = SearchQuery(
        text=text,
        domains=narrowed.domains,
        tags=narrowed.tags,
        node_types=narrowed.node_types,
        codebase=narrowed.codebase,
        min_retrievability=narrowed.min_retrievability,
        created_after=narrowed.since,
        created_before=narrowed.until,
        limit=min(max(CANDIDATES_FACTOR * wanted, CANDIDATES_MIN), MAX_LIMIT),
    )
    limits.check_query(query)
    embedding = await embed_query(embedder, text)
    results = await store.search(replace(query, embedding=embedding))
    return await _ranked(store, clock, results, embedding, wanted)


async def _ranked(
    store: MemoryStore,
    clock: Clock,
    results: list[SearchResult],
    embedding: Vector,
    limit: int,
) -> list[RecallHit]:
    by_id = {result.record.id: result for result in results}
    cosines = _cosines(results, embedding)
    lexical = {
        result.record.id: result.fts_score for result in results if result.fts_score is not None
    }
    hits: list[RecallHit] = []
    now = clock.now()
    for fused in convex_combination(cosines, lexical)[:limit]:
        state = await store.get_scheduling(fused.key)
        retrievability = 1.0 if state is None else fsrs.current_retrievability(state, now)
        hits.append(_hit(by_id[fused.key], fused, cosines.get(fused.key), retrievability))
    return hits


def _hit(
    result: SearchResult, fused: FusedScore[UUID], cosine: float | None, retrievability: float
) -> RecallHit:
    return RecallHit(
        record=result.record,
        score=fused.score,
        vector_part=fused.vector_part,
        lexical_part=fused.lexical_part,
        vector_score=cosine,
        fts_score=result.fts_score,
        vector_rank=result.vector_rank,
        fts_rank=result.fts_rank,
        retrievability=retrievability,
    )


def _cosines(results: list[SearchResult], embedding: Vector) -> dict[UUID, float]:
    """Return the similarity of every result; of those only words found, from their vectors."""
    return {
        result.record.id: cosine
        for result in results
        if (cosine := result.vector_score or _nearest(result.record, embedding)) is not None
    }


def _nearest(record: MemoryRecord, embedding: Vector) -> float | None:
    if record.embedding is None:
        return None
    matrix = np.stack([record.embedding, *record.windows])
    return float(cosine_similarities(matrix, embedding).max())
