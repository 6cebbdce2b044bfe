"""Everything that a store holds, as bytes, to look for what must not be in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from vestige.config import Config

TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


async def everything_stored(config: Config) -> bytes:
    """Return the bytes of all files of an SQLite store, or all rows of a PostgreSQL one as text.

    Rows have their words with them, in the column that is searched.
    """
    if config.storage.backend == "sqlite":
        files = sorted(config.data_dir.rglob("*"))
        return b"\n".join(file.read_bytes() for file in files if file.is_file())
    url = config.storage.postgres.url
    assert url is not None
    conn = await asyncpg.connect(url.get_secret_value())
    try:
        rows: list[str] = []
        for table in await conn.fetch(TABLES):
            query = f"SELECT t::text FROM {table['tablename']} AS t"  # noqa: S608  # of the catalogue
            rows += [str(row[0]) for row in await conn.fetch(query)]
        return "\n".join(rows).encode()
    finally:
        await conn.close()
