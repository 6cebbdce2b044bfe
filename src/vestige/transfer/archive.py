"""The form of a backup: a header, a line a row and a last line with a checksum, compressed.

The file is what gzip makes of lines of JSON, so that `zcat` shows it anywhere. The lines of rows
are those of an export, table by table; the last line says how many there are, and the SHA-256 of
all bytes before it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, cast

from vestige.errors import InvalidInputError, TransferError
from vestige.models import TransferTable
from vestige.storage.encoding import time_text
from vestige.storage.row_values import TIME
from vestige.transfer.restore import signature_of_header

if TYPE_CHECKING:
    from _hashlib import HASH
    from datetime import datetime

    from vestige.models import JsonObject, JsonValue, ModelSignature

FORMAT: Final = "vestige_backup"  # the field of the first line that holds the version
FORMAT_VERSION: Final = 1
HEADER_MAX_BYTES: Final = 64_000
END: Final = "vestige_backup_end"  # the field of the last line that holds the version
GZIP: Final = 31  # what zlib calls a gzip file with the largest window
COMPRESSION_LEVEL: Final = 6
NO_BACKUP_HINT: Final = (
    "Name a file that `vestige backup` wrote; `vestige backup --list` lists them."
)
COUNT_MAX: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveHeader:
    """What the first line of a backup says.

    Attributes:
        version: of the program that wrote it.
        backend: on which the store was.
        created_at: when the state of the store was taken.
        model: of the vectors, None without vectors.
        rows: how many each table has.
    """

    version: str
    backend: str
    created_at: datetime
    model: ModelSignature | None
    rows: dict[TransferTable, int]


class ArchiveWriter:
    """Writes a backup to a stream; holds no more than one call gives it."""

    def __init__(self, stream: IO[bytes], header: ArchiveHeader) -> None:
        self._stream = stream
        self._compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, GZIP)
        self._checksum: HASH = hashlib.sha256()
        self._rows = dict.fromkeys(TransferTable, 0)
        self._add(line_of(header_object(header)))
        # So that the header can be read when no more than the first bytes are.
        stream.write(self._compressor.flush(zlib.Z_SYNC_FLUSH))
        stream.flush()

    def add_row(self, table: TransferTable, line: bytes) -> None:
        """Write the line of a row."""
        self._rows[table] += 1
        self._add(line)

    def finish(self) -> str:
        """Write the last line; return the checksum."""
        checksum = self._checksum.hexdigest()
        end = line_of(end_object(self._rows, checksum))
        self._stream.write(self._compressor.compress(end) + self._compressor.flush())
        return checksum

    def _add(self, data: bytes) -> None:
        """Write what the checksum covers."""
        self._checksum.update(data)
        self._stream.write(self._compressor.compress(data))


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveEnd:
    """What the last line of a backup says.

    Attributes:
        rows: how many each table has.
        checksum: SHA-256 of all lines before it, in hexadecimal.
    """

    rows: dict[TransferTable, int]
    checksum: str


def line_of(value: JsonObject) -> bytes:
    """Return an object as a line of JSON, its break included."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"{text}\n".encode()


def header_object(header: ArchiveHeader) -> JsonObject:
    """Return a header as JSON."""
    model = header.model
    return {
        FORMAT: FORMAT_VERSION,
        "version": header.version,
        "backend": header.backend,
        "created_at": time_text(header.created_at),
        "model": None
        if model is None
        else {"name": model.name, "dimension": model.dimension, "hash": model.hash},
        "rows": rows_object(header.rows),
    }


def header_of(value: JsonValue) -> ArchiveHeader:
    """Return the header of a first line.

    Raises:
        TransferError: it is none, or one of a newer format.
    """
    version = value.get(FORMAT) if isinstance(value, dict) else None
    if not isinstance(value, dict) or version is None:
        raise TransferError("its first line is not the header of a backup", NO_BACKUP_HINT)
    if isinstance(version, bool) or version != FORMAT_VERSION:
        raise TransferError(
            f"it has format {version!r}, this version of vestige reads {FORMAT_VERSION}",
            "Install the version of vestige that wrote it, or a newer one.",
        )
    match value:
        case {"version": str(program), "backend": str(backend), "rows": dict(rows)}:
            try:
                time = cast("datetime", TIME.read("created_at", value.get("created_at")))
                model = signature_of_header(value.get("model"))
            except (InvalidInputError, TransferError) as error:
                raise TransferError(f"its header is wrong: {error}", NO_BACKUP_HINT) from error
            return ArchiveHeader(
                version=program,
                backend=backend,
                created_at=time,
                model=model,
                rows=_counts_of(rows),
            )
        case _:
            raise TransferError("its header lacks a field", NO_BACKUP_HINT)


def rows_object(rows: dict[TransferTable, int]) -> JsonObject:
    """Return how many rows each table has as JSON."""
    return {table.value: rows[table] for table in TransferTable}


def end_object(rows: dict[TransferTable, int], checksum: str) -> JsonObject:
    """Return the last line as JSON."""
    return {END: FORMAT_VERSION, "rows": rows_object(rows), "sha256": checksum}


def end_of(value: JsonObject) -> ArchiveEnd:
    """Return what a last line says.

    Raises:
        TransferError: it lacks something, or is of another format than the header.
    """
    version = value.get(END)
    if isinstance(version, bool) or version != FORMAT_VERSION:
        raise TransferError(
            f"its last line has format {version!r}, its first one {FORMAT_VERSION}", NO_BACKUP_HINT
        )
    match value:
        case {"rows": dict(rows), "sha256": str(checksum)}:
            return ArchiveEnd(rows=_counts_of(rows), checksum=checksum)
        case _:
            raise TransferError("its last line lacks a field", NO_BACKUP_HINT)


def _counts_of(value: JsonObject) -> dict[TransferTable, int]:
    counts: dict[TransferTable, int] = {}
    for table in TransferTable:
        count = value.get(table.value, 0)  # an older version did not have every table
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= COUNT_MAX:
            raise TransferError(f"it does not say how many rows {table} has", NO_BACKUP_HINT)
        counts[table] = count
    if not value.keys() <= set(TransferTable):
        raise TransferError(
            "it has a table that this version does not know",
            "Install the version of vestige that wrote it, or a newer one.",
        )
    return counts
