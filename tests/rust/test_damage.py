"""Damaged and hostile files: named loudly, read as far as that is safe, and never changed."""

from __future__ import annotations

import os
import sqlite3
import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from factories import ManualClock
from rust.files import (
    CREATED,
    a_file,
    add_node,
    add_vector,
    connect,
    execute,
    execute_many,
    memories,
    node_id,
    opened,
    read_all,
)
from sqlite.databases import fingerprint
from vestige.errors import InvalidInputError, StoreUnavailableError
from vestige.models import TransferTable
from vestige.storage.rust.source import RustSource

if TYPE_CHECKING:
    from pathlib import Path

PAGE_BYTES: Final = 4096
INSERT: Final = (
    "INSERT INTO knowledge_nodes (id, content, created_at, updated_at, last_accessed)"
    " VALUES (?, ?, ?, '', '')"
)


def a_large_file(path: Path, *, rows: int, text: str = "x" * 1000) -> Path:
    a_file(path)
    execute(path, "DROP TRIGGER knowledge_ai")
    execute_many(path, INSERT, [(node_id(number), text, CREATED) for number in range(rows)])
    return path


async def read_whole(path: Path) -> int:
    """Read all that a file gives; return how many memories that were."""
    before = fingerprint(path.parent)
    try:
        source = await RustSource.open(path, clock=ManualClock())
        try:
            found = await memories(source)
            for table in TransferTable:
                await read_all(source, table)
        finally:
            await source.close()
    finally:
        assert fingerprint(path.parent) == before
    return len(found)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
async def test_a_truncated_file_is_said_to_be_damaged(share: float, tmp_path: Path) -> None:
    path = a_large_file(tmp_path / "vestige.db", rows=200)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(StoreUnavailableError, match="is damaged") as caught:
        await read_whole(path)
    assert ".recover" in caught.value.hint


@pytest.mark.parametrize("missing", [1, 100, PAGE_BYTES, 3 * PAGE_BYTES, 10 * PAGE_BYTES])
async def test_a_file_without_its_end_is_read_whole_or_not_at_all(
    missing: int, tmp_path: Path
) -> None:
    path = a_large_file(tmp_path / "vestige.db", rows=200)
    os.truncate(path, path.stat().st_size - missing)
    try:
        assert await read_whole(path) == 200
    except StoreUnavailableError as error:
        assert "is damaged" in str(error)  # noqa: PT017  # either of the two is right


async def test_no_broken_page_is_read_as_something_else(tmp_path: Path) -> None:
    path = a_large_file(tmp_path / "vestige.db", rows=100)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 4 * PAGE_BYTES):
        broken = bytearray(whole)
        broken[place : place + PAGE_BYTES] = b"\x5a" * PAGE_BYTES
        path.write_bytes(broken)
        try:
            # A page that holds no row of a memory may be broken without doing harm.
            assert await read_whole(path) <= 100
        except StoreUnavailableError:
            refused += 1
    assert refused > 10


async def test_a_memory_whose_pages_are_broken_stays_behind_alone(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    execute(path, "DROP TRIGGER knowledge_ai")
    texts = ["first", "\N{SNOWMAN}" * 20_000, "last"]
    execute_many(path, INSERT, [(node_id(n), text, CREATED) for n, text in enumerate(texts)])
    with closing(connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # The long text fills a chain of pages: each begins with the number of the next one.
    data = bytearray(path.read_bytes())
    page = data.index("\N{SNOWMAN}".encode() * 1000) // PAGE_BYTES + 3
    data[page * PAGE_BYTES : page * PAGE_BYTES + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    async with opened(path) as source:
        found = [memory.record.content for memory in await memories(source)]
        (failure,) = source.report().failures
    assert found == ["first", "last"]
    assert failure.key == node_id(1)
    assert "is damaged" in failure.reason


async def test_a_length_that_the_file_cannot_hold_takes_no_memory(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    execute(path, "DROP TRIGGER knowledge_ai")
    execute_many(path, INSERT, [(node_id(1), "needle" * 2000, CREATED)])
    with closing(connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    # The header of a record holds the type of each column: of a text, 13 + 2 * its length. The
    # length of the whole record stands before it. Both become about a gigabyte.
    length = varint(13 + 2 * 12_000)
    place = data.rindex(length, 0, data.index(b"needle"))
    data[place : place + len(length)] = b"\xff" * (len(length) - 1) + b"\x7f"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        async with opened(path) as source:
            assert not await memories(source)
            assert source.report().failure_counts == {TransferTable.KNOWLEDGE_NODES: 1}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


def varint(number: int) -> bytes:
    """Return a number as SQLite writes it into a record: 7 bits a byte, the highest first."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | (number & 0x7F))
    return bytes(reversed(digits))


async def test_a_vector_that_is_too_long_is_not_loaded(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path, 1))
    add_vector(path, add_node(path, 2), data=b"\0" * 30_000_000)
    tracemalloc.start()
    try:
        async with opened(path) as source:
            first, second = await memories(source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert first.record.embedding is not None
    assert second.record.embedding is None
    assert peak < 40_000_000


async def test_memory_is_bounded_by_the_page_and_not_by_the_file(tmp_path: Path) -> None:
    path = a_large_file(tmp_path / "vestige.db", rows=3000, text="y" * 10_000)
    source = await RustSource.open(path, clock=ManualClock())
    tracemalloc.start()
    try:
        after: str | None = None
        count = 0
        while True:
            page = await source.export_page(TransferTable.KNOWLEDGE_NODES, after=after, limit=100)
            count += len(page.rows)
            after = page.next_after
            if after is None:
                break
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await source.close()
    assert count == 3000
    assert peak < 10_000_000


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_page_has_1_to_1000_rows(limit: int, tmp_path: Path) -> None:
    async with opened(a_file(tmp_path / "vestige.db")) as source:
        with pytest.raises(InvalidInputError, match="limit"):
            await source.export_page(TransferTable.EDGES, limit=limit)


@pytest.mark.parametrize("after", ["", "x", "[]", '["a"]', "[1,2]", "{}"])
async def test_a_place_that_no_page_named_is_refused(after: str, tmp_path: Path) -> None:
    async with opened(a_file(tmp_path / "vestige.db")) as source:
        with pytest.raises(InvalidInputError, match="next_after"):
            await source.export_page(TransferTable.KNOWLEDGE_NODES, after=after)


async def test_a_page_whose_rows_all_fail_is_not_the_last(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    for number in range(4):
        add_node(path, number, content="" if number < 2 else "fine")
    async with opened(path) as source:
        page = await source.export_page(TransferTable.KNOWLEDGE_NODES, limit=2)
        assert not page.rows
        assert page.next_after is not None
        rest = await source.export_page(
            TransferTable.KNOWLEDGE_NODES, after=page.next_after, limit=500
        )
        assert (len(rest.rows), rest.next_after) == (2, None)


async def test_a_schema_made_to_run_something_runs_nothing(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    with closing(connect(path)) as db, db:
        db.execute("ALTER TABLE knowledge_nodes ADD COLUMN trap AS (upper(content))")
        db.execute("CREATE VIEW trap_view AS SELECT load_extension('/tmp/evil.so')")
        db.execute("CREATE TABLE trap_table (name TEXT)")
        db.execute("INSERT INTO trap_table VALUES ('x')")
        db.execute('CREATE TABLE "a""; DROP TABLE knowledge_nodes; --" (name TEXT)')
        db.execute('INSERT INTO "a""; DROP TABLE knowledge_nodes; --" VALUES (1)')
    add_node(path)
    async with opened(path) as source:
        (memory,) = await memories(source)
        skipped = {table.name: table.rows for table in source.report().skipped}
    assert memory.record.metadata["trap"] == "MEMORY 1"
    assert skipped["trap_table"] == skipped['a"; DROP TABLE knowledge_nodes; --'] == 1


async def test_a_table_that_lost_its_columns_is_skipped_with_the_reason(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    execute(path, "DROP TABLE memory_connections")
    execute(path, "CREATE TABLE memory_connections (source_id TEXT, strength REAL)")
    execute(path, "INSERT INTO memory_connections VALUES ('a', 1.0)")
    async with opened(path) as source:
        assert (await source.counts())[TransferTable.EDGES] == 0
        assert not await read_all(source, TransferTable.EDGES)
        reasons = {table.name: table.reason for table in source.report().skipped}
    assert reasons["memory_connections"] == (
        "cannot be read: it has no column link_type, target_id"
    )


async def test_rows_with_negative_places_are_read(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    execute(path, "DROP TRIGGER knowledge_ai")
    add_node(path, 1, rowid=-(2**63))
    add_node(path, 2, rowid=2**63 - 1)
    async with opened(path) as source:
        assert len(await memories(source)) == 2


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def test_the_driver_returns_texts_that_are_no_utf_8() -> None:
    # What this source needs of the standard library's driver, and the other one has not.
    with closing(sqlite3.connect(":memory:")) as db:
        db.text_factory = decoded
        assert db.execute("SELECT CAST(x'ff' AS TEXT)").fetchone() == ("\udcff",)
