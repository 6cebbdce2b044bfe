"""Hybrid search: a full-text leg, a vector leg, and their fusion by reciprocal rank.

Differs from postgres, where one statement does all of it: here the legs are two statements of one
transaction, and the vectors are compared in numpy (vectors.py).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from operator import itemgetter
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
    from vestige.storage.text import Phrase, TextQuery

LEG_DEPTH_FACTOR: Final = 3  # a leg is read this many times deeper than the limit,
LEG_DEPTH_MIN: Final = 30  # and never less deep than this
QUERY_WORDS_MAX: Final = 32  # of more words, the rarest are searched for
# The cost of the full-text leg is the sum of how many memories hold each word, so the most common
# words of a query are left out when that sum is above both of these. What they add to the score is
# the least of all words.
WORD_HITS_MIN: Final = 5_000
WORD_HITS_SHARE: Final = 0.1  # of all memories
RAREST_WORDS_MIN: Final = 2  # are searched for however common they are
# Two words side by side that also stand side by side in a memory count half as much again as one
# word of that rarity: most of what they say is said by the two words already. Metzler and Croft,
# A Markov Random Field Model for Term Dependencies (SIGIR 2005).
PAIR_WEIGHT: Final = 0.5
FTS5_IDF_MIN: Final = 1e-6  # what FTS5 makes of a rarity of zero and less

# `rank` is BM25, negative, better ones lower. The weights are those of a tsvector: content and
# terms 1.0 (A), type 0.4 (B), tags 0.2 (C). Each term of a query is searched for alone, because
# only that allows a weight for each; it costs no more than one expression of all of them.
FTS_LEG: Final = """
WITH scored AS MATERIALIZED (
    SELECT f.rowid AS key, round(sum(f.rank * (t.value ->> 'weight')), 9) AS score
    FROM json_each(:terms) AS t CROSS JOIN knowledge_nodes_fts AS f
    WHERE f.knowledge_nodes_fts MATCH (t.value ->> 'match')
    AND f.rank MATCH 'bm25(1.0, 1.0, 0.4, 0.2)'
    GROUP BY f.rowid HAVING NOT :is_required OR min(t.key) = 0
"""
# With a filter, the rarity of a word is that among the memories that the filter keeps.
FTS_LEG_JOINED: Final = """
WITH hits AS MATERIALIZED (
    SELECT t.key AS term, f.rank AS rank, m.key AS key
    FROM json_each(:terms) AS t
    CROSS JOIN knowledge_nodes_fts AS f
    CROSS JOIN knowledge_nodes AS m ON m.key = f.rowid
    WHERE f.knowledge_nodes_fts MATCH (t.value ->> 'match')
    AND f.rank MATCH 'bm25(1.0, 1.0, 0.4, 0.2)'
"""
FTS_LEG_WEIGHED: Final = """
), counts AS MATERIALIZED (
    SELECT term, count(*) AS holders FROM hits GROUP BY term
), weights AS MATERIALIZED (
    SELECT c.term, coalesce(
        ln(1 + (:memory_count - c.holders + 0.5) / (c.holders + 0.5)) / (t.value ->> 'idf'),
        t.value ->> 'weight'
    ) AS weight
    FROM counts AS c JOIN json_each(:terms) AS t ON t.key = c.term
), scored AS MATERIALIZED (
    SELECT h.key, round(sum(h.rank * w.weight), 9) AS score
    FROM hits AS h JOIN weights AS w ON w.term = h.term
    GROUP BY h.key HAVING NOT :is_required OR min(h.term) = 0
"""
# Ids are looked up for the best and for all that tie with the last of them, not for every hit.
FTS_LEG_ORDER: Final = """
)
SELECT s.key, s.score
FROM scored AS s CROSS JOIN knowledge_nodes AS m ON m.key = s.key
WHERE s.score <= coalesce((SELECT score FROM scored ORDER BY score LIMIT 1 OFFSET :depth - 1), 0)
ORDER BY s.score, m.id LIMIT :depth
"""
ALLOWED_KEYS: Final = "SELECT m.key FROM knowledge_nodes AS m WHERE 1"
KEPT_COUNT: Final = "SELECT count(*) FROM knowledge_nodes AS m WHERE 1"
SELECT_IDS: Final = (
    "SELECT key, id FROM knowledge_nodes WHERE key IN (SELECT value FROM json_each(?))"
)
WORD_FREQUENCY: Final = "SELECT doc FROM knowledge_nodes_vocabulary WHERE term = ?"
# Of its own tables, the full-text index keeps this one small: counting its rows takes 30 us where
# counting those of knowledge_nodes takes 2 ms.
MEMORY_COUNT: Final = "SELECT count(*) FROM knowledge_nodes_fts_docsize"


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that a leg found, with that leg's own score; higher is better.

    Ids stay text here: it sorts as they do, and making UUIDs of a whole leg takes longer than
    finding it.
    """

    id: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One of the things that the full-text leg searches for.

    Attributes:
        match: an expression of FTS5.
        weight: what its BM25 is multiplied with.
        idf: its rarity as it is in that BM25, if another one may take its place.
    """

    match: str
    weight: float
    idf: float | None = None


def search(session: Session, query: SearchQuery, limit: int) -> list[SearchResult]:
    depth = max(LEG_DEPTH_FACTOR * limit, LEG_DEPTH_MIN)
    values = filters.query_values(query, session.clock.now())
    allowed = None if query.embedding is None else _allowed_keys(session, values)
    kept = None if allowed is None else allowed.size
    fts = [] if query.text is None else _fts_leg(session, query.text, values, depth, kept)
    if query.embedding is None:
        return _results(session, [(hit.id, hit.score) for hit in fts[:limit]], fts, [])
    registry.check_vectors_are_comparable(session, "embedding", [query.embedding])
    vector = _vector_leg(session, query.embedding, depth, allowed)
    if query.text is None:
        return _results(session, [(hit.id, hit.score) for hit in vector[:limit]], [], vector)
    rankings = [[hit.id for hit in leg] for leg in (fts, vector)]
    fused = reciprocal_rank_fusion(rankings, query.rrf_k)[:limit]
    return _results(session, fused, fts, vector)


def fts_terms(session: Session, query: TextQuery) -> list[Term]:
    """Return what the full-text leg searches for; what is required comes first, as one term."""
    memory_count = _memory_count(session)
    words = _rarest(session, query.words, memory_count)
    terms: list[Term] = []
    if query.phrases:
        required = " AND ".join(_phrase_expression(phrase) for phrase in query.phrases)
        terms.append(Term(match=required, weight=1.0))
    terms += [_word_term(session, word, words[word], memory_count) for word in words]
    terms += [
        Term(match=f'"{" ".join(pair)}"', weight=PAIR_WEIGHT)
        for pair in query.pairs
        if words.keys() >= {*pair}
    ]
    if not query.excluded:
        return terms
    excluded = " OR ".join(f"({_phrase_expression(phrase)})" for phrase in query.excluded)
    return [replace(term, match=f"({term.match}) NOT ({excluded})") for term in terms]


def _fts_leg(
    session: Session, text: str, values: Values, depth: int, kept: int | None
) -> list[Hit]:
    """Return the hits of the full-text leg; `kept` says how many memories a filter keeps."""
    query = parse_query(text)
    conditions = filters.conditions(values)
    bound = values | {
        "terms": list_text([asdict(term) for term in fts_terms(session, query)]),
        "is_required": bool(query.phrases),
        "memory_count": _memory_count(session, values) if kept is None else kept,
        "depth": depth,
    }
    hits = FTS_LEG_JOINED + conditions + FTS_LEG_WEIGHED if conditions else FTS_LEG
    rows = session.db.rows(hits + FTS_LEG_ORDER, bound)
    scores = {cast("int", key): -cast("float", rank) for key, rank in rows}
    return _hits(session, scores)


def _vector_leg(
    session: Session, embedding: Vector, depth: int, allowed: NDArray[np.int64] | None
) -> list[Hit]:
    scores = vectors.nearest(session, embedding, depth, allowed)
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


def _rarest(session: Session, words: Sequence[str], memory_count: int) -> dict[str, int]:
    """Return the words to search for, rarest first, and how many memories hold each."""
    frequencies = [(word, _frequency(session, word)) for word in words]
    known = sorted((item for item in frequencies if item[1]), key=itemgetter(1))
    hits_max = max(WORD_HITS_MIN, WORD_HITS_SHARE * memory_count)
    affordable = sum(hits <= hits_max for hits in accumulate(hits for _, hits in known))
    return dict(known[: min(max(affordable, RAREST_WORDS_MIN), QUERY_WORDS_MAX)])


def _word_term(session: Session, word: str, frequency: int, memory_count: int) -> Term:
    match = f'"{word}"'
    if len(session.db.tokens(word)) != 1:
        return Term(match=match, weight=1.0)  # a phrase to the index: how rare is not known
    odds = (memory_count - frequency + 0.5) / (frequency + 0.5)
    # FTS5's idf is next to nothing for a word that half of the memories hold, which in a small
    # store is most words. That of Lucene never is.
    idf = max(FTS5_IDF_MIN, math.log(odds))
    return Term(match=match, weight=math.log1p(odds) / idf, idf=idf)


def _frequency(session: Session, word: str) -> int:
    """Return how many memories hold a word; of one that the index splits, its first part."""
    tokens = session.db.tokens(word)
    if not tokens:
        return 0
    return cast("int", session.db.value(WORD_FREQUENCY, (tokens[0],)) or 0)


def _memory_count(session: Session, values: Values | None = None) -> int:
    """Return how many memories there are, of those that a filter keeps."""
    conditions = filters.conditions(values or {})
    if not conditions:
        return cast("int", session.db.value(MEMORY_COUNT))
    return cast("int", session.db.value(KEPT_COUNT + conditions, values or {}))
