"""Opening where a copy reads from and writes to."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vestige.clock import SystemClock
from vestige.config import mask_url
from vestige.errors import MigrationError, StoreUnavailableError
from vestige.storage.opening import open_postgres
from vestige.storage.rust.source import RustSource
from vestige.storage.sqlite.snapshot import Snapshot
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.config import Config
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.copy_plan import RowSource


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """A place to copy from or to.

    Attributes:
        kind: which program's, and on what.
        path: of a file.
        url: of a server.
    """

    kind: Literal["sqlite", "postgres", "rust"]
    path: Path | None = None
    url: str = ""

    def __str__(self) -> str:
        return f"{self.kind} at {self.path or mask_url(self.url)}"


@asynccontextmanager
async def open_source(
    config: Config, end: End, *, allow_upgrade: bool
) -> AsyncGenerator[RowSource]:
    """Open a place to read from; a file is read in a private copy and stays as it is.

    Args:
        config: for a server, how to reach it.
        end: which place.
        allow_upgrade: bring the private copy of an older file up to date.

    Raises:
        StoreUnavailableError: there is nothing there, or something else.
        MigrationError: its schema is older than this version's, or newer.
    """
    if end.path is not None and end.kind == "rust":
        rust = await RustSource.open(end.path, clock=SystemClock())
        try:
            yield rust
        finally:
            await rust.close()
        return
    if end.path is not None:
        snapshot = Snapshot(end.path)
        try:
            await asyncio.to_thread(snapshot.take, pause=time.sleep)
            store = await SqliteStore.open(snapshot.path, migrate=allow_upgrade)
            async with _closing(store):
                await _check_schema(end, store)
                yield store
        finally:
            snapshot.close()
        return
    server = await open_postgres(config, end.url, migrate=False)
    async with _closing(server):
        await _check_schema(end, server)
        yield server


@asynccontextmanager
async def open_destination(config: Config, end: End) -> AsyncGenerator[MemoryStore]:
    """Open a place to write to, and make it or bring it up to date.

    Raises:
        StoreUnavailableError, MigrationError: it cannot be used.
    """
    store = (
        await open_postgres(config, end.url)
        if end.path is None
        else await SqliteStore.open(end.path)
    )
    async with _closing(store):
        yield store


@asynccontextmanager
async def look_at_destination(config: Config, end: End) -> AsyncGenerator[MemoryStore | None]:
    """Open a place to write to without making or changing anything; None when it has no store."""
    try:
        if end.path is not None and not (end.path.exists() and end.path.stat().st_size):
            yield None
            return
        store = (
            await open_postgres(config, end.url, migrate=False)
            if end.path is None
            else await SqliteStore.open(end.path, migrate=False)
        )
    except OSError as error:
        raise StoreUnavailableError(f"{end.path} cannot be read: {error.strerror}") from error
    async with _closing(store):
        steps = await store.migration_status()
        yield store if steps[0].state == "applied" else None


@asynccontextmanager
async def _closing(store: MemoryStore) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await store.close()


async def _check_schema(end: End, store: MemoryStore) -> None:
    """Refuse a source whose schema is not that of this version."""
    steps = await store.migration_status()
    pending = [str(step) for step in steps if step.state == "pending"]
    if not pending:
        return
    if steps[0].state == "pending":
        raise StoreUnavailableError(f"there is no store in {end}", "Check what --from names.")
    raise MigrationError(
        f"{end} has not the steps {', '.join(pending)} of this version",
        "Add --allow-source-upgrade: a private copy of the file is brought up to date, not the"
        " file."
        if end.path is not None
        else "Run `vestige migrate up` with that server configured.",
    )
