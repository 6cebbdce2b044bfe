"""Counts, sizes, health and tidying up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.models import StoreStats
from vestige.storage.encoding import time_text, time_value
from vestige.storage.problems import (
    kept_vectors,
    repairable,
    unapplied,
    unfinished_reembedding,
)
from vestige.storage.sqlite import problems, reembedding, registry, schema

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import Problem
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
JOURNAL_MODE: Final = "PRAGMA journal_mode"
LIBRARY_VERSION: Final = "SELECT sqlite_version()"
# What old vectors that are kept take, with their index.
SPARE_SIZE: Final = """
SELECT
    (SELECT coalesce(sum(length(spare_embedding)), 0) FROM knowledge_nodes)
    + (SELECT coalesce(sum(length(embedding)), 0) FROM spare_windows)
    + (SELECT coalesce(sum(length(owners) + length(codes)), 0) FROM spare_chunks)
"""
MERGE_FTS: Final = "INSERT INTO knowledge_nodes_fts (knowledge_nodes_fts) VALUES ('optimize')"


def health(session: Session) -> str | None:
    """Return what is wrong with the store, or None."""
    schema.check_current(session)
    found = [
        f"the schema step {step} is not applied"
        for step in schema.status(session)
        if step.state == "pending"
    ]
    open_change = reembedding.current(session)
    found += [problem.problem for problem in unfinished_reembedding(open_change)]
    damage = problems.find_damage(session)
    if damage:
        found.append(f"the database is damaged: {damage[0]}")
    return "; ".join(found) or None


def find_problems(session: Session) -> list[Problem]:
    return [found.problem for found in problems.find(session)]


def repair(session: Session) -> list[Problem]:
    repaired = repairable(problems.find(session))
    for _, mend in repaired:
        mend(session)
    return [problem for problem, _ in repaired]


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
        details=_details(session),
    )


def vacuum(session: Session) -> None:
    """Merge the full-text index, rewrite the file without gaps, and empty the log into it.

    Not inside a transaction: SQLite refuses VACUUM there.
    """
    session.db.run(MERGE_FTS)
    session.db.run("VACUUM")
    session.db.run("ANALYZE")
    session.db.run("PRAGMA wal_checkpoint(TRUNCATE)")


def erase(session: Session) -> bool:
    """Leave no byte of what was deleted in the file or its log."""
    # Words of deleted texts stay in the segments of the index until these are merged.
    vacuum(session)
    return True


def suspend_vector_index(session: Session) -> bool:
    """Differs from postgres: the index of a new vector costs a few microseconds here."""
    schema.check_current(session)
    return False


def build_vector_index(session: Session) -> None:
    """Differs from postgres: the index is never away."""
    schema.check_current(session)


def _counts(session: Session, sql: LiteralString) -> dict[str, int]:
    return {cast("str", name): cast("int", n) for name, n in session.db.rows(sql)}


def _details(session: Session) -> dict[str, str]:
    return {
        "library_version": cast("str", session.db.value(LIBRARY_VERSION)),
        "journal_mode": cast("str", session.db.value(JOURNAL_MODE)),
        "log": f"{_file_bytes(_log_of(session.db.filename)):,} bytes",
        "unapplied_steps": unapplied(schema.status(session)),
        **_kept_vectors(session),
    }


def _kept_vectors(session: Session) -> dict[str, str]:
    open_change = reembedding.current(session)
    if open_change is None or open_change.phase != "switched":
        return {}
    size = cast("int", session.db.value(SPARE_SIZE))
    return {"old_vectors": kept_vectors(open_change, size)}


def _size_bytes(path: str) -> int:
    """Return the size of the database and of its log."""
    return _file_bytes(Path(path)) + _file_bytes(_log_of(path))


def _log_of(path: str) -> Path:
    return Path(f"{path}-wal")


def _file_bytes(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
