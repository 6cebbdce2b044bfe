"""Backups that were cut off, changed or made up are refused, with the place, in little memory."""

from __future__ import annotations

import gzip
import json
import os
import re
import tracemalloc
from typing import TYPE_CHECKING, Final

import pytest

from factories import a_memory, a_signature
from filled_store import fill
from transfer.archives import NO_ROWS, a_backup_of, a_header, an_archive, backed_up, lines_of
from vestige.cognition.fsrs import initial_state
from vestige.errors import TransferError
from vestige.models import ScheduledMemory, TransferTable
from vestige.storage.row_objects import row_object
from vestige.storage.sqlite.store import SqliteStore
from vestige.transfer.archive import rows_object
from vestige.transfer.archive_reading import read_header, verify

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.models import JsonObject, JsonValue
    from vestige.transfer.archive_reading import ArchiveInfo

PLACE: Final = re.compile(r"line \d+, at or before byte \d+")
GZIP_HEADER_BYTES: Final = 10  # time, system and level are in it, which say nothing of the rows
BLOCKS: Final = 3  # of compressed data in a small backup
MEGABYTE: Final = 1_000_000
REST: Final = {
    "a zero byte": b"\0",
    "a letter": b"x",
    "another member": gzip.compress(b"more\n", mtime=0),
    "an empty member": gzip.compress(b"", mtime=0),
}


@pytest.fixture
async def path(tmp_path: Path) -> AsyncGenerator[Path]:
    """A backup of a store with something in every table."""
    store = await SqliteStore.open(tmp_path / "vestige.db")
    await store.register_model(a_signature())
    await fill(store)
    yield (await backed_up(store, tmp_path / "backup.jsonl.gz")).path
    await store.close()


def a_line(**changed: str) -> bytes:
    record = a_memory("one")
    row = ScheduledMemory(record=record, scheduling=initial_state(record.id, record.created_at))
    value: JsonObject = {**row_object(TransferTable.KNOWLEDGE_NODES, row), **changed}
    return json.dumps(value).encode() + b"\n"


def refusal(path: Path) -> str:
    with pytest.raises(TransferError) as raised:
        verify(path)
    assert str(path) in str(raised.value)
    assert raised.value.hint
    return str(raised.value)


def verified(path: Path) -> ArchiveInfo | None:
    """Return a backup, None when it is refused with the place."""
    try:
        return verify(path)
    except TransferError as error:
        message = str(error)
    assert PLACE.search(message) or "it is not compressed" in message
    return None


def test_a_whole_backup_is_read_to_its_end(path: Path) -> None:
    info = verify(path)
    assert info.header == read_header(path)
    assert info.size_bytes == path.stat().st_size
    assert info.header.model == a_signature()
    counted = {table.value: 0 for table in TransferTable}
    for line in lines_of(path)[1:-1]:
        counted[json.loads(line)["table"]] += 1
    assert rows_object(info.header.rows) == counted
    assert all(counted.values())


def test_a_backup_that_is_cut_off_anywhere_is_refused_with_the_place(path: Path) -> None:
    data = path.read_bytes()
    for length in (*range(0, len(data), 10), len(data) - 1):
        path.write_bytes(data[:length])
        message = refusal(path)
        assert PLACE.search(message) or length < GZIP_HEADER_BYTES, message


def test_a_backup_with_a_flipped_bit_anywhere_is_refused(path: Path) -> None:
    data, whole = path.read_bytes(), verify(path)
    assert len(data) > 1000
    unnoticed = 0
    for position in range(GZIP_HEADER_BYTES, len(data), 3):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        found = verified(path)
        if found is not None:
            # Compressed blocks are filled up to whole bytes; what with says nothing.
            assert found == whole
            unnoticed += 1
    assert unnoticed <= BLOCKS


def test_a_flipped_bit_of_the_compressed_header_changes_no_row_or_is_refused(path: Path) -> None:
    data, whole = path.read_bytes(), verify(path)
    for bit in range(8 * GZIP_HEADER_BYTES):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert verified(path) in (None, whole)


@pytest.mark.parametrize("rest", list(REST.values()), ids=list(REST))
def test_what_follows_the_end_is_refused(path: Path, rest: bytes) -> None:
    path.write_bytes(path.read_bytes() + rest)
    assert "something follows it" in refusal(path)


def test_lines_that_were_swapped_changed_or_taken_away_are_noticed(path: Path) -> None:
    lines = lines_of(path)
    for number in range(1, len(lines) - 1):
        path.write_bytes(gzip.compress(b"".join(lines[:number] + lines[number + 1 :])))
        assert "counts other rows than there are" in refusal(path)
    changed = [line.replace(b'"memory 1"', b'"memory X"') for line in lines]
    assert changed != lines
    path.write_bytes(gzip.compress(b"".join(changed)))
    assert "another checksum" in refusal(path)
    path.write_bytes(gzip.compress(b"".join([lines[0], *reversed(lines[1:-1]), lines[-1]])))
    assert "after those of later tables" in refusal(path)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"not json\n", "is not JSON"),
        (b"[]\n", "is no JSON object"),
        (b"\n", "is not JSON"),
        (b'{"a": "\xff"}\n', "is not UTF-8"),
        (b"[" * 100_000 + b"\n", "is nested too deeply"),
        (b'{"table": "../../etc/passwd"}\n', "which is unknown"),
        (b'{"table": ["users"]}\n', "which is unknown"),
        (b"{}\n", "which is unknown"),
        (a_line(id="../../x"), "is not an id"),
        (a_line(content=""), "is no row of knowledge_nodes"),
        (a_line(path="/etc/passwd"), "is no row of knowledge_nodes"),
    ],
)
def test_a_line_that_is_no_row_is_refused_although_the_checksum_is_right(
    tmp_path: Path, line: bytes, problem: str
) -> None:
    message = refusal(a_backup_of(tmp_path / "made-up.jsonl.gz", [a_line(), line]))
    assert problem in message
    assert "line 3" in message


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"vestige_backup": 2}, "has format 2"),
        ({"vestige_backup": True}, "has format True"),
        ({"vestige_backup": None}, "is not the header of a backup"),
        ({"created_at": "yesterday"}, "its header is wrong: created_at"),
        ({"created_at": None}, "its header is wrong: created_at"),
        ({"model": {"name": "x"}}, "its header is wrong"),
        ({"model": {"name": "x", "dimension": 10**9, "hash": "a" * 64}}, "its header is wrong"),
        ({"version": 1}, "lacks a field"),
        ({"rows": {"users": None}}, "how many rows users has"),
        ({"rows": {**rows_object(NO_ROWS), "users": -1}}, "how many rows users has"),
        ({"rows": {**rows_object(NO_ROWS), "users": 1.5}}, "how many rows users has"),
        ({"rows": {**rows_object(NO_ROWS), "secrets": 1}}, "does not know"),
        ({"rows": {**rows_object(NO_ROWS), "users": 1}}, "counts other rows"),
    ],
)
def test_a_header_that_says_something_else_is_refused(
    tmp_path: Path, changed: JsonObject, problem: str
) -> None:
    header = {**a_header(), **changed}
    end: JsonObject = {"rows": rows_object(NO_ROWS)}
    assert problem in refusal(an_archive(tmp_path / "x.jsonl.gz", header, [], end))


def test_a_backup_of_a_version_with_fewer_tables_is_read(tmp_path: Path) -> None:
    nodes: JsonObject = {"knowledge_nodes": 1}
    header = {**a_header(), "rows": nodes}
    info = verify(an_archive(tmp_path / "x.jsonl.gz", header, [a_line()], {"rows": nodes}))  # pyright: ignore[reportArgumentType]  # a JSON object
    assert info.header.rows == {**NO_ROWS, TransferTable.KNOWLEDGE_NODES: 1}


@pytest.mark.parametrize("end", [{}, {"rows": []}, {"rows": rows_object(NO_ROWS), "sha256": 1}])
def test_an_end_that_lacks_something_is_refused(tmp_path: Path, end: JsonObject) -> None:
    assert "is wrong" in refusal(an_archive(tmp_path / "x.jsonl.gz", a_header(), [], end))


@pytest.mark.parametrize("version", [2, True, None])
def test_an_end_of_another_format_than_the_header_is_refused(
    tmp_path: Path, version: JsonValue
) -> None:
    end: JsonObject = {"rows": rows_object(NO_ROWS), "vestige_backup_end": version}
    message = refusal(an_archive(tmp_path / "x.jsonl.gz", a_header(), [], end))
    assert PLACE.search(message)
    assert f"its last line has format {version!r}" in message


@pytest.mark.parametrize("filler", [b"\n", b" ", b"0"])
def test_a_file_that_decompresses_to_a_gigabyte_is_refused_in_little_memory(
    tmp_path: Path, filler: bytes
) -> None:
    bomb = tmp_path / "bomb.jsonl.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(json.dumps(a_header()).encode() + b"\n")
        for _ in range(200):
            file.write(filler * MEGABYTE)
    tracemalloc.start()
    refusal(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * MEGABYTE


def test_the_first_line_of_a_bomb_is_not_read_to_its_end(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.jsonl.gz"
    bomb.write_bytes(gzip.compress(b"{" + b" " * 50 * MEGABYTE))
    tracemalloc.start()
    with pytest.raises(TransferError, match="longer than a line can be"):
        read_header(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEGABYTE


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, tmp_path / "missing"):
        assert "no file" in refusal(path) or "cannot be read" in refusal(path)


def test_a_file_of_another_kind_is_named_as_none(tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl.gz"
    other.write_bytes(b'{"vestige_export":1,"model":null}\n')
    assert "is no backup: it is not compressed" in refusal(other)
    other.write_bytes(gzip.compress(b'{"vestige_export":1,"model":null}\n'))
    assert "is not the header of a backup" in refusal(other)
