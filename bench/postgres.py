"""How fast the PostgreSQL store is, each row beside its floor in the same process.

Texts are made up, 40 words of a skewed vocabulary; vectors are those of real sentences, which
bench/real_vectors.py has left in a folder. Embedding is not part of it. Databases with names that
begin with `vestige_bench` are made on the server and dropped.
Usage: python bench/postgres.py --url postgresql://... --vectors FOLDER [SIZE ...]

A store that takes long to fill is filled once and measured later, when the machine is quiet:
    python bench/postgres.py --url ... --vectors FOLDER --keep million 1000000
    python bench/postgres.py --url ... --vectors FOLDER --use million
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from _postgres_data import SIGNATURE, Memories, fill, keep_cases, load_cases
from _postgres_load import inserts
from _postgres_pgbench import throughput
from _postgres_statements import BARE_HNSW, TEXTBOOK, Statement, raw_connection, statement_of
from real_vectors import load_queries

from sqlite import Corpus, milliseconds, seconds_of
from vestige.models import SearchQuery
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import numpy as np
    from _postgres_data import Case
    from numpy.typing import NDArray

SIZES: Final = (1_000, 10_000)
KINDS: Final = ("keywords", "question", "common words")
QUERIES: Final = 100
TEXTBOOK_RUNS: Final = 5
TEXTBOOK_SECONDS: Final = 20.0  # of each kind; among a million memories one takes that long


async def main() -> None:
    arguments = _arguments()
    queries = load_queries(arguments.vectors)
    if arguments.use:
        url = url_of(arguments.url, arguments.use)
        await warm(url, queries)
        await measure(url, queries, load_cases(arguments.vectors, arguments.use))
        return
    for size in arguments.sizes or SIZES:
        print(f"\n{size:,} memories", flush=True)
        memories = Memories(arguments.vectors, size)
        if arguments.keep:
            await a_new_database(arguments.url, arguments.keep)
            cases = await fill(url_of(arguments.url, arguments.keep), memories, queries)
            keep_cases(arguments.vectors, arguments.keep, cases)
            return
        await inserts(arguments.url, a_database, next(memories.chunks())[:10_000], SIGNATURE)
        async with a_database(arguments.url) as url:
            await measure(url, queries, await fill(url, memories, queries))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", required=True, help="a server on which databases may be made")
    parser.add_argument("--vectors", type=Path, required=True, help="from bench/real_vectors.py")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--keep",
        metavar="NAME",
        help="fill a database of this name with SIZE memories and measure nothing; the database"
        " stays on the server, and the true nearest memories in NAME.json in the folder",
    )
    kept.add_argument(
        "--use", metavar="NAME", help="measure what --keep has filled, and leave it as it is"
    )
    parser.add_argument("sizes", metavar="SIZE", type=int, nargs="*", help="how many memories")
    arguments = parser.parse_args()
    name = arguments.keep or arguments.use
    if name and not re.fullmatch("[a-z_][a-z0-9_]*", name):
        parser.error(f"{name!r} is not the plain name of a database")
    if arguments.keep and len(arguments.sizes) != 1:
        parser.error("--keep needs one SIZE")
    if arguments.use and arguments.sizes:
        parser.error("--use measures the size that was filled")
    return arguments


async def measure(url: str, queries: NDArray[np.float32], cases: list[Case]) -> None:
    await latencies(url, queries)
    await recall(url, queries, cases)
    await throughput(url, queries)


async def warm(url: str, queries: NDArray[np.float32]) -> None:
    """Ask what is not measured, so that a server that has just started has read its pages."""
    store = await PostgresStore.connect(url)
    await store.register_model(SIGNATURE)
    for kind in KINDS:
        for text, vector in zip(Corpus(5).queries(kind), queries[QUERIES:], strict=False):
            await store.search(SearchQuery(text=text.text, embedding=vector))
    await store.close()


def url_of(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def a_new_database(url: str, name: str) -> None:
    server = await asyncpg.connect(url)
    await server.execute(f"CREATE DATABASE {name}")
    await server.close()


@asynccontextmanager
async def a_database(url: str) -> AsyncGenerator[str]:
    name = f"vestige_bench_{time.monotonic_ns()}"
    await a_new_database(url, name)
    try:
        yield url_of(url, name)
    finally:
        server = await asyncpg.connect(url)
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


async def latencies(url: str, queries: NDArray[np.float32]) -> None:
    store = await PostgresStore.connect(url)
    await store.register_model(SIGNATURE)
    connection = await raw_connection(url)
    times: dict[str, list[float]] = {}

    async def ask(name: str, statement: Statement) -> None:
        times.setdefault(name, []).append(
            await seconds_of(connection.fetch(statement.sql, *statement.arguments))
        )

    texts = {kind: Corpus(3).queries(kind) for kind in KINDS}
    for number in range(QUERIES):
        vector = queries[number]
        await ask("SELECT 1", Statement("SELECT 1", []))
        await ask("bare HNSW", Statement(BARE_HNSW, [vector]))
        for kind in KINDS:
            text = texts[kind][number].text
            hybrid = SearchQuery(text=text, embedding=vector)
            await ask(f"{kind}, words", await statement_of(url, SearchQuery(text=text)))
            await ask(f"{kind}, statement", await statement_of(url, hybrid))
            times.setdefault(f"{kind}, search", []).append(await seconds_of(store.search(hybrid)))
            textbook = times.get(f"{kind}, textbook", [])
            if number < TEXTBOOK_RUNS and sum(textbook) < TEXTBOOK_SECONDS:
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


async def recall(url: str, queries: NDArray[np.float32], cases: list[Case]) -> None:
    """Print how many of the true ten nearest the vector leg finds, and how fast."""
    store = await PostgresStore.connect(url)
    await store.register_model(SIGNATURE)
    print(f"{'vector leg':14}{'rows':>9}{'recall@10':>11}{'p50':>9}{'p95':>9}   short")
    for case in cases:
        found, wanted, short, times = 0, 0, 0, list[float]()
        for vector, ids in zip(queries, case.nearest, strict=False):
            started = time.perf_counter()
            hits = await store.search(replace(case.query, embedding=vector))
            times.append(time.perf_counter() - started)
            found += len(ids & {hit.record.id for hit in hits})
            wanted += len(ids)
            short += len(hits) < len(ids)
        columns = "".join(f"{milliseconds(times, share):9.2f}" for share in (0.5, 0.95))
        print(f"{case.name:14}{case.rows:9,}{found / max(wanted, 1):11.3f}{columns}   {short}")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
