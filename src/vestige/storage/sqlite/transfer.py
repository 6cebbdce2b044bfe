"""Reading all rows of a store page by page, and writing rows of another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString, cast
from uuid import UUID

from vestige.cognition.fsrs import initial_state
from vestige.errors import StoreError
from vestige.models import (
    ImportResult,
    RowFailure,
    ScheduledMemory,
    TransferPage,
    TransferTable,
)
from vestige.storage.sqlite import (
    access,
    changelog,
    domains,
    fsrs_weights,
    graph,
    intentions,
    memories,
    scheduling,
)
from vestige.storage.sqlite.rows import (
    domain_of,
    edge_of,
    entry_of,
    event_of,
    group_of,
    membership_of,
    tombstone_of,
    user_of,
)
from vestige.storage.transfer_rows import (
    after_key,
    after_text,
    check_row,
    key_text,
    purged_here,
    row_key,
    stored_here,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vestige.models import ChangelogEntry, RowKey, Tombstone, TransferRow
    from vestige.storage.sqlite.connection import Session
    from vestige.storage.sqlite.driver import Row

SELECT_USERS: Final = "SELECT id, handle, display_name, created_at, metadata FROM users"
SELECT_GROUPS: Final = "SELECT id, handle, display_name, created_at, metadata FROM groups"
SELECT_MEMBERSHIPS: Final = "SELECT user_id, group_id, role, joined_at FROM group_memberships"
SELECT_MEMORIES: Final = "SELECT key, id FROM knowledge_nodes"
SELECT_EDGES: Final = "SELECT source_id, target_id, edge_type, weight, created_at FROM edges"
SELECT_EVENTS: Final = (
    "SELECT id, memory_id, timestamp, rating, prior_state, new_state FROM review_events"
)
SELECT_DOMAINS: Final = (
    "SELECT id, label, centroid, top_terms, memory_count, created_at, metadata FROM domains"
)
SELECT_CHANGELOG: Final = (
    "SELECT sequence, change_id, memory_id, action, timestamp, before, after, reason, client_id,"
    " session_id, undoes FROM changelog"
)
SELECT_TOMBSTONES: Final = "SELECT memory_id, purged_at FROM tombstones"
# Pages go by key, and memories by the integer key, in whose order they lie in the file.
PAGE_BY_ID: Final = " WHERE id > ? ORDER BY id LIMIT ?"
PAGE_BY_MEMBERSHIP: Final = " WHERE (user_id, group_id) > (?, ?) ORDER BY user_id, group_id LIMIT ?"
PAGE_BY_KEY: Final = " WHERE key > ? ORDER BY key LIMIT ?"
PAGE_BY_EDGE: Final = (
    " WHERE (source_id, target_id, edge_type) > (?, ?, ?)"
    " ORDER BY source_id, target_id, edge_type LIMIT ?"
)
PAGE_BY_SEQUENCE: Final = " WHERE sequence > ? ORDER BY sequence LIMIT ?"
PAGE_BY_TOMBSTONE: Final = " WHERE memory_id > ? ORDER BY memory_id LIMIT ?"
WITH_ID: Final = " WHERE id = ?"
WITH_MEMBERSHIP: Final = " WHERE user_id = ? AND group_id = ?"
WITH_EDGE: Final = " WHERE source_id = ? AND target_id = ? AND edge_type = ?"
WITH_CHANGE: Final = " WHERE change_id = ? AND memory_id = ?"
WITH_MEMORY: Final = " WHERE memory_id = ?"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """How one table is moved.

    Attributes:
        select: SELECT of its rows.
        page: condition, order and limit of a page.
        condition: of the row with a key.
        before_first: a paging key that comes before all others; its parts are the first columns.
        read: makes a row; None for memories, which are read by their ids.
        write: inserts a row that was checked.
    """

    select: LiteralString
    page: LiteralString
    condition: LiteralString
    before_first: Row
    read: Callable[[Row], TransferRow] | None
    write: Callable[[Session, Any], None]


def export_page(
    session: Session, table: TransferTable, after: str | None, limit: int
) -> TransferPage:
    definition = TABLES[table]
    width = len(definition.before_first)
    fetched = session.db.rows(
        definition.select + definition.page, (*_page_start(definition, after), limit)
    )
    is_last = len(fetched) < limit
    return TransferPage(
        rows=_read(session, definition, fetched),
        next_after=None if is_last else after_text(fetched[-1][:width]),
    )


def count_rows(session: Session, table: TransferTable) -> int:
    """Return how many rows a table has."""
    sql = "SELECT count(*) FROM (" + TABLES[table].select + ")"
    return cast("int", session.db.value(sql))


def export_rows(
    session: Session, table: TransferTable, keys: Sequence[RowKey]
) -> list[TransferRow]:
    definition = TABLES[table]
    sql = definition.select + definition.condition
    fetched = [row for key in keys for row in session.db.rows(sql, _values(key))]
    return list(_read(session, definition, fetched))


def import_rows(
    session: Session, table: TransferTable, rows: Sequence[TransferRow]
) -> ImportResult:
    definition = TABLES[table]
    written = present = 0
    failures: list[RowFailure] = []
    for row in rows:
        try:
            check_row(table, row)
            if session.db.row(definition.select + definition.condition, _values(row_key(row))):
                present += 1
                continue
            # A savepoint, so that half of a refused row does not stay.
            with session.db.savepoint():
                definition.write(session, row)
            written += 1
        except StoreError as error:
            failures.append(RowFailure(key=key_text(table, row), reason=str(error)))
    return ImportResult(written=written, present=present, failures=tuple(failures))


def _read(session: Session, definition: _Table, fetched: Sequence[Row]) -> tuple[TransferRow, ...]:
    if definition.read is None:
        return _scheduled_memories(session, [cast("str", row[1]) for row in fetched])
    return tuple(map(definition.read, fetched))


def _write_memory(session: Session, item: ScheduledMemory) -> None:
    if changelog.purged(session, [item.record.id]):
        raise purged_here(item.record.id)
    memories.insert(session, item.record, item.scheduling)


def _entry(row: Row) -> ChangelogEntry:
    return entry_of(row[1:])


def _write_entry(session: Session, entry: ChangelogEntry) -> None:
    changelog.write_entries(session, [entry])


def _write_tombstone(session: Session, tombstone: Tombstone) -> None:
    memory_id = tombstone.memory_id
    if memories.get_by_id(session, [memory_id]) or intentions.get_intention(session, memory_id):
        raise stored_here(memory_id)
    changelog.write_tombstones(session, [tombstone])


def _scheduled_memories(session: Session, ids: Sequence[str]) -> tuple[ScheduledMemory, ...]:
    records = memories.get_many(session, [UUID(memory_id) for memory_id in ids])
    return tuple(
        ScheduledMemory(
            record=record,
            # A row that was made by hand has no state yet.
            scheduling=scheduling.get_scheduling(session, record.id)
            or initial_state(record.id, record.created_at),
        )
        for record in records
    )


def _page_start(definition: _Table, after: str | None) -> Row:
    if after is None:
        return definition.before_first
    return _values(after_key(after, [type(part) for part in definition.before_first]))


def _values(key: RowKey) -> Row:
    return tuple(str(part) if isinstance(part, UUID) else part for part in key)


TABLES: Final[dict[TransferTable, _Table]] = {
    TransferTable.USERS: _Table(
        select=SELECT_USERS,
        page=PAGE_BY_ID,
        condition=WITH_ID,
        before_first=("",),
        read=user_of,
        write=access.upsert_user,
    ),
    TransferTable.GROUPS: _Table(
        select=SELECT_GROUPS,
        page=PAGE_BY_ID,
        condition=WITH_ID,
        before_first=("",),
        read=group_of,
        write=access.upsert_group,
    ),
    TransferTable.GROUP_MEMBERSHIPS: _Table(
        select=SELECT_MEMBERSHIPS,
        page=PAGE_BY_MEMBERSHIP,
        condition=WITH_MEMBERSHIP,
        before_first=("", ""),
        read=membership_of,
        write=access.upsert_membership,
    ),
    TransferTable.KNOWLEDGE_NODES: _Table(
        select=SELECT_MEMORIES,
        page=PAGE_BY_KEY,
        condition=WITH_ID,
        before_first=(0,),
        read=None,
        write=_write_memory,
    ),
    TransferTable.EDGES: _Table(
        select=SELECT_EDGES,
        page=PAGE_BY_EDGE,
        condition=WITH_EDGE,
        before_first=("", "", ""),
        read=edge_of,
        write=graph.add_edge,
    ),
    TransferTable.REVIEW_EVENTS: _Table(
        select=SELECT_EVENTS,
        page=PAGE_BY_ID,
        condition=WITH_ID,
        before_first=(0,),
        read=event_of,
        write=scheduling.write_event,
    ),
    TransferTable.DOMAINS: _Table(
        select=SELECT_DOMAINS,
        page=PAGE_BY_ID,
        condition=WITH_ID,
        before_first=("",),
        read=domain_of,
        write=domains.upsert_domain,
    ),
    TransferTable.INTENTIONS: _Table(
        select=intentions.SELECT,
        page=PAGE_BY_ID,
        condition=WITH_ID,
        before_first=("",),
        read=intentions.intention_of,
        write=intentions.put,
    ),
    TransferTable.FSRS_WEIGHTS: _Table(
        select=fsrs_weights.SELECT,
        page=PAGE_BY_ID,
        condition=WITH_ID,
        before_first=(0,),
        read=fsrs_weights.fsrs_weights_of,
        write=fsrs_weights.put,
    ),
    TransferTable.CHANGELOG: _Table(
        select=SELECT_CHANGELOG,
        page=PAGE_BY_SEQUENCE,
        condition=WITH_CHANGE,
        before_first=(0,),
        read=_entry,
        write=_write_entry,
    ),
    TransferTable.TOMBSTONES: _Table(
        select=SELECT_TOMBSTONES,
        page=PAGE_BY_TOMBSTONE,
        condition=WITH_MEMORY,
        before_first=("",),
        read=tombstone_of,
        write=_write_tombstone,
    ),
}
