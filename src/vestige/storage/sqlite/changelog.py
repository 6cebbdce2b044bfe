"""The account of every change, and what is left of purged memories."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString, cast
from uuid import UUID

from vestige.storage.encoding import time_text
from vestige.storage.sqlite.rows import entry_of, entry_values, list_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from vestige.models import ChangelogEntry, ChangelogFilter, RowKey, Tombstone
    from vestige.storage.sqlite.connection import Session
    from vestige.storage.sqlite.driver import Value

SELECT: Final = (
    "SELECT change_id, memory_id, action, timestamp, before, after, reason, client_id, session_id,"
    " undoes FROM changelog AS c WHERE 1"
)
CONDITIONS: Final[dict[str, LiteralString]] = {
    "memory_id": "c.memory_id = :memory_id",
    "change_id": "c.change_id = :change_id",
    "undoes": "c.undoes = :undoes",
    "since": "c.timestamp >= :since",
    "until": "c.timestamp < :until",
    "after_memory": (
        "c.sequence < (SELECT a.sequence FROM changelog AS a"
        " WHERE a.change_id = :after_change AND a.memory_id = :after_memory)"
    ),
}
NEWEST_FIRST: Final = " ORDER BY c.sequence DESC LIMIT :limit"
INSERT: Final = """
INSERT INTO changelog (
    change_id, memory_id, action, timestamp, before, after, reason, client_id, session_id, undoes
) VALUES (
    :change_id, :memory_id, :action, :timestamp, :before, :after, :reason, :client_id, :session_id,
    :undoes
)
"""
IS_NAMED: Final = "SELECT EXISTS (SELECT 1 FROM changelog WHERE memory_id = ?)"
PURGED: Final = (
    "SELECT memory_id FROM tombstones WHERE memory_id IN (SELECT value FROM json_each(?))"
)
FORGET_CONTENT: Final = (
    "UPDATE changelog SET before = NULL, after = NULL, reason = NULL"
    " WHERE memory_id IN (SELECT value FROM json_each(?))"
)
INSERT_TOMBSTONE: Final = (
    "INSERT INTO tombstones (memory_id, purged_at) VALUES (?, ?)"
    " ON CONFLICT (memory_id) DO UPDATE SET purged_at = excluded.purged_at"
)


def list_changelog(
    session: Session, changelog_filter: ChangelogFilter | None, after: RowKey | None, limit: int
) -> list[ChangelogEntry]:
    values = _filter_values(changelog_filter)
    if after is not None:
        values["after_change"], values["after_memory"] = map(str, after)
    sql = list_sql(tuple(name for name in CONDITIONS if name in values))
    values["limit"] = limit
    return [entry_of(row) for row in session.db.rows(sql, values)]


def write_entries(session: Session, entries: Iterable[ChangelogEntry]) -> None:
    """Append to the changelog."""
    for entry in entries:
        session.db.run(INSERT, entry_values(entry))


def names(session: Session, memory_id: UUID) -> bool:
    """Say whether the changelog knows a memory."""
    return bool(session.db.value(IS_NAMED, (str(memory_id),)))


def purged(session: Session, memory_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the memories that were purged here."""
    ids = list_text([str(memory_id) for memory_id in memory_ids])
    return [UUID(cast("str", row[0])) for row in session.db.rows(PURGED, (ids,))]


def forget_content(session: Session, memory_ids: Sequence[UUID]) -> None:
    """Take the contents of memories out of the changelog; that they were changed stays."""
    session.db.run(FORGET_CONTENT, (list_text([str(memory_id) for memory_id in memory_ids]),))


def write_tombstones(session: Session, tombstones: Iterable[Tombstone]) -> None:
    """Keep that memories were purged."""
    for tombstone in tombstones:
        values = (str(tombstone.memory_id), time_text(tombstone.purged_at))
        session.db.run(INSERT_TOMBSTONE, values)


@cache
def list_sql(names: tuple[str, ...]) -> LiteralString:
    """Return the SELECT of a page of the changelog, one text per filter shape."""
    text: LiteralString = SELECT
    for name in names:
        text = text + " AND " + CONDITIONS[name]
    return text + NEWEST_FIRST


def _filter_values(changelog_filter: ChangelogFilter | None) -> dict[str, Value]:
    if changelog_filter is None:
        return {}
    given: dict[str, UUID | datetime | None] = {
        "memory_id": changelog_filter.memory_id,
        "change_id": changelog_filter.change_id,
        "undoes": changelog_filter.undoes,
    }
    values: dict[str, Value] = {name: str(item) for name, item in given.items() if item is not None}
    for name, time in (("since", changelog_filter.since), ("until", changelog_filter.until)):
        if time is not None:
            values[name] = time_text(time)
    return values
