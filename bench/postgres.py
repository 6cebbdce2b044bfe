"""How fast the PostgreSQL store is, each row beside its floor in the same process.

Texts are made up, 40 words of a skewed vocabulary; vectors are those of real sentences, which
bench/real_vectors.py has left in a folder. Embedding is not part of it. Databases with names that
begin with `vestige_bench` are made on the server and dropped.
Usage: python bench/postgres.py --url postgresql://... --vectors FOLDER [SIZE ...]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import numpy as np
from _postgres_load import inserts
from _postgres_pgbench import throughput
from _postgres_statements import BARE_HNSW, TEXTBOOK, Statement, raw_connection, statement_of
from real_vectors import load, topics_of

from sqlite import Corpus, milliseconds, seconds_of
from vestige.models import ModelSignature, SearchQuery
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from numpy.typing import NDArray

    from vestige.models import MemoryRecord

SIZES: Final = (1_000, 10_000)
SIGNATURE: Final = ModelSignature(name="bench", dimension=384, hash="b" * 64)
SHARES: Final = {"half": 0.5, "tenth": 0.1, "hundredth": 0.01, "thousandth": 0.001}
KINDS: Final = ("keywords", "question", "common words")
BATCH: Final = 5_000
QUERIES: Final = 100
TEXTBOOK_RUNS: Final = 5
RECALL_QUERIES: Final = 150


class Data(NamedTuple):
    """What is stored and asked for."""

    records: list[MemoryRecord]
    vectors: NDArray[np.float32]
    queries: NDArray[np.float32]


async def main() -> None:
    arguments = _parser().parse_args()
    for size in arguments.sizes or SIZES:
        print(f"\n{size:,} memories", flush=True)
        data = make_data(arguments.vectors, size)
        await inserts(arguments.url, a_database, data.records[:10_000], SIGNATURE)
        async with a_database(arguments.url) as url:
            await fill(url, data.records)
            await latencies(url, data)
            await recall(url, data)
            await throughput(url, data.queries)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="a server on which databases may be made")
    parser.add_argument("--vectors", type=Path, required=True, help="from bench/real_vectors.py")
    parser.add_argument("sizes", type=int, nargs="*", help="how many memories")
    return parser


def make_data(folder: Path, size: int) -> Data:
    vectors, queries = load(folder, size)
    topics = topics_of(vectors)
    chosen = np.random.default_rng(3).random((size, len(SHARES)))
    records = [
        replace(
            record,
            embedding=vectors[number],
            domains=(f"topic{topics[number]}",),
            tags=tuple(
                name
                for place, (name, share) in enumerate(SHARES.items())
                if chosen[number, place] < share
            ),
        )
        for number, record in enumerate(Corpus(1).memories(size))
    ]
    return Data(records, vectors, queries)


@asynccontextmanager
async def a_database(url: str) -> AsyncGenerator[str]:
    name = f"vestige_bench_{time.monotonic_ns()}"
    server = await asyncpg.connect(url)
    await server.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


async def fill(url: str, records: Sequence[MemoryRecord]) -> None:
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
    await connection.execute(
        "DROP INDEX idx_knowledge_nodes_embedding_hnsw, idx_memory_windows_embedding_hnsw"
    )
    for start in range(0, len(records), BATCH):
        await store.insert_many(records[start : start + BATCH])
    started = time.perf_counter()
    for definition in definitions:
        await connection.execute(definition)
    print(f"vector index built in {time.perf_counter() - started:.1f} s")
    await connection.close()
    await store.vacuum()
    await store.close()


async def latencies(url: str, data: Data) -> None:
    store = await PostgresStore.connect(url)
    await store.register_model(SIGNATURE)
    connection = await raw_connection(url)
    times: dict[str, list[float]] = {}

    async def ask(name: str, statement: Statement) -> None:
        times.setdefault(name, []).append(
            await seconds_of(connection.fetch(statement.sql, *statement.arguments))
        )

    queries = {kind: Corpus(3).queries(kind) for kind in KINDS}
    for number in range(QUERIES):
        vector = data.queries[number]
        await ask("SELECT 1", Statement("SELECT 1", []))
        await ask("bare HNSW", Statement(BARE_HNSW, [vector]))
        for kind in KINDS:
            text = queries[kind][number].text
            hybrid = SearchQuery(text=text, embedding=vector)
            await ask(f"{kind}, words", await statement_of(url, SearchQuery(text=text)))
            await ask(f"{kind}, statement", await statement_of(url, hybrid))
            times.setdefault(f"{kind}, search", []).append(await seconds_of(store.search(hybrid)))
            if number < TEXTBOOK_RUNS:
                await ask(f"{kind}, textbook", Statement(TEXTBOOK, [text, vector]))
    await connection.close()
    await store.close()
    _print_latencies(times)


def _print_latencies(times: dict[str, list[float]]) -> None:
    hnsw, one = (milliseconds(times[name], 0.5) for name in ("bare HNSW", "SELECT 1"))
    print(f"{'':26}{'p50':>9}{'p95':>9}{'p99':>9}   p50 to HNSW, words leg, SELECT 1")
    for name, taken in times.items():
        columns = "".join(f"{milliseconds(taken, share):9.2f}" for share in (0.5, 0.95, 0.99))
        middle = milliseconds(taken, 0.5)
        words = times.get(f"{name.partition(',')[0]}, words")
        ratios = f"{middle / hnsw:6.1f}"
        ratios += f"{middle / milliseconds(words, 0.5):8.1f}" if words else f"{'':8}"
        print(f"{name:26}{columns}   {ratios}{middle / one:8.0f}")
    for kind in KINDS:
        legs = milliseconds(times[f"{kind}, words"], 0.5) + hnsw
        whole = milliseconds(times[f"{kind}, search"], 0.5)
        slow = milliseconds(times[f"{kind}, textbook"], 0.5)
        print(
            f"{kind}: store.search is {whole / legs:.2f} of both legs, the textbook statement"
            f" takes {slow / milliseconds(times[f'{kind}, statement'], 0.5):.0f} times as long"
        )


async def recall(url: str, data: Data) -> None:
    """Print how many of the true ten nearest the vector leg finds, and how fast."""
    store = await PostgresStore.connect(url)
    await store.register_model(SIGNATURE)
    everything = np.arange(len(data.records))
    tags = {name: _members(data, "tags", name) for name in SHARES}
    topics = {f"topic{n}": _members(data, "domains", f"topic{n}") for n in (0, 1, 2)}
    cases = [("all", SearchQuery(), everything)]
    cases += [(name, SearchQuery(tags=(name,)), kept) for name, kept in tags.items()]
    cases += [(name, SearchQuery(domains=(name,)), kept) for name, kept in topics.items()]
    print(f"{'vector leg':14}{'rows':>9}{'recall@10':>11}{'p50':>9}{'p95':>9}   short")
    for name, query, kept in cases:
        found, wanted, short, times = 0, 0, 0, list[float]()
        for vector in data.queries[:RECALL_QUERIES]:
            best = kept[np.argsort(-(data.vectors[kept] @ vector), kind="stable")[:10]]
            ids = {data.records[int(place)].id for place in best}
            started = time.perf_counter()
            hits = await store.search(replace(query, embedding=vector))
            times.append(time.perf_counter() - started)
            found += len(ids & {hit.record.id for hit in hits})
            wanted += len(ids)
            short += len(hits) < len(ids)
        columns = "".join(f"{milliseconds(times, share):9.2f}" for share in (0.5, 0.95))
        print(f"{name:14}{len(kept):9,}{found / max(wanted, 1):11.3f}{columns}   {short}")
    await store.close()


def _members(data: Data, field: str, name: str) -> NDArray[np.int64]:
    return np.array(
        [n for n, record in enumerate(data.records) if name in getattr(record, field)],
        dtype=np.int64,
    )


if __name__ == "__main__":
    asyncio.run(main())
