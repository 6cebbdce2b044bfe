"""What being observed costs a recall: nobody, the log, metrics, traces.

The same questions are asked in turns, each turn with another observer, on a SQLite store with an
embedder of next to no cost, so that what is added weighs as much as it ever can. Printed are the
median of each way, and the middle of its ratios to the way without observers. What is left in the
code while nobody observes is too little to be seen like this: it is counted, call by call, and
compared with the median.
Usage: python bench/telemetry.py [SIZE]   (by default 2000)
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
import timeit
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from vestige import Engine, SqliteStore
from vestige.embedding import open_embedder
from vestige.engine.results import RememberItem
from vestige.storage.work import Slowest
from vestige.telemetry import PrometheusMetrics, Tracing, add_observer, log_slow, remove_observer
from vestige.telemetry.observing import observed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from vestige.telemetry import Observation, Observer

TURNS: Final = 300
SYLLABLES: Final[list[str]] = ["ba", "co", "du", "fe", "gi", "ha", "ji", "ko", "lu", "me"]
LINE: Final = 100  # texts of one call


class Counting:
    """Counts what there is to observe."""

    def __init__(self) -> None:
        self.count = 0

    def begin(self, observation: Observation) -> None:
        del observation
        self.count += 1

    def end(self, observation: Observation, begun: object) -> None:
        pass

    def slow(self, operation: str, store: str) -> None:
        pass


async def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    log_slow(-1)
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(Path(folder) / "vestige.db")
        engine = Engine(store, open_embedder("hashing", "hashing-384"))
        for start in range(0, size, LINE):
            texts = [text_of(number) for number in range(start, start + LINE)]
            await engine.remember_many([RememberItem(content=text) for text in texts])
        await compare(engine)
        await store.close()


def text_of(number: int) -> str:
    return " ".join(word_of(number * step) for step in (1, 3, 7, 11))


def word_of(number: int) -> str:
    return "".join(SYLLABLES[number // int(10**place) % 10] for place in range(4))


async def compare(engine: Engine) -> None:
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    tracing = Tracing(provider)
    counting = Counting()
    ways: dict[str, list[Observer]] = {
        "nobody": [],
        "log at debug": [],
        "metrics": [metrics],
        "traces": [tracing],
        "metrics and traces": [metrics, tracing],
    }
    with watched_by([counting], is_logged=False):
        await engine.recall(text_of(1))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(TURNS):
        for name, observers in ways.items():
            with watched_by(observers, is_logged=name == "log at debug"):
                started = time.perf_counter()
                await engine.recall(text_of(turn))
                seconds[name].append(time.perf_counter() - started)
    print_table(seconds)
    print_idle(counting.count, statistics.median(seconds["nobody"]))


@contextmanager
def watched_by(observers: list[Observer], *, is_logged: bool) -> Generator[None]:
    logger = logging.getLogger("vestige.operations")
    handler = logging.NullHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if is_logged else logging.WARNING)
    for observer in observers:
        add_observer(observer)
    yield
    for observer in observers:
        remove_observer(observer)
    logger.removeHandler(handler)


def print_table(seconds: dict[str, list[float]]) -> None:
    without = seconds["nobody"]
    print("| observed by | median | ratio |")
    print("|---|---|---|")
    for name, found in seconds.items():
        ratio = statistics.median(one / other for one, other in zip(found, without, strict=True))
        print(f"| {name} | {statistics.median(found) * 1000:.3f} ms | {ratio:.3f} |")


def print_idle(count: int, recall_seconds: float) -> None:
    slowest = Slowest(())

    def idle() -> None:
        with observed("store", "search.search", store="sqlite:x"):
            slowest.note("SELECT 1", (), time.perf_counter())

    each = microseconds(idle) - microseconds(lambda: None)
    share = count * each / (recall_seconds * 1e6)
    print(f"\n{count} places in a recall, {each:.2f} us each while nobody observes: {share:.2%}")


def microseconds(function: Callable[[], None]) -> float:
    rounds = 100_000
    return min(timeit.repeat(function, number=rounds, repeat=5)) / rounds * 1e6


if __name__ == "__main__":
    asyncio.run(main())
