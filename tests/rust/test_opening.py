"""Which files are opened, how they stay untouched, and what the others are told."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from factories import ManualClock, a_memory
from rust.files import a_file, add_node, execute, memories, opened
from sqlite.databases import OTHER_PROGRAM, fingerprint, run_sql
from vestige.errors import StoreUnavailableError
from vestige.models import TransferTable
from vestige.storage.rust.source import RustSource
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


def noise(size: int) -> bytes:
    """Return bytes that look like chance, the same ones every time."""
    return hashlib.shake_256(b"noise").digest(size)


async def refusal(path: Path) -> StoreUnavailableError:
    """Return why a file is not opened; nothing in its folder may change by trying."""
    before = fingerprint(path.parent)
    with pytest.raises(StoreUnavailableError) as caught:
        await RustSource.open(path, clock=ManualClock())
    assert fingerprint(path.parent) == before
    return caught.value


async def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    assert str(await refusal(path)) == f"{path} does not exist"


async def test_a_folder_is_refused_with_the_name_of_the_file_in_it(tmp_path: Path) -> None:
    error = await refusal(tmp_path)
    assert str(error) == f"{tmp_path} is a folder, not a database file"
    assert str(tmp_path / "vestige.db") in error.hint


async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "vestige.db")
    assert "not a regular file" in str(await refusal(tmp_path / "vestige.db"))


async def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    path.symlink_to(path)
    assert "cannot be read" in str(await refusal(path))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"hello, this is a letter\n" * 100, "is not a SQLite database"),
        (gzip.compress(noise(8192), mtime=0)[:4096], "is not a SQLite"),
        (b"SQLite format 3\0", "ends within its header"),
        (b"SQLite format 3\0" + bytes(4080), "is damaged"),
    ],
    ids=["empty", "text", "gzip", "only magic", "zeros"],
)
async def test_what_is_no_database_is_named_for_what_it_is(
    data: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "vestige.db"
    path.write_bytes(data)
    assert said in str(await refusal(path))


@pytest.mark.parametrize("size", [1024, 4096, 40_960])
async def test_an_encrypted_file_is_recognised_and_the_way_on_is_named(
    size: int, tmp_path: Path
) -> None:
    path = tmp_path / "vestige.db"
    path.write_bytes(noise(size))
    error = await refusal(path)
    assert "is encrypted (SQLCipher)" in str(error)
    assert "Decrypt it first" in error.hint
    assert "export" in error.hint


async def test_a_store_of_our_own_is_sent_to_its_own_reader(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    await store.init()
    # While it is open here, not even a look at its first bytes is safe.
    assert "--from sqlite" in (await refusal(path)).hint
    await store.insert(a_memory("still there"))
    assert await store.count() == 1
    await store.close()
    error = await refusal(path)
    assert "is a store of this program" in str(error)
    assert "--from sqlite" in error.hint


async def test_another_programs_database_is_named_by_a_table(tmp_path: Path) -> None:
    path = tmp_path / "cookbook.db"
    run_sql(path, OTHER_PROGRAM)
    assert str(await refusal(path)) == (
        f"{path} is a database of another program: it has the table recipes"
    )


async def test_a_table_of_the_right_name_is_not_enough(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    execute(path, "CREATE TABLE knowledge_nodes (id TEXT, content TEXT)")
    assert "of another program" in str(await refusal(path))


async def test_a_view_is_not_taken_for_the_table(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    execute(path, "CREATE TABLE schema_version (version INTEGER)")
    execute(path, "CREATE VIEW knowledge_nodes AS SELECT 1 AS id, 2 AS content")
    assert "of another program" in str(await refusal(path))


async def test_a_missing_column_that_nothing_can_stand_for_is_named(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    execute(path, "CREATE TABLE knowledge_nodes (id TEXT, stability REAL)")
    assert "has no column content" in str(await refusal(path))


async def test_a_database_without_tables_is_said_to_have_none(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    execute(path, "CREATE TABLE gone (name TEXT)")
    execute(path, "DROP TABLE gone")
    assert "without a table" in str(await refusal(path))


async def test_rows_that_are_only_in_the_log_are_read(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, 1)
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.executemany(
            "INSERT INTO knowledge_nodes (id, content, created_at, updated_at, last_accessed)"
            " VALUES (printf('00000000-0000-4000-8000-%012x', ?), 'late', '2026', '', '')",
            [(number,) for number in range(2, 10_002)],
        )
        writer.commit()
        assert (path.parent / "vestige.db-wal").stat().st_size > path.stat().st_size
        async with opened(path) as source:
            assert (await source.counts())[TransferTable.KNOWLEDGE_NODES] == 10_001


async def test_a_file_is_read_in_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path)
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        async with opened(path) as source:
            assert len(await memories(source)) == 1
    finally:
        tmp_path.chmod(0o700)


async def test_a_link_leads_to_the_file_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = a_file(tmp_path / "real" / "vestige.db")
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        add_node(path)
        async with opened(link) as source:
            assert len(await memories(source)) == 1


async def test_the_copy_is_private_and_gone_after_the_last_close(
    copies: Path, tmp_path: Path
) -> None:
    source = await RustSource.open(a_file(tmp_path / "vestige.db"), clock=ManualClock())
    (folder,) = copies.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await source.close()
    assert not list(copies.iterdir())
    await source.close()
    with pytest.raises(StoreUnavailableError, match="is closed"):
        await source.counts()


async def test_a_caller_that_gives_up_leaves_no_copy(copies: Path, tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    task = asyncio.create_task(RustSource.open(path, clock=ManualClock()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not list(copies.iterdir())


async def test_a_missing_temporary_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert "TMPDIR" in (await refusal(path)).hint


def test_starting_the_program_loads_nothing_of_it() -> None:
    code = (
        "import sys, vestige, vestige.cli.app;"
        "print([name for name in sys.modules if 'storage.rust' in name or name == 'sqlite3'])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        timeout=60,
    )
    assert run.stdout.strip() == "[]"
