"""From options to an open store or engine; the only place where an event loop is started."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from vestige.config import Config
    from vestige.engine.engine import Engine
    from vestige.storage.embedded import ServerStatus
    from vestige.storage.protocol import MemoryStore

T = TypeVar("T")

CLIENT_ID: Final = "vestige"  # who the changelog says made a change


def configured(config_file: Path | None, data_dir: Path | None) -> Config:
    """Return the configuration that the options, the file and the environment give.

    Raises:
        ConfigError: anything about it is wrong.
    """
    from vestige.config import load_config
    from vestige.telemetry.logs import configure_logging

    config = load_config(config_file, data_dir, os.environ)
    configure_logging(config.logging)
    return config


def with_engine(config: Config, use: Callable[[Engine], Awaitable[T]]) -> T:
    """Open the engine, use it and close it."""
    import asyncio

    from vestige.engine.opening import open_engine
    from vestige.engine.parts import Actor
    from vestige.telemetry.starting import telemetry

    actor = Actor(client_id=CLIENT_ID, session_id=_session_id())

    async def opened() -> T:
        async with open_engine(config, actor=actor) as engine:
            return await use(engine)

    with telemetry(config.telemetry, is_server=False):
        return asyncio.run(opened())


def with_store(
    config: Config, use: Callable[[MemoryStore], Awaitable[T]], *, migrate: bool = True
) -> T:
    """Open the store without an embedder, use it and close it.

    Args:
        config: which store.
        use: what to do with it.
        migrate: bring its schema up to date first.
    """
    import asyncio

    from vestige.storage.opening import open_store
    from vestige.telemetry.starting import telemetry

    async def opened() -> T:
        store = await open_store(config, migrate=migrate)
        try:
            return await use(store)
        finally:
            await store.close()

    with telemetry(config.telemetry, is_server=False):
        return asyncio.run(opened())


def need_store(config: Config) -> None:
    """Refuse to go on without a store.

    Raises:
        StoreUnavailableError: the store is in a file that is not there or empty.
    """
    from vestige.errors import StoreUnavailableError

    missing = missing_store(config)
    if missing is not None:
        raise StoreUnavailableError(
            f"there is no store at {missing} yet",
            "Run `vestige migrate up`, or store a first memory: either makes it.",
        )


def missing_store(config: Config) -> Path | None:
    """Return where a store in files is not there or empty, None when it is there.

    Opening a store makes its files, which a command that only looks must not do.
    """
    if config.storage.backend != "sqlite":
        server = embedded_status(config)
        return None if server is None or server.cluster.exists() else server.cluster
    path = config.storage.sqlite.path
    try:
        return None if path.stat().st_size else path
    except (FileNotFoundError, NotADirectoryError):
        return path
    except OSError:  # it is there or not: opening it says what is wrong
        return None


def embedded_status(config: Config) -> ServerStatus | None:
    """Return what is known of the embedded server without starting it, None without one.

    Raises:
        ConfigError: what the backend needs is not installed.
        StoreUnavailableError: the server belongs to somebody else.
    """
    import asyncio

    from vestige.storage.opening import check_backend, is_embedded

    if not is_embedded(config):
        return None
    check_backend(config)

    from vestige.storage import embedded

    return asyncio.run(embedded.status(config.data_dir))


@cache
def _session_id() -> str:
    """Return what tells the changes of this process from those of others."""
    from uuid import uuid4

    return str(uuid4())
