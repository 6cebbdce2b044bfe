"""What a whole recall costs beside the search of the store that it starts with.

The same questions are asked in turns: `store.search` for the best ten, and `recall` for the best
ten, with the vectors of the questions made before, so that embedding is part of neither. Memories
are those of bench/sqlite.py, their words without digits, which would make each of them a literal;
of the first 5,000 every tenth has a link, and of all every twentieth was superseded. A recall ranks
the first hundred of a search, so a search for a hundred stands beside it as well. Printed are the
medians and the middle of the ratios.
Usage: python bench/recall.py [--url postgresql://...] [SIZE ...]   (by default SQLite, 10000)
The database behind the URL has to be empty; it is left filled.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from sqlite import CREATED_AT, DIMENSION, SIGNATURE, Corpus
from vestige import Engine, SearchQuery, SqliteStore
from vestige.models import MemoryEdge
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sqlite import Query
    from vestige.embedding import Embedder
    from vestige.models import MemoryRecord, ModelSignature
    from vestige.storage.protocol import MemoryStore

SIZES: Final = (10_000,)
KINDS: Final = ("keywords", "question", "common words")
LETTERS: Final = str.maketrans("0123456789", "abcdefghij")
LIMIT: Final = 10
RANKED: Final = 100
BATCH: Final = 5_000
WARM_UP: Final = 10
LINK_EVERY: Final = 10
SUPERSEDED_EVERY: Final = 20


class KnownVectors:
    """An embedder that only knows the vectors of the questions."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self._vectors = {query.text: query.vector for query in queries}

    @property
    def signature(self) -> ModelSignature:
        return SIGNATURE

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._vectors[text].reshape(1, DIMENSION)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty PostgreSQL database")
    parser.add_argument("sizes", type=int, nargs="*", help="how many memories")
    arguments = parser.parse_args()
    for size in arguments.sizes or SIZES:
        async with a_store(arguments.url) as store:
            await fill(store, size)
            load = os.getloadavg()[0]
            print(f"\n{size:,} memories, load {load:.1f} on {os.cpu_count()} cores", flush=True)
            for kind in KINDS:
                await compare(store, kind, questions(kind))
            named = [
                query._replace(text=f"{query.text} set_{query.text.split()[0]}")
                for query in questions("keywords")
            ]
            await compare(store, "an identifier", named)


@asynccontextmanager
async def a_store(url: str | None) -> AsyncGenerator[MemoryStore]:
    with tempfile.TemporaryDirectory() as folder:
        store = (
            await SqliteStore.open(Path(folder) / "vestige.db")
            if url is None
            else await PostgresStore.connect(url)
        )
        try:
            yield store
        finally:
            await store.close()


async def fill(store: MemoryStore, size: int) -> None:
    """Store memories of which some are linked and some were superseded by the next one."""
    await store.register_model(SIGNATURE)
    records = [
        replace(record, content=record.content.translate(LETTERS))
        for record in Corpus(1).memories(size)
    ]
    changed = [
        replace(record, superseded_at=CREATED_AT + timedelta(days=1))
        if number % SUPERSEDED_EVERY == 0
        else record
        for number, record in enumerate(records)
    ]
    for start in range(0, size, BATCH):
        await store.insert_many(changed[start : start + BATCH])
    for number, (older, newer) in enumerate(pairwise(records[:BATCH])):
        if number % SUPERSEDED_EVERY == 0:
            await store.add_edge(edge(newer, older, "supersedes"))
        elif number % LINK_EVERY == 0:
            await store.add_edge(edge(newer, older, "related"))
    await store.vacuum()


def edge(source: MemoryRecord, target: MemoryRecord, edge_type: str) -> MemoryEdge:
    return MemoryEdge(
        source_id=source.id, target_id=target.id, edge_type=edge_type, created_at=CREATED_AT
    )


def questions(kind: str) -> list[Query]:
    return [query._replace(text=query.text.translate(LETTERS)) for query in Corpus(5).queries(kind)]


async def compare(store: MemoryStore, kind: str, queries: Sequence[Query]) -> None:
    """Print how long each takes, asked in turns."""
    engine = Engine(store, cast("Embedder", KnownVectors(queries)))
    times: list[tuple[float, float, float]] = []
    for query in (*queries[:WARM_UP], *queries):
        search = SearchQuery(text=query.text, embedding=query.vector, limit=LIMIT)
        times.append(
            (
                await milliseconds_of(store.search(search)),
                await milliseconds_of(store.search(replace(search, limit=RANKED))),
                await milliseconds_of(engine.recall(query.text, limit=LIMIT)),
            )
        )
    times = times[WARM_UP:]
    ten, hundred, recall = (statistics.median(column) for column in zip(*times, strict=True))
    of_ten = statistics.median(row[2] / row[0] for row in times)
    of_hundred = statistics.median(row[2] / row[1] for row in times)
    print(
        f"  {kind:13} search for {LIMIT} {ten:6.2f} ms, for {RANKED} {hundred:6.2f} ms, recall"
        f" {recall:6.2f} ms: {of_ten:.2f} and {of_hundred:.2f} times as long",
        flush=True,
    )


async def milliseconds_of(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    asyncio.run(main())
