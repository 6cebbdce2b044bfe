"""A full disk, a lock that is not given back, a damaged file: what is said and what stays."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from factories import a_full_memory, a_memory, a_signature, an_edge, an_id
from sqlite.databases import execute, run_sql
from vestige.errors import StoreUnavailableError
from vestige.storage.sqlite import driver
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.storage.sqlite.connection import Session


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqliteStore]:
    store = await SqliteStore.open(tmp_path / "vestige.db")
    await store.register_model(a_signature())
    await store.insert(a_full_memory("kept"))
    yield store
    await store.close()


def allow_no_more_pages(session: Session) -> None:
    session.db.run("PRAGMA max_page_count = 1")  # SQLite takes the present size as the least


def allow_many_pages(session: Session) -> None:
    session.db.run("PRAGMA max_page_count = 1000000")


async def test_a_full_disk_is_named_and_nothing_is_half_written(store: SqliteStore) -> None:
    database = store._db  # pyright: ignore[reportPrivateUsage]  # to fill the disk
    await database.outside_transaction(allow_no_more_pages)
    big = [a_memory(f"{number} " + "x" * 100_000) for number in range(5)]
    with pytest.raises(StoreUnavailableError, match="disk is full"):
        await store.insert_many(big)
    assert await store.count() == 1
    assert [hit.record.content for hit in await store.fts_search("kept")] == ["kept"]
    await database.outside_transaction(allow_many_pages)
    await store.insert_many(big)
    assert await store.count() == 6


async def test_a_lock_that_is_held_by_another_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "BUSY_TIMEOUT_SECONDS", 0.01)
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    with closing(apsw.Connection(str(path))) as other:
        execute(other, "BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked by another process"):
            await store.insert(a_memory("refused"))
        assert await store.count() == 0  # reading goes on
    await store.insert(a_memory("accepted"))
    assert await store.count() == 1
    await store.close()


async def test_damage_is_found_by_the_health_check(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    await store.insert_many([a_memory(f"{number} " + "x" * 3000) for number in range(100)])
    assert (await store.health_check()).status == "healthy"
    await store.close()
    data = bytearray(path.read_bytes())
    for page in range(len(data) // 4096 // 2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)
    store = await SqliteStore.open(path)
    health = await store.health_check()
    assert health.status != "healthy"
    assert health.reason
    await store.close()


async def test_a_missing_table_is_told_with_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    while await store.revert_migration():
        pass
    health = await store.health_check()
    assert health.status == "unavailable"
    await store.init()
    assert (await store.health_check()).status == "healthy"
    await store.close()


async def test_a_cancelled_call_leaves_the_store_usable(store: SqliteStore) -> None:
    calls = [
        asyncio.create_task(store.insert(a_memory(f"cancelled {number}"))) for number in range(20)
    ]
    await asyncio.sleep(0)
    for call in calls[1:]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await store.insert(a_memory("after"))
    assert await store.get(an_id("after")) is not None
    assert await store.get(an_id("cancelled 0")) is not None


async def test_rows_deleted_by_hand_take_everything_of_theirs_with_them(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.insert(a_memory("other"))
    await store.add_edge(an_edge(an_id("kept"), an_id("other")))
    run_sql(tmp_path / "vestige.db", "PRAGMA foreign_keys = ON; DELETE FROM knowledge_nodes")
    for table in ("scheduling", "edges", "memory_windows", "node_tags", "node_domains"):
        assert run_sql(tmp_path / "vestige.db", f"SELECT * FROM {table}") == []  # noqa: S608  # constants
    vector = a_full_memory("kept").embedding
    assert vector is not None
    assert await store.vector_search(vector) == []
