"""The store behind PgBouncer in transaction mode, an old one that knows no prepared statements."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from extra_servers import running
from factories import ManualClock, a_memory, a_signature, a_vector
from postgres_server import a_database
from vestige.config import PostgresSettings
from vestige.errors import BackendError
from vestige.models import MemoryEdge, SearchQuery
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.extra

CONFIGURATION = """
[databases]
* = host={host} user={user}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 100
logfile = {folder}/log
"""


@contextmanager
def bouncer(packages: Path, folder: Path, url: str) -> Generator[str]:
    """Run PgBouncer before the server of a URL; gives the URL of the same database through it."""
    parts = urlsplit(url)
    host = parse_qs(parts.query)["host"][0]
    file = folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(host=host, user=parts.username, folder=folder))
    command = [str(packages / "usr/sbin/pgbouncer"), str(file)]
    with running(command, packages, folder / ".s.PGSQL.6432"):
        yield f"postgresql://{parts.username}@{parts.path}?host={folder}&port=6432"


async def test_a_store_works_behind_pgbouncer(packages: Path, tmp_path: Path) -> None:
    memories = [
        a_memory(f"behind the bouncer {number}", embedding=a_vector(number)) for number in range(60)
    ]
    async with a_database() as url:
        with bouncer(packages, tmp_path, url) as through:
            store = await PostgresStore.connect(through, 20, clock=ManualClock())
            await store.register_model(a_signature())
            await store.insert_many(memories[:30])
            await asyncio.gather(*(store.insert(memory) for memory in memories[30:]))
            await store.add_edge(
                MemoryEdge(
                    source_id=memories[0].id,
                    target_id=memories[1].id,
                    created_at=ManualClock().now(),
                )
            )
            found = await asyncio.gather(
                *(
                    store.search(SearchQuery(text=memory.content, embedding=memory.embedding))
                    for memory in memories
                )
            )
            assert [hits[0].record for hits in found] == memories
            assert await store.get_many([memory.id for memory in memories]) == memories
            assert [n.memory_id for n in await store.get_neighbors(memories[0].id)] == [
                memories[1].id
            ]
            await store.vacuum()
            await store.close()


async def test_a_statement_timeout_counts_behind_pgbouncer(packages: Path, tmp_path: Path) -> None:
    async with a_database() as url:
        with bouncer(packages, tmp_path, url) as through:
            options = PostgresSettings(statement_timeout_seconds=0.05)
            store = await PostgresStore.connect(through, 2, options=options)
            locker = await PostgresStore.connect(url, 1)
            async with locker._db.pool.acquire() as raw, raw.transaction():  # pyright: ignore[reportPrivateUsage]  # to hold a lock
                await raw.execute("LOCK TABLE knowledge_nodes IN ACCESS EXCLUSIVE MODE")
                with pytest.raises(BackendError, match="statement timeout"):
                    await store.count()
            await locker.close()
            await store.close()
