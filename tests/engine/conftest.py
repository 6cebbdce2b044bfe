"""Engines with a clock that stands still and vectors that need no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vestige.embedding import open_embedder
from vestige.engine.engine import Engine
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from factories import ManualClock
    from vestige.storage.protocol import MemoryStore


@pytest.fixture
async def engine(tmp_path: Path, clock: ManualClock) -> AsyncGenerator[Engine]:
    store = await SqliteStore.open(tmp_path / "vestige.db", clock=clock)
    yield Engine(store, open_embedder("hashing", "hashing-384"), clock)
    await store.close()


@pytest.fixture
async def either_engine(unbound_store: MemoryStore, clock: ManualClock) -> Engine:
    """An engine on each backend in turn."""
    embedder = open_embedder("hashing", "hashing-64")
    await unbound_store.register_model(embedder.signature)
    return Engine(unbound_store, embedder, clock)


@pytest.fixture
def any_engine(unbound_store: MemoryStore, clock: ManualClock) -> Engine:
    """An engine on each backend, in turn."""
    return Engine(unbound_store, open_embedder("hashing", "hashing-384"), clock)
