"""The reference page of the schema says what the stores of both backends are made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest
from apsw import SQLITE_OPEN_READWRITE

from factories import a_signature
from pages import ROOT, read
from postgres_server import a_store_database
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.driver import Connection
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = ROOT / "docs" / "reference" / "schema.md"
ABSENT: Final = "-"
PLACES: Final = {"sqlite": 1, "postgres": 2}  # of the types, in a row of the page
# The tables of FTS5 behind its virtual table are of the type "shadow".
OF_SQLITE: Final = """
SELECT t.name, c.name, iif(c.type = '', 'any', lower(c.type))
FROM pragma_table_list AS t, pragma_table_xinfo(t.name) AS c
WHERE t.schema = 'main' AND t.type IN ('table', 'virtual') AND t.name NOT LIKE 'sqlite%'
AND c.hidden <> 1
"""
OF_POSTGRES: Final = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
AND a.attnum > 0 AND NOT a.attisdropped
"""

Columns = dict[tuple[str, str], str]


def on_the_page(backend: str) -> Columns:
    """Return the type of each column of a backend by table and column."""
    parts = re.split(r"^### `(\w+)`$", read(PAGE), flags=re.MULTILINE)
    rows = [
        (table, [cell.strip().strip("`") for cell in line.strip("|").split("|")])
        for table, text in zip(parts[1::2], parts[2::2], strict=True)
        for line in text.splitlines()
        if line.startswith("| `")
    ]
    assert len({(table, cells[0]) for table, cells in rows}) == len(rows)
    place = PLACES[backend]
    return {(table, cells[0]): cells[place] for table, cells in rows if cells[place] != ABSENT}


async def of_a_new_store(backend: str, folder: Path) -> Columns:
    if backend == "postgres":
        async with a_store_database() as url:
            store = await PostgresStore.connect(url, 2)
            await store.register_model(a_signature())
            await store.close()
            conn = await asyncpg.connect(url)
            found = [tuple(map(str, row.values())) for row in await conn.fetch(OF_POSTGRES)]
            await conn.close()
    else:
        path = folder / "vestige.db"
        file = await SqliteStore.open(path)
        await file.register_model(a_signature())
        await file.close()
        db = Connection(str(path), SQLITE_OPEN_READWRITE)
        found = [tuple(map(str, row)) for row in db.rows(OF_SQLITE)]
        db.close()
    return {(table, column): kind for table, column, kind in found}


@pytest.mark.parametrize("backend", sorted(PLACES))
async def test_every_column_of_a_store_is_on_the_page_with_its_type_and_no_other(
    backend: str, tmp_path: Path
) -> None:
    assert on_the_page(backend) == await of_a_new_store(backend, tmp_path)


def test_every_column_is_one_of_at_least_one_backend_and_says_what_it_means() -> None:
    rows = [line for line in read(PAGE).splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]
    assert len(cells) > 150
    assert not [row for row in cells if len(row) != 4 or row[1] == row[2] == ABSENT or not row[3]]
