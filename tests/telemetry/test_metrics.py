"""The numbers for Prometheus, as a program that has its own registry finds them in it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from vestige.engine.opening import open_engine
from vestige.errors import ConfigError, InvalidInputError, StoreUnavailableError
from vestige.telemetry import PrometheusMetrics, add_observer, remove_observer
from vestige.telemetry.watched import WatchedStore, stores

if TYPE_CHECKING:
    from collections.abc import Generator

    from vestige.config import Config
    from vestige.engine.engine import Engine
    from vestige.models import StoreStats


@pytest.fixture
def registry() -> Generator[CollectorRegistry]:
    """A registry with the numbers of what is done meanwhile."""
    found = CollectorRegistry()
    metrics = PrometheusMetrics(found)
    add_observer(metrics)
    yield found
    remove_observer(metrics)


def requests(registry: CollectorRegistry, operation: str, outcome: str = "ok") -> float | None:
    labels = {"operation": operation, "outcome": outcome}
    return registry.get_sample_value("vestige_requests_total", labels)


async def test_calls_are_counted_by_their_outcome_and_timed(
    engine: Engine, registry: CollectorRegistry
) -> None:
    await engine.remember("The API retries 5 times.")
    for _ in range(2):
        await engine.recall("how many retries?")
    with pytest.raises(InvalidInputError):
        await engine.recall("")
    assert requests(registry, "remember") == 1
    assert requests(registry, "recall") == 2
    assert requests(registry, "recall", "invalid_input") == 1
    count, seconds = (
        registry.get_sample_value(
            f"vestige_request_duration_seconds_{part}", {"operation": "recall"}
        )
        for part in ("count", "sum")
    )
    assert count == 3
    assert (seconds or 0) > 0


async def test_embedding_and_work_in_the_store_are_counted_and_timed(
    engine: Engine, registry: CollectorRegistry
) -> None:
    await engine.remember("The API retries 5 times.")
    await engine.recall("how many retries?")
    value = registry.get_sample_value
    assert value("vestige_embedded_texts_total") == 2
    assert value("vestige_embedding_duration_seconds_count", {"operation": "documents"}) == 1
    assert value("vestige_store_duration_seconds_count", {"operation": "changes.commit"}) == 1
    await engine.store.close()
    with pytest.raises(StoreUnavailableError):
        await engine.domains()
    labels = {"operation": "domains.list_domains", "outcome": "store_unavailable"}
    assert value("vestige_store_failures_total", labels) == 1


@pytest.mark.usefixtures("everything_is_slow")
async def test_slow_work_is_counted(engine: Engine, registry: CollectorRegistry) -> None:
    for _ in range(2):
        await engine.domains()
    await engine.store.close()
    labels = {"operation": "domains.list_domains"}
    assert registry.get_sample_value("vestige_slow_statements_total", labels) == 2


async def test_the_connections_of_a_pool_are_shown_while_it_is_open(
    engine: Engine, registry: CollectorRegistry, backend: str
) -> None:
    await engine.stats()
    (store,) = {work for work in [getattr(engine.store, "name", "")] if work}

    def connections(state: str) -> float | None:
        labels = {"store": store, "state": state}
        return registry.get_sample_value("vestige_pool_connections", labels)

    is_pooled = backend == "postgres"
    assert connections("limit") == (4 if is_pooled else None)
    assert connections("open") == (1 if is_pooled else None)
    assert connections("idle") == (1 if is_pooled else None)
    await engine.store.close()
    assert connections("limit") is None


async def test_an_open_engine_shows_what_its_store_holds(
    config: Config, registry: CollectorRegistry
) -> None:
    names = ("up", "memories", "size_bytes")
    async with open_engine(config) as engine:
        await engine.remember("The API retries 5 times.")
        (watched,) = stores

        def value(metric: str) -> float | None:
            return registry.get_sample_value(metric, {"store": watched.name})

        # Prometheus asks on a thread; here the loop goes on meanwhile.
        up, memories, size = [
            await asyncio.to_thread(value, f"vestige_store_{name}") for name in names
        ]
        assert (up, memories) == (1, 1)
        assert (size or 0) > 0
        assert value("vestige_due_memories") == 0
        assert value("vestige_missing_vectors") == 0
    assert not stores
    assert value("vestige_store_up") is None


class Counted:
    """A store that counts how often it is asked."""

    def __init__(self, answer: StoreStats | None) -> None:
        self.answer = answer
        self.asked = 0

    async def __call__(self) -> StoreStats:
        self.asked += 1
        if self.answer is None:
            raise StoreUnavailableError("the server is away")
        return self.answer


async def test_a_store_is_asked_once_a_minute_however_often_it_is_scraped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("vestige.telemetry.watched.time.monotonic", lambda: now)
    read = Counted(await engine.stats())
    store = WatchedStore("a store", read)
    for _ in range(3):
        assert await asyncio.to_thread(store.stats) == read.answer
    assert read.asked == 1
    now += 60
    await asyncio.to_thread(store.stats)
    assert read.asked == 2


async def test_a_store_that_cannot_be_asked_is_down_and_asked_again_soon(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("vestige.telemetry.watched.time.monotonic", lambda: now)
    read = Counted(None)
    store = WatchedStore("a store", read)
    assert await asyncio.to_thread(store.stats) is None
    read.answer = await engine.stats()
    assert await asyncio.to_thread(store.stats) is None
    now += 10
    assert await asyncio.to_thread(store.stats) == read.answer


async def test_who_asks_on_the_loop_of_the_store_does_not_wait_for_himself(engine: Engine) -> None:
    read = Counted(await engine.stats())
    store = WatchedStore("a store", read)
    assert store.stats() is None
    assert await asyncio.to_thread(store.stats) == read.answer
    assert store.stats() == read.answer
    assert read.asked == 1


def test_without_the_extra_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigError, match="prometheus_client, which is not installed") as raised:
        PrometheusMetrics()
    assert raised.value.hint == 'Run `pip install "vestige[telemetry]"`.'
