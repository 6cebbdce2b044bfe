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
from vestige.storage.encoding import time_text
from vestige.storage.sqlite import access, domains, graph, memories, scheduling
from vestige.storage.sqlite.rows import (
    domain_of,
    edge_of,
    event_of,
    group_of,
    membership_of,
    state_text,
    user_of,
)
from vestige.storage.transfer_rows import after_key, after_text, check_row, key_text, row_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vestige.models import ReviewEvent, TransferRow
    from vestige.storage.sqlite.connection import Session
    from vestige.storage.sqlite.driver import Row
    from vestige.storage.transfer_rows import Key

# Pages go by key, each SELECT beginning with the key's columns: a rowid may change in a VACUUM.
PAGE_USERS: Final = (
    "SELECT id, id, handle, display_name, created_at, metadata FROM users"
    " WHERE id > ? ORDER BY id LIMIT ?"
)
PAGE_GROUPS: Final = (
    "SELECT id, id, handle, display_name, created_at, metadata FROM groups"
    " WHERE id > ? ORDER BY id LIMIT ?"
)
PAGE_MEMBERSHIPS: Final = (
    "SELECT user_id, group_id, user_id, group_id, role, joined_at FROM group_memberships"
    " WHERE (user_id, group_id) > (?, ?) ORDER BY user_id, group_id LIMIT ?"
)
PAGE_MEMORIES: Final = "SELECT key, id FROM knowledge_nodes WHERE key > ? ORDER BY key LIMIT ?"
PAGE_EDGES: Final = (
    "SELECT source_id, target_id, edge_type, source_id, target_id, edge_type, weight, created_at"
    " FROM edges WHERE (source_id, target_id, edge_type) > (?, ?, ?)"
    " ORDER BY source_id, target_id, edge_type LIMIT ?"
)
PAGE_EVENTS: Final = (
    "SELECT id, id, memory_id, timestamp, rating, prior_state, new_state FROM review_events"
    " WHERE id > ? ORDER BY id LIMIT ?"
)
PAGE_DOMAINS: Final = (
    "SELECT id, id, label, centroid, top_terms, memory_count, created_at, metadata FROM domains"
    " WHERE id > ? ORDER BY id LIMIT ?"
)
HAS_USER: Final = "SELECT 1 FROM users WHERE id = ?"
HAS_GROUP: Final = "SELECT 1 FROM groups WHERE id = ?"
HAS_MEMBERSHIP: Final = "SELECT 1 FROM group_memberships WHERE user_id = ? AND group_id = ?"
HAS_MEMORY: Final = "SELECT 1 FROM knowledge_nodes WHERE id = ?"
HAS_EDGE: Final = "SELECT 1 FROM edges WHERE source_id = ? AND target_id = ? AND edge_type = ?"
HAS_EVENT: Final = "SELECT 1 FROM review_events WHERE id = ?"
HAS_DOMAIN: Final = "SELECT 1 FROM domains WHERE id = ?"
INSERT_EVENT: Final = """
INSERT INTO review_events (id, memory_id, timestamp, rating, prior_state, new_state)
VALUES (?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """How one table is moved.

    Attributes:
        page: SELECT of a page, the columns of the paging key first.
        before_first: a paging key that comes before all others.
        read: makes a row of the other columns.
        known: SELECT that finds a row by its key.
        write: inserts a row that was checked.
    """

    page: LiteralString
    before_first: Row
    read: Callable[[Row], TransferRow] | None
    known: LiteralString
    write: Callable[[Session, Any], None]


def export_page(
    session: Session, table: TransferTable, after: str | None, limit: int
) -> TransferPage:
    definition = TABLES[table]
    width = len(definition.before_first)
    fetched = session.db.rows(definition.page, (*_page_start(definition, after), limit))
    rows: tuple[TransferRow, ...]
    if definition.read is None:
        rows = _scheduled_memories(session, [cast("str", row[1]) for row in fetched])
    else:
        rows = tuple(definition.read(row[width:]) for row in fetched)
    is_last = len(fetched) < limit
    return TransferPage(rows=rows, next_after=None if is_last else after_text(fetched[-1][:width]))


def import_rows(
    session: Session, table: TransferTable, rows: Sequence[TransferRow]
) -> ImportResult:
    definition = TABLES[table]
    written = present = 0
    failures: list[RowFailure] = []
    for row in rows:
        try:
            check_row(table, row)
            if session.db.value(definition.known, _values(row_key(row))):
                present += 1
                continue
            # A savepoint, so that half of a refused row does not stay.
            with session.db.savepoint():
                definition.write(session, row)
            written += 1
        except StoreError as error:
            failures.append(RowFailure(key=key_text(table, row), reason=str(error)))
    return ImportResult(written=written, present=present, failures=tuple(failures))


def _write_memory(session: Session, item: ScheduledMemory) -> None:
    memories.insert(session, item.record, item.scheduling)


def _write_event(session: Session, event: ReviewEvent) -> None:
    memories.key_of(session, event.memory_id)
    session.db.run(
        INSERT_EVENT,
        (
            event.id,
            str(event.memory_id),
            time_text(event.timestamp),
            int(event.rating),
            state_text(event.prior_state),
            state_text(event.new_state),
        ),
    )


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


def _values(key: Key) -> Row:
    return tuple(str(part) if isinstance(part, UUID) else part for part in key)


TABLES: Final[dict[TransferTable, _Table]] = {
    TransferTable.USERS: _Table(
        page=PAGE_USERS,
        before_first=("",),
        read=user_of,
        known=HAS_USER,
        write=access.upsert_user,
    ),
    TransferTable.GROUPS: _Table(
        page=PAGE_GROUPS,
        before_first=("",),
        read=group_of,
        known=HAS_GROUP,
        write=access.upsert_group,
    ),
    TransferTable.GROUP_MEMBERSHIPS: _Table(
        page=PAGE_MEMBERSHIPS,
        before_first=("", ""),
        read=membership_of,
        known=HAS_MEMBERSHIP,
        write=access.upsert_membership,
    ),
    TransferTable.KNOWLEDGE_NODES: _Table(
        page=PAGE_MEMORIES,
        before_first=(0,),
        read=None,
        known=HAS_MEMORY,
        write=_write_memory,
    ),
    TransferTable.EDGES: _Table(
        page=PAGE_EDGES,
        before_first=("", "", ""),
        read=edge_of,
        known=HAS_EDGE,
        write=graph.add_edge,
    ),
    TransferTable.REVIEW_EVENTS: _Table(
        page=PAGE_EVENTS,
        before_first=(0,),
        read=event_of,
        known=HAS_EVENT,
        write=_write_event,
    ),
    TransferTable.DOMAINS: _Table(
        page=PAGE_DOMAINS,
        before_first=("",),
        read=domain_of,
        known=HAS_DOMAIN,
        write=domains.upsert_domain,
    ),
}
