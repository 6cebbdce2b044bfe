"""A backup as something to copy from: its rows, page by page."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from vestige.models import TransferPage, TransferTable
from vestige.transfer.archive_reading import ORDER, ArchiveRow, read_header, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vestige.models import ModelSignature, TransferRow

PAGE_BYTES: Final = 32_000_000  # of lines, after which a page ends


class ArchiveSource:
    """A `RowSource` that is read from front to back; going back reads it anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: Iterator[ArchiveRow] = iter(())
        self._ahead: ArchiveRow | None = None
        self._passed: Counter[TransferTable] | None = None  # rows since the front, None before it

    async def registered_model(self) -> ModelSignature | None:
        """Return the model that the header names."""
        return (await asyncio.to_thread(read_header, self._path)).model

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        """Return one page of a table; `after` is how many of its rows come before."""
        return await asyncio.to_thread(self._page, table, int(after or 0), limit)

    def _page(self, table: TransferTable, start: int, limit: int) -> TransferPage:
        passed = self._sought(table, start)
        rows: list[TransferRow] = []
        size_bytes = 0
        while self._ahead is not None and self._ahead.table is table:
            if len(rows) >= limit or size_bytes >= PAGE_BYTES:
                return TransferPage(rows=tuple(rows), next_after=str(passed[table]))
            rows.append(self._ahead.row)
            size_bytes += self._ahead.size_bytes
            self._step(passed)
        return TransferPage(rows=tuple(rows), next_after=None)

    def _sought(self, table: TransferTable, start: int) -> Counter[TransferTable]:
        """Go to a row of a table; return how many rows of each were passed."""
        passed = self._passed
        if passed is None or passed[table] > start:
            self._rows = read_rows(self._path)
            self._ahead = next(self._rows, None)
            passed = self._passed = Counter()
        while self._ahead is not None and (
            ORDER[self._ahead.table] < ORDER[table]
            or (self._ahead.table is table and passed[table] < start)
        ):
            self._step(passed)
        return passed

    def _step(self, passed: Counter[TransferTable]) -> None:
        if self._ahead is not None:
            passed[self._ahead.table] += 1
        self._ahead = next(self._rows, None)
