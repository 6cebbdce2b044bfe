"""How fast the SQLite store is, each row beside its floor in the same process.

Texts and vectors are made up: 40 words of a skewed vocabulary a text, vectors around 300 topics.
Embedding is not part of it. Usage: python bench/sqlite.py [SIZE ...]   (by default 1000 10000)

With `--texts FOLDER` the built-in model embeds the sentences of all evaluation folders in there
(bench/quality.py says what they hold), which takes minutes, and the last row is the recall of the
vector leg on those vectors, asked for with the questions of the folders.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import statistics
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
from vestige.embedding.minilm import MiniLMEmbedder
from vestige.models import MemoryRecord, ModelSignature, SearchQuery
from vestige.storage.sqlite import memories, scheduling
from vestige.storage.sqlite.driver import Connection
from vestige.storage.sqlite.rows import memory_values, scheduling_values
from vestige.storage.sqlite.store import SqliteStore
from vestige.storage.vectors import cosine_similarities

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Sequence

    from numpy.typing import NDArray

SIZES: Final = (1_000, 10_000)
DIMENSION: Final = 384
VOCABULARY: Final = 50_000
WORDS_A_TEXT: Final = 40
TOPICS: Final = 300
QUERIES: Final = 100
SINGLE_INSERTS: Final = 300
BATCH: Final = 1_000
ROUNDS: Final = 5  # of a bulk insert, fewer of many rows: it is the noisiest of all rows
ROUND_ROWS: Final = 30_000
SENTENCE_END: Final = re.compile(r"(?<=[.?!])\s+|\n+")
SENTENCE_MIN_CHARACTERS: Final = 15
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
    parser = argparse.ArgumentParser(description="How fast the SQLite store is.")
    parser.add_argument("sizes", nargs="*", type=int, help="numbers of memories")
    parser.add_argument("--texts", type=Path, help="a folder of evaluation folders")
    arguments = parser.parse_args()
    for size in arguments.sizes or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            print(f"\n{size:,} memories")
            await measure(Path(folder), size)
    if arguments.texts is not None:
        with tempfile.TemporaryDirectory() as folder:
            await recall_of_texts(Path(folder), arguments.texts)


async def measure(folder: Path, size: int) -> None:
    records = Corpus(1).memories(size)
    path = await bulk_inserts(folder, records)
    store = await SqliteStore.open(path)
    await store.register_model(SIGNATURE)
    await vector_recall(store, records, Corpus(4).vectors(QUERIES))
    await searches(store)
    await single_inserts(store)
    await store.close()
    await first_search(path)


async def bulk_inserts(folder: Path, records: Sequence[MemoryRecord]) -> Path:
    """Print how fast rows are written, the floor in turns with the store; return a full store."""
    size = len(records)
    floors: list[float] = []
    times: list[float] = []
    path = folder / "store.db"
    for number in range(max(1, min(ROUNDS, ROUND_ROWS // size))):
        floor_path = folder / f"floor{number}.db"
        floors.append(await asyncio.to_thread(seconds_of_driver, floor_path, records))
        path = folder / f"store{number}.db"
        store = await SqliteStore.open(path)
        await store.register_model(SIGNATURE)
        times.append(await seconds_of(insert_all(store, records)))
        await store.close()
    floor, seconds = statistics.median(floors), statistics.median(times)
    print(
        f"bulk insert: {size / seconds:,.0f}/s, the driver alone {size / floor:,.0f}/s"
        f" ({floor / seconds:.0%} of it)"
    )
    return path


async def insert_all(store: SqliteStore, records: Sequence[MemoryRecord]) -> None:
    for start in range(0, len(records), BATCH):
        await store.insert_many(records[start : start + BATCH])


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


async def vector_recall(
    store: SqliteStore, records: Sequence[MemoryRecord], queries: NDArray[np.float32]
) -> None:
    matrix = np.stack([record.embedding for record in records if record.embedding is not None])
    found = 0
    for query in queries:
        exact = np.argsort(-cosine_similarities(matrix, query))[:10]
        wanted = {records[int(place)].id for place in exact}
        found += len(wanted & {hit.record.id for hit in await store.vector_search(query, 10)})
    print(f"vector leg, recall@10 against exact: {found / (10 * len(queries)):.3f}")


async def recall_of_texts(folder: Path, texts: Path) -> None:
    sentences = list(dict.fromkeys(sentences_of(texts)))
    questions = list(dict.fromkeys(lines_of(texts, "queries.jsonl*")))
    print(f"\n{len(sentences):,} sentences, {len(questions):,} questions of real text")
    embedder = MiniLMEmbedder()
    records = [
        MemoryRecord(
            id=UUID(int=number),
            content=text,
            embedding=vector,
            created_at=CREATED_AT,
            updated_at=CREATED_AT,
        )
        for number, (text, vector) in enumerate(
            zip(sentences, embedder.embed_documents(sentences), strict=True), start=1
        )
    ]
    store = await SqliteStore.open(folder / "store.db")
    await store.register_model(embedder.signature)
    await insert_all(store, records)
    await vector_recall(store, records, embedder.embed_documents(questions))
    await store.close()


def sentences_of(texts: Path) -> Iterator[str]:
    for text in lines_of(texts, "documents.jsonl*"):
        for sentence in SENTENCE_END.split(text):
            if len(sentence.strip()) >= SENTENCE_MIN_CHARACTERS:
                yield sentence.strip()


def lines_of(texts: Path, pattern: str) -> Iterator[str]:
    """Yield the texts of the files of all evaluation folders."""
    for path in sorted(texts.glob(f"*/{pattern}")):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]


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
