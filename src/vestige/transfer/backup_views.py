"""Backups and drills, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from vestige.storage.encoding import time_text
from vestige.transfer.archive import rows_object

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import JsonObject, TransferTable
    from vestige.transfer.archive import ArchiveHeader
    from vestige.transfer.archive_reading import ArchiveInfo
    from vestige.transfer.backup import ListedBackup
    from vestige.transfer.copy_plan import CopyReport


def backup_view(info: ArchiveInfo) -> JsonObject:
    """Return a backup that was read to its end, or written."""
    return {
        "path": str(info.path),
        "bytes": info.size_bytes,
        **_header_view(info.header),
        "sha256": info.checksum,
    }


def listed_view(listed: ListedBackup) -> JsonObject:
    """Return what the beginning of a file says."""
    return {
        "path": str(listed.path),
        "bytes": listed.size_bytes,
        **_header_view(listed.header),
        "is_finished": listed.is_finished,
    }


def drill_view(
    info: ArchiveInfo, report: CopyReport, live: dict[TransferTable, int] | None, now: datetime
) -> JsonObject:
    """Return what a drill showed; `live` counts the rows of the store in use."""
    return {
        **backup_view(info),
        "age_seconds": round((now - info.header.created_at).total_seconds()),
        "is_complete": report.is_complete,
        "tables": {
            table.value: {
                "backup": info.header.rows[table],
                "equal": counts.verified,
                "missing": counts.missing,
                "different": counts.different,
                "failed": counts.failed,
                "backup_hash": counts.source_hash,
                "restored_hash": counts.destination_hash,
                "live": None if live is None else live[table],
            }
            for table, counts in report.tables.items()
        },
        "differences": [
            {"table": one.table.value, "key": one.key, "reason": one.reason}
            for one in (*report.failures, *report.differences)
        ],
    }


def _header_view(header: ArchiveHeader) -> JsonObject:
    return {
        "created_at": time_text(header.created_at),
        "version": header.version,
        "backend": header.backend,
        "model": None if header.model is None else {**asdict(header.model)},
        "rows": rows_object(header.rows),
    }
