"""How fast the SQLite store is, each row beside its floor in the same process.

Texts and vectors are made up: 40 words of a skewed vocabulary a text, vectors around 300 topics.
Embedding is not part of it. Usage: python bench/sqlite.py [SIZE ...]   (by default 1000 10000)
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import apsw
import numpy as np

from vestige.cognition.fsrs import initial_state
from vestige.models import MemoryRecord, ModelSignature, SearchQuery
from vestige.storage.sqlite import memories, scheduling
from vestige.storage.sqlite.driver import Connection
from vestige.storage.sqlite.rows import memory_values, scheduling_values
from vestige.storage.sqlite.store import SqliteStore
from vestige.storage.vectors import cosine_similarities

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from numpy.typing import NDArray

SIZES: Final = (1_000, 10_000)
DIMENSION: Final = 384
VOCABULARY: Final = 50_000
WORDS_A_TEXT: Final = 40
TOPICS: Final = 300
QUERIES: Final = 100
SINGLE_INSERTS: Final = 300
BATCH: Final = 1_000
SIGNATURE: Final = ModelSignature(name="bench", dimension=DIMENSION, hash="b" * 64)
CREATED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Query(NamedTuple):
    """A search by words and by meaning."""

    text: str
    vector: NDArray[np.float32]


class Corpus:
    """Texts and vectors of one distribution, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        frequencies = 1 / (np.arange(VOCABULARY) + 20.0)
        self._weights = frequencies / frequencies.sum()
        self._centres = np.random.default_rng(0).standard_normal((TOPICS, DIMENSION))

    def texts(self, count: int, words: int = WORDS_A_TEXT) -> list[str]:
        chosen = self._random.choice(VOCABULARY, (count, words), p=self._weights)
        return [" ".join(f"w{word}" for word in row) for row in chosen]

    def vectors(self, count: int) -> NDArray[np.float32]:
        centres = self._centres[self._random.integers(0, TOPICS, count)]
        noise = self._random.standard_normal((count, DIMENSION))
        return (centres + 0.8 * noise).astype(np.float32)

    def memories(self, count: int) -> list[MemoryRecord]:
        pairs = zip(self.texts(count), self.vectors(count), strict=True)
        return [
            MemoryRecord(
                id=UUID(int=int(self._random.integers(2**62)) << 60 | number),
                content=text,
                tags=(f"tag{number % 50}",),
                codebase=f"project{number % 20}",
                embedding=vector,
                created_at=CREATED_AT,
                updated_at=CREATED_AT,
            )
            for number, (text, vector) in enumerate(pairs)
        ]

    def queries(self, kind: str) -> list[Query]:
        vectors = self.vectors(QUERIES)
        if kind == "keywords":
            texts = self.texts(QUERIES, 3)
        elif kind == "question":
            texts = [f"what is the {text} about?" for text in self.texts(QUERIES, 9)]
        else:
            common = self._random.integers(10, 60, (QUERIES, 3))
            texts = [" ".join(f"w{word}" for word in row) for row in common]
        return [Query(text, vector) for text, vector in zip(texts, vectors, strict=True)]


async def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            print(f"\n{size:,} memories")
            await measure(Path(folder), size)


async def measure(folder: Path, size: int) -> None:
    records = Corpus(1).memories(size)
    floor = await asyncio.to_thread(seconds_of_driver, folder / "floor.db", records)
    path = folder / "store.db"
    store = await SqliteStore.open(path)
    await store.register_model(SIGNATURE)
    started = time.perf_counter()
    for start in range(0, size, BATCH):
        await store.insert_many(records[start : start + BATCH])
    seconds = time.perf_counter() - started
    print(
        f"bulk insert: {size / seconds:,.0f}/s, the driver alone {size / floor:,.0f}/s"
        f" ({floor / seconds:.0%} of it)"
    )
    await vector_recall(store, records)
    await searches(store)
    await single_inserts(store)
    await store.close()
    await first_search(path)


def seconds_of_driver(path: Path, records: Sequence[MemoryRecord]) -> float:
    """Return how long the same rows take straight from the driver, tables and triggers included."""
    asyncio.run(make_schema(path))
    rows = [memory_values(record) for record in records]
    states = [scheduling_values(initial_state(r.id, r.created_at)) for r in records]
    with closing(Connection(str(path), apsw.SQLITE_OPEN_READWRITE)) as db:
        db.configure()
        started = time.perf_counter()
        for start in range(0, len(rows), BATCH):
            db.run("BEGIN IMMEDIATE")
            for row, state in zip(
                rows[start : start + BATCH], states[start : start + BATCH], strict=True
            ):
                db.run(memories.INSERT, row)
                db.run(scheduling.INSERT, state)
            db.run("COMMIT")
        return time.perf_counter() - started


async def make_schema(path: Path) -> None:
    await (await SqliteStore.open(path)).close()


async def single_inserts(store: SqliteStore) -> None:
    records = Corpus(2).memories(SINGLE_INSERTS)
    times = [await seconds_of(store.insert(record)) for record in records]
    print(f"single insert, synchronous FULL: {1 / statistics.median(times):,.0f}/s (median)")


async def searches(store: SqliteStore) -> None:
    print(
        f"{'search, 10 results':22}{'p50':>9}{'p95':>9}{'p99':>9}   legs alone p50: words, vector"
    )
    for kind in ("keywords", "question", "common words"):
        queries = Corpus(3).queries(kind)
        hybrid, words, vector = [
            [await seconds_of(store.search(asked)) for asked in form]
            for form in (
                [SearchQuery(text=q.text, embedding=q.vector) for q in queries],
                [SearchQuery(text=q.text) for q in queries],
                [SearchQuery(embedding=q.vector) for q in queries],
            )
        ]
        columns = "".join(f"{milliseconds(hybrid, share):9.2f}" for share in (0.5, 0.95, 0.99))
        legs = f"{milliseconds(words, 0.5):.2f}, {milliseconds(vector, 0.5):.2f}"
        print(f"{kind:22}{columns}   {legs} ms")


async def vector_recall(store: SqliteStore, records: Sequence[MemoryRecord]) -> None:
    matrix = np.stack([record.embedding for record in records if record.embedding is not None])
    found = 0
    queries = Corpus(4).vectors(QUERIES)
    for query in queries:
        exact = np.argsort(-cosine_similarities(matrix, query))[:10]
        wanted = {records[int(place)].id for place in exact}
        found += len(wanted & {hit.record.id for hit in await store.vector_search(query, 10)})
    print(f"vector leg, recall@10 against exact: {found / (10 * len(queries)):.3f}")


async def first_search(path: Path) -> None:
    query = Corpus(5).queries("question")[0]
    started = time.perf_counter()
    store = await SqliteStore.open(path)
    await store.search(SearchQuery(text=query.text, embedding=query.vector))
    print(f"open and first search: {(time.perf_counter() - started) * 1000:.1f} ms")
    await store.close()


async def seconds_of(call: Awaitable[object]) -> float:
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


def milliseconds(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(int(share * len(times)), len(times) - 1)] * 1000


if __name__ == "__main__":
    asyncio.run(main())
