"""Engines on each backend whose work is observed, and a limit of what is slow that is put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recording import Recorder
from vestige.embedding import open_embedder
from vestige.engine.engine import Engine
from vestige.telemetry import add_observer, log_slow, remove_observer
from vestige.telemetry.slow import DEFAULT_SLOW_MS

if TYPE_CHECKING:
    from collections.abc import Generator

    from factories import ManualClock
    from vestige.storage.protocol import MemoryStore


@pytest.fixture
def recorder() -> Generator[Recorder]:
    observer = Recorder()
    add_observer(observer)
    yield observer
    remove_observer(observer)


@pytest.fixture
def everything_is_slow() -> Generator[None]:
    log_slow(0)
    yield
    log_slow(DEFAULT_SLOW_MS)


@pytest.fixture
async def engine(unbound_store: MemoryStore, clock: ManualClock) -> Engine:
    """An engine on each backend in turn, which has bound its store to a model."""
    embedder = open_embedder("hashing", "hashing-64")
    await unbound_store.register_model(embedder.signature)
    return Engine(unbound_store, embedder, clock)
