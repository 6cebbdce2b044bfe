# pyright: reportPrivateUsage=false
# What a search sends to the server cannot be seen through the store.
"""A PostgreSQL store whose statements can be looked at, for the tests of searching."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from factories import ManualClock
from vestige.config import PostgresSettings
from vestige.models import DEFAULT_LIMIT
from vestige.storage.postgres import search, vectors
from vestige.storage.postgres.connection import Session
from vestige.storage.postgres.driver import Connection, numbered, prepare_types
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from typing import LiteralString

    from vestige.models import SearchQuery, SearchResult
    from vestige.storage.postgres.driver import Row
    from vestige.storage.postgres.frequencies import WordStatistics


class Recorder(Connection):
    """A connection that remembers the statements which were sent."""

    def __init__(self, raw: asyncpg.Connection[asyncpg.Record]) -> None:
        super().__init__(raw)
        self.sent: list[tuple[str, list[Any]]] = []

    async def rows(
        self, sql: LiteralString, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[Row]:
        if isinstance(values, dict):
            text, names = numbered(sql)
            self.sent.append((text, [values[name] for name in names]))
        else:
            self.sent.append((sql, list(values)))
        return await super().rows(sql, values)


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncGenerator[PostgresStore]:
    settings = PostgresSettings(**options)
    store = await PostgresStore.connect(url, 2, options=settings, clock=ManualClock())
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def connected(url: str, **settings: str) -> AsyncGenerator[asyncpg.Connection[Any]]:
    """Open a connection with the settings that the store gives to its own."""
    connection = await asyncpg.connect(url, server_settings={**vectors.SETTINGS, **settings})
    try:
        await prepare_types(connection)
        yield connection
    finally:
        await connection.close()


async def recorded(
    connection: asyncpg.Connection[Any], store: PostgresStore, query: SearchQuery
) -> tuple[list[SearchResult], list[tuple[str, list[Any]]]]:
    """Search on a connection; return what was found and the statements that were sent."""
    recorder = Recorder(connection)
    session = Session(
        db=recorder,
        clock=ManualClock(),
        options=store._db.options,
        location="",
        signature=store._db.signature,
        statistics=store._db.statistics,
    )
    found = await search.search(session, query, query.limit or DEFAULT_LIMIT)
    return found, recorder.sent


def statistics_of(store: PostgresStore) -> WordStatistics:
    """Return what a store knows of its words."""
    return store._db.statistics


async def analyze(store: PostgresStore) -> None:
    """Let the server count, and the store look at what it counted."""
    await store.vacuum()
    statistics_of(store).expire()
