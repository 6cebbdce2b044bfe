"""`vestige migrate copy`, as a person uses it and as a machine breaks it."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import asyncpg
import pytest

from command_line import INTERRUPTIBLE, PROGRAM, CommandLine, Ran, is_two_lines, process_environment
from factories import a_memory, a_vector
from postgres_server import a_database
from vestige.embedding.hashing import HashingEmbedder
from vestige.storage.migrations import load_migrations
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from vestige.models import MemoryRecord, Vector

MEMORIES = 4_000
COUNT_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
COUNT_MEMORIES = "SELECT count(*) FROM knowledge_nodes"


@pytest.fixture
def url() -> Generator[str]:
    """An empty database, for commands, which start an event loop of their own."""
    with asyncio.Runner() as runner:
        database = a_database()
        yield runner.run(database.__aenter__())
        runner.run(database.__aexit__(None, None, None))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(vestige: CommandLine, *arguments: str) -> Ran:
    return vestige("migrate", *arguments)


async def contents(path: str) -> set[str]:
    store = await SqliteStore.open(path)
    found = {str(memory.id) for memory in await store.list_memories()}
    await store.close()
    return found


async def value(url: str, sql: str) -> int:
    connection = await asyncpg.connect(url)
    found = await connection.fetchval(sql)
    await connection.close()
    return int(found)


def test_a_file_goes_to_a_server_and_back_and_stays_as_it_is(
    vestige: CommandLine, url: str
) -> None:
    ids = {vestige.remembered(f"the harbour opens at {hour}") for hour in (7, 8, 9)}
    before = digest(vestige.store)
    out = run(vestige, "copy", "--from", "sqlite", "--to", "postgres", "--postgres-url", url)
    assert (out.code, out.err) == (0, "")
    assert out.out.splitlines()[4].split() == ["knowledge_nodes", *"3300300"]
    assert digest(vestige.store) == before
    back = str(vestige.folder / "back.db")
    out = run(
        vestige, "copy", "--from", "postgres", "--postgres-url", url, "--to", "sqlite",
        "--sqlite-path", back, "--json",
    )  # fmt: skip
    tables = cast("dict[str, dict[str, object]]", out.json["tables"])
    assert out.json["is_complete"] is True
    assert tables["knowledge_nodes"]["written"] == 3
    assert asyncio.run(contents(back)) == ids


def test_the_same_command_again_copies_nothing(vestige: CommandLine) -> None:
    vestige.remembered("once")
    command = ("--from", "sqlite", "--to", "sqlite", "--to-sqlite-path", f"{vestige.folder}/b.db")
    first = run(vestige, *command, "--json")  # without the word copy
    again = run(vestige, "copy", *command, "--json", "--yes")
    for ran, key in ((first, "written"), (again, "present")):
        tables = cast("dict[str, dict[str, object]]", ran.json["tables"])
        assert tables["knowledge_nodes"][key] == 1


def test_adding_to_a_store_that_holds_memories_wants_a_yes(vestige: CommandLine) -> None:
    vestige.remembered("once")
    command = ("copy", "--from", "sqlite", "--to", "sqlite", "--to-sqlite-path")
    other = f"{vestige.folder}/b.db"
    assert (run(vestige, *command, other)).code == 0
    ran = run(vestige, *command, other)
    assert ran.code == 2
    assert "1 memories" in ran.err
    assert "--yes" in ran.err


def test_a_dry_run_counts_and_makes_nothing(vestige: CommandLine) -> None:
    vestige.remembered("once")
    other = vestige.folder / "other.db"
    ran = run(
        vestige, "copy", "--from", "sqlite", "--to", "sqlite", "--to-sqlite-path", str(other),
        "--dry-run", "--json",
    )  # fmt: skip
    tables = cast("dict[str, dict[str, object]]", ran.json["tables"])
    assert (ran.code, ran.json["dry_run"]) == (0, True)
    assert tables["knowledge_nodes"]["read"] == 1
    assert not other.exists()


def test_a_dry_run_leaves_an_empty_database_empty(vestige: CommandLine, url: str) -> None:
    vestige.remembered("once")
    ran = run(
        vestige, "copy", "--from", "sqlite", "--to", "postgres", "--postgres-url", url, "--dry-run"
    )
    assert ran.code == 0
    assert asyncio.run(value(url, COUNT_TABLES)) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--from", "sqlite", "--to", "sqlite"), 2, "are the same"),
        (("--from", "rust", "--to", "sqlite"), 2, "is not named"),
        (("--from", "sqlite", "--to", "postgres"), 2, "no PostgreSQL server is named"),
        (("--from", "sqlite", "--to", "sqlite", "--to-sqlite-path", "b.db"), 1, "no store at"),
        (
            ("--from", "sqlite", "--to", "sqlite", "--reembed", "--keep-model"),
            2,
            "exclude each other",
        ),
        (
            ("--from", "rust", "--sqlite-path", "/nowhere/vestige.db", "--to", "sqlite"),
            1,
            "does not exist",
        ),
        (
            ("--from", "sqlite", "--to", "postgres", "--postgres-url", "postgresql://a@/b?host=/x"),
            1,
            "no store at",
        ),
    ],
)
def test_what_cannot_be_copied_is_said_with_the_next_step(
    vestige: CommandLine, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = run(vestige, "copy", *arguments)
    assert ran.code == code, ran.err
    assert words in ran.err
    assert is_two_lines(ran.err)


def test_a_store_of_another_model_is_refused_and_can_be_encoded_anew(
    vestige: CommandLine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("the harbour")
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")
    command = ("copy", "--from", "sqlite", "--to", "postgres", "--postgres-url", url)
    refused = run(vestige, *command)
    assert refused.code == 1
    assert "hashing-64" in refused.err
    assert "hashing-384" in refused.err
    assert "--reembed" in refused.err
    copied = run(vestige, *command, "--reembed", "--json")
    assert copied.code == 0
    model = cast("dict[str, object]", copied.json["destination_model"])
    assert model["name"] == "hashing-384"


def test_an_older_file_is_upgraded_in_a_copy_only_when_allowed(vestige: CommandLine) -> None:
    vestige.remembered("once")
    vestige("migrate", "revert", "--yes")
    before = digest(vestige.store)
    command = ("copy", "--from", "sqlite", "--to", "sqlite", "--to-sqlite-path")
    refused = run(vestige, *command, f"{vestige.folder}/b.db")
    assert refused.code == 1
    assert str(load_migrations("vestige.storage.sqlite")[-1]) in refused.err
    assert "--allow-source-upgrade" in refused.err
    copied = run(vestige, *command, f"{vestige.folder}/c.db", "--allow-source-upgrade")
    assert copied.code == 0, copied.err
    assert digest(vestige.store) == before


def many_memories() -> list[MemoryRecord]:
    return [
        a_memory(f"memory {number}", embedding=a_vector(number, dimension=64))
        for number in range(MEMORIES)
    ]


def a_copy(folder: Path, url: str, program: str = PROGRAM) -> tuple[list[str], dict[str, str]]:
    """Return the command that copies the store of a folder to a server, and its environment."""
    command = [
        sys.executable, "-c", program, "migrate", "copy", "--from", "sqlite", "--to",
        "postgres", "--postgres-url", url, "--batch-size", "50", "--yes",
    ]  # fmt: skip
    variables = {"HOME": str(folder), "VESTIGE_DATA_DIR": str(folder)}
    return command, process_environment(variables | {"VESTIGE_EMBEDDINGS_PROVIDER": "hashing"})


async def fill(path: Path, memories: list[MemoryRecord]) -> None:
    store = await SqliteStore.open(path)
    await store.register_model(HashingEmbedder().signature)
    await store.insert_many(memories)
    await store.close()


async def copied(url: str) -> int:
    """Return how many memories are there; none before their table is."""
    has_table = await value(url, f"{COUNT_TABLES} AND tablename = 'knowledge_nodes'")
    return await value(url, COUNT_MEMORIES) if has_table else 0


async def nearest(url: str, vector: Vector) -> MemoryRecord:
    store = await PostgresStore.connect(url, 2)
    (hit,) = await store.vector_search(vector, 1)
    await store.close()
    return hit.record


def test_an_interrupted_copy_says_how_to_go_on(tmp_path: Path, url: str) -> None:
    asyncio.run(fill(tmp_path / "vestige.db", many_memories()))
    command, environment = a_copy(tmp_path, url, program=INTERRUPTIBLE)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        while not asyncio.run(copied(url)):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert "the same command goes on from there" in err
    assert "Traceback" not in err


def test_a_copy_that_is_killed_goes_on_where_it_ended(tmp_path: Path, url: str) -> None:
    memories = many_memories()
    asyncio.run(fill(tmp_path / "vestige.db", memories))
    command, environment = a_copy(tmp_path, url)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while not asyncio.run(copied(url)):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    there = asyncio.run(value(url, COUNT_MEMORIES))
    assert 0 < there < MEMORIES
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    (line,) = [row.split() for row in done.stdout.splitlines() if "knowledge_nodes" in row]
    counts = [MEMORIES, MEMORIES - there, there, 0, MEMORIES, 0, 0]
    assert line[1:] == [str(count) for count in counts]
    assert asyncio.run(nearest(url, a_vector(1234, dimension=64))) == memories[1234]
