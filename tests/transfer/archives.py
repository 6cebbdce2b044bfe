"""Backups for tests: made, and put together by hand."""

from __future__ import annotations

import gzip
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from factories import START, ManualClock, a_signature
from vestige.models import TransferTable
from vestige.storage.row_objects import row_object
from vestige.transfer.archive import (
    END,
    FORMAT_VERSION,
    ArchiveHeader,
    header_object,
    line_of,
    rows_object,
)
from vestige.transfer.backup import back_up

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.models import JsonObject
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.archive_reading import ArchiveInfo

NO_ROWS: Final = dict.fromkeys(TransferTable, 0)


async def backed_up(
    store: MemoryStore, path: Path, clock: ManualClock | None = None
) -> ArchiveInfo:
    return await back_up(store, path, backend="sqlite", clock=clock or ManualClock())


def a_header(rows: dict[TransferTable, int] = NO_ROWS) -> JsonObject:
    header = ArchiveHeader(
        version="0.1.0", backend="sqlite", created_at=START, model=a_signature(), rows=rows
    )
    return header_object(header)


def an_archive(path: Path, header: JsonObject, lines: list[bytes], end: JsonObject) -> Path:
    """Write a backup whose checksum is right, whatever its lines are."""
    data = line_of(header) + b"".join(lines)
    end = {END: FORMAT_VERSION, "sha256": sha256(data).hexdigest(), **end}
    path.write_bytes(gzip.compress(data + line_of(end)))
    return path


def a_backup_of(path: Path, lines: list[bytes]) -> Path:
    """Write a backup of lines that says that they are memories."""
    rows = {**NO_ROWS, TransferTable.KNOWLEDGE_NODES: len(lines)}
    return an_archive(path, a_header(rows), lines, {"rows": rows_object(rows)})


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


async def whole(store: MemoryStore) -> dict[TransferTable, list[JsonObject]]:
    """Return everything that a store holds, in an order that does not depend on the backend."""
    return {
        table: sorted(
            (row_object(table, row) for row in (await store.export_page(table, limit=1000)).rows),
            key=repr,
        )
        for table in TransferTable
    }
