"""Hybrid search: a full-text leg, a vector leg, and their fusion by reciprocal rank.

Differs from postgres, where one statement does all of it: here the legs are two statements of one
transaction, and the vectors are compared in numpy (vectors.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

import numpy as np

from vestige.cognition.fusion import reciprocal_rank_fusion
from vestige.models import SearchResult
from vestige.storage.sqlite import filters, memories, registry, vectors
from vestige.storage.sqlite.rows import list_text
from vestige.storage.text import parse_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from vestige.models import SearchQuery, Vector
    from vestige.storage.sqlite.connection import Session
    from vestige.storage.sqlite.filters import Values
    from vestige.storage.text import Phrase

LEG_DEPTH_FACTOR: Final = 3  # a leg is read this many times deeper than the limit,
LEG_DEPTH_MIN: Final = 30  # and never less deep than this
QUERY_WORDS_MAX: Final = 32  # of more words, the rarest are searched for

# `rank` is BM25, negative, better ones lower. The weights are those of a tsvector: content and
# terms 1.0 (A), type 0.4 (B), tags 0.2 (C).
FTS_LEG: Final = """
SELECT rowid, rank FROM knowledge_nodes_fts
WHERE knowledge_nodes_fts MATCH :match AND rank MATCH 'bm25(1.0, 1.0, 0.4, 0.2)'
ORDER BY rank LIMIT :depth
"""
FTS_LEG_JOINED: Final = """
SELECT f.rowid, f.rank FROM knowledge_nodes_fts AS f JOIN knowledge_nodes AS m ON m.key = f.rowid
WHERE f.knowledge_nodes_fts MATCH :match AND f.rank MATCH 'bm25(1.0, 1.0, 0.4, 0.2)'
"""
FTS_LEG_ORDER: Final = " ORDER BY f.rank, m.id LIMIT :depth"
ALLOWED_KEYS: Final = "SELECT m.key FROM knowledge_nodes AS m WHERE 1"
SELECT_IDS: Final = (
    "SELECT key, id FROM knowledge_nodes WHERE key IN (SELECT value FROM json_each(?))"
)
WORD_FREQUENCY: Final = "SELECT doc FROM knowledge_nodes_vocabulary WHERE term = ?"


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
    values = filters.query_values(query, session.clock.now())
    fts = [] if query.text is None else _fts_leg(session, query.text, values, depth)
    if query.embedding is None:
        return _results(session, [(hit.id, hit.score) for hit in fts[:limit]], fts, [])
    registry.check_vector_is_comparable(session, "embedding", query.embedding)
    vector = _vector_leg(session, query.embedding, values, depth)
    if query.text is None:
        return _results(session, [(hit.id, hit.score) for hit in vector[:limit]], [], vector)
    rankings = [[hit.id for hit in leg] for leg in (fts, vector)]
    fused = reciprocal_rank_fusion(rankings, query.rrf_k)[:limit]
    return _results(session, fused, fts, vector)


def match_expression(session: Session, text: str) -> str | None:
    """Return the FTS5 expression of a query; None when it holds nothing to search for."""
    query = parse_query(text)
    required = " AND ".join(_phrase_expression(phrase) for phrase in query.phrases)
    words = " OR ".join(f'"{word}"' for word in _rarest(session, query.words))
    if required and words:
        # The words only add to the score of what the phrases found.
        expression = f"({required}) AND (({required}) OR {words})"
    elif required or words:
        expression = required or words
    else:
        return None
    if query.excluded:
        excluded = " OR ".join(f"({_phrase_expression(phrase)})" for phrase in query.excluded)
        expression = f"({expression}) NOT ({excluded})"
    return expression


def _fts_leg(session: Session, text: str, values: Values, depth: int) -> list[Hit]:
    match = match_expression(session, text)
    if match is None:
        return []
    bound = values | {"match": match, "depth": depth + 1}
    conditions = filters.conditions(values)
    joined = FTS_LEG_JOINED + conditions + FTS_LEG_ORDER
    rows = session.db.rows(joined if conditions else FTS_LEG, bound)
    if not conditions and len(rows) > depth and rows[depth][1] == rows[depth - 1][1]:
        # A tie at the end: which of the equals are the first by id takes a look at all of them.
        rows = session.db.rows(joined, bound)
    scores = {cast("int", key): -cast("float", rank) for key, rank in rows[:depth]}
    return _hits(session, scores)


def _vector_leg(session: Session, embedding: Vector, values: Values, depth: int) -> list[Hit]:
    scores = vectors.nearest(session, embedding, depth, _allowed_keys(session, values))
    return _hits(session, scores)[:depth]


def _allowed_keys(session: Session, values: Values) -> NDArray[np.int64] | None:
    conditions = filters.conditions(values)
    if not conditions:
        return None
    rows = session.db.rows(ALLOWED_KEYS + conditions, values)
    return np.fromiter((cast("int", key) for (key,) in rows), dtype=np.int64)


def _hits(session: Session, scores: dict[int, float]) -> list[Hit]:
    """Return hits best first, ties by id."""
    rows = session.db.rows(SELECT_IDS, (list_text(list(scores)),))
    hits = [Hit(cast("str", text), scores[cast("int", key)]) for key, text in rows]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))


def _results(
    session: Session,
    ranked: Sequence[tuple[str, float]],
    fts: Sequence[Hit],
    vector: Sequence[Hit],
) -> list[SearchResult]:
    records = memories.get_by_id(session, [UUID(memory_id) for memory_id, _ in ranked])
    fts_ranks = _ranks(fts)
    vector_ranks = _ranks(vector)
    results: list[SearchResult] = []
    for memory_id, score in ranked:
        fts_rank = fts_ranks.get(memory_id)
        vector_rank = vector_ranks.get(memory_id)
        results.append(
            SearchResult(
                record=records[UUID(memory_id)],
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


def _phrase_expression(phrase: Phrase) -> str:
    parts = [f'"{" ".join(phrase.words)}"'] if phrase.words else []
    parts.extend(f'"{term}"' for term in phrase.terms)
    return " AND ".join(parts)


def _rarest(session: Session, words: Sequence[str]) -> Sequence[str]:
    if len(words) <= QUERY_WORDS_MAX:
        return words
    frequencies = {word: _frequency(session, word) for word in words}
    known = [word for word in words if frequencies[word]]
    return sorted(known, key=lambda word: frequencies[word])[:QUERY_WORDS_MAX]


def _frequency(session: Session, word: str) -> int:
    """Return how many memories hold a word."""
    tokens = session.db.tokens(word)
    if not tokens:
        return 0
    return cast("int", session.db.value(WORD_FREQUENCY, (tokens[0],)) or 0)
