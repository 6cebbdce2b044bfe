"""The private copy of a file: whole, of one moment, and given up when there is none."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factories import ManualClock
from rust.files import a_file
from vestige.errors import StoreUnavailableError
from vestige.storage.rust.files import check_file
from vestige.storage.rust.source import RustSource
from vestige.storage.sqlite import snapshot
from vestige.storage.sqlite.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable


def writing(db: sqlite3.Connection, times: int) -> Callable[[float], None]:
    """Return a pause in which somebody writes to the file, the first so many times."""
    count = 0

    def pause(seconds: float) -> None:
        nonlocal count
        if seconds == 0 and count < times:
            count += 1
            db.execute("INSERT INTO insights VALUES (?, 'found', '[]')", (str(count),))
            db.execute("PRAGMA wal_checkpoint(PASSIVE)" if count % 2 else "SELECT 1")

    return pause


def test_a_file_that_changes_while_it_is_copied_is_copied_again(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    copy = Snapshot(path, check_file)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        copy.take(pause=writing(db, times=9))
        with closing(sqlite3.connect(copy.path)) as copied:
            assert copied.execute("SELECT count(*) FROM insights").fetchone() == (9,)
            assert copied.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()


def test_a_file_that_never_rests_is_given_up_with_the_reason(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    copy = Snapshot(path, check_file)
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as db,
        pytest.raises(StoreUnavailableError, match="a process is writing to it"),
    ):
        copy.take(pause=writing(db, times=10_000))
    copy.close()


def at_the_call(number: int, act: Callable[[], object]) -> Callable[[float], None]:
    """Return a pause that does something once, the first attempt's calls counted from 0."""
    count = 0

    def pause(seconds: float) -> None:
        nonlocal count
        if count == number:
            act()
        count += 1
        assert seconds == 0 or count > number

    return pause


def test_bytes_that_change_without_a_new_time_are_noticed(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    status = path.stat()

    def change() -> None:
        with path.open("r+b") as file:
            file.seek(60)  # the place of the user version in the header
            file.write(b"\x07")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    copy = Snapshot(path, check_file)
    copy.take(pause=at_the_call(1, change))  # the file has been read, and not yet compared
    assert copy.path.read_bytes() == path.read_bytes()
    copy.close()


def test_a_log_that_appears_after_the_copy_is_noticed(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    copy = Snapshot(path, check_file)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        insert = "INSERT INTO insights VALUES ('late', 'found', '[]')"
        copy.take(pause=at_the_call(2, lambda: db.execute(insert)))  # all has been compared
        with closing(sqlite3.connect(copy.path)) as copied:
            assert copied.execute("SELECT id FROM insights").fetchall() == [("late",)]
    copy.close()


def another_digest(*_: object) -> bytes:
    return b"that of other bytes"


async def test_a_caller_that_gives_up_does_not_wait_for_a_file_to_rest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    monkeypatch.setattr(snapshot, "WAITS_SECONDS", (3600.0,))
    monkeypatch.setattr(snapshot, "_digest", another_digest)
    task = asyncio.create_task(RustSource.open(path, clock=ManualClock()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_says_how_much_space_there_is(tmp_path: Path) -> None:
    copy = Snapshot(a_file(tmp_path / "vestige.db"), check_file)
    try:
        copy.path.symlink_to("/dev/full")
        with pytest.raises(StoreUnavailableError, match="No space left") as caught:
            copy.take(pause=lambda _: None)
        assert "bytes free" in caught.value.hint
    finally:
        copy.close()


def test_a_rollback_journal_goes_along(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    shutil.copy(path, tmp_path / "vestige.db-journal")
    copy = Snapshot(path, check_file)
    try:
        copy.take(pause=lambda _: None)
        assert Path(f"{copy.path}-journal").exists()
    finally:
        copy.close()
