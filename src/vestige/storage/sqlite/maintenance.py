"""Counts, sizes, health and tidying up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.models import StoreStats
from vestige.storage.encoding import time_text, time_value
from vestige.storage.sqlite import registry, schema

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.storage.sqlite.connection import Session

COUNT_MEMORIES: Final = "SELECT count(*) FROM knowledge_nodes"
COUNT_EMBEDDED: Final = "SELECT count(*) FROM knowledge_nodes WHERE embedding IS NOT NULL"
COUNT_WINDOWS: Final = "SELECT count(*) FROM memory_windows"
COUNT_EDGES: Final = "SELECT count(*) FROM edges"
COUNT_EVENTS: Final = "SELECT count(*) FROM review_events"
COUNT_DOMAINS: Final = "SELECT count(*) FROM domains"
COUNT_DUE: Final = "SELECT count(*) FROM scheduling WHERE next_review <= ?"
SELECT_SPAN: Final = "SELECT min(created_at), max(created_at) FROM knowledge_nodes"
COUNT_TYPES: Final = (
    "SELECT node_type, count(*) AS n FROM knowledge_nodes GROUP BY node_type"
    " ORDER BY n DESC, node_type"
)
COUNT_CODEBASES: Final = (
    "SELECT codebase, count(*) AS n FROM knowledge_nodes WHERE codebase IS NOT NULL"
    " GROUP BY codebase ORDER BY n DESC, codebase"
)
QUICK_CHECK: Final = "PRAGMA quick_check(1)"
MERGE_FTS: Final = "INSERT INTO knowledge_nodes_fts (knowledge_nodes_fts) VALUES ('optimize')"


def health(session: Session) -> str | None:
    """Return what is wrong with the store, or None."""
    schema.check_current(session)
    answer = session.db.value(QUICK_CHECK)
    return None if answer == "ok" else f"the database is damaged: {answer}"


def get_stats(session: Session, now: datetime) -> StoreStats:
    def number(sql: LiteralString, *values: str) -> int:
        return cast("int", session.db.value(sql, values))

    oldest, newest = cast("tuple[str | None, str | None]", session.db.row(SELECT_SPAN))
    path = session.db.filename
    return StoreStats(
        backend="sqlite",
        location=path,
        schema_version=schema.version(session),
        model=registry.registered_model(session),
        memory_count=number(COUNT_MEMORIES),
        embedded_count=number(COUNT_EMBEDDED),
        window_count=number(COUNT_WINDOWS),
        edge_count=number(COUNT_EDGES),
        review_event_count=number(COUNT_EVENTS),
        domain_count=number(COUNT_DOMAINS),
        due_count=number(COUNT_DUE, time_text(now)),
        size_bytes=_size_bytes(path),
        oldest_created_at=None if oldest is None else time_value(oldest),
        newest_created_at=None if newest is None else time_value(newest),
        node_types=_counts(session, COUNT_TYPES),
        codebases=_counts(session, COUNT_CODEBASES),
    )


def vacuum(session: Session) -> None:
    """Merge the full-text index, rewrite the file without gaps, and empty the log into it.

    Not inside a transaction: SQLite refuses VACUUM there.
    """
    session.db.run(MERGE_FTS)
    session.db.run("VACUUM")
    session.db.run("ANALYZE")
    session.db.run("PRAGMA wal_checkpoint(TRUNCATE)")


def suspend_vector_index(session: Session) -> bool:
    """Differs from postgres: the index of a new vector costs a few microseconds here."""
    schema.check_current(session)
    return False


def build_vector_index(session: Session) -> None:
    """Differs from postgres: the index is never away."""
    schema.check_current(session)


def _counts(session: Session, sql: LiteralString) -> dict[str, int]:
    return {cast("str", name): cast("int", n) for name, n in session.db.rows(sql)}


def _size_bytes(path: str) -> int:
    """Return the size of the database and of its log."""
    files = (Path(path), Path(f"{path}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
