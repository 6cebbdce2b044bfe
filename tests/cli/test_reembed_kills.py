"""A change of the model that is killed at any moment, by the process and by the machine.

VESTIGE_TEST_KILLS is at how many moments more, each drawn at random, every way is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

from command_line import PROGRAM, process_environment
from factories import a_memory
from vestige.config import load_config
from vestige.embedding.hashing import HashingEmbedder
from vestige.storage.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.models import Reembedding
    from vestige.storage.protocol import MemoryStore

MEMORIES: Final = 400
BATCH: Final = 10
DRAWN: Final = int(os.environ.get("VESTIGE_TEST_KILLS", "0"))
# How many memories wait when the process is killed: none is encoded, some are, all are.
MOMENTS: Final = [MEMORIES, 250, 0, *random.Random(6).choices(range(MEMORIES), k=DRAWN)]  # noqa: S311  # chooses moments, guards nothing
NEW: Final = ("migrate", "reembed", "--model", "hashing-384", "--batch-size", str(BATCH))
# Writes down every text that it encodes, in a file that all processes of a test share.
COUNTING: Final = f"""
import os
from vestige.embedding.hashing import HashingEmbedder
embed = HashingEmbedder.embed_documents
def noted(self, texts):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write("".join(text + "\\n" for text in texts))
    return embed(self, texts)
HashingEmbedder.embed_documents = noted
{PROGRAM}
"""
# The clock of a test does not move, and a lease ends only with time.
END_LEASES: Final = "UPDATE reembedding_queue SET claimed_until = '2000-01-01T00:00:00.000000Z'"


@pytest.fixture
def environment(variables: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of the processes of a test."""
    (tmp_path / "seen").touch()
    return {**variables, "SEEN": str(tmp_path / "seen")}


@pytest.fixture(params=["offline", "online"])
def way(request: pytest.FixtureRequest) -> list[str]:
    """The option of each way."""
    return ["--online"] if request.param == "online" else []


async def opened(environment: dict[str, str]) -> MemoryStore:
    names = {name: value for name, value in environment.items() if name.startswith("VESTIGE")}
    return await open_store(load_config(None, None, names))


async def fill(environment: dict[str, str]) -> None:
    store = await opened(environment)
    embedder = HashingEmbedder()
    await store.register_model(embedder.signature)
    texts = [f"memory {number}" for number in range(MEMORIES)]
    vectors = embedder.embed_documents(texts)
    await store.insert_many(
        [a_memory(text, embedding=vector) for text, vector in zip(texts, vectors, strict=True)]
    )
    await store.close()


async def change_of(environment: dict[str, str]) -> Reembedding | None:
    store = await opened(environment)
    change = await store.reembedding()
    await store.close()
    return change


async def nearest(environment: dict[str, str], embedder: HashingEmbedder, text: str) -> str:
    store = await opened(environment)
    (hit,) = await store.vector_search(embedder.embed_query(text)[0], 1)
    await store.close()
    return hit.record.content


def started(environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    """Start a change of the model in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", COUNTING, *NEW, *options],
        env=process_environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_when(environment: dict[str, str], queued: int, *options: str) -> None:
    """Run a command until so few memories are queued, and kill it without warning."""
    with started(environment, "--yes", *options) as process:
        while (change := asyncio.run(change_of(environment))) is None or change.queued > queued:
            if process.poll() is not None:
                break
        process.send_signal(signal.SIGKILL)


def end_leases(environment: dict[str, str]) -> None:
    """Let time pass that the test does not have."""
    url = environment.get("VESTIGE_STORAGE_POSTGRES_URL")
    if url is None:
        path = load_config(
            None, None, {k: v for k, v in environment.items() if k.startswith("VESTIGE")}
        ).storage.sqlite.path
        with closing(sqlite3.connect(path)) as db:
            db.execute(END_LEASES)
            db.commit()
        return

    async def run() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(END_LEASES)
        await connection.close()

    asyncio.run(run())


def ran(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COUNTING, *arguments],
        env=process_environment(environment),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("queued", MOMENTS)
def test_a_change_that_is_killed_is_named_and_goes_on_where_it_ended(
    environment: dict[str, str], way: list[str], queued: int
) -> None:
    asyncio.run(fill(environment))
    kill_when(environment, queued, *way)
    change = asyncio.run(change_of(environment))
    if change is not None and change.phase == "encoding":
        said = ran(environment, "doctor")
        assert said.returncode == 1
        assert "--model hashing-384 --resume" in said.stdout
        assert "degraded" in ran(environment, "health").stdout
        searched = HashingEmbedder() if way else HashingEmbedder(384, "hashing-384")
        if way or change.queued < MEMORIES - BATCH:
            found = asyncio.run(nearest(environment, searched, "memory 123"))
            assert found.startswith("memory")
        end_leases(environment)
        done = ran(environment, *NEW, "--resume", "--json")
        assert done.returncode == 0, done.stderr
    assert asyncio.run(nearest(environment, HashingEmbedder(384, "hashing-384"), "memory 7")) == (
        "memory 7"
    )
    with open(environment["SEEN"], encoding="utf-8") as seen:  # noqa: PTH123  # a path from a variable
        texts = seen.read().splitlines()
    assert set(texts) == {f"memory {number}" for number in range(MEMORIES)}
    # At a kill, one batch may be encoded and not yet written, and another one be encoded.
    assert len(texts) <= MEMORIES + 2 * BATCH
    environment["VESTIGE_EMBEDDINGS_MODEL"] = "hashing-384"
    assert ran(environment, "doctor").stdout == "nothing is wrong\n"


def test_two_processes_share_the_work_and_encode_no_text_twice(
    environment: dict[str, str], way: list[str]
) -> None:
    asyncio.run(fill(environment))
    with started(environment, "--yes", "--json", *way) as first:
        while asyncio.run(change_of(environment)) is None:
            assert first.poll() is None
        with started(environment, "--resume", "--json") as second:
            printed = [process.communicate(timeout=60) for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), printed
    with open(environment["SEEN"], encoding="utf-8") as seen:  # noqa: PTH123  # a path from a variable
        texts = seen.read().splitlines()
    assert sorted(texts) == sorted(f"memory {number}" for number in range(MEMORIES))
    environment["VESTIGE_EMBEDDINGS_MODEL"] = "hashing-384"
    assert ran(environment, "doctor").stdout == "nothing is wrong\n"
