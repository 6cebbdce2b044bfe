from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import vestige
from vestige.integrations.langgraph import VestigeStore

if TYPE_CHECKING:
    from collections.abc import Generator

    from factories import ManualClock
    from vestige import Config, SyncEngine


@pytest.fixture
def memory(config: Config, clock: ManualClock) -> Generator[SyncEngine]:
    with vestige.open(config, clock=clock) as opened:
        yield opened


@pytest.fixture
def graph_store(memory: SyncEngine, clock: ManualClock) -> VestigeStore:
    """A store of LangGraph, on each backend in turn."""
    return VestigeStore(memory, clock=clock)
