"""Tidying a store up, and counting the vectors that are missing in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.engine.results import VacuumResult

if TYPE_CHECKING:
    from vestige.clock import Clock
    from vestige.models import StoreStats
    from vestige.storage.protocol import MemoryStore


async def vacuum(store: MemoryStore, clock: Clock) -> VacuumResult:
    """Give space back and refresh what the query planner and the indexes know."""
    before = await store.get_stats(clock.now())
    await store.vacuum()
    after = await store.get_stats(clock.now())
    return VacuumResult(before_bytes=before.size_bytes, after_bytes=after.size_bytes)


def missing_vectors(stats: StoreStats) -> int:
    """Return how many memories are not found by meaning, though a model is registered."""
    return 0 if stats.model is None else stats.memory_count - stats.embedded_count
