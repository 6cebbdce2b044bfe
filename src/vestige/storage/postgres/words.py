"""The full-text leg of a search: BM25 over the words of a query, at a bounded cost.

PostgreSQL ranks what matches and reads all of it, which takes longer the more common a word is. So
the words are weighed by their rarity, the rarest are searched for, and what they find is scored by
all of them. How much is read is decided by the scope of a search; see search.py.
Why this and nothing else: docs/adr/0010-postgres-search.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import TYPE_CHECKING, Final, Literal, LiteralString

from vestige.storage.postgres import frequencies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.filters import Values
    from vestige.storage.text import Phrase, TextQuery

Scope = Literal["counted", "estimated", "adaptive"]

QUERY_WORDS_MAX: Final = 32  # of more words, the rarest are searched for
PHRASE_WORDS_MAX: Final = 1_000  # of a longer phrase, the beginning
# Two words side by side that also stand side by side in a memory count half as much again as one
# word of that rarity, as on sqlite.
PAIR_WEIGHT: Final = 0.5
PAIR_SHARE: Final = 0.1  # of the memories with the rarer word; about how many have the pair
# About how many memories are scored: half of them for the rarest words, the rest for pairs of the
# words that are too common alone. Of the ten best by all words of a question, .98 are found.
CANDIDATES: Final = 600
CANDIDATES_BY_WORD: Final = 300
CANDIDATES_MAX: Final = 2_000  # words that stand together often make more than was expected
FILLING_WORDS: Final = 2  # common words that fill up a leg which the rare ones leave too short
PAIRED_WORDS_MAX: Final = 6  # of these words all pairs are looked at

# What is searched for: words, pairs of words and required phrases. A pair of which the
# configuration drops a word is none.
TERMS: Final = """
terms AS MATERIALIZED (
    SELECT t.place, t.share, t.holders, q AS query, numnode(q) = 1 AS is_word
    FROM unnest(:terms::text[], :shares::float8[], :holders::float8[])
        WITH ORDINALITY AS t (words, share, holders, place)
    CROSS JOIN LATERAL phraseto_tsquery(vestige_text_search(), t.words) AS q
    WHERE numnode(q) > CASE WHEN t.share < 1 THEN 1 ELSE 0 END
)"""
# Queries are made by the server, from one word or phrase each, and joined as what it prints; so no
# text can become an operator.
WANTED: Final = """
wanted AS MATERIALIZED (
    SELECT string_agg('(' || q::text || ')', ' | ')::tsquery AS query
    FROM unnest(:wanted::text[]) AS t (words)
    CROSS JOIN LATERAL plainto_tsquery(vestige_text_search(), t.words) AS q
    WHERE numnode(q) > 0
)"""
FILL: Final = """
fill AS MATERIALIZED (
    SELECT string_agg('(' || q::text || ')', ' | ')::tsquery AS query
    FROM unnest(:fill::text[]) AS t (words)
    CROSS JOIN LATERAL plainto_tsquery(vestige_text_search(), t.words) AS q
    WHERE numnode(q) > 0
)"""
REQUIRED: Final = """
wanted AS MATERIALIZED (
    SELECT string_agg('(' || q::text || ')', ' & ')::tsquery AS query
    FROM unnest(:required::text[]) AS t (words)
    CROSS JOIN LATERAL phraseto_tsquery(vestige_text_search(), t.words) AS q
    WHERE numnode(q) > 0
)"""
EXCLUDED: Final = """
excluded AS MATERIALIZED (
    SELECT string_agg('(' || p.query || ')', ' | ')::tsquery AS query
    FROM (
        SELECT string_agg('(' || q::text || ')', ' & ') AS query
        FROM unnest(:excluded::text[], :excluded_places::int[]) AS t (words, place)
        CROSS JOIN LATERAL phraseto_tsquery(vestige_text_search(), t.words) AS q
        WHERE numnode(q) > 0
        GROUP BY t.place
    ) AS p
)"""
NOT_EXCLUDED: Final = " AND (m.search_vec @@ (SELECT query FROM excluded)) IS NOT TRUE"

# Deleting a word that cannot be there unpacks the words of a long text once, and not for each term.
CANDIDATES_BY_WORDS: Final = """
SELECT m.id, ts_delete(m.search_vec, '') AS search_vec, octet_length(m.content) AS length
FROM knowledge_nodes AS m
WHERE m.search_vec @@ (SELECT query FROM wanted)"""
UNION: Final = "\n) UNION ALL ("
# Scored term by term, they are read for each term; scored one by one, only once.
CANDIDATES_ONCE: Final = "\ncandidates AS MATERIALIZED (("
CANDIDATES_STREAMED: Final = "\ncandidates AS (("
FOUND: Final = "\nSELECT f.id, f.search_vec, f.length FROM found AS f"
# Common words fill up what rare ones leave empty.
CANDIDATES_BY_FILL: Final = """
SELECT m.id, ts_delete(m.search_vec, '') AS search_vec, octet_length(m.content) AS length
FROM knowledge_nodes AS m
WHERE m.search_vec @@ (SELECT query FROM fill)
AND (m.search_vec @@ (SELECT query FROM wanted)) IS NOT TRUE
AND (SELECT count(*) FROM found) < :depth::int"""
CANDIDATES_BY_FILTER: Final = """
SELECT m.id, ts_delete(m.search_vec, '') AS search_vec, m.length FROM kept AS m
WHERE (SELECT is_narrow FROM scope)"""
WHERE_WIDE: Final = " AND NOT (SELECT is_narrow FROM scope)"
CANDIDATES_LIMIT: Final = " LIMIT :candidates_max::int"
REQUIRED_OF_KEPT: Final = " AND m.search_vec @@ (SELECT query FROM wanted)"

# How often a word stands in a memory, from ts_rank, which is 6 / pi^2 times the sum of 1 / j^2 for
# j = 1 to that number: within 2 %. A word of the type or the tags counts less, by its weight.
WORD_FREQUENCY: Final = (
    "CASE WHEN t.is_word THEN 1 / (1.64493406685 * (1 - ts_rank(c.search_vec, t.query))) - 0.55"
    " ELSE 1.0 END"
)
COUNTED_HITS: Final = f"""
hits AS MATERIALIZED (
    SELECT c.id, c.length, t.place, {WORD_FREQUENCY} AS frequency
    FROM candidates AS c CROSS JOIN terms AS t
    WHERE c.search_vec @@ t.query
)"""
SIZE_COUNTED: Final = """
size AS MATERIALIZED (
    SELECT count(*)::float8 AS memories, avg(octet_length(content))::float8 AS length
    FROM knowledge_nodes
)"""
SIZE_REQUIRED: Final = """
size AS MATERIALIZED (
    SELECT count(*)::float8 AS memories, avg(length)::float8 AS length FROM candidates
)"""
SIZE_ADAPTIVE: Final = """
size AS MATERIALIZED (
    SELECT
        CASE WHEN s.is_narrow THEN s.size ELSE greatest(s.size, :memory_count::float8) END
            AS memories,
        (SELECT avg(c.length)::float8 FROM candidates AS c) AS length
    FROM scope AS s
)"""
COUNTED_WEIGHTS: Final = """
weights AS MATERIALIZED (
    SELECT t.place, t.share * ln(1 + greatest(s.memories - h.holders, 0.5) / (h.holders + 0.5))
        AS weight
    FROM (SELECT place, count(*)::float8 AS holders FROM hits GROUP BY place) AS h
    JOIN terms AS t ON t.place = h.place CROSS JOIN size AS s
)"""
ADAPTIVE_WEIGHTS: Final = """
weights AS MATERIALIZED (
    SELECT t.place, t.share * ln(1 + greatest(s.memories - n.holders, 0.5) / (n.holders + 0.5))
        AS weight
    FROM (SELECT place, count(*)::float8 AS holders FROM hits GROUP BY place) AS h
    JOIN terms AS t ON t.place = h.place CROSS JOIN size AS s CROSS JOIN scope
    CROSS JOIN LATERAL (
        SELECT CASE WHEN scope.is_narrow OR t.holders IS NULL THEN h.holders ELSE t.holders END
            AS holders
    ) AS n
)"""
# BM25 with k1 = 1.2 and b = 0.75. Robertson and Zaragoza, The Probabilistic Relevance Framework:
# BM25 and Beyond (2009). The rarity is that of Lucene, which is above zero for every word.
COUNTED_SCORES: Final = """
scored AS MATERIALIZED (
    SELECT h.id, round(1e9 * sum(
        w.weight * h.frequency * 2.2
        / (h.frequency + 1.2 * (0.25 + 0.75 * h.length / s.length))
    )) / 1e9 AS score
    FROM hits AS h JOIN weights AS w ON w.place = h.place CROSS JOIN size AS s
    GROUP BY h.id
)"""
ESTIMATED_SCORES: Final = f"""
weights AS MATERIALIZED (
    SELECT t.query, t.is_word, t.share
        * ln(1 + greatest(:memory_count::float8 - t.holders, 0.5) / (t.holders + 0.5)) AS weight
    FROM terms AS t
), scored AS MATERIALIZED (
    SELECT c.id, round(1e9 * (
        SELECT sum(h.weight * h.frequency * 2.2
            / (h.frequency + 1.2 * (0.25 + 0.75 * c.length / :average_length::float8)))
        FROM (
            SELECT t.weight, {WORD_FREQUENCY} AS frequency
            FROM weights AS t WHERE c.search_vec @@ t.query
        ) AS h
    )) / 1e9 AS score
    FROM candidates AS c
)"""
FTS_LEG: Final = """
fts_leg AS MATERIALIZED (
    SELECT s.id, s.score, row_number() OVER (ORDER BY s.score DESC, s.id) AS rank
    FROM scored AS s WHERE s.score IS NOT NULL
    ORDER BY s.score DESC, s.id LIMIT :depth::int
)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One of the things that the full-text leg scores by.

    Attributes:
        words: a word, or words that stand side by side.
        share: of the weight that its rarity gives it.
        holders: about how many memories hold it; None where the search counts them.
    """

    words: str
    share: float = 1.0
    holders: float | None = None


def leg(
    scope: Scope, conditions: LiteralString, *, has_required: bool, has_excluded: bool
) -> LiteralString:
    """Return the expressions of a search up to `fts_leg`.

    Args:
        scope: how much is read; with "adaptive", the expressions `kept` and `scope` come before.
        conditions: on a memory `m`, each with AND in front.
        has_required: whether phrases must occur.
        has_excluded: whether phrases must not occur.
    """
    parts: list[LiteralString] = [TERMS, REQUIRED if has_required else WANTED]
    if has_excluded:
        parts.append(EXCLUDED)
        conditions = conditions + NOT_EXCLUDED
    parts += _found(scope, conditions, has_required=has_required, has_excluded=has_excluded)
    if scope == "estimated":
        return ",".join([*parts, ESTIMATED_SCORES, FTS_LEG])
    size, weights = SIZE_COUNTED, COUNTED_WEIGHTS
    if scope == "adaptive":
        size, weights = SIZE_ADAPTIVE, ADAPTIVE_WEIGHTS
    if has_required:
        size = SIZE_REQUIRED
    return ",".join([*parts, COUNTED_HITS, size, weights, COUNTED_SCORES, FTS_LEG])


async def values(session: Session, text: TextQuery, share: float | None) -> Values:
    """Return the values that the full-text leg binds.

    Args:
        session: the connection, with its statistics.
        text: the query.
        share: of the memories that a filter keeps; None where that is not known.
    """
    terms = await fts_terms(session, text)
    words = {term.words: term.holders for term in terms if term.words in {*text.words}}
    wanted, fill = _searched(session, words, share)
    excluded = [
        (words, place)
        for place, phrase in enumerate(text.excluded)
        for words in _phrase_texts(phrase)
    ]
    return {
        "terms": [term.words for term in terms],
        "shares": [term.share for term in terms],
        "holders": [term.holders for term in terms],
        "wanted": wanted,
        "fill": fill,
        "required": [words for phrase in text.phrases for words in _phrase_texts(phrase)],
        "excluded": [words for words, _ in excluded],
        "excluded_places": [place for _, place in excluded],
    }


async def fts_terms(session: Session, query: TextQuery) -> list[Term]:
    """Return what the full-text leg scores by; what is required comes first."""
    required = [Term(words=words) for phrase in query.phrases for words in _phrase_texts(phrase)]
    statistics = session.statistics
    if not statistics.can_be_used:
        words = [Term(words=word) for word in query.words]
        pairs = [Term(words=" ".join(pair), share=PAIR_WEIGHT) for pair in query.pairs]
        return required + words + pairs
    texts = [word for term in required for word in term.words.split()]
    counts = await frequencies.holders(session, dict.fromkeys([*query.words, *texts]))
    rarest = sorted((word for word in query.words if word in counts), key=counts.__getitem__)
    kept = rarest[:QUERY_WORDS_MAX]
    return [
        *(
            Term(
                words=term.words,
                holders=min((counts.get(w, 0.0) for w in term.words.split()), default=0.0),
            )
            for term in required
        ),
        *(Term(words=word, holders=counts[word]) for word in kept),
        *(
            Term(
                words=" ".join(pair),
                share=PAIR_WEIGHT,
                holders=PAIR_SHARE * min(counts[pair[0]], counts[pair[1]]),
            )
            for pair in query.pairs
            if {*pair} <= {*kept}
        ),
    ]


def _found(
    scope: Scope, conditions: LiteralString, *, has_required: bool, has_excluded: bool
) -> list[LiteralString]:
    """Return the expressions that say which memories are scored."""
    if scope == "counted":
        return [CANDIDATES_ONCE + CANDIDATES_BY_WORDS + conditions + "\n))"]
    limit: LiteralString = CANDIDATES_LIMIT
    narrow: LiteralString = ""
    if scope == "adaptive":
        limit = WHERE_WIDE + CANDIDATES_LIMIT
        narrow = UNION + CANDIDATES_BY_FILTER
        narrow = narrow + (NOT_EXCLUDED if has_excluded else "")
        narrow = narrow + (REQUIRED_OF_KEPT if has_required else "")
    by_words: LiteralString = CANDIDATES_BY_WORDS + conditions + limit
    if has_required:
        return [CANDIDATES_ONCE + by_words + narrow + "\n))"]
    by_fill: LiteralString = UNION + CANDIDATES_BY_FILL + conditions + limit
    found: LiteralString = "\nfound AS MATERIALIZED (" + by_words + "\n)"
    start: LiteralString = CANDIDATES_STREAMED if scope == "estimated" else CANDIDATES_ONCE
    return [FILL, found, start + FOUND + by_fill + narrow + "\n))"]


def _searched(
    session: Session, words: Mapping[str, float | None], share: float | None
) -> tuple[list[str], list[str]]:
    """Return which words are searched for, and which of them fill up what these leave empty.

    Args:
        session: the connection, with its statistics.
        words: rarest first, with about how many memories hold each.
        share: of the memories that a filter keeps, None where that is not known.
    """
    counted = {word: count for word, count in words.items() if count is not None}
    memory_count = session.statistics.memory_count
    if memory_count is None or len(counted) < len(words):
        return list(words), []
    kept = 1.0 if share is None else share
    within = accumulate(count * kept for count in counted.values())
    wanted = [
        word for word, total in zip(counted, within, strict=True) if total <= CANDIDATES_BY_WORD
    ]
    common = [word for word in counted if word not in wanted]
    # The rarest pairs of the words that are too common alone, as if they were independent.
    pairs = sorted(
        (counted[one] * counted[other] * kept / memory_count, f"{one} {other}")
        for one, other in combinations(common[:PAIRED_WORDS_MAX], 2)
    )
    expected = sum(counted[word] for word in wanted) * kept
    totals = accumulate((count for count, _ in pairs), initial=expected)
    wanted += [pair for (_, pair), total in zip(pairs, totals, strict=False) if total < CANDIDATES]
    return wanted, common[:FILLING_WORDS]


def _phrase_texts(phrase: Phrase) -> Iterable[str]:
    if phrase.words:
        yield _as_server(" ".join(phrase.words[:PHRASE_WORDS_MAX]))
    yield from phrase.terms[:PHRASE_WORDS_MAX]


def _as_server(words: str) -> str:
    """Return words as the server lowers them: a dotted capital I becomes one letter, not two."""
    return words.replace("i\u0307", "i")
