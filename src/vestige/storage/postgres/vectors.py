"""The vector leg of a search: an HNSW index, and exact comparison where a filter keeps little.

Differs from sqlite, where the index is a table that the store fills itself: here the server keeps
the index, and this module holds the SQL that uses it.
Why this and nothing else: docs/adr/0010-postgres-search.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the server is told on each connection; `ef_search` of the configuration takes the place of
# the first. pgvector's own 40 finds .89 of the true ten nearest among texts that people wrote.
EF_SEARCH: Final = "hnsw.ef_search"
SETTINGS: Final[Mapping[str, str]] = {
    EF_SEARCH: "100",
    # A filter is applied to what the index returns; without this it may return too little.
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.max_scan_tuples": "40000",
    # Compiling a search takes longer than the search.
    "jit": "off",
    # A filter's memories are kept in memory while they are compared.
    "work_mem": "16MB",
}
# Longer vectors are indexed at half precision, and those longer than that not at all.
VECTOR_INDEX_MAX: Final = 2_000
HALFVEC_INDEX_MAX: Final = 4_000
DIGITS: Final[tuple[LiteralString, ...]] = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
# A filter that keeps fewer memories than this is searched without the index, which does not find
# the nearest of a few when they lie away from the query.
EXACT_BELOW_ROWS: Final = 6_000
# A filter in the way of the index costs it neighbors; reading deeper gives them back.
FILTERED_DEPTH_FACTOR: Final = 2
# How many windows are read for each memory that is wanted: a memory may have many near ones.
WINDOWS_PER_MEMORY: Final = 4

# A vector of another length is not compared with any; the caller says what is wrong.
MODEL: Final = """
model AS MATERIALIZED (
    SELECT name, dimension, hash,
        CASE WHEN dimension = vector_dims(:embedding::vector) THEN :embedding::vector END AS vector
    FROM embedding_model
)"""
MEMORIES: Final = """
SELECT m.id, m.embedding FROM knowledge_nodes AS m
WHERE m.embedding IS NOT NULL"""
MEMORIES_LIMIT: Final = " LIMIT :depth::int"
FILTERED_LIMIT: Final = " LIMIT :depth::int * :filtered_depth_factor::int"
WINDOWS: Final = """
SELECT w.memory_id AS id, w.embedding FROM memory_windows AS w"""
WINDOWS_LIMIT: Final = " LIMIT :depth::int * :windows_per_memory::int"
WIDE: Final = " AND NOT (SELECT is_narrow FROM scope)"
KEPT_MEMORIES: Final = """
SELECT k.id, k.embedding FROM kept AS k
WHERE (SELECT is_narrow FROM scope) AND k.embedding IS NOT NULL"""
KEPT_WINDOWS: Final = """
SELECT w.memory_id AS id, w.embedding FROM kept AS k
JOIN memory_windows AS w ON w.memory_id = k.id
WHERE (SELECT is_narrow FROM scope)"""
UNION: Final = "\n) UNION ALL ("
NEAREST: Final = "\nSELECT id, embedding FROM nearest"
# A vector that no other leads to, as may happen behind many equal ones, is not found by the index.
# Where it returns too few, all are compared.
TOO_FEW: Final = " AND (SELECT count(*) FROM nearest) < :depth::int"
# Scaled to length 1 first, where the square of a very small or large value is still a number.
VECTOR_LEG: Final = """
vector_leg AS MATERIALIZED (
    SELECT s.id, s.score, row_number() OVER (ORDER BY s.score DESC, s.id) AS rank
    FROM (
        SELECT n.id, max(greatest(-1, least(1,
            -(l2_normalize(n.embedding) <#> (SELECT vector FROM model))
        ))) AS score
        FROM near AS n GROUP BY n.id
    ) AS s
    ORDER BY s.score DESC, s.id LIMIT :depth::int
)"""


def leg(conditions: LiteralString, *, dimension: int, is_adaptive: bool) -> LiteralString:
    """Return the expressions of a search up to `vector_leg`.

    Args:
        conditions: on a memory `m`, each with AND in front.
        dimension: of the vectors.
        is_adaptive: whether an expression `scope` says if the filter keeps few memories, which an
            expression `kept` then holds.
    """
    gate: LiteralString = WIDE if is_adaptive else ""
    memories: LiteralString = MEMORIES + conditions + gate
    windows: LiteralString = WINDOWS + _window_conditions(conditions) + gate
    limit: LiteralString = FILTERED_LIMIT if conditions else MEMORIES_LIMIT
    nearest: LiteralString = memories + _order(dimension, "m") + limit
    nearest_windows: LiteralString = windows + _order(dimension, "w") + WINDOWS_LIMIT
    near: LiteralString = NEAREST + UNION + nearest_windows
    near = near + UNION + memories + TOO_FEW + UNION + windows + TOO_FEW
    if is_adaptive:
        near = near + UNION + KEPT_MEMORIES + UNION + KEPT_WINDOWS
    return (
        "\nnearest AS MATERIALIZED ("
        + nearest
        + "\n), near AS MATERIALIZED (("
        + near
        + "\n)),"
        + VECTOR_LEG
    )


def indexed_dimension(dimension: int) -> int:
    """Return the dimension that the text of a search depends on; 0 where it is the same for all."""
    return dimension if VECTOR_INDEX_MAX < dimension <= HALFVEC_INDEX_MAX else 0


def literal(number: int) -> LiteralString:
    """Return a number that is not negative as text which the type checker knows to be digits."""
    return "".join([DIGITS[int(digit)] for digit in str(number)])


def _order(dimension: int, table: LiteralString) -> LiteralString:
    """Return the order by distance, in the words of the index."""
    column: LiteralString = table + ".embedding"
    if not indexed_dimension(dimension):
        return "\nORDER BY " + column + " <=> (SELECT vector FROM model)"
    half: LiteralString = "::halfvec(" + literal(dimension) + ")"
    return (
        "\nORDER BY l2_normalize(" + column + ")" + half + " <=> (SELECT vector FROM model)" + half
    )


def _window_conditions(conditions: LiteralString) -> LiteralString:
    if not conditions:
        return " WHERE true"
    # A subquery and not a join, which would end the order of the index.
    return (
        " WHERE (SELECT true FROM knowledge_nodes AS m WHERE m.id = w.memory_id" + conditions + ")"
    )
