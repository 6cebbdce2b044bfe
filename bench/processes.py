"""What several processes do to one SQLite store, and what a kill -9 leaves of it.

Three trials: a writer of 2,000 memories is killed ten times; two processes write 500 each while a
third searches; twenty write for ten seconds. Usage: python bench/processes.py
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import numpy as np
from apsw import SQLITE_OPEN_READWRITE

from vestige.models import MemoryRecord, ModelSignature, SearchQuery
from vestige.storage.sqlite.driver import Connection
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from vestige.models import Vector

SIGNATURE: Final = ModelSignature(name="bench", dimension=64, hash="b" * 64)
SOURCES: Final = Path(__file__).resolve().parent.parent / "src"
KILLS: Final = 10
KILLED_INSERTS: Final = 2_000
PAIR_INSERTS: Final = 500
CROWD: Final = 20
CROWD_SECONDS: Final = 10.0


def a_vector(name: str) -> Vector:
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(64).astype(np.float32)


async def write(path: str, name: str, count: int, seconds: float) -> None:
    """Insert memories until the count or the time is reached, saying each when it is stored."""
    store = await SqliteStore.open(path)
    await store.register_model(SIGNATURE)
    now = datetime.now(UTC)
    end = time.monotonic() + seconds
    number, worst = 0, 0.0
    while number < count and time.monotonic() < end:
        text = f"{name}n{number}"
        record = MemoryRecord(
            id=uuid4(), content=text, created_at=now, updated_at=now, embedding=a_vector(text)
        )
        started = time.monotonic()
        await store.insert(record)
        worst = max(worst, time.monotonic() - started)
        print(record.id, text, flush=True)
        number += 1
    await store.close()
    print("worst", worst, flush=True)


def start(path: Path, name: str, count: int, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # starts this script
        [sys.executable, __file__, "write", str(path), name, str(count), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
    )


async def missing(path: Path, stored: dict[UUID, str]) -> int:
    """Return how many of the memories are not found by id, by word and by vector."""
    store = await SqliteStore.open(path)
    await store.register_model(SIGNATURE)
    lost = 0
    for memory_id, text in stored.items():
        by_word = await store.fts_search(text, 1)
        by_vector = await store.search(SearchQuery(embedding=a_vector(text), limit=3))
        found = [hit.record.id for hit in by_word] == [memory_id]
        lost += not (found and memory_id in {hit.record.id for hit in by_vector})
    await store.close()
    return lost


def integrity(path: Path) -> object:
    db = Connection(str(path), SQLITE_OPEN_READWRITE)
    try:
        db.run("INSERT INTO knowledge_nodes_fts (knowledge_nodes_fts) VALUES ('integrity-check')")
        return db.value("PRAGMA integrity_check")
    finally:
        db.close()


def read(process: subprocess.Popen[str], stop_after: int | None = None) -> dict[UUID, str]:
    """Return what a writer has acknowledged; kill it after so many."""
    stored: dict[UUID, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        key, text = line.split()
        if key != "worst":
            stored[UUID(key)] = text
        if len(stored) == stop_after:
            process.kill()
    process.wait()
    return stored


async def killed(folder: Path) -> None:
    path = folder / "killed.db"
    stored: dict[UUID, str] = {}
    chance = random.Random(1)  # noqa: S311  # the moment of a kill guards nothing
    for trial in range(KILLS):
        process = start(path, f"kill{trial}", KILLED_INSERTS, 600)
        stored |= read(process, chance.randrange(1, KILLED_INSERTS))
    print(
        f"{KILLS} kills: {len(stored)} acknowledged, {await missing(path, stored)} lost,"
        f" integrity {integrity(path)}"
    )


async def pair(folder: Path) -> None:
    path = folder / "pair.db"
    searcher = await SqliteStore.open(path)
    await searcher.register_model(SIGNATURE)
    processes = [start(path, name, PAIR_INSERTS, 600) for name in ("left", "right")]
    reading = [asyncio.create_task(asyncio.to_thread(read, process)) for process in processes]
    searches = 0
    while not all(task.done() for task in reading):
        await searcher.search(SearchQuery(text="leftn1 rightn1", embedding=a_vector("leftn1")))
        searches += 1
        await asyncio.sleep(0)
    stored = {key: text for task in reading for key, text in (await task).items()}
    await searcher.close()
    print(
        f"2 writers: {len(stored)} acknowledged, {await missing(path, stored)} lost,"
        f" {searches} searches beside them, integrity {integrity(path)}"
    )


async def crowd(folder: Path) -> None:
    path = folder / "crowd.db"
    processes = [start(path, f"crowd{n}", 10**9, CROWD_SECONDS) for n in range(CROWD)]
    outputs = await asyncio.gather(*(asyncio.to_thread(p.communicate) for p in processes))
    lines = [line.split() for out, _ in outputs for line in out.splitlines()]
    stored = {UUID(key): text for key, text in lines if key != "worst"}
    worst = [float(text) for key, text in lines if key == "worst"]
    sample = dict(random.Random(1).sample(sorted(stored.items()), min(500, len(stored))))  # noqa: S311  # a sample
    store = await SqliteStore.open(path)
    count = await store.count()
    await store.close()
    print(
        f"{CROWD} writers: exit codes {sorted({p.returncode for p in processes})},"
        f" {len(stored)} acknowledged, {count} stored,"
        f" {await missing(path, sample)} of {len(sample)} sampled lost,"
        f" longest wait median {statistics.median(worst):.2f} s, max {max(worst):.2f} s,"
        f" integrity {integrity(path)}"
    )


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await killed(Path(folder))
        await pair(Path(folder))
        await crowd(Path(folder))


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        asyncio.run(write(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
    else:
        asyncio.run(main())
