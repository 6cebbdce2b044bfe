"""Exports as bytes, and imports of them, for tests."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from vestige.storage.jsonl import LineReader
from vestige.transfer.export import export_lines
from vestige.transfer.restore import LineFailure, RestoreReport, read_header, restore

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore


async def exported(store: MemoryStore) -> bytes:
    """Return the whole export of a store."""
    return b"".join([line async for line in export_lines(store)])


async def imported(
    store: MemoryStore, data: bytes
) -> tuple[dict[str, tuple[int, int, int, int]], list[LineFailure]]:
    """Import bytes; return the counts (read, written, present, failed) of tables, and failures."""
    failures: list[LineFailure] = []
    report = RestoreReport(on_failure=failures.append)
    lines = LineReader(io.BytesIO(data))
    await restore(store, read_header(lines), lines, report)
    counts = {
        table.value: (counts.read, counts.written, counts.present, counts.failed)
        for table, counts in report.tables.items()
        if counts.read
    }
    assert report.failed == len(failures)
    return counts, failures
