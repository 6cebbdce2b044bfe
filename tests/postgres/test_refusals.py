"""What a server refuses, and the message that a person finds at night."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from factories import a_memory
from postgres_server import a_database, a_store_database, run, server_url, url_of
from vestige.config import PostgresSettings
from vestige.errors import ConfigError, MigrationError, StoreUnavailableError
from vestige.storage.migrations import load_migrations
from vestige.storage.postgres.schema import check_server_version, check_vector_version
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

ROLE = "vestige_test_guest"
# Of all steps, whichever is the newest.
STATES_WITHOUT_MODEL = [
    "waiting" if step.requires_model else "applied"
    for step in load_migrations("vestige.storage.postgres")
]
READ_ONLY = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
END $$
"""


@pytest.fixture
async def guest() -> AsyncGenerator[str]:
    """A role that may log in, and nothing else."""
    await asyncio.to_thread(server_url)
    await run(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'guest'")
    yield ROLE
    await run(f"DROP OWNED BY {ROLE}")
    await run(f"DROP ROLE {ROLE}")


def as_guest(url: str) -> str:
    rest = url.removeprefix("postgresql://").partition("@")[2]
    return f"postgresql://{ROLE}:guest@{rest}"


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_a_server_that_is_not_there_is_named_with_what_to_check(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be reached") as caught:
        await PostgresStore.connect(f"postgresql://ana@/memory?host={tmp_path}")
    assert "Check that the server runs" in caught.value.hint


async def test_a_database_that_is_not_there_is_to_be_created() -> None:
    await asyncio.to_thread(server_url)
    with pytest.raises(StoreUnavailableError, match="nowhere") as caught:
        await PostgresStore.connect(url_of("nowhere"))
    assert "createdb" in caught.value.hint


async def test_a_role_that_may_not_create_tables_is_told_what_to_ask_for(guest: str) -> None:
    async with a_database() as url:
        await execute(url, "CREATE EXTENSION vector")
        with pytest.raises(MigrationError, match="0001_init") as caught:
            await PostgresStore.connect(as_guest(url))
        assert "GRANT USAGE, CREATE ON SCHEMA public" in caught.value.hint
        await execute(url, f"GRANT USAGE, CREATE ON SCHEMA public TO {guest}")
        store = await PostgresStore.connect(as_guest(url))
        await store.insert(a_memory("by a guest"))
        assert await store.count() == 1
        await store.close()
        await execute(url, f"DROP OWNED BY {guest}")


async def test_a_role_that_may_not_create_the_extension_is_told_what_to_ask_for(guest: str) -> None:
    async with a_database() as url:
        await execute(url, f"GRANT USAGE, CREATE ON SCHEMA public TO {guest}")
        with pytest.raises(MigrationError, match="may not create the extension") as caught:
            await PostgresStore.connect(as_guest(url))
        assert "CREATE EXTENSION vector" in caught.value.hint
        assert "\n" not in str(caught.value)
        assert 'create extension "vector"; Must be superuser' in str(caught.value)
        await execute(url, f"DROP OWNED BY {guest}")


async def test_a_role_that_may_not_even_use_the_schema_is_told_what_to_ask_for(guest: str) -> None:
    async with a_database() as url:
        await execute(url, "CREATE EXTENSION vector; REVOKE ALL ON SCHEMA public FROM PUBLIC")
        with pytest.raises(MigrationError, match="0001_init") as caught:
            await PostgresStore.connect(as_guest(url))
        assert "GRANT USAGE, CREATE ON SCHEMA public" in caught.value.hint
    assert guest == ROLE


async def test_a_role_without_rights_on_the_tables_is_refused_in_our_words(guest: str) -> None:
    async with a_store_database() as url:
        with pytest.raises(StoreUnavailableError, match="refuses what this role"):
            await PostgresStore.connect(as_guest(url))
    assert guest == ROLE


async def test_a_server_that_only_reads_is_named_as_one() -> None:
    async with a_database() as url:
        store = await PostgresStore.connect(url)
        await store.close()
        await execute(url, READ_ONLY)
        store = await PostgresStore.connect(url)
        assert await store.count() == 0
        with pytest.raises(StoreUnavailableError, match="only reads") as caught:
            await store.insert(a_memory("not here"))
        assert "primary" in caught.value.hint
        await store.close()


async def test_tables_of_another_program_are_left_alone() -> None:
    async with a_database() as url:
        await execute(url, "CREATE TABLE knowledge_nodes (id text)")
        with pytest.raises(StoreUnavailableError, match="this package did not make"):
            await PostgresStore.connect(url)


async def test_two_that_start_on_an_empty_database_take_turns() -> None:
    async with a_database() as url:
        stores = await asyncio.gather(*(PostgresStore.connect(url, 1) for _ in range(4)))
        steps = [await store.migration_status() for store in stores]
        states = [[step.state for step in found] for found in steps]
        assert states == [STATES_WITHOUT_MODEL] * 4
        await asyncio.gather(*(store.close() for store in stores))


async def test_a_step_whose_process_was_killed_leaves_nothing_behind() -> None:
    async with a_database() as url:
        (first, *_) = load_migrations("vestige.storage.postgres")
        killed = await asyncpg.connect(url)
        await killed.execute("BEGIN")
        await killed.execute(first.up_sql.replace("{text_search}", "english"))
        killed.terminate()
        store = await PostgresStore.connect(url)
        states = [step.state for step in await store.migration_status()]
        assert states == STATES_WITHOUT_MODEL
        await store.close()


async def test_the_text_search_of_a_store_is_chosen_once() -> None:
    german = PostgresSettings(text_search="german")
    async with a_database() as url:
        store = await PostgresStore.connect(url, options=german)
        await store.insert(a_memory("die Häuser am Hafen"))
        assert len(await store.fts_search("Haus")) == 1
        await store.close()
        store = await PostgresStore.connect(url)
        assert len(await store.fts_search("Haus")) == 1
        await store.close()
        with pytest.raises(ConfigError, match="was made with text_search = 'german'"):
            await PostgresStore.connect(url, options=PostgresSettings(text_search="english"))


async def test_an_unknown_text_search_lists_the_known_ones() -> None:
    async with a_database() as url:
        with pytest.raises(ConfigError, match="klingon") as caught:
            await PostgresStore.connect(url, options=PostgresSettings(text_search="klingon"))
        assert "english" in caught.value.hint
        assert "simple" in caught.value.hint


@pytest.mark.parametrize("server", ["15.14", "15.14 (Debian 15.14-0+deb12u1)", "9.6.24"])
def test_an_old_server_is_refused(server: str) -> None:
    with pytest.raises(StoreUnavailableError, match=r"PostgreSQL .* 16 or newer"):
        check_server_version("here", server)


@pytest.mark.parametrize("vector", ["0.7.4", "0.5", "0.4.1"])
def test_an_old_vector_extension_is_refused(vector: str) -> None:
    with pytest.raises(StoreUnavailableError, match=r"pgvector .* 0.8 or newer") as caught:
        check_vector_version("here", vector)
    assert "ALTER EXTENSION vector UPDATE" in caught.value.hint


@pytest.mark.parametrize(
    ("server", "vector"), [("16.0", "0.8.0"), ("18.4 (Debian)", "0.10.2"), ("19beta1", "1.0.0")]
)
def test_the_oldest_that_will_do_and_newer_ones_are_accepted(server: str, vector: str) -> None:
    check_server_version("here", server)
    check_vector_version("here", vector)
