"""Database files as people have them: ours, other programs', and broken ones."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Final, cast

import apsw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

RUST_VESTIGE: Final = """
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TEXT);
CREATE TABLE knowledge_nodes (id TEXT PRIMARY KEY, content TEXT NOT NULL);
INSERT INTO schema_version VALUES (14, '2026-01-01T00:00:00+00:00');
INSERT INTO knowledge_nodes VALUES ('1f6c2a34-8d5e-4c71-9b0a-2f3d4e5f6a7b', 'kept');
"""
OTHER_PROGRAM: Final = "CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup');"


def execute(
    db: apsw.Connection, script: str, values: Mapping[str, object] | tuple[object, ...] = ()
) -> list[tuple[object, ...]]:
    """Run statements on a connection; return their rows."""
    run = cast("Callable[..., Iterable[tuple[object, ...]]]", db.execute)
    return list(run(script, values))


def run_sql(
    path: Path, script: str, values: Mapping[str, object] | tuple[object, ...] = ()
) -> list[tuple[object, ...]]:
    """Run statements on a database file with a connection of their own; return their rows."""
    with closing(apsw.Connection(str(path))) as db:
        return execute(db, script, values)


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the name and content hash of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
