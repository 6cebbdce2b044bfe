"""Several processes on one file, and one that is killed in the middle of its work."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest

from factories import a_memory, a_signature, a_vector, an_id
from sqlite.databases import run_sql
from vestige.storage.sqlite.connection import is_open_here
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITER: Final = """
import asyncio, sys
from factories import a_memory, a_signature, a_vector
from vestige.storage.sqlite.store import SqliteStore

async def run(path, name, count):
    store = await SqliteStore.open(path)
    await store.register_model(a_signature())
    for number in range(count):
        text = f"{name}{number}x"
        memory = a_memory(text, embedding=a_vector(number), windows=(a_vector(number + 5000),))
        await store.insert(memory)
        print(number, memory.id, flush=True)
    await store.close()

asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


TESTS = Path(__file__).parents[1]


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}"},
    )


def acknowledged(process: subprocess.Popen[str]) -> Iterator[tuple[int, UUID]]:
    assert process.stdout is not None
    for line in process.stdout:
        number, memory_id = line.split()
        yield int(number), UUID(memory_id)


@pytest.mark.parametrize("killed_after", [1, 37, 300])
async def test_what_was_acknowledged_before_a_kill_is_there_and_found(
    tmp_path: Path, killed_after: int
) -> None:
    path = tmp_path / "vestige.db"
    with writer(path, "killed", 100_000) as process:
        written: list[tuple[int, UUID]] = []
        for row in acknowledged(process):
            written.append(row)
            if len(written) == killed_after:
                process.kill()
    store = await SqliteStore.open(path)
    await store.register_model(a_signature())
    for number, memory_id in written:
        for seed in (number, number + 5000):
            (hit,) = await store.vector_search(a_vector(seed), 1)
            assert (hit.record.id, round(hit.score, 5)) == (memory_id, 1.0)
        (hit,) = await store.fts_search(f"killed{number}x", 1)
        assert hit.record.id == memory_id
        assert await store.get_scheduling(memory_id) is not None
    await store.close()
    assert run_sql(path, "PRAGMA integrity_check") == [("ok",)]
    run_sql(path, "INSERT INTO knowledge_nodes_fts (knowledge_nodes_fts, rank)"
            " VALUES ('integrity-check', 1)")  # fmt: skip


async def test_a_file_that_is_open_here_is_known_by_every_name(tmp_path: Path) -> None:
    # Opening such a file beside SQLite, and closing it, would give up the locks of this process.
    path, linked = tmp_path / "vestige.db", tmp_path / "other-name.db"
    linked.symlink_to(path)
    assert not is_open_here(path)
    store = await SqliteStore.open(path)
    second = await SqliteStore.open(linked)
    await second.close()
    assert is_open_here(path)
    assert is_open_here(linked)
    await store.close()
    await store.close()
    assert not is_open_here(path)


async def test_a_store_that_is_written_to_can_be_opened_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    with writer(path, "busy", 400) as process:
        for number, _ in acknowledged(process):
            if number % 10 == 0:
                await (await SqliteStore.open(path)).close()
    assert process.returncode == 0


async def test_two_writing_processes_lose_nothing_and_a_third_sees_both(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    await store.register_model(a_signature())
    with writer(path, "left", 60) as left, writer(path, "right", 60) as right:
        for _ in range(20):
            await store.vector_search(a_vector(3))
            await store.insert(a_memory(f"mine{_}x", embedding=a_vector(9000 + _)))
        found = await asyncio.gather(
            asyncio.to_thread(lambda: list(acknowledged(left))),
            asyncio.to_thread(lambda: list(acknowledged(right))),
        )
    assert [process.returncode for process in (left, right)] == [0, 0]
    assert await store.count() == 140
    for name, written in zip(("left", "right"), found, strict=True):
        assert len(written) == 60
        for number, memory_id in written:
            (hit,) = await store.fts_search(f"{name}{number}x", 1)
            assert hit.record.id == memory_id
        near = await store.vector_search(a_vector(written[-1][0]), 2)
        assert an_id(f"{name}{written[-1][0]}x") in {hit.record.id for hit in near}
    await store.close()
