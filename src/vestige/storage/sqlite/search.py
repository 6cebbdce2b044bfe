"""Hybrid search: a full-text leg, a vector leg, and their fusion by reciprocal rank.

Differs from postgres, where one statement does all of it: here the legs run one after the other in
one transaction, and their scores are computed in numpy (words.py, vectors.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from vestige.cognition.fusion import reciprocal_rank_fusion
from vestige.models import SearchResult
from vestige.storage.sqlite import filters, memories, registry, vectors, words
from vestige.storage.sqlite.rows import list_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from vestige.models import SearchQuery
    from vestige.storage.sqlite.connection import Session

LEG_DEPTH_FACTOR: Final = 3  # a leg is read this many times deeper than the limit,
LEG_DEPTH_MIN: Final = 30  # and never less deep than this

ALLOWED_KEYS: Final = "SELECT group_concat(m.key) FROM knowledge_nodes AS m WHERE 1"
SELECT_IDS: Final = (
    "SELECT key, id FROM knowledge_nodes WHERE key IN (SELECT value FROM json_each(?))"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that a leg found, with that leg's own score; higher is better.

    Ids stay text here: it sorts as they do, and making UUIDs of a whole leg takes longer than
    finding it.
    """

    id: str
    score: float


def search(session: Session, query: SearchQuery, limit: int) -> list[SearchResult]:
    depth = max(LEG_DEPTH_FACTOR * limit, LEG_DEPTH_MIN)
    allowed = _allowed_keys(session, query)
    fts: list[Hit] = []
    vector: list[Hit] = []
    if query.text is not None:
        fts = _hits(session, words.best(session, query.text, depth, allowed), depth)
    if query.embedding is not None:
        registry.check_vectors_are_comparable(session, "embedding", [query.embedding])
        vector = _hits(session, vectors.nearest(session, query.embedding, depth, allowed), depth)
    if query.text is not None and query.embedding is not None:
        rankings = [[hit.id for hit in leg] for leg in (fts, vector)]
        ranked = reciprocal_rank_fusion(rankings, query.rrf_k)[:limit]
    else:
        ranked = [(hit.id, hit.score) for hit in (*fts, *vector)][:limit]
    return _results(session, ranked, fts, vector)


def _allowed_keys(session: Session, query: SearchQuery) -> NDArray[np.int64] | None:
    """Return the keys of the memories that the filters keep, None when there is no filter."""
    values = filters.query_values(query, session.clock.now())
    conditions = filters.conditions(values)
    return session.db.integers(ALLOWED_KEYS + conditions, values) if conditions else None


def _hits(session: Session, scores: dict[int, float], depth: int) -> list[Hit]:
    """Return the best hits of a leg, best first, ties by id."""
    rows = session.db.rows(SELECT_IDS, (list_text(list(scores)),))
    hits = [Hit(cast("str", text), scores[cast("int", key)]) for key, text in rows]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:depth]


def _results(
    session: Session,
    ranked: Sequence[tuple[str, float]],
    fts: Sequence[Hit],
    vector: Sequence[Hit],
) -> list[SearchResult]:
    ids = [UUID(memory_id) for memory_id, _ in ranked]
    records = memories.get_by_id(session, ids)
    fts_ranks = _ranks(fts)
    vector_ranks = _ranks(vector)
    results: list[SearchResult] = []
    for key, (memory_id, score) in zip(ids, ranked, strict=True):
        fts_rank = fts_ranks.get(memory_id)
        vector_rank = vector_ranks.get(memory_id)
        results.append(
            SearchResult(
                record=records[key],
                score=score,
                fts_score=None if fts_rank is None else fts[fts_rank - 1].score,
                vector_score=None if vector_rank is None else vector[vector_rank - 1].score,
                fts_rank=fts_rank,
                vector_rank=vector_rank,
            )
        )
    return results


def _ranks(hits: Iterable[Hit]) -> dict[str, int]:
    return {hit.id: rank for rank, hit in enumerate(hits, start=1)}
