"""The schema: the columns of SQLite, the same after down and up, with defaults and a trigger."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
import pytest

from factories import a_signature
from postgres_server import a_database, a_store_database
from vestige.models import LOCAL_USER_ID
from vestige.storage.postgres.schema import TABLES
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    Server = asyncpg.Connection[asyncpg.Record]

# What only one side has: the integer keys of SQLite's indexes, and the server's own tsvector.
ONLY_SQLITE: Final = {
    (table, "key") for table in ("knowledge_nodes", "memory_windows", "spare_windows")
}
ONLY_POSTGRES: Final = {("knowledge_nodes", "search_vec")}
COLUMNS: Final = """
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'
"""
DESCRIPTION: Final = """
SELECT 'column', c.relname::text, a.attname::text,
    format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || a.attgenerated::text
    || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname, '', pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'vestige%'
ORDER BY 1, 2, 3, 4
"""


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    """A connection to a database with the tables of a store."""
    async with a_store_database() as url:
        connection = await asyncpg.connect(url)
        yield connection
        await connection.close()


async def described(url: str) -> list[tuple[str, ...]]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(DESCRIPTION)
    await connection.close()
    return [tuple(map(str, row)) for row in rows]


async def test_both_backends_have_the_same_columns(server: Server, tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "vestige.db")
    await store.close()
    with closing(sqlite3.connect(tmp_path / "vestige.db")) as db:
        here = {
            (table, str(row[1]))
            for table in TABLES
            for row in db.execute(f"PRAGMA table_info({table})")
        }
    there = {(table, column) for table, column in await server.fetch(COLUMNS)}
    assert {table for table, _ in there} == set(TABLES)
    assert here - ONLY_SQLITE == there - ONLY_POSTGRES


async def test_down_and_up_again_give_the_same_schema() -> None:
    async with a_database() as url:
        store = await PostgresStore.connect(url, 1)
        await store.register_model(a_signature())
        before = await described(url)
        while await store.revert_migration():
            pass
        left = {row[1] for row in await described(url) if row[0] == "column"}
        assert left == {"vestige_migrations"}
        await store.init()
        await store.register_model(a_signature())
        assert await described(url) == before
        assert any("hnsw" in row[3] for row in before)
        await store.close()


async def test_a_row_made_by_hand_gets_the_defaults(server: Server) -> None:
    row = await server.fetchrow(
        "INSERT INTO knowledge_nodes (content) VALUES ('by hand') RETURNING *"
    )
    assert row is not None
    assert isinstance(row["id"], UUID)
    assert (row["node_type"], row["tags"], row["metadata"]) == ("general", [], "{}")
    assert (row["owner_user_id"], row["visibility"]) == (LOCAL_USER_ID, "private")
    assert (row["embedding"], row["codebase"]) == (None, None)
    assert "'hand':2A" in row["search_vec"]


@pytest.mark.parametrize(
    ("change", "touches"),
    [
        ("content = 'new'", True),
        ("tags = '{new}'", True),
        ("metadata = '{\"a\": 1}'", True),
        ("codebase = 'new'", True),
        ("visibility = 'public'", True),
        ("content = content", False),
        ("domains = '{new}'", False),
        ("domain_scores = '{\"a\": 1}'", False),
    ],
)
async def test_a_change_by_hand_sets_updated_at_when_a_person_would_call_it_one(
    server: Server, change: str, touches: bool
) -> None:
    sql = "INSERT INTO knowledge_nodes (content, updated_at) VALUES ('x', '2020-01-01Z')"
    await server.execute(sql)
    await server.execute(f"UPDATE knowledge_nodes SET {change}")  # noqa: S608  # from above
    year = await server.fetchval("SELECT extract(year FROM updated_at) FROM knowledge_nodes")
    assert (year > 2020) == touches
