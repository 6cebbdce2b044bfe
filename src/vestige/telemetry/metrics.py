"""Numbers in the form of Prometheus: requests, the store, embedding, and connections."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from vestige.telemetry.extras import PROMETHEUS, need
from vestige.telemetry.watched import stores, watched_pools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily

    from vestige.models import StoreStats
    from vestige.telemetry.observing import Observation

# From a recall of a small store to a consolidation of a large one, in seconds.
BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# Name and description; the library appends `_total` to counters.
REQUESTS: Final = ("vestige_requests", "Calls of the engine.")
REQUEST_SECONDS: Final = ("vestige_request_duration_seconds", "How long calls of the engine took.")
EMBEDDING_SECONDS: Final = (
    "vestige_embedding_duration_seconds",
    "How long it took to embed a query, or texts that were given at once.",
)
EMBEDDED_TEXTS: Final = ("vestige_embedded_texts", "Texts that were embedded.")
STORE_SECONDS: Final = (
    "vestige_store_duration_seconds",
    "How long work in the store took, the wait for a connection included.",
)
STORE_FAILURES: Final = ("vestige_store_failures", "Work in the store that ended with an error.")
POOL_SECONDS: Final = (
    "vestige_pool_wait_seconds",
    "How long work waited for a connection of the pool.",
)
SLOW: Final = (
    "vestige_slow_statements",
    "Work in the store that took longer than [logging] slow_ms.",
)
BUILD_INFO: Final = ("vestige_build_info", "The versions that run.")
POOL_CONNECTIONS: Final = (
    "vestige_pool_connections",
    "Connections of the pool: open, idle of these, and the limit.",
)

STORE_UP: Final = "vestige_store_up"
STORE_GAUGES: Final = {
    "vestige_store_memories": "Memories in the store.",
    "vestige_store_size_bytes": "Size of the tables and indexes, or of the file and its log.",
    "vestige_missing_vectors": "Memories that are not found by meaning, because nothing embedded"
    " them yet.",
    "vestige_due_memories": "Memories that are due for review.",
}


class PrometheusMetrics:
    """An observer that counts, and a collector of what is known of stores and pools.

    Args:
        registry: where the numbers go; by default that of the library, whose other numbers, such
            as the memory of the process, are then beside them.

    Raises:
        ConfigError: the extra `vestige[telemetry]` is not installed.
        ValueError: the registry has these numbers already.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        need(PROMETHEUS, "PrometheusMetrics")
        from prometheus_client import (  # noqa: PLC0415  # an extra
            REGISTRY,
            Counter,
            Histogram,
            Summary,
        )

        where = registry or REGISTRY
        counter = partial(Counter, registry=where)
        histogram = partial(Histogram, registry=where, buckets=BUCKETS)
        summary = partial(Summary, registry=where)
        self._requests = counter(*REQUESTS, ["operation", "outcome"])
        self._request_seconds = histogram(*REQUEST_SECONDS, ["operation"])
        self._embedding_seconds = histogram(*EMBEDDING_SECONDS, ["operation"])
        self._embedded_texts = counter(*EMBEDDED_TEXTS)
        self._store_seconds = summary(*STORE_SECONDS, ["operation"])
        self._store_failures = counter(*STORE_FAILURES, ["operation", "outcome"])
        self._pool_seconds = summary(*POOL_SECONDS, ["store"])
        self._slow = counter(*SLOW, ["operation"])
        where.register(_OpenStores())

    def begin(self, observation: Observation) -> None:
        """Do nothing: only ends are counted."""

    def end(self, observation: Observation, begun: object) -> None:
        """Count what was done."""
        del begun
        match observation.kind:
            case "operation":
                self._requests.labels(observation.name, observation.outcome).inc()
                self._request_seconds.labels(observation.name).observe(observation.seconds)
            case "store":
                self._store_seconds.labels(observation.name).observe(observation.seconds)
                if observation.outcome != "ok":
                    self._store_failures.labels(observation.name, observation.outcome).inc()
            case "pool":
                self._pool_seconds.labels(observation.store).observe(observation.seconds)
            case "embedding":
                self._embedding_seconds.labels(observation.name).observe(observation.seconds)
                self._embedded_texts.inc(observation.counts.get("texts", 0))

    def slow(self, operation: str, store: str) -> None:
        """Count slow work in the store."""
        del store
        self._slow.labels(operation).inc()


def store_exposition(name: str, stats: StoreStats | None) -> str:
    """Return what is known of one store, as text in the form of Prometheus.

    Args:
        name: the backend and the place of its data, without a password.
        stats: what it holds; None when it cannot be used.

    Raises:
        ConfigError: the extra `vestige[telemetry]` is not installed.
    """
    need(PROMETHEUS, "the text of Prometheus")
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415  # an extra

    registry = CollectorRegistry()
    registry.register(_OneStore(name, stats))
    return generate_latest(registry).decode()


def store_values(stats: StoreStats | None) -> dict[str, int]:
    """Return the numbers of one store under their names; only that it is down when it is."""
    if stats is None:
        return {STORE_UP: 0}
    missing = 0 if stats.model is None else stats.memory_count - stats.embedded_count
    values = (stats.memory_count, stats.size_bytes, missing, stats.due_count)
    return {STORE_UP: 1, **dict(zip(STORE_GAUGES, values, strict=True))}


class _OneStore:
    """What is known of one store."""

    def __init__(self, name: str, stats: StoreStats | None) -> None:
        self._stats = {name: stats}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return _store_gauges(self._stats)


class _OpenStores:
    """What is known of all open stores and pools, asked for when the numbers are."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Name none: the registry would collect them now to know their names."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from _store_gauges({store.name: store.stats() for store in tuple(stores)})
        yield _pool_gauge()
        yield _build_info()


def _store_gauges(found: dict[str, StoreStats | None]) -> Iterator[GaugeMetricFamily]:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  # an extra

    descriptions = {STORE_UP: "Whether the store could be asked, 1 or 0.", **STORE_GAUGES}
    values = {name: store_values(stats) for name, stats in found.items()}
    for metric, description in descriptions.items():
        family = GaugeMetricFamily(metric, description, labels=["store"])
        for name, known in sorted(values.items()):
            if metric in known:
                family.add_metric([name], known[metric])
        yield family


def _pool_gauge() -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  # an extra

    family = GaugeMetricFamily(*POOL_CONNECTIONS, labels=["store", "state"])
    # Several pools of one process to the same server are one to whoever looks at the server.
    totals: dict[tuple[str, str], int] = {}
    for pool in watched_pools():
        state = pool.pool_state()
        for label, value in (("open", state.size), ("idle", state.idle), ("limit", state.limit)):
            totals[pool.name, label] = totals.get((pool.name, label), 0) + value
    for (name, label), value in sorted(totals.items()):
        family.add_metric([name, label], value)
    return family


def _build_info() -> GaugeMetricFamily:
    import platform  # noqa: PLC0415  # what stands on top is imported by each command
    from importlib.metadata import version  # noqa: PLC0415  # as above

    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  # an extra

    family = GaugeMetricFamily(*BUILD_INFO, labels=["version", "python"])
    family.add_metric([version("vestige"), platform.python_version()], 1)
    return family
