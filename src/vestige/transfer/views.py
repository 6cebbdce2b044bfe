"""What an import and a copy did, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.models import JsonObject, ModelSignature, RefusedMemory
    from vestige.storage.rust.findings import SourceReport
    from vestige.transfer.copy_plan import CopyFailure, CopyReport
    from vestige.transfer.reembedding import ReembedReport
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


def copy_view(report: CopyReport) -> JsonObject:
    """Return the counts and hashes of every table, and the rows that did not arrive."""
    return {
        "is_complete": report.is_complete,
        "source_model": _model_view(report.source_model),
        "destination_model": _model_view(report.destination_model),
        "tables": {table.value: {**asdict(counts)} for table, counts in report.tables.items()},
        "failures": [_failure_view(failure) for failure in report.failures],
        "differences": [_failure_view(failure) for failure in report.differences],
        "renamed": [
            {
                "table": renamed.table.value,
                "handle": renamed.handle,
                "source_id": renamed.source_id,
                "destination_id": renamed.destination_id,
            }
            for renamed in report.renamed
        ],
        "index_seconds": round(report.index_seconds, 3),
    }


def source_view(found: SourceReport) -> JsonObject:
    """Return what reading a foreign file found."""
    return {
        "path": found.path,
        "schema_version": found.schema_version,
        "copied": [{**asdict(table)} for table in found.copied],
        "skipped": [{**asdict(table)} for table in found.skipped],
        "columns": [{**asdict(column)} for column in found.columns],
        "adjusted": [{**asdict(change)} for change in found.adjusted],
        "adjusted_counts": [{**asdict(change)} for change in found.adjusted_counts],
        "failures": [
            {"table": failure.table.value, "key": failure.key, "reason": failure.reason}
            for failure in found.failures
        ],
    }


def encode_failure_view(failure: RefusedMemory) -> JsonObject:
    """Return a memory that got no vector, and why."""
    return {"id": str(failure.id), "reason": failure.reason}


def reembed_view(report: ReembedReport) -> JsonObject:
    """Return what a change of the model did, or would do."""
    return {
        "old_model": _model_view(report.old_model),
        "new_model": _model_view(report.new_model),
        "rows": report.rows,
        "updated": report.updated,
        "skipped": report.skipped,
        "failures": [encode_failure_view(failure) for failure in report.failures],
        "way": report.way,
        "encode_seconds": round(report.encode_seconds, 3),
        "index_seconds": round(report.index_seconds, 3),
        "switch_seconds": round(report.switch_seconds, 4),
    }


def _failure_view(failure: CopyFailure) -> JsonObject:
    return {"table": failure.table.value, "key": failure.key, "reason": failure.reason}


def _model_view(model: ModelSignature | None) -> JsonObject | None:
    return None if model is None else {**asdict(model)}
