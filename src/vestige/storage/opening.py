"""Opening the store that the configuration names, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.errors import ConfigError
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from vestige.clock import Clock
    from vestige.config import Config
    from vestige.storage.protocol import MemoryStore


async def open_store(
    config: Config, *, clock: Clock | None = None, migrate: bool = True
) -> MemoryStore:
    """Open the configured store; it is never replaced by another one.

    Args:
        config: which store, and where.
        clock: where the time comes from; the machine's by default.
        migrate: bring the schema up to date, as every normal use wants.

    Raises:
        ConfigError: this version has no such backend.
        StoreUnavailableError, MigrationError: the store cannot be used.
    """
    check_backend(config)
    return await SqliteStore.open(config.storage.sqlite.path, clock=clock, migrate=migrate)


def check_backend(config: Config) -> None:
    """Refuse a backend that this version has not.

    Raises:
        ConfigError: names the backend.
    """
    if config.storage.backend != "sqlite":
        raise ConfigError(
            f"this version has no {config.storage.backend} backend",
            'Set `backend = "sqlite"` in [storage].',
        )
