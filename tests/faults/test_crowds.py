"""Many at once, and two versions of the program at once, on one store."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

import asyncpg

from command_line import environment, process_environment
from factories import ManualClock, a_memory, a_signature, a_vector, an_id
from postgres_server import a_store_database
from small_disks import IS_LONG
from vestige.config import load_config
from vestige.embedding.hashing import HashingEmbedder
from vestige.errors import MigrationError
from vestige.models import SearchQuery
from vestige.storage.opening import open_store
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.storage.protocol import MemoryStore

PROCESSES: Final = 50 if IS_LONG else 8
MEMORIES_EACH: Final = 5
CONNECTIONS: Final = 2
TASKS: Final = 200
PATIENCE_SECONDS: Final = 100
CLIENT: Final = """
import asyncio, os, sys
from vestige.config import load_config
from vestige.engine.opening import open_engine

async def work(name, count):
    async with open_engine(load_config(None, None, os.environ)) as memory:
        print("open", flush=True)
        sys.stdin.readline()
        for number in range(count):
            stored = await memory.remember(f"client {name} has counted to {number}")
            print(stored.id, flush=True)
            assert await memory.recall("how far has the client counted?")

asyncio.run(work(sys.argv[1], int(sys.argv[2])))
"""
# As a version of the program before the last step of the schema.
OLDER: Final = """
from vestige.storage.postgres import schema as postgres
from vestige.storage.sqlite import schema as sqlite

def older(load):
    return lambda package: load(package)[:-1]

for schema in (postgres, sqlite):
    schema.load_migrations = older(schema.load_migrations)
"""
COUNT_CONNECTIONS: Final = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'vestige'"
)


Popen: TypeAlias = subprocess.Popen[str]


def client(variables: dict[str, str], name: str, count: int, older: str = "") -> Popen:
    return subprocess.Popen(
        [sys.executable, "-c", older + CLIENT, name, str(count)],
        env=process_environment(variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_open(process: Popen) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "open\n", process.communicate(timeout=PATIENCE_SECONDS)[1]


def let_go_on(process: Popen) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def stored_by(process: Popen) -> list[UUID]:
    """Return what a client says it has stored, when it has ended well."""
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    return [UUID(line) for line in out.split()]


async def opened(variables: dict[str, str], *, migrate: bool = True) -> MemoryStore:
    names = {k: v for k, v in variables.items() if k.startswith("VESTIGE")}
    return await open_store(load_config(None, None, names), migrate=migrate)


async def test_a_crowd_of_processes_on_one_file_loses_nothing_and_locks_nobody_out(
    tmp_path: Path,
) -> None:
    variables = environment(tmp_path)
    store = await opened(variables)
    await store.register_model(HashingEmbedder(64).signature)
    with ExitStack() as ending:
        crowd = [client(variables, str(number), MEMORIES_EACH) for number in range(PROCESSES)]
        for process in crowd:
            ending.callback(process.kill)
        for process in crowd:
            wait_until_open(process)
        for process in crowd:
            let_go_on(process)
        ids = [memory_id for process in crowd for memory_id in stored_by(process)]
    assert len(set(ids)) == PROCESSES * MEMORIES_EACH
    assert len(await store.get_many(ids)) == len(ids) == await store.count()
    assert await store.find_problems() == []
    await store.close()


async def test_a_crowd_of_tasks_takes_turns_at_the_few_connections_of_a_pool(
    clock: ManualClock,
) -> None:
    async with a_store_database() as url:
        store = await PostgresStore.connect(url, CONNECTIONS, clock=clock)
        await store.register_model(a_signature())
        watcher = await asyncpg.connect(url)

        async def work(number: int) -> None:
            await store.insert(a_memory(f"task {number}", embedding=a_vector(number)))
            (hit,) = await store.search(SearchQuery(embedding=a_vector(number), limit=1))
            assert hit.record.id == an_id(f"task {number}")

        tasks = [asyncio.create_task(work(number)) for number in range(TASKS)]
        most = 0
        while not all(task.done() for task in tasks):
            most = max(most, int(await watcher.fetchval(COUNT_CONNECTIONS)))
        await asyncio.gather(*tasks)
        await watcher.close()
        assert most == CONNECTIONS
        assert await store.count() == TASKS
        assert await store.find_problems() == []
        await store.close()


def variables_of(backend: str, folder: Path, url: str) -> dict[str, str]:
    if backend == "sqlite":
        return environment(folder)
    named = {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}
    return environment(folder) | named


async def test_an_older_program_that_is_running_goes_on_while_another_brings_the_store_up_to_date(
    backend: str, tmp_path: Path
) -> None:
    async with a_store_database() as url:
        variables = variables_of(backend, tmp_path, url)
        store = await opened(variables)
        await store.register_model(HashingEmbedder(64).signature)
        await store.revert_migration()
        await store.close()
        with client(variables, "older", MEMORIES_EACH, OLDER) as process:
            wait_until_open(process)
            newer = await opened(variables)  # applies the step
            let_go_on(process)
            ids = stored_by(process)
        assert len(await newer.get_many(ids)) == MEMORIES_EACH
        assert {step.state for step in await newer.migration_status()} == {"applied"}
        assert await newer.find_problems() == []
        await newer.close()


async def test_an_older_program_that_is_started_later_is_refused_by_the_name_of_the_step(
    backend: str, tmp_path: Path
) -> None:
    async with a_store_database() as url:
        variables = variables_of(backend, tmp_path, url)
        store = await opened(variables)
        await store.register_model(HashingEmbedder(64).signature)
        last, kept = (await store.migration_status())[-1], a_memory("kept")
        await store.insert(kept)
        with client(variables, "older", 1, OLDER) as process:
            _, err = process.communicate("\n", timeout=PATIENCE_SECONDS)
        assert process.returncode != 0
        assert MigrationError.__name__ in err
        assert f"{last.version:04}_{last.name}" in err
        assert await store.get(kept.id) == kept
        await store.close()
