"""The full-text leg: what it searches for, and how well memories match.

It looks twice. Which memories hold a term is read from the index alone; BM25 also needs where in a
memory the term stands and how long the memory is, which costs four to eight times as much a hit.
So BM25 is asked for only of those that hold the most, counted by the rarity of what they hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from vestige.storage.sqlite.rows import list_text
from vestige.storage.text import parse_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from vestige.storage.sqlite.connection import Session
    from vestige.storage.text import Phrase, TextQuery

QUERY_WORDS_MAX: Final = 32  # of more words, the rarest are searched for
# The cost of the leg is the sum of how many memories hold each word, so the most common words of a
# query are left out when that sum is above both of these. What they add to the score is the least
# of all words.
WORD_HITS_MIN: Final = 5_000
WORD_HITS_SHARE: Final = 0.1  # of all memories
RAREST_WORDS_MIN: Final = 2  # are searched for however common they are
# How many memories BM25 is asked for: at least so many, or so many times the depth of the leg. On
# the evaluation folders of bench/RESULTS.md even 300 of 1,400 change no figure, and 100 do; among
# 100,000 made-up texts 600 find the same ten as all, and 400 lose one in 500 to texts that repeat a
# slightly more common word.
SCORED_MIN: Final = 600
SCORED_FACTOR: Final = 2
# Two words side by side that also stand side by side in a memory count half as much again as one
# word of that rarity: most of what they say is said by the two words already. Metzler and Croft,
# A Markov Random Field Model for Term Dependencies (SIGIR 2005).
PAIR_WEIGHT: Final = 0.5
FTS5_IDF_MIN: Final = 1e-6  # what FTS5 makes of a rarity of zero and less
SCORE_DECIMALS: Final = 9  # sums of the same numbers in another order must tie

HOLDERS: Final = "SELECT group_concat(rowid) FROM knowledge_nodes_fts(?)"
# `rank` is BM25, negative, better ones lower. The weights are those of a tsvector: content and
# terms 1.0 (A), type 0.4 (B), tags 0.2 (C). Each term of a query is searched for alone, because
# only that allows a weight for each; it costs no more than one expression of all of them.
RANKS: Final = """
SELECT t.key, f.rowid, f.rank FROM json_each(:matches) AS t
CROSS JOIN knowledge_nodes_fts AS f
WHERE f.knowledge_nodes_fts MATCH t.value AND f.rank MATCH 'bm25(1.0, 1.0, 0.4, 0.2)'
"""
# SQLite computes `rank` after it has looked whether the key is wanted. The plus sign keeps FTS5
# from being asked for one key after the other, each time from the start.
RANKS_OF_KEYS: Final = RANKS + "AND +f.rowid IN (SELECT value FROM json_each(:keys))"
WORD_FREQUENCY: Final = "SELECT doc FROM knowledge_nodes_vocabulary WHERE term = ?"
# Of its own tables, the full-text index keeps this one small: counting its rows takes 30 us where
# counting those of knowledge_nodes takes 2 ms.
MEMORY_COUNT: Final = "SELECT count(*) FROM knowledge_nodes_fts_docsize"


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One of the things that are searched for.

    Attributes:
        match: an expression of FTS5.
        weight: what its BM25 is multiplied with.
        idf: its rarity as it is in that BM25, if another one may take its place.
    """

    match: str
    weight: float
    idf: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hits:
    """Which memories hold which terms.

    Attributes:
        keys: of memories, of shape (n,).
        terms: the place of a term that the memory beside it holds, of shape (n,).
        held: how many memories of the whole store hold each term.
        kept: how many of those a filter keeps.
    """

    keys: NDArray[np.int64]
    terms: NDArray[np.int64]
    held: list[int]
    kept: list[int]


def best(
    session: Session, text: str, depth: int, allowed: NDArray[np.int64] | None
) -> dict[int, float]:
    """Return memories by how well they match a text.

    Args:
        session: the connection, inside a transaction.
        text: a query as a person writes it.
        depth: how many memories are wanted.
        allowed: keys of the memories that a filter keeps; None keeps all.

    Returns:
        BM25 by memory key, higher is better: the best `depth` and all that tie with the last one.
    """
    query = parse_query(text)
    memory_count = cast("int", session.db.value(MEMORY_COUNT))
    terms = _terms(session, query, memory_count)
    hits = _hits(session, terms, allowed, is_required=bool(query.phrases))
    if not hits.keys.size:
        return {}
    # With a filter, the rarity of a word is that among the memories that the filter keeps.
    weights = [term.weight for term in terms]
    if allowed is not None:
        weights = [
            term.weight if term.idf is None else _rarity(kept, allowed.size) / term.idf
            for term, kept in zip(terms, hits.kept, strict=True)
        ]
    promises = [
        weight * _fts5_idf(held, memory_count)
        for weight, held in zip(weights, hits.held, strict=True)
    ]
    candidates = _candidates(hits, promises, max(SCORED_MIN, SCORED_FACTOR * depth))
    keys, scores = _scores(session, terms, weights, candidates, sum(hits.held))
    if keys.size > depth:
        is_best = scores >= np.partition(scores, -depth)[-depth]
        keys, scores = keys[is_best], scores[is_best]
    return dict(zip(keys.tolist(), scores.tolist(), strict=True))


def _terms(session: Session, query: TextQuery, memory_count: int) -> list[Term]:
    """Return what is searched for; what is required comes first, as one term."""
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


def _hits(
    session: Session,
    terms: Sequence[Term],
    allowed: NDArray[np.int64] | None,
    *,
    is_required: bool,
) -> _Hits:
    """Return which allowed memories hold which terms, the first one if it is required."""
    held = [session.db.integers(HOLDERS, (term.match,)) for term in terms]
    kept = held if allowed is None else [keys[_are_in(keys, allowed)] for keys in held]
    used = [keys[_are_in(keys, kept[0])] for keys in kept] if is_required else kept
    return _Hits(
        keys=np.concatenate([np.empty(0, dtype=np.int64), *used]),
        terms=np.repeat(np.arange(len(used)), [keys.size for keys in used]),
        held=[keys.size for keys in held],
        kept=[keys.size for keys in kept],
    )


def _candidates(hits: _Hits, promises: Sequence[float], wanted: int) -> NDArray[np.int64]:
    """Return the keys of the memories that hold the most, all that tie with the last included."""
    keys, places = np.unique(hits.keys, return_inverse=True)
    if keys.size <= wanted:
        return keys
    promised = _sums(places, np.array(promises)[hits.terms])
    return keys[promised >= np.partition(promised, -wanted)[-wanted]]


def _scores(
    session: Session,
    terms: Sequence[Term],
    weights: Sequence[float],
    candidates: NDArray[np.int64],
    hit_count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the keys of candidates and their BM25, higher is better."""
    bound = {"matches": list_text([term.match for term in terms])}
    if 2 * candidates.size <= hit_count:
        bound["keys"] = list_text(candidates.tolist())
        rows = session.db.rows(RANKS_OF_KEYS, bound)
    else:
        rows = session.db.rows(RANKS, bound)
    places, keys, ranks = (np.array(column) for column in zip(*rows, strict=True))
    is_candidate = _are_in(keys, candidates)
    weighted = (ranks * np.array(weights)[places])[is_candidate]
    keys, owners = np.unique(keys[is_candidate], return_inverse=True)
    return keys, _sums(owners, -weighted)


def _are_in(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    # By a table, whose size is the highest key: to sort instead, numpy imports its masked arrays,
    # 20 ms of every `vestige recall`.
    return np.isin(keys, wanted, kind="table")


def _sums(places: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the values of each place, shape (places.max() + 1,)."""
    sums = np.bincount(places, weights=values).astype(np.float64)
    return np.round(sums, SCORE_DECIMALS)


def _rarest(session: Session, words: Sequence[str], memory_count: int) -> dict[str, int]:
    """Return the words to search for, rarest first, and how many memories hold each."""
    frequencies = [(word, _frequency(session, word)) for word in words]
    known = sorted((item for item in frequencies if item[1]), key=itemgetter(1))
    hits_max = max(WORD_HITS_MIN, WORD_HITS_SHARE * memory_count)
    affordable = sum(hits <= hits_max for hits in accumulate(hits for _, hits in known))
    return dict(known[: min(max(affordable, RAREST_WORDS_MIN), QUERY_WORDS_MAX)])


def _frequency(session: Session, word: str) -> int:
    """Return how many memories hold a word; of one that the index splits, its first part."""
    tokens = session.db.tokens(word)
    if not tokens:
        return 0
    return cast("int", session.db.value(WORD_FREQUENCY, (tokens[0],)) or 0)


def _word_term(session: Session, word: str, frequency: int, memory_count: int) -> Term:
    match = f'"{word}"'
    if len(session.db.tokens(word)) != 1:
        return Term(match=match, weight=1.0)  # a phrase to the index: how rare is not known
    # FTS5's idf is next to nothing for a word that half of the memories hold, which in a small
    # store is most words. That of Lucene never is.
    idf = _fts5_idf(frequency, memory_count)
    return Term(match=match, weight=_rarity(frequency, memory_count) / idf, idf=idf)


def _phrase_expression(phrase: Phrase) -> str:
    parts = [f'"{" ".join(phrase.words)}"'] if phrase.words else []
    parts.extend(f'"{term}"' for term in phrase.terms)
    return " AND ".join(parts)


def _rarity(holders: int, memory_count: int) -> float:
    """Return the idf of Lucene for a term that so many of the memories hold."""
    return math.log1p(_odds(holders, memory_count))


def _fts5_idf(holders: int, memory_count: int) -> float:
    return max(FTS5_IDF_MIN, math.log(_odds(holders, memory_count)))


def _odds(holders: int, memory_count: int) -> float:
    return (memory_count - holders + 0.5) / (holders + 0.5)
