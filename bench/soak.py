"""A day of use in minutes: does the memory of the process stay flat, and what does the store take?

A clock of its own is moved forward by an hour at a time. In each hour memories are stored, found,
reviewed, edited, replaced and forgotten, intentions are set, met and closed, and the store is
consolidated; each day ends with a backup that is read whole. The model is the built-in one.

    python bench/soak.py                         24 hours on a file and on a private server
    python bench/soak.py --hours 48 --backend sqlite

The server is a private one in a temporary folder, or that of VESTIGE_TEST_POSTGRES_URL, where a
database is made and dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw
from reembed import opened, place

from vestige.embedding.minilm import MiniLMEmbedder
from vestige.engine.engine import Engine
from vestige.models import Rating
from vestige.transfer.backup import back_up, new_name
from vestige.transfer.recovery import check_backup

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.embedding import Embedder
    from vestige.storage.protocol import MemoryStore

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY_HOURS: Final = 24
REMEMBERED: Final = 40  # in an hour, as each number below
RECALLED: Final = 40
REVIEWED: Final = 10
EDITED: Final = 5
REPLACED: Final = 3
FORGOTTEN: Final = 3
INTENDED: Final = 3
FLAT: Final = 1.1  # the last quarter takes at most so many times what the first took
SUBJECTS: Final = ("service", "pipeline", "parser", "cache", "scheduler", "gateway", "index")
NAMES: Final = ("Amber", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Harbour", "Iris")
VERBS: Final = ("retries", "times out after", "keeps", "reads", "drops", "batches", "logs")
THINGS: Final = ("requests", "seconds", "rows", "connections", "files", "messages", "tokens")


class MovedClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self._at = START

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        self._at += by


@dataclass(kw_only=True, slots=True)
class Day:
    """What is known of a run while it goes on."""

    memory: Engine
    store: MemoryStore
    clock: MovedClock
    folder: Path
    backend: str
    draw: random.Random
    ids: list[UUID] = field(default_factory=list["UUID"])
    done: Counter[str] = field(default_factory=Counter[str])
    resident_kib: list[int] = field(default_factory=list[int])
    sqlite_kib: list[int] = field(default_factory=list[int])  # of that, what SQLite itself takes


def a_text(draw: random.Random) -> str:
    subject, name = draw.choice(SUBJECTS), draw.choice(NAMES)
    number = draw.randrange(10_000)
    return f"The {subject} of {name} {draw.choice(VERBS)} {number} {draw.choice(THINGS)}"


def resident_kib() -> int:
    """Return what of this process is in memory, without what only waits to be collected."""
    gc.collect()
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found
    return int(found[1])


async def one_hour(day: Day) -> None:
    for _ in range(REMEMBERED):
        stored = await day.memory.remember(a_text(day.draw))
        day.done[stored.action] += 1
        if stored.id not in day.ids:
            day.ids.append(stored.id)
    for _ in range(RECALLED):
        day.done["recalled"] += 1
        day.done["answers"] += len(await day.memory.recall(a_text(day.draw) + "?"))
    for memory_id in day.draw.sample(day.ids, REVIEWED):
        await day.memory.review(memory_id, day.draw.choice(list(Rating)))
        day.done["reviewed"] += 1
    await change(day)
    await intend(day)
    await day.memory.consolidate()
    day.done["consolidated"] += 1


async def change(day: Day) -> None:
    for memory_id in day.draw.sample(day.ids, EDITED):
        await day.memory.edit(memory_id, content=a_text(day.draw))
        day.done["edited"] += 1
    for memory_id in day.draw.sample(day.ids, REPLACED):
        text = f"{a_text(day.draw)} from today on"
        replacing = await day.memory.remember(text, supersedes=memory_id)
        day.ids[day.ids.index(memory_id)] = replacing.id
        day.done["replaced"] += 1
    for memory_id in day.draw.sample(day.ids, FORGOTTEN):
        await day.memory.forget(memory_id)
        day.ids.remove(memory_id)
        day.done["forgotten"] += 1


async def intend(day: Day) -> None:
    for number in range(INTENDED):
        at = day.clock.now() + number * HOUR
        await day.memory.set_intention(f"look at the {day.draw.choice(SUBJECTS)}", at=at)
        day.done["intended"] += 1
    for met in (await day.memory.check_intentions(limit=INTENDED)).triggered:
        await day.memory.complete_intention(met.intention.id)
        day.done["completed"] += 1


async def back_up_day(day: Day) -> None:
    path = new_name(day.folder, day.clock)
    info = await back_up(day.store, path, backend=day.backend, clock=day.clock)
    assert (await check_backup(path)).checksum == info.checksum
    day.done["backups"] += 1
    day.done["backup bytes"] += info.size_bytes


async def live(backend: str, hours: int, embedder: Embedder) -> Day:
    clock = MovedClock()
    async with place(backend) as where:
        store = await opened(where, clock)
        with tempfile.TemporaryDirectory() as folder:
            day = Day(
                memory=Engine(store, embedder, clock),
                store=store,
                clock=clock,
                folder=Path(folder),
                backend=backend,
                draw=random.Random(24),  # noqa: S311  # makes texts, guards nothing
            )
            for hour in range(1, hours + 1):
                await one_hour(day)
                clock.advance(HOUR)
                if hour % DAY_HOURS == 0:
                    await back_up_day(day)
                day.resident_kib.append(resident_kib())
                day.sqlite_kib.append(apsw.memory_used() // 1024)
            await say_what_is_left(day)
        await store.close()
    return day


async def say_what_is_left(day: Day) -> None:
    assert await day.store.find_problems() == []
    stats = await day.store.get_stats(day.clock.now())
    assert stats.memory_count == len(day.ids) + day.done["replaced"]
    before = stats.size_bytes
    await day.store.vacuum()
    after = (await day.store.get_stats(day.clock.now())).size_bytes
    print(f"  left: {stats.memory_count} memories, {stats.edge_count} links,", end=" ")
    print(f"{stats.review_event_count} reviews, {before:,} bytes, {after:,} after vacuum")


def report(day: Day, seconds: float) -> None:
    print(f"  done in {seconds:.0f} s: {dict(sorted(day.done.items()))}")
    quarter = len(day.resident_kib) // 4
    first = statistics.mean(day.resident_kib[:quarter])
    last = statistics.mean(day.resident_kib[-quarter:])
    verdict = "flat" if last / first <= FLAT else "NOT FLAT"
    print(f"  resident: {first / 1024:.1f} MiB in the first quarter,", end=" ")
    print(f"{last / 1024:.1f} MiB in the last, {last / first:.3f} times: {verdict}")
    print("  of that in SQLite's caches, which grow with the file up to a limit:", end=" ")
    began, ended = day.sqlite_kib[0] / 1024, day.sqlite_kib[-1] / 1024
    print(f"{began:.1f} MiB after an hour, {ended:.1f} in the end")
    print("  each hour, MiB:", *[f"{kib / 1024:.1f}" for kib in day.resident_kib])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=DAY_HOURS)
    parser.add_argument("--backend", action="append", choices=["sqlite", "postgres"])
    options = parser.parse_args()
    embedder = MiniLMEmbedder()
    embedder.embed_query("loads the model before anything is measured")
    for backend in options.backend or ["sqlite", "postgres"]:
        print(f"{backend}, {options.hours} hours")
        started = time.perf_counter()
        day = asyncio.run(live(backend, options.hours, embedder))
        report(day, time.perf_counter() - started)


if __name__ == "__main__":
    main()
