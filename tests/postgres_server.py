"""The PostgreSQL server of a test process, and databases on it that live for one test.

A run has several processes, and each starts a server, which takes a second: tests stop servers'
sessions and look at locks, and so leave those of the other processes alone. A server that was given
is shared; the names of the databases keep the processes apart.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from factories import ManualClock
from vestige.storage import embedded
from vestige.storage.migrations import load_migrations
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

# An empty database is a copy of this one; a store is a copy of the other, which is faster than
# bringing the schema of an empty one up to date.
EMPTY: Final = "template0"
PREFIX: Final = f"vestige_test_{os.getpid()}"
STORE: Final = f"{PREFIX}_template"

LEDGER: Final = "SELECT version FROM vestige_migrations ORDER BY version"
# What the server knows of the words of one test must not weigh those of the next.
IS_ANALYZED: Final = "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'knowledge_nodes'"
CLEAR: Final = """
DELETE FROM knowledge_nodes;
DELETE FROM intentions;
DELETE FROM fsrs_weights;
DELETE FROM domains;
DELETE FROM group_memberships;
DELETE FROM groups;
DELETE FROM users WHERE id <> '00000000-0000-0000-0000-000000000001';
DELETE FROM embedding_model;
DELETE FROM reembedding;
DELETE FROM changelog;
DELETE FROM tombstones;
DELETE FROM vestige_migrations WHERE version = 2;
ALTER SEQUENCE review_events_id_seq RESTART;
UPDATE users SET handle = 'local', display_name = 'Local User', metadata = '{}';
"""
# A change of the model online leaves columns behind that a new store has not, one that is open its
# triggers.
IS_CHANGED: Final = """
SELECT EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = 'knowledge_nodes'::regclass AND attisdropped
) OR EXISTS (SELECT FROM pg_trigger WHERE tgname LIKE 'reembedding%')
"""
OURS: Final = "SELECT datname FROM pg_database WHERE starts_with(datname::text, $1)"

# What a crash would lose does not matter here, and tests alone decide when statistics are made.
SERVER_SETTINGS: Final = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "max_parallel_maintenance_workers": "0",
    "shared_buffers": "64MB",
    "synchronous_commit": "off",
}

_started = ExitStack()
_numbers = count(1)
_free: list[str] = []


@cache
def server_url() -> str:
    """Return the URL of a database on the server from which others can be made."""
    given = os.environ.get("VESTIGE_TEST_POSTGRES_URL")
    if given:
        return given
    folder = Path(_started.enter_context(TemporaryDirectory(prefix="vestige-test-")))
    folder.chmod(0o755)  # a server that root starts may run as another user
    with ThreadPoolExecutor(1) as executor:  # a test's own event loop runs on this thread
        server = executor.submit(
            asyncio.run, embedded.start(folder, settings=SERVER_SETTINGS)
        ).result()
    _started.callback(lambda: asyncio.run(server.close()))
    return server.dsn


def url_of(database: str) -> str:
    """Return the URL of a database of the server."""
    return urlunsplit(urlsplit(server_url())._replace(path=f"/{database}"))


@asynccontextmanager
async def a_database(template: str = EMPTY) -> AsyncGenerator[str]:
    """Make a database; its URL is valid until the end of the block."""
    name = f"{PREFIX}_{next(_numbers)}"
    await run(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield url_of(name)
    finally:
        await run(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def a_store_database() -> AsyncGenerator[str]:
    """Make a database with the tables of a store and nothing in them, or empty a used one."""
    name = _free.pop() if _free else await _copy_of_a_store()
    try:
        yield url_of(name)
    finally:
        if await _is_emptied(name):
            _free.append(name)
        else:
            await run(f"DROP DATABASE {name} WITH (FORCE)")


async def run(sql: str) -> None:
    """Run a statement on the server, outside of the databases of tests."""
    connection = await asyncpg.connect(server_url())
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def leave_server() -> None:
    """Stop the server of this run, or drop what the run has left on a server that was given."""
    if server_url.cache_info().currsize and "VESTIGE_TEST_POSTGRES_URL" in os.environ:
        asyncio.run(_drop_databases())
    _started.close()


async def _drop_databases() -> None:
    connection = await asyncpg.connect(server_url())
    names = await connection.fetch(OURS, f"{PREFIX}_")
    for (name,) in names:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


async def _copy_of_a_store() -> str:
    await asyncio.to_thread(_make_template)
    name = f"{PREFIX}_{next(_numbers)}"
    await run(f"CREATE DATABASE {name} TEMPLATE {STORE}")
    return name


@cache
def _make_template() -> None:
    # In an event loop of its own, because it outlives the loop of the test that comes first.
    asyncio.run(_migrate_template())


async def _migrate_template() -> None:
    await run(f"CREATE DATABASE {STORE} TEMPLATE {EMPTY}")
    store = await PostgresStore.connect(url_of(STORE), clock=ManualClock())
    await store.close()


async def _is_emptied(name: str) -> bool:
    """Undo what a test did to a store; say whether it is as good as new."""
    connection = await asyncpg.connect(url_of(name))
    try:
        applied = [version for (version,) in await connection.fetch(LEDGER)]
        steps = load_migrations("vestige.storage.postgres")
        if applied not in (
            [s.version for s in steps if s.version != 2],
            [s.version for s in steps],
        ):
            return False
        if await connection.fetchval(IS_ANALYZED) or await connection.fetchval(IS_CHANGED):
            return False
        if 2 in applied:
            await connection.execute(steps[1].down_sql)
        await connection.execute(CLEAR)
        is_whole = await connection.fetchval("SELECT count(*) = 1 FROM users")
    except asyncpg.PostgresError:
        return False
    else:
        return bool(is_whole)
    finally:
        await connection.close()
