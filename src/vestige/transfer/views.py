"""What an import did, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.models import JsonObject
    from vestige.transfer.restore import LineFailure, RestoreReport


def restore_view(report: RestoreReport, failures: Sequence[LineFailure]) -> JsonObject:
    """Return the counts of every table, and the lines that could not be imported."""
    return {
        "tables": {
            table.value: {
                "read": counts.read,
                "written": counts.written,
                "present": counts.present,
                "failed": counts.failed,
            }
            for table, counts in report.tables.items()
        },
        "unreadable": report.unreadable,
        "failures": [
            {
                "line": failure.line,
                "table": None if failure.table is None else failure.table.value,
                "reason": failure.reason,
            }
            for failure in failures
        ],
    }
