"""What bench/postgres.py stores, and what the answers to its questions must be."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import numpy as np
from _postgres_load import DROP_INDEXES
from _postgres_statements import raw_connection
from real_vectors import load, topics_of

from sqlite import Corpus
from vestige.models import ModelSignature, SearchQuery
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from vestige.models import MemoryRecord

SIGNATURE: Final = ModelSignature(name="bench", dimension=384, hash="b" * 64)
SHARES: Final = {"half": 0.5, "tenth": 0.1, "hundredth": 0.01, "thousandth": 0.001}
FILTER_TOPICS: Final = (0, 1, 2)
CHUNK: Final = 100_000  # so that a million memories need not be in this process at once
BATCH: Final = 5_000
RECALL_QUERIES: Final = 150
NEAREST: Final = 10


class Case(NamedTuple):
    """A filter, how many memories pass it, and which of them are the nearest to each query."""

    name: str
    query: SearchQuery
    rows: int
    nearest: list[set[UUID]]


class Memories:
    """As many memories as wanted, the same ones for the same folder and size."""

    def __init__(self, folder: Path, size: int) -> None:
        self.vectors, _ = load(folder, size)
        self.topics = topics_of(self.vectors)
        chosen = np.random.default_rng(3).random((size, len(SHARES)))
        self.is_tagged = chosen < np.array(list(SHARES.values()))

    def chunks(self) -> Iterator[list[MemoryRecord]]:
        corpus, names = Corpus(1), np.array(list(SHARES))
        for start in range(0, len(self.vectors), CHUNK):
            made = corpus.memories(min(CHUNK, len(self.vectors) - start))
            yield [
                replace(
                    record,
                    embedding=self.vectors[number],
                    domains=(f"topic{self.topics[number]}",),
                    tags=tuple(map(str, names[self.is_tagged[number]])),
                )
                for number, record in enumerate(made, start)
            ]


async def fill(url: str, memories: Memories, queries: NDArray[np.float32]) -> list[Case]:
    """Fill a store as a large import would: the vector index is built at the end."""
    store = await PostgresStore.connect(url)
    await store.register_model(SIGNATURE)
    connection = await raw_connection(url)
    definitions = [
        str(row[0])
        for row in await connection.fetch(
            "SELECT indexdef FROM pg_indexes WHERE indexname LIKE '%\\_hnsw'"
        )
    ]
    await connection.execute(DROP_INDEXES)
    ids: list[UUID] = []
    for chunk in memories.chunks():
        for start in range(0, len(chunk), BATCH):
            await store.insert_many(chunk[start : start + BATCH])
        ids += [record.id for record in chunk]
    cases = list(_cases(memories, ids, queries))
    started = time.perf_counter()
    for definition in definitions:
        await connection.execute(definition)
    print(f"vector index built in {time.perf_counter() - started:.1f} s", flush=True)
    await connection.close()
    await store.vacuum()
    await store.close()
    return cases


def keep_cases(folder: Path, name: str, cases: list[Case]) -> None:
    kept = [
        {
            "name": case.name,
            "tags": case.query.tags,
            "domains": case.query.domains,
            "rows": case.rows,
            "nearest": [sorted(map(str, ids)) for ids in case.nearest],
        }
        for case in cases
    ]
    (folder / f"{name}.json").write_text(json.dumps(kept), encoding="utf-8")


def load_cases(folder: Path, name: str) -> list[Case]:
    return [
        Case(
            kept["name"],
            SearchQuery(tags=tuple(kept["tags"]), domains=tuple(kept["domains"])),
            kept["rows"],
            [set(map(UUID, ids)) for ids in kept["nearest"]],
        )
        for kept in json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    ]


def _cases(memories: Memories, ids: list[UUID], queries: NDArray[np.float32]) -> Iterator[Case]:
    similarities = queries[:RECALL_QUERIES] @ memories.vectors.T
    passing = [("all", SearchQuery(), np.ones(len(ids), dtype=np.bool_))]
    passing += [
        (name, SearchQuery(tags=(name,)), memories.is_tagged[:, place])
        for place, name in enumerate(SHARES)
    ]
    passing += [
        (f"topic{topic}", SearchQuery(domains=(f"topic{topic}",)), memories.topics == topic)
        for topic in FILTER_TOPICS
    ]
    for name, query, is_kept in passing:
        kept = np.flatnonzero(is_kept)
        nearest = [
            {ids[int(place)] for place in kept[np.argsort(-row[kept], kind="stable")[:NEAREST]]}
            for row in similarities
        ]
        yield Case(name, query, len(kept), nearest)
