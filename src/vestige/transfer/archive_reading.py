"""Reading a backup: strictly, in bounded memory, and saying where it is not as it was written."""

from __future__ import annotations

import hashlib
import io
import stat
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from vestige.errors import InvalidInputError, TransferError
from vestige.models import TransferTable
from vestige.storage.jsonl import Line, parse
from vestige.storage.row_objects import row_of
from vestige.storage.transfer_rows import check_row
from vestige.transfer.archive import (
    END,
    GZIP,
    HEADER_MAX_BYTES,
    NO_BACKUP_HINT,
    ArchiveHeader,
    end_of,
    header_of,
)
from vestige.transfer.restore import line_max_bytes

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from vestige.models import JsonObject, JsonValue, TransferRow

CHUNK_BYTES: Final = 1 << 16  # read and decompressed at once
MAGIC: Final = b"\x1f\x8b"  # how every gzip file begins
DAMAGED_HINT: Final = (
    "Use another backup, `vestige backup --list` lists them; no store was changed."
)
ORDER: Final = {table: number for number, table in enumerate(TransferTable)}


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveRow:
    """A row of a backup, and how many bytes its line has."""

    table: TransferTable
    row: TransferRow
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveInfo:
    """A backup that was read to its end and is as it was written.

    Attributes:
        path: its file.
        size_bytes: of the file.
        header: what it says of itself.
        checksum: SHA-256 of its lines, in hexadecimal.
    """

    path: Path
    size_bytes: int
    header: ArchiveHeader
    checksum: str


def read_header(path: Path) -> ArchiveHeader:
    """Read no more than the beginning of a backup.

    Raises:
        TransferError: it cannot be read, or is none.
    """
    with _opened(path) as archive:
        return archive.header


def read_rows(path: Path) -> Iterator[ArchiveRow]:
    """Yield the rows of a backup.

    Raises:
        TransferError: it cannot be read, or is not as it was written; the message says where.
    """
    with _opened(path) as archive:
        yield from archive.rows()


def verify(path: Path) -> ArchiveInfo:
    """Read all of a backup, check every row and the checksum, and write nothing.

    Raises:
        TransferError: it cannot be read, or is not as it was written; the message says where.
    """
    with _opened(path) as archive:
        for _ in archive.rows():
            pass
        return ArchiveInfo(
            path=path,
            size_bytes=path.stat().st_size,
            header=archive.header,
            checksum=archive.checksum,
        )


class _Archive:
    """An open backup; its header is read."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.checksum = ""
        self._path = path
        self._inflating = _Inflating(stream)
        self._stream = io.BufferedReader(self._inflating, CHUNK_BYTES)
        self._hash = hashlib.sha256()
        self._line_number = 0
        self._counts = dict.fromkeys(TransferTable, 0)
        line = self._line(HEADER_MAX_BYTES)
        try:
            self.header = header_of(self._value(line))
        except TransferError as error:
            raise TransferError(f"{path} is no backup: {error}", error.hint) from error
        self._hash.update(line)

    def rows(self) -> Iterator[ArchiveRow]:
        most = line_max_bytes(self.header.model)
        last = 0
        while True:
            line = self._line(most)
            value = self._value(line)
            if not isinstance(value, dict):
                raise self._damaged("is no JSON object")
            if END in value:
                self._check_end(value)
                return
            found = self._row(value, len(line))
            if ORDER[found.table] < last:
                raise self._damaged(f"has a row of {found.table} after those of later tables")
            last = ORDER[found.table]
            self._counts[found.table] += 1
            self._hash.update(line)
            yield found

    def _line(self, most: int) -> bytes:
        """Return the next line with its break."""
        self._line_number += 1
        try:
            line = self._stream.readline(most + 1)
        except zlib.error as error:
            raise self._damaged(f"cannot be decompressed ({error})") from error
        except OSError as error:
            raise _unreadable(self._path, error) from error
        if len(line) > most:
            raise self._damaged("is longer than a line can be")
        if not line.endswith(b"\n"):
            raise self._damaged("is cut off: the file ends before its last line")
        return line

    def _value(self, line: bytes) -> JsonValue:
        try:
            return parse(Line(number=self._line_number, data=line))
        except ValueError as error:
            raise self._damaged(str(error)) from None

    def _row(self, value: JsonObject, size_bytes: int) -> ArchiveRow:
        name = value.pop("table", None)
        if not isinstance(name, str) or name not in tuple(TransferTable):
            raise self._damaged(f"names the table {name!a}, which is unknown")
        table = TransferTable(name)
        try:
            row = row_of(table, value)
            check_row(table, row)
        except InvalidInputError as error:
            raise self._damaged(f"is no row of {table}: {error}") from error
        return ArchiveRow(table=table, row=row, size_bytes=size_bytes)

    def _check_end(self, value: JsonObject) -> None:
        try:
            end = end_of(value)
        except TransferError as error:
            raise self._damaged(f"is wrong: {error}") from error
        self.checksum = self._hash.hexdigest()
        if end.rows != self._counts or self.header.rows != self._counts:
            raise self._damaged("counts other rows than there are")
        if end.checksum != self.checksum:
            raise self._damaged("has another checksum than the lines above")
        self._check_nothing_follows()

    def _check_nothing_follows(self) -> None:
        try:
            rest = self._stream.read(1) or self._inflating.rest()
        except zlib.error as error:
            raise self._damaged(f"has a wrong end ({error})") from error
        if rest:
            raise self._damaged("is not the end: something follows it")
        if not self._inflating.is_ended:
            raise self._damaged("is cut off: the end of the compressed data is missing")

    def _damaged(self, problem: str) -> TransferError:
        """Return the error of a line, with the place in the file."""
        return TransferError(
            f"{self._path} is not as it was written: line {self._line_number}, at or before byte"
            f" {self._inflating.position}, {problem}",
            DAMAGED_HINT,
        )


class _Inflating(io.RawIOBase):
    """What a compressed stream holds; never more of it than is asked for."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.position = 0  # how many bytes of the stream were read
        self._stream = stream
        self._inflater = zlib.decompressobj(GZIP)

    @property
    def is_ended(self) -> bool:
        """Whether the end of the compressed data, with its own checksum, was read."""
        return self._inflater.eof

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]  # what BufferedReader gives
        data = b""
        while not data and not self._inflater.eof:
            piece = self._inflater.unconsumed_tail or self._read()
            # An empty piece still brings out what the inflater holds back.
            data = self._inflater.decompress(piece, len(buffer))
            if not piece and not data:
                break
        buffer[: len(data)] = data
        return len(data)

    def rest(self) -> bytes:
        """Return something of what follows the end, nothing when nothing does."""
        return self._inflater.unused_data or self._read()

    def _read(self) -> bytes:
        piece = self._stream.read(CHUNK_BYTES)
        self.position += len(piece)
        return piece


@contextmanager
def _opened(path: Path) -> Generator[_Archive]:
    try:
        # Asked before it is opened: opening a pipe would wait until somebody writes to it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise TransferError(f"{path} is no file", NO_BACKUP_HINT)
        stream = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    with stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise TransferError(f"{path} is no backup: it is not compressed", NO_BACKUP_HINT)
        stream.seek(0)
        yield _Archive(path, stream)


def _unreadable(path: Path, error: OSError) -> TransferError:
    return TransferError(
        f"{path} cannot be read: {error.strerror or error}",
        "Check the path and that you may read it; `vestige backup --list` lists backups.",
    )
