"""The statements that bench/postgres.py compares, and the one that a search sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import asyncpg

from vestige.clock import SystemClock
from vestige.config import PostgresSettings
from vestige.models import DEFAULT_LIMIT
from vestige.storage.postgres import search, vectors
from vestige.storage.postgres.connection import Session
from vestige.storage.postgres.driver import Connection, numbered, prepare_types
from vestige.storage.postgres.frequencies import WordStatistics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import LiteralString

    from vestige.models import SearchQuery
    from vestige.storage.postgres.driver import Row

    Raw = asyncpg.Connection[asyncpg.Record]

BARE_HNSW: Final = (
    "SELECT id, embedding <=> $1 AS distance FROM knowledge_nodes"
    " ORDER BY embedding <=> $1 LIMIT 30"
)
# What one finds in tutorials: the values in a common table expression, a window over the distance,
# and all words required.
TEXTBOOK: Final = """
WITH params AS (SELECT $1::text AS q_text, $2::vector AS q_vec),
fts AS (
    SELECT m.id,
        ts_rank_cd(m.search_vec, websearch_to_tsquery('english', p.q_text)) AS score,
        row_number() OVER (
            ORDER BY ts_rank_cd(m.search_vec, websearch_to_tsquery('english', p.q_text)) DESC
        ) AS rank
    FROM knowledge_nodes AS m, params AS p
    WHERE m.search_vec @@ websearch_to_tsquery('english', p.q_text)
    LIMIT 30
), vec AS (
    SELECT m.id, 1 - (m.embedding <=> p.q_vec) AS score,
        row_number() OVER (ORDER BY m.embedding <=> p.q_vec) AS rank
    FROM knowledge_nodes AS m, params AS p WHERE m.embedding IS NOT NULL
    LIMIT 30
), fused AS (
    SELECT coalesce(f.id, v.id) AS id,
        coalesce(1.0 / (60 + f.rank), 0.0) + coalesce(1.0 / (60 + v.rank), 0.0) AS rrf_score
    FROM fts AS f FULL OUTER JOIN vec AS v ON f.id = v.id
)
SELECT m.*, fused.rrf_score FROM fused JOIN knowledge_nodes AS m ON m.id = fused.id
ORDER BY fused.rrf_score DESC LIMIT 10
"""

_statistics: dict[str, WordStatistics] = {}


class Statement(NamedTuple):
    """A text with numbered parameters and their values."""

    sql: str
    arguments: list[Any]


class Recorder(Connection):
    """A connection that remembers the last statement which was sent."""

    last: Statement | None = None

    async def rows(
        self, sql: LiteralString, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[Row]:
        if isinstance(values, dict):
            text, names = numbered(sql)
            self.last = Statement(text, [values[name] for name in names])
        return await super().rows(sql, values)


async def raw_connection(url: str) -> Raw:
    """Return a connection with the settings and types of the store's own."""
    connection = await asyncpg.connect(url, server_settings=dict(vectors.SETTINGS))
    await prepare_types(connection)
    return connection


async def statement_of(url: str, query: SearchQuery) -> Statement:
    """Return what the store sends for a query."""
    connection = await raw_connection(url)
    recorder = Recorder(connection)
    session = Session(
        db=recorder,
        clock=SystemClock(),
        options=PostgresSettings(),
        location=url,
        statistics=_statistics.setdefault(url, WordStatistics()),
    )
    await search.search(session, query, DEFAULT_LIMIT)
    await connection.close()
    assert recorder.last is not None
    return recorder.last
