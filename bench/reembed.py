"""The change of the embedding model: its rate, its switch, and what searches notice of it.

    python bench/reembed.py rate               5,000 memories: rate beside the bare embedder
    python bench/reembed.py load               searches before and during a change online
    python bench/reembed.py workers            two processes, on a core each, against one
    python bench/reembed.py memory 5000 50000  peak memory of a change
    python bench/reembed.py writes             what writing a vector beside another one costs
    python bench/reembed.py                    all of it

The server is a private one in a temporary folder, or that of VESTIGE_TEST_POSTGRES_URL, where a
database is made and dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID, uuid4

import asyncpg
import numpy as np

from vestige.embedding.minilm import MiniLMEmbedder
from vestige.embedding.missing import Patience, encode_now
from vestige.errors import ModelMismatchError
from vestige.models import EncodedMemory, MemoryRecord, ModelSignature, UnencodedMemory
from vestige.storage import embedded
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore
from vestige.transfer.reembedding import ReembedPlan, ReembedReport, reembed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from numpy.typing import NDArray

    from vestige.clock import Clock
    from vestige.embedding import Embedder
    from vestige.storage.protocol import MemoryStore

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
DIMENSION: Final = 384
OLD: Final = ModelSignature(name="bench-old", dimension=DIMENSION, hash="a" * 64)
QUICK: Final = ModelSignature(name="bench-quick", dimension=DIMENSION, hash="c" * 64)
BATCH: Final = 128
SEARCHERS: Final = 4
WRITERS: Final = 2
# The peak of the process itself.
PEAK: Final = """
import asyncio, re, sys
sys.path.insert(0, {folder!r})
import reembed
reembed.pin({core!r})
asyncio.run(reembed.change_here({place!r}, {way!r}))
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


class RenamedMiniLM(MiniLMEmbedder):
    """The built-in model under another name, so that a store may change to it."""

    @property
    def signature(self) -> ModelSignature:
        return ModelSignature(name="bench-new", dimension=DIMENSION, hash="b" * 64)


class QuickEmbedder:
    """Vectors that cost next to nothing: what the rest costs is measured."""

    @property
    def signature(self) -> ModelSignature:
        return QUICK

    def split(self, text: str) -> list[str]:
        return [text]

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seeds = [hash(text) % 2**32 for text in texts]
        drawn = np.stack([np.random.default_rng(seed).standard_normal(DIMENSION) for seed in seeds])
        return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self.embed_documents([text])


def records(count: int) -> list[MemoryRecord]:
    draw = random.Random(7)  # noqa: S311  # makes texts, guards nothing
    numbers = np.random.default_rng(7)
    vocabulary = [f"word{number}" for number in range(20_000)]
    made: list[MemoryRecord] = []
    for number in range(count):
        drawn = numbers.standard_normal(DIMENSION)
        made.append(
            MemoryRecord(
                id=UUID(int=draw.getrandbits(128), version=4),
                content=" ".join(draw.choices(vocabulary, k=12)),
                created_at=START + timedelta(minutes=number),
                updated_at=START + timedelta(minutes=number),
                embedding=(drawn / np.linalg.norm(drawn)).astype(np.float32),
            )
        )
    return made


async def fill(store: MemoryStore, count: int) -> None:
    await store.register_model(OLD)
    await store.suspend_vector_index()
    made = records(count)
    for start in range(0, count, 1000):
        await store.insert_many(made[start : start + 1000])
    await store.build_vector_index()


@asynccontextmanager
async def database() -> AsyncGenerator[str]:
    given = os.environ.get("VESTIGE_TEST_POSTGRES_URL")
    with tempfile.TemporaryDirectory(prefix="vestige-bench-") as folder:
        # A server that root starts runs as another user.
        await asyncio.to_thread(Path(folder).chmod, 0o755)
        server = None if given else await embedded.start(Path(folder))
        url = given or (server.dsn if server else "")
        name = f"vestige_bench_{uuid4().hex[:8]}"
        await run(url, f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            base, _, rest = url.partition("?")
            yield f"{base.rpartition('/')[0]}/{name}" + (f"?{rest}" if rest else "")
        finally:
            await run(url, f"DROP DATABASE {name} WITH (FORCE)")
            if server:
                await server.close()


async def run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


@asynccontextmanager
async def place(backend: str) -> AsyncGenerator[str]:
    """Yield where a new store is to be: the path of a file, or the URL of a database."""
    if backend == "postgres":
        async with database() as url:
            yield url
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield str(Path(folder) / "bench.db")


async def opened(where: str, clock: Clock | None = None) -> MemoryStore:
    if "://" in where:
        return await PostgresStore.connect(where, 8, clock=clock)
    return await SqliteStore.open(where, clock=clock)


def bare_rate(embedder: Embedder, count: int) -> float:
    texts = [UnencodedMemory(id=record.id, content=record.content) for record in records(count)]
    encode_now(embedder, embedder.signature, texts[:8], Patience())  # loads the model
    started = time.perf_counter()
    for start in range(0, count, BATCH):
        encode_now(embedder, embedder.signature, texts[start : start + BATCH], Patience())
    return count / (time.perf_counter() - started)


async def measure_rate(count: int) -> None:
    embedder = RenamedMiniLM()
    for backend in ("sqlite", "postgres"):
        for way in ("offline", "online"):
            before = bare_rate(embedder, count // 4)
            async with place(backend) as where:
                store = await opened(where)
                await fill(store, count)
                report = await reembed(store, embedder, ReembedPlan(way=way))
                await store.close()
            bare = (before + bare_rate(embedder, count // 4)) / 2
            rate = report.updated / report.encode_seconds
            print(
                f"{backend} {way}: {rate:.0f} memories/s, {rate / bare:.0%} of the bare embedder"
                f" ({bare:.0f}/s), index {report.index_seconds:.1f} s,"
                f" switch {report.switch_seconds * 1000:.0f} ms"
            )


async def measure_load(count: int) -> None:
    for backend in ("sqlite", "postgres"):
        async with place(backend) as where:
            store = await opened(where)
            await fill(store, count)
            before = await searched(where, asyncio.create_task(asyncio.sleep(6)), writes=True)
            report = ReembedReport()
            change = reembed(store, RenamedMiniLM(), ReembedPlan(way="online"), report)
            during = await searched(where, asyncio.create_task(change), writes=True)
            await store.close()
        print(
            f"{backend}: searches p50 / p99 before {quantiles(before)}, during {quantiles(during)};"
            f" {report.updated} encoded, switch {report.switch_seconds * 1000:.0f} ms"
        )


async def searched(where: str, until: asyncio.Task[object], *, writes: bool) -> list[float]:
    """Search, and write, until a task is done; return how long each search took, in seconds."""
    seconds: list[float] = []
    numbers = np.random.default_rng(11)

    async def searching() -> None:
        store = await opened(where)
        bound = await store.registered_model()
        if bound is not None:
            await store.register_model(bound)
        while not until.done():
            vector = numbers.standard_normal(DIMENSION).astype(np.float32)
            started = time.perf_counter()
            try:
                await store.vector_search(vector)
            except ModelMismatchError:
                break  # the switch: what follows it is an engine's matter
            seconds.append(time.perf_counter() - started)
            await asyncio.sleep(0.005)
        await store.close()

    async def writing() -> None:
        store = await opened(where)
        while writes and not until.done():
            now = datetime.now(UTC)
            await store.insert(
                MemoryRecord(id=uuid4(), content=f"late {uuid4()}", created_at=now, updated_at=now)
            )
            await asyncio.sleep(0.1)
        await store.close()

    await asyncio.gather(
        until, *(searching() for _ in range(SEARCHERS)), *(writing() for _ in range(WRITERS))
    )
    return seconds


def quantiles(seconds: list[float]) -> str:
    p50, p99 = np.percentile(seconds, (50, 99)) * 1000
    return f"{p50:.1f} / {p99:.1f} ms ({len(seconds)})"


async def change_here(where: str, way: str) -> None:
    """Change the model of a store in this process, which `memory` and `workers` start."""
    store = await opened(where)
    change = await store.reembedding()
    embedder = RenamedMiniLM() if way == "minilm" else QuickEmbedder()
    plan = ReembedPlan(
        way="online" if way != "offline" else "offline", is_resumed=change is not None
    )
    await reembed(store, embedder, plan)
    await store.close()


async def measure_memory(counts: Sequence[int]) -> None:
    for backend in ("sqlite", "postgres"):
        for way in ("offline", "online"):
            peaks: list[str] = []
            for count in counts:
                async with place(backend) as where:
                    store = await opened(where)
                    await fill(store, count)
                    await store.close()
                    ran = await asyncio.to_thread(process_of, where, way)
                    peaks.append(f"{count:,}: {int(ran.communicate()[0]) / 1024:.0f} MiB")
            print(f"{backend} {way}: peak of the process with {', '.join(peaks)}")


def pin(core: int | None) -> None:
    """Keep this process on one core, as if it were alone on a machine of one."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def process_of(where: str, way: str, core: int | None = None) -> subprocess.Popen[str]:
    folder = str(Path(__file__).resolve().parent)
    program = PEAK.format(folder=folder, place=where, way=way, core=core)
    return subprocess.Popen(  # noqa: S603  # this program itself
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    )


async def measure_workers(count: int) -> None:
    for backend in ("sqlite", "postgres"):
        seconds: dict[int, float] = {}
        for processes in (1, 2):
            async with place(backend) as where:
                store = await opened(where)
                await fill(store, count)
                started = time.perf_counter()
                running = [process_of(where, "minilm", 0)]
                while processes == 2 and await store.reembedding() is None:  # noqa: ASYNC110  # of another process
                    await asyncio.sleep(0.05)
                running += [process_of(where, "minilm", 1) for _ in range(processes - 1)]
                for process in running:
                    await asyncio.to_thread(process.communicate)
                seconds[processes] = time.perf_counter() - started
                await store.close()
        print(
            f"{backend}: one process {seconds[1]:.1f} s, two {seconds[2]:.1f} s,"
            f" {seconds[1] / seconds[2]:.2f} times as fast"
        )


async def measure_writes(count: int) -> None:
    """Write spare vectors as fast as it goes, with what may make it slow there or not."""
    cases = {
        "as it is": "",
        "fillfactor 50": "ALTER TABLE knowledge_nodes SET (fillfactor = 50);",
        "without the old index": "DROP INDEX idx_knowledge_nodes_embedding_hnsw;",
        "vectors in the row": "ALTER TABLE knowledge_nodes ALTER embedding SET STORAGE PLAIN;",
    }
    for name, sql in cases.items():
        async with place("postgres") as where:
            store = await opened(where)
            await store.register_model(OLD)
            if sql and "DROP" not in sql:
                await run(where, sql)
            await fill(store, count)
            if "DROP" in sql:
                await run(where, sql)
            await store.begin_reembedding(QUICK, way="online")
            before = await counted(where)
            seconds = await written(store)
            after = await counted(where)
            await store.close()
        updates, hot = after[0] - before[0], after[1] - before[1]
        print(f"{name}: {count / seconds:.0f} vectors/s, {hot / max(updates, 1):.0%} HOT updates")


async def written(store: MemoryStore) -> float:
    embedder = QuickEmbedder()
    seconds = 0.0
    while batch := await store.claim_unencoded(embedder.signature, claim := uuid4(), BATCH):
        vectors = embedder.embed_documents([memory.content for memory in batch])
        encoded = [
            EncodedMemory(id=memory.id, embedding=vector)
            for memory, vector in zip(batch, vectors, strict=True)
        ]
        started = time.perf_counter()
        await store.write_encoded(embedder.signature, claim, encoded)
        seconds += time.perf_counter() - started
    return seconds


async def counted(url: str) -> tuple[int, int]:
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    await asyncio.sleep(1.5)  # the server tells its statistics once a second
    row = await connection.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'knowledge_nodes'"
    )
    await connection.close()
    return (0, 0) if row is None else (row[0], row[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", default="all")
    parser.add_argument("counts", nargs="*", type=int)
    given = parser.parse_args()
    counts = cast("list[int]", given.counts)
    work = {
        "rate": lambda: measure_rate(counts[0] if counts else 5_000),
        "load": lambda: measure_load(counts[0] if counts else 5_000),
        "workers": lambda: measure_workers(counts[0] if counts else 5_000),
        "memory": lambda: measure_memory(counts or (5_000, 50_000)),
        "writes": lambda: measure_writes(counts[0] if counts else 5_000),
    }
    for name in work if given.what == "all" else [cast("str", given.what)]:
        print(json.dumps({"measured": name, "load": os.getloadavg()[0]}), flush=True)
        asyncio.run(work[name]())


if __name__ == "__main__":
    main()
