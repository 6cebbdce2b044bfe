"""The account of every change, and what is left of purged memories."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString

from vestige.storage.postgres.rows import entry_of, entry_values, uuid_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from vestige.models import ChangelogEntry, ChangelogFilter, RowKey, Tombstone
    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.rows import Named

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
# For moving all of it, oldest first.
SELECT_ALL: Final = (
    "SELECT change_id, memory_id, action, timestamp, before, after, reason, client_id, session_id,"
    " undoes FROM changelog"
)
AFTER: Final = (
    " WHERE sequence > (SELECT a.sequence FROM changelog AS a"
    " WHERE a.change_id = $2 AND a.memory_id = $3)"
)
OLDEST_FIRST: Final = " ORDER BY sequence LIMIT $1"
KEYS: Final = "SELECT change_id, memory_id FROM changelog"
WITH_KEYS: Final = " WHERE (change_id, memory_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))"
SELECT_TOMBSTONES: Final = "SELECT memory_id, purged_at FROM tombstones"
IS_NAMED: Final = "SELECT EXISTS (SELECT 1 FROM changelog WHERE memory_id = $1)"
PURGED: Final = "SELECT memory_id FROM tombstones WHERE memory_id = ANY($1::uuid[])"
FORGET_CONTENT: Final = (
    "UPDATE changelog SET before = NULL, after = NULL, reason = NULL"
    " WHERE memory_id = ANY($1::uuid[])"
)
INSERT_TOMBSTONE: Final = (
    "INSERT INTO tombstones (memory_id, purged_at) VALUES (:memory_id, :purged_at)"
    " ON CONFLICT (memory_id) DO UPDATE SET purged_at = excluded.purged_at"
)


async def list_changelog(
    session: Session, changelog_filter: ChangelogFilter | None, after: RowKey | None, limit: int
) -> list[ChangelogEntry]:
    values = _filter_values(changelog_filter)
    if after is not None:
        values["after_change"], values["after_memory"] = after
    sql = list_sql(tuple(name for name in CONDITIONS if name in values))
    values["limit"] = limit
    return [entry_of(row) for row in await session.db.rows(sql, values)]


async def write_entries(session: Session, entries: Iterable[ChangelogEntry]) -> None:
    """Append to the changelog."""
    await session.db.run_many(INSERT, [entry_values(entry) for entry in entries])


async def names(session: Session, memory_id: UUID) -> bool:
    """Say whether the changelog knows a memory."""
    return bool(await session.db.value(IS_NAMED, (memory_id,)))


async def purged(session: Session, memory_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the memories that were purged here."""
    return [uuid_of(row[0]) for row in await session.db.rows(PURGED, (list(memory_ids),))]


async def forget_content(session: Session, memory_ids: Sequence[UUID]) -> None:
    """Take the contents of memories out of the changelog; that they were changed stays."""
    await session.db.run(FORGET_CONTENT, (list(memory_ids),))


async def write_tombstones(session: Session, tombstones: Iterable[Tombstone]) -> None:
    """Keep that memories were purged."""
    values: list[Named] = [
        {"memory_id": tombstone.memory_id, "purged_at": tombstone.purged_at}
        for tombstone in tombstones
    ]
    await session.db.run_many(INSERT_TOMBSTONE, values)


@cache
def list_sql(names: tuple[str, ...]) -> LiteralString:
    """Return the SELECT of a page of the changelog, one text per filter shape."""
    text: LiteralString = SELECT_ALL + " AS c WHERE true"
    for name in names:
        text = text + " AND " + CONDITIONS[name]
    return text + NEWEST_FIRST


def _filter_values(changelog_filter: ChangelogFilter | None) -> Named:
    if changelog_filter is None:
        return {}
    given: Named = {
        "memory_id": changelog_filter.memory_id,
        "change_id": changelog_filter.change_id,
        "undoes": changelog_filter.undoes,
        "since": changelog_filter.since,
        "until": changelog_filter.until,
    }
    return {name: value for name, value in given.items() if value is not None}
