"""Hybrid search: a full-text leg, a vector leg and their fusion by reciprocal rank, one statement.

The statement is put together from the constants below, one text for each combination of legs and
filters, so the server plans each once. How much it reads is bounded in three ways:

- counted: a small store; all words are searched for, and counted where they are found.
- estimated: words are weighed by the server's statistics, and only the rarest are searched for;
  what they find is scored by all words.
- adaptive: with a filter. Up to a bound, what the filter keeps is compared exactly in both legs;
  above it, the indexes are read as in the other two.

Differs from sqlite, where the legs are two statements of one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.models import SearchResult
from vestige.storage.postgres import filters, frequencies, registry, vectors, words
from vestige.storage.postgres.rows import (
    MEMORY_COLUMN_COUNT,
    MEMORY_COLUMNS,
    memory_of,
    signature_of,
)
from vestige.storage.text import parse_query
from vestige.storage.vectors import dimension_of, unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vestige.models import SearchQuery, Vector
    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.driver import Row
    from vestige.storage.postgres.words import Scope

LEG_DEPTH_FACTOR: Final = 3  # a leg is read this many times deeper than the limit,
LEG_DEPTH_MIN: Final = 30  # and never less deep than this
# A filter is believed to keep many memories when it keeps this many times the bound.
WIDE_FACTOR: Final = 1.5
# So is one that keeps this share, where the index finds .99 of the neighbors whatever they share.
WIDE_SHARE: Final = 0.25

KEPT: Final = """
kept AS MATERIALIZED (
    SELECT m.id, m.embedding, m.search_vec, octet_length(m.content) AS length
    FROM knowledge_nodes AS m WHERE true"""
SCOPE: Final = """ LIMIT :exact_below::int + 1
), scope AS MATERIALIZED (
    SELECT count(*) <= :exact_below::int AS is_narrow, count(*)::float8 AS size FROM kept
)"""
FUSED: Final = """
fused AS MATERIALIZED (
    SELECT coalesce(f.id, v.id) AS id, f.score AS fts_score, f.rank AS fts_rank,
        v.score AS vector_score, v.rank AS vector_rank,
        CASE
            WHEN v.id IS NULL THEN 1 / (:rrf_k::float8 + f.rank)
            WHEN f.id IS NULL THEN 1 / (:rrf_k::float8 + v.rank)
            ELSE (2 * :rrf_k::float8 + f.rank + v.rank)
                / ((:rrf_k::float8 + f.rank) * (:rrf_k::float8 + v.rank))
        END AS score
    FROM fts_leg AS f FULL JOIN vector_leg AS v ON v.id = f.id
    ORDER BY score DESC, id LIMIT :limit::int
)"""
FUSED_FTS: Final = """
fused AS MATERIALIZED (
    SELECT f.id, f.score AS fts_score, f.rank AS fts_rank,
        NULL::float8 AS vector_score, NULL::bigint AS vector_rank, f.score
    FROM fts_leg AS f ORDER BY f.rank LIMIT :limit::int
)"""
FUSED_VECTOR: Final = """
fused AS MATERIALIZED (
    SELECT v.id, NULL::float8 AS fts_score, NULL::bigint AS fts_rank,
        v.score AS vector_score, v.rank AS vector_rank, v.score
    FROM vector_leg AS v ORDER BY v.rank LIMIT :limit::int
)"""
# Rows are looked up one by one: a join could read the whole table instead.
RESULTS: Final = f"""
SELECT r.*, f.score, f.fts_score, f.vector_score, f.fts_rank, f.vector_rank
FROM fused AS f CROSS JOIN LATERAL (
    SELECT {MEMORY_COLUMNS} FROM knowledge_nodes AS m WHERE m.id = f.id OFFSET 0
) AS r
ORDER BY f.score DESC, f.id"""
# With vectors, also the model they come from, in a row without a memory when nothing was found.
RESULTS_WITH_MODEL: Final = f"""
SELECT r.*, f.score, f.fts_score, f.vector_score, f.fts_rank, f.vector_rank,
    model.name, model.dimension, model.hash
FROM (VALUES (1)) AS one LEFT JOIN model ON true LEFT JOIN fused AS f ON true
LEFT JOIN LATERAL (
    SELECT {MEMORY_COLUMNS} FROM knowledge_nodes AS m WHERE m.id = f.id OFFSET 0
) AS r ON true
ORDER BY f.score DESC, f.id"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What decides the text of a search's statement.

    Attributes:
        scope: how much is read; see the top of this module.
        filters: names of the active filters.
        has_text: whether there is a full-text leg.
        has_vector: whether there is a vector leg.
        has_required: whether phrases must occur.
        has_excluded: whether phrases must not occur.
        dimension: of the vectors, where the index depends on it, else 0.
        limit: how many memories are wanted.
        depth: how deep each leg is read.
        exact_below: up to how many memories a filter is believed to keep few.
    """

    scope: Scope
    limit: int
    depth: int
    exact_below: int
    filters: tuple[str, ...] = ()
    has_text: bool = True
    has_vector: bool = True
    has_required: bool = False
    has_excluded: bool = False
    dimension: int = 0


async def search(session: Session, query: SearchQuery, limit: int) -> list[SearchResult]:
    statistics = await frequencies.current(session)
    values = filters.query_values(query, session.clock.now())
    names = tuple(name for name in filters.CONDITIONS if name in values)
    scope = _scope(session, names, values)
    text = None if query.text is None else parse_query(query.text)
    values |= {
        "rrf_k": float(query.rrf_k),
        "memory_count": statistics.memory_count,
        "average_length": statistics.average_length,
    }
    if text is not None:
        share = statistics.share({name: values[name] for name in names}) if names else 1.0
        values |= await words.values(session, text, share)
    if query.embedding is not None:
        _check_dimension(session, query.embedding)
        values["embedding"] = unit(query.embedding)
    shape = Shape(
        scope=scope,
        limit=limit,
        depth=max(LEG_DEPTH_FACTOR * limit, LEG_DEPTH_MIN),
        exact_below=_exact_below(session),
        filters=names,
        has_text=text is not None,
        has_vector=query.embedding is not None,
        has_required=text is not None and bool(text.phrases),
        has_excluded=text is not None and bool(text.excluded),
        dimension=vectors.indexed_dimension(
            0 if query.embedding is None else dimension_of(query.embedding)
        ),
    )
    rows = await session.db.rows(statement(shape), values)
    if query.embedding is not None:
        _check_model(session, rows, query.embedding)
    return [_result(row) for row in rows if row[0] is not None]


@cache
def statement(shape: Shape) -> LiteralString:
    """Return the statement of a search."""
    conditions: LiteralString = ""
    # The same, opaque to the planner: here the filter keeps much, which one plan for all values
    # cannot know, and to begin with the filter's own index or the whole table would be slow.
    checks: LiteralString = ""
    for name in shape.filters:
        conditions = conditions + " AND " + filters.CONDITIONS[name]
        checks = checks + " AND (SELECT " + filters.CONDITIONS[name] + ")"
    is_adaptive = shape.scope == "adaptive"
    parts: list[LiteralString] = []
    if shape.has_vector:
        parts.append(vectors.MODEL)
    if is_adaptive:
        parts.append(KEPT + conditions + SCOPE)
    if shape.has_text:
        parts.append(
            words.leg(
                shape.scope,
                checks,
                has_required=shape.has_required,
                has_excluded=shape.has_excluded,
            )
        )
    if shape.has_vector:
        parts.append(vectors.leg(checks, dimension=shape.dimension, is_adaptive=is_adaptive))
    if not shape.has_vector:
        parts.append(FUSED_FTS)
    else:
        parts.append(FUSED if shape.has_text else FUSED_VECTOR)
    results = RESULTS_WITH_MODEL if shape.has_vector else RESULTS
    text: LiteralString = "WITH" + ",".join(parts) + results
    # How much is read stands in the text: a plan for any number of rows would be thought to cost so
    # much more that the server would plan each search anew.
    return (
        text.replace(":limit::int", vectors.literal(shape.limit))
        .replace(":depth::int", vectors.literal(shape.depth))
        .replace(":exact_below::int", vectors.literal(shape.exact_below))
        .replace(":candidates_max::int", vectors.literal(words.CANDIDATES_MAX))
        .replace(":filtered_depth_factor::int", vectors.literal(vectors.FILTERED_DEPTH_FACTOR))
        .replace(":windows_per_memory::int", vectors.literal(vectors.WINDOWS_PER_MEMORY))
    )


def _scope(session: Session, names: Sequence[str], values: Mapping[str, object]) -> Scope:
    statistics = session.statistics
    if not names:
        return "estimated" if statistics.can_be_used else "counted"
    share = statistics.share({name: values[name] for name in names})
    if not statistics.can_be_used or share is None:
        return "adaptive"
    kept = share * (statistics.memory_count or 0.0)
    least = WIDE_FACTOR * _exact_below(session)
    if share >= WIDE_SHARE and session.options.exact_below_rows is None:
        least = frequencies.COUNTED_BELOW
    return "estimated" if kept > least else "adaptive"


def _exact_below(session: Session) -> int:
    given = session.options.exact_below_rows
    return vectors.EXACT_BELOW_ROWS if given is None else given


def _check_dimension(session: Session, embedding: Vector) -> None:
    if session.signature is not None:
        registry.check_signature(session, "embedding", session.signature, [embedding])


def _check_model(session: Session, rows: Sequence[Row], embedding: Vector) -> None:
    """Refuse what was compared with vectors of another model."""
    name, dimension, digest = rows[0][-3:]
    if name is not None:
        stored = signature_of((name, dimension, digest))
        registry.check_signature(session, "embedding", stored, [embedding])


def _result(row: Row) -> SearchResult:
    score, fts_score, vector_score, fts_rank, vector_rank = row[
        MEMORY_COLUMN_COUNT : MEMORY_COLUMN_COUNT + 5
    ]
    return SearchResult(
        record=memory_of(row),
        score=cast("float", score),
        fts_score=cast("float | None", fts_score),
        vector_score=cast("float | None", vector_score),
        fts_rank=cast("int | None", fts_rank),
        vector_rank=cast("int | None", vector_rank),
    )
