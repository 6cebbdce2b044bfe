"""Comparing what arrived with what was sent, row by row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vestige.models import Domain, ScheduledMemory
from vestige.storage.row_objects import row_object
from vestige.storage.transfer_rows import key_text, row_key

if TYPE_CHECKING:
    from _hashlib import HASH
    from collections.abc import Sequence

    from vestige.models import JsonObject, TransferRow, TransferTable
    from vestige.transfer.copy_plan import CopyDestination, CopyReport


@dataclass(kw_only=True, slots=True)
class TableCheck:
    """The comparison of one table.

    Attributes:
        table: which one.
        report: counts and differences go there.
        has_vectors: whether vectors are to be equal as well; not when they were encoded anew.
    """

    table: TransferTable
    report: CopyReport
    has_vectors: bool
    _sent: HASH = field(default_factory=hashlib.sha256)
    _arrived: HASH = field(default_factory=hashlib.sha256)

    async def compare(self, rows: Sequence[TransferRow], destination: CopyDestination) -> None:
        """Compare rows with those of the same keys at the destination."""
        found = await destination.export_rows(self.table, [row_key(row) for row in rows])
        by_key = {row_key(row): self._object(row) for row in found}
        counts = self.report.tables[self.table]
        for row in rows:
            expected = self._object(row)
            arrived = by_key.get(row_key(row))
            self._sent.update(_canonical(expected))
            if arrived is None:
                counts.missing += 1
                self._differ(row, "is not there")
                continue
            self._arrived.update(_canonical(arrived))
            names = sorted(name for name in expected if expected[name] != arrived.get(name))
            if names:
                counts.different += 1
                self._differ(row, f"differs in {', '.join(names)}")
            else:
                counts.verified += 1

    def finish(self) -> None:
        """Put the hashes of both sides into the report."""
        counts = self.report.tables[self.table]
        counts.source_hash = self._sent.hexdigest()
        counts.destination_hash = self._arrived.hexdigest()

    def _object(self, row: TransferRow) -> JsonObject:
        if isinstance(row, ScheduledMemory) and not self.has_vectors:
            row = replace(row, record=replace(row.record, embedding=None, windows=()))
        if isinstance(row, Domain) and not self.has_vectors:
            row = replace(row, centroid=None)
        return row_object(self.table, row)

    def _differ(self, row: TransferRow, reason: str) -> None:
        self.report.differ(self.table, key_text(self.table, row), reason)


def _canonical(value: JsonObject) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
