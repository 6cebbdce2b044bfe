"""Opening a pool of connections to a server, or using one that was given."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import asyncpg
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from vestige.config.urls import mask_url
from vestige.storage.postgres import vectors
from vestige.storage.postgres.connection import (
    CONNECT_TIMEOUT_SECONDS,
    LONGEST_WAIT_SECONDS,
    Database,
)
from vestige.storage.postgres.driver import prepare_types
from vestige.storage.postgres.errors import (
    StartingError,
    UnsupportedParameterError,
    translated,
)

if TYPE_CHECKING:
    from vestige.clock import Clock
    from vestige.config import PostgresSettings
    from vestige.storage.postgres.connection import Pool


async def open_database(url: str, options: PostgresSettings, clock: Clock) -> Database:
    """Open a pool to a server.

    Args:
        url: `postgresql://...`.
        options: the section [storage.postgres].
        clock: where the time comes from.

    Raises:
        StoreUnavailableError: the server cannot be reached or refuses the connection.
    """
    location = mask_url(url)
    settings = _settings(options)
    named = {"application_name": options.application_name}
    with translated(location):
        try:
            pool = await _open_pool(url, options, named | settings, statements=1024)
        except UnsupportedParameterError:
            # PgBouncer, which passes on only settings that it knows, and in transaction mode gives
            # each statement another connection, so that none can be prepared.
            pool = await _open_pool(url, options, named, statements=0)
            return Database(
                pool=pool,
                location=location,
                clock=clock,
                options=options,
                local_settings=settings,
            )
    return Database(pool=pool, location=location, clock=clock, options=options)


def given_database(pool: Pool, options: PostgresSettings, clock: Clock) -> Database:
    """Use a pool that somebody else opened and closes, and sets nothing that is needed here."""
    return Database(
        pool=pool,
        location="the given pool",
        clock=clock,
        options=options,
        owns_pool=False,
        local_settings=_settings(options),
    )


class _DatedConnection(asyncpg.Connection):
    """A connection that knows how old it is."""

    __slots__ = ("born",)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportArgumentType]  # passed on as given
        self.born = time.monotonic()


async def _open_pool(
    url: str, options: PostgresSettings, settings: dict[str, str], *, statements: int
) -> Pool:
    async def connect() -> Pool:
        return await asyncpg.create_pool(
            url,
            min_size=0,
            init_size=1,  # so that a server that cannot be reached is found out now
            max_size=options.max_connections,
            max_inactive_connection_lifetime=options.idle_seconds,
            init=prepare_types,
            reset=_keep,
            timeout=CONNECT_TIMEOUT_SECONDS,
            statement_cache_size=statements,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            connection_class=_DatedConnection,
            server_settings=settings,
        )

    # A server that starts right now is waited for; one that is not there is not.
    return await AsyncRetrying(
        retry=retry_if_exception_type(StartingError),
        stop=stop_after_delay(options.acquire_timeout_seconds),
        wait=wait_random_exponential(multiplier=0.05, max=LONGEST_WAIT_SECONDS),
        reraise=True,
    )(connect)


def _settings(options: PostgresSettings) -> dict[str, str]:
    """Return what the server is to set for the statements of this package."""
    settings = dict(vectors.SETTINGS)
    if options.ef_search is not None:
        settings["hnsw.ef_search"] = str(options.ef_search)
    if options.statement_timeout_seconds is not None:
        settings["statement_timeout"] = f"{round(options.statement_timeout_seconds * 1000)}ms"
    return settings


async def _keep(_: object) -> None:
    """Leave a connection as it is: nothing here changes it beyond a transaction."""
