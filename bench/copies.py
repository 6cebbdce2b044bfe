"""Copies of a large store: how fast beside a bare COPY, how much memory, and after being killed.

    python bench/copies.py                   10,000 memories: file -> server -> file, compared
    python bench/copies.py --kills 10        and as often killed at a random moment and run again
    python bench/copies.py --memory 200000   peak memory with so many beside that with 10,000

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
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg
import numpy as np

from vestige.cognition.fsrs import initial_state, review
from vestige.models import (
    Domain,
    Group,
    GroupMembership,
    MemoryEdge,
    MemoryRecord,
    ModelSignature,
    Rating,
    User,
)
from vestige.storage import embedded
from vestige.storage.postgres.driver import prepare_types
from vestige.storage.postgres.rows import memory_values, scheduling_values
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
DIMENSION: Final = 384
MODEL: Final = ModelSignature(name="bench", dimension=DIMENSION, hash="b" * 64)
SMALL_DIMENSION: Final = 32  # for many memories: building their index is not what is measured
WORDS: Final = 40
BATCH: Final = 5_000
# The peak of the process itself: what the system tells its parent includes the parent's own.
PROGRAM: Final = """
import atexit, re, sys
from vestige.cli.app import main
def tell():
    print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
atexit.register(tell)
main()
"""


def records(count: int, dimension: int = DIMENSION) -> list[MemoryRecord]:
    draw = random.Random(7)  # noqa: S311  # makes texts, guards nothing
    numbers = np.random.default_rng(7)
    vocabulary = [f"word{number}" for number in range(20_000)]
    return [
        MemoryRecord(
            id=UUID(int=number + 1),
            content=" ".join(draw.choices(vocabulary, k=WORDS)),
            created_at=START + timedelta(minutes=number),
            updated_at=START + timedelta(minutes=number),
            tags=(f"tag{number % 50}",),
            metadata={"number": number},
            domains=(f"domain{number % 25}",),
            embedding=numbers.standard_normal(dimension).astype(np.float32),
        )
        for number in range(count)
    ]


async def fill(path: Path, memories: list[MemoryRecord]) -> None:
    """Fill a store: of 10,000 memories, 4,000 are reviewed and 2,000 linked."""
    store = await SqliteStore.open(path)
    (first, *_) = memories
    assert first.embedding is not None
    await store.register_model(replace(MODEL, dimension=first.embedding.size))
    for start in range(0, len(memories), BATCH):
        await store.insert_many(memories[start : start + BATCH])
    for memory in memories[: len(memories) * 2 // 5]:
        state = review(initial_state(memory.id, START), Rating.GOOD, START + timedelta(days=1))
        await store.record_review(memory.id, Rating.GOOD, state, START + timedelta(days=1))
    for one, other in pairwise(memories[: len(memories) // 5 + 1]):
        await store.add_edge(MemoryEdge(source_id=one.id, target_id=other.id, created_at=START))
    for number in range(25):
        centroid = memories[number].embedding
        domain = Domain(id=f"domain{number}", label="domain", created_at=START, centroid=centroid)
        await store.upsert_domain(domain)
    for number in range(5):
        user = User(id=UUID(int=10**9 + number), handle=f"user{number}", created_at=START)
        group = Group(id=UUID(int=10**9 + number), handle=f"group{number}", created_at=START)
        await store.upsert_user(user)
        await store.upsert_group(group)
        await store.upsert_membership(
            GroupMembership(user_id=user.id, group_id=group.id, joined_at=START)
        )
    await store.close()


@asynccontextmanager
async def server(folder: Path) -> AsyncGenerator[str]:
    given = os.environ.get("VESTIGE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    started = await embedded.start(folder)
    yield started.dsn
    await started.close()


@asynccontextmanager
async def database(url: str) -> AsyncGenerator[str]:
    name = f"bench_copy_{os.getpid()}"
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    scheme, _, rest = url.partition("://")
    authority, _, tail = rest.partition("/")
    yield f"{scheme}://{authority}/{name}?{tail.partition('?')[2]}"
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "migrate", "copy", "--keep-model", "--yes", *arguments]


def ran(*arguments: str) -> tuple[dict[str, Any], float, int]:
    """Run a copy in a process of its own; return its report, seconds and peak memory in MiB."""
    started = time.perf_counter()
    done = subprocess.run(command(*arguments, "--json"), capture_output=True, check=True, text=True)  # noqa: S603  # our own program
    seconds = time.perf_counter() - started
    report = json.loads(done.stdout)
    assert report["is_complete"], report["failures"][:3]
    return report, seconds, int(done.stderr.split()[-1]) // 1024


def killed(seconds: float, *arguments: str) -> bool:
    """Start a copy and kill it with -9 after a time; say whether it still ran."""
    words, nowhere = command(*arguments), subprocess.DEVNULL
    with subprocess.Popen(words, stdout=nowhere, stderr=nowhere) as process:  # noqa: S603  # ours
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    return False


async def bare_copy(url: str, memories: list[MemoryRecord]) -> float:
    """Return the rows a second of a binary COPY into the same tables, without a vector index."""
    store = await PostgresStore.connect(url)
    await store.register_model(MODEL)
    await store.suspend_vector_index()
    await store.close()
    connection = await asyncpg.connect(url)
    await prepare_types(connection)
    rows = [memory_values(memory) for memory in memories]
    states = [scheduling_values(initial_state(memory.id, START)) for memory in memories]
    started = time.perf_counter()
    for table, values in (("knowledge_nodes", rows), ("scheduling", states)):
        await connection.copy_records_to_table(
            table, records=[tuple(row.values()) for row in values], columns=list(values[0])
        )
    seconds = time.perf_counter() - started
    await connection.close()
    return len(memories) / seconds


async def there_and_back(url: str, folder: Path, memories: list[MemoryRecord]) -> None:
    source = folder / "source.db"
    await fill(source, memories)
    async with database(url) as floor:
        bare = await bare_copy(floor, memories)
    async with database(url) as other:
        leg = ("--from", "sqlite", "--sqlite-path", str(source), "--to", "postgres",
               "--postgres-url", other, "--no-verify")  # fmt: skip
        report, seconds, _ = ran(*leg)
        rate = len(memories) / (seconds - report["index_seconds"])
        print(
            f"copying alone, the process's start included: {rate:.0f} memories/s, with"
            f" {len(memories) * 2 // 5} events and {len(memories) // 5} links;"
            f" a bare binary COPY of memories and scheduling {bare:.0f}/s ({rate / bare:.0%} of it)"
        )
    async with database(url) as other:
        legs = [
            ("--from", "sqlite", "--sqlite-path", str(source), "--to", "postgres",
             "--postgres-url", other),
            ("--from", "postgres", "--postgres-url", other, "--to", "sqlite",
             "--sqlite-path", str(folder / "back.db")),
        ]  # fmt: skip
        hashes: list[dict[str, str]] = []
        for leg in legs:
            report, seconds, _ = ran(*leg)
            _, without, _ = ran(*leg, "--no-verify")
            again, _, _ = ran(*leg)
            hashes.append({t: counts["source_hash"] for t, counts in report["tables"].items()})
            assert sum(counts["written"] for counts in again["tables"].values()) == 0
            index = report["index_seconds"]
            print(
                f"{leg[1]} -> {leg[5] if leg[1] == 'sqlite' else 'sqlite'}: {seconds:.1f} s,"
                f" of these {index:.1f} s for the index; a second run without comparing"
                f" {without:.1f} s; all {len(memories)} memories equal, second run wrote nothing"
            )
    assert hashes[0] == hashes[1]
    print("the hashes of every table are the same there and back")


async def kills(url: str, folder: Path, memories: list[MemoryRecord], count: int) -> None:
    source = folder / "killed.db"
    await fill(source, memories)
    draw = random.Random(11)  # noqa: S311  # chooses moments, guards nothing
    for number in range(count):
        async with database(url) as other:
            leg = ("--from", "sqlite", "--sqlite-path", str(source), "--to", "postgres",
                   "--postgres-url", other, "--batch-size", "100")  # fmt: skip
            is_killed = killed(draw.uniform(0.5, 8.0), *leg)
            report, _, _ = ran(*leg)
            counts = report["tables"]["knowledge_nodes"]
            assert counts["verified"] == len(memories)
            ended = "was killed" if is_killed else "had ended"
            print(f"{number}: {ended} with {counts['present']} there; complete after the next run")


async def memory(url: str, folder: Path, large: int) -> None:
    peaks: dict[int, int] = {}
    for count in (10_000, large):
        source = folder / f"{count}.db"
        await fill(source, records(count, SMALL_DIMENSION))
        async with database(url) as other:
            leg = ("--from", "sqlite", "--sqlite-path", str(source), "--to", "postgres",
                   "--postgres-url", other)  # fmt: skip
            _, seconds, peaks[count] = ran(*leg)
        source.unlink()
        print(f"{count} memories: {seconds:.0f} s, peak {peaks[count]} MiB")
    print(f"difference {peaks[large] - peaks[10_000]} MiB")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--memory", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await asyncio.to_thread(
            folder.chmod, 0o755
        )  # a server that root starts may be another user's
        async with server(folder) as url:
            if not options.memory:
                await there_and_back(url, folder, records(10_000))
            if options.kills:
                await kills(url, folder, records(10_000), options.kills)
            if options.memory:
                await memory(url, folder, options.memory)


if __name__ == "__main__":
    asyncio.run(main())
