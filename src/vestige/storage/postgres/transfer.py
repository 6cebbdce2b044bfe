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
from vestige.storage.postgres import (
    access,
    changelog,
    domains,
    fsrs_weights,
    graph,
    intentions,
    memories,
    scheduling,
)
from vestige.storage.postgres.errors import REFUSED
from vestige.storage.postgres.rows import (
    MEMORY_COLUMN_COUNT,
    MEMORY_COLUMNS,
    SCHEDULING_COLUMNS,
    domain_of,
    edge_of,
    entry_of,
    event_of,
    group_of,
    membership_of,
    memory_of,
    scheduling_of,
    tombstone_of,
    user_of,
    uuid_of,
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
    from collections.abc import Awaitable, Callable, Sequence

    from vestige.models import (
        Domain,
        Group,
        GroupMembership,
        MemoryEdge,
        RowKey,
        Tombstone,
        TransferRow,
        User,
    )
    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.driver import Row

# Pages go by key.
SELECT_USERS: Final = "SELECT id, handle, display_name, created_at, metadata FROM users"
SELECT_GROUPS: Final = "SELECT id, handle, display_name, created_at, metadata FROM groups"
SELECT_MEMBERSHIPS: Final = "SELECT user_id, group_id, role, joined_at FROM group_memberships"
# A row that was made by hand has no state yet.
SELECT_MEMORIES: Final = (
    f"SELECT {MEMORY_COLUMNS}, {SCHEDULING_COLUMNS} FROM knowledge_nodes AS m"
    " LEFT JOIN scheduling AS s ON s.memory_id = m.id"
)
SELECT_EDGES: Final = "SELECT source_id, target_id, edge_type, weight, created_at FROM edges"
SELECT_EVENTS: Final = (
    "SELECT id, memory_id, timestamp, rating, prior_state, new_state FROM review_events"
)
SELECT_DOMAINS: Final = (
    "SELECT id, label, centroid, top_terms, memory_count, created_at, metadata FROM domains"
)
AFTER_ID: Final = " WHERE id > $2"
AFTER_MEMBERSHIP: Final = " WHERE (user_id, group_id) > ($2, $3)"
AFTER_MEMORY: Final = " WHERE m.id > $2"
AFTER_EDGE: Final = " WHERE (source_id, target_id, edge_type) > ($2, $3, $4)"
BY_ID: Final = " ORDER BY id LIMIT $1"
BY_MEMBERSHIP: Final = " ORDER BY user_id, group_id LIMIT $1"
BY_MEMORY: Final = " ORDER BY m.id LIMIT $1"
BY_EDGE: Final = " ORDER BY source_id, target_id, edge_type LIMIT $1"

WITH_IDS: Final = " WHERE id = ANY($1::uuid[])"
WITH_MEMBERSHIPS: Final = (
    " WHERE (user_id, group_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))"
)
WITH_MEMORIES: Final = " WHERE m.id = ANY($1::uuid[])"
WITH_EDGES: Final = (
    " WHERE (source_id, target_id, edge_type)"
    " IN (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]))"
)
WITH_NUMBERS: Final = " WHERE id = ANY($1::bigint[])"
WITH_NAMES: Final = " WHERE id = ANY($1::text[])"
USER_KEYS: Final = "SELECT id FROM users"
GROUP_KEYS: Final = "SELECT id FROM groups"
MEMBERSHIP_KEYS: Final = "SELECT user_id, group_id FROM group_memberships"
MEMORY_KEYS: Final = "SELECT m.id FROM knowledge_nodes AS m"
EDGE_KEYS: Final = "SELECT source_id, target_id, edge_type FROM edges"
EVENT_KEYS: Final = "SELECT id FROM review_events"
DOMAIN_KEYS: Final = "SELECT id FROM domains"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """How one table is moved.

    Attributes:
        select: SELECT of its rows.
        after: condition that begins a later page at a key.
        order: the order of the key, and the limit.
        key: the type of each part of the key.
        read: makes a value of a row.
        keys: SELECT of the keys alone.
        condition: of the rows with keys of which each part is one array.
        write: inserts rows that were checked.
    """

    select: LiteralString
    after: LiteralString
    order: LiteralString
    key: tuple[type, ...]
    read: Callable[[Row], TransferRow]
    keys: LiteralString
    condition: LiteralString
    write: Callable[[Session, Any], Awaitable[None]]


async def export_page(
    session: Session, table: TransferTable, after: str | None, limit: int
) -> TransferPage:
    definition = TABLES[table]
    if after is None:
        sql, start = definition.select + definition.order, ()
    else:
        sql = definition.select + definition.after + definition.order
        start = after_key(after, definition.key)
    rows = tuple(map(definition.read, await session.db.rows(sql, (limit, *start))))
    is_last = len(rows) < limit
    return TransferPage(rows=rows, next_after=None if is_last else after_text(row_key(rows[-1])))


async def count_rows(session: Session, table: TransferTable) -> int:
    """Return how many rows a table has."""
    sql = "SELECT count(*) FROM (" + TABLES[table].keys + ") AS rows"
    return cast("int", await session.db.value(sql))


async def export_rows(
    session: Session, table: TransferTable, keys: Sequence[RowKey]
) -> list[TransferRow]:
    if not keys:
        return []
    definition = TABLES[table]
    sql = definition.select + definition.condition
    return list(map(definition.read, await session.db.rows(sql, _columns(keys))))


async def import_rows(
    session: Session, table: TransferTable, rows: Sequence[TransferRow]
) -> ImportResult:
    definition = TABLES[table]
    failures: list[RowFailure] = []
    fresh: dict[RowKey, TransferRow] = {}
    present = 0
    for row in rows:
        try:
            check_row(table, row)
        except StoreError as error:
            failures.append(RowFailure(key=key_text(table, row), reason=str(error)))
        else:
            present += row_key(row) in fresh  # the same key twice in one batch
            fresh.setdefault(row_key(row), row)
    for key in await _known(session, definition, list(fresh)):
        del fresh[key]
        present += 1
    refused = await _write(session, definition, list(fresh.values()))
    failures += [RowFailure(key=key_text(table, row), reason=reason) for row, reason in refused]
    return ImportResult(
        written=len(fresh) - len(refused), present=present, failures=tuple(failures)
    )


async def _write(
    session: Session, definition: _Table, rows: Sequence[TransferRow]
) -> list[tuple[TransferRow, str]]:
    """Write rows, together or, when one of them is refused, one by one; return the refused."""
    if not rows:
        return []
    try:
        async with session.db.savepoint():
            await definition.write(session, rows)
    except (StoreError, *REFUSED) as error:
        if len(rows) == 1:
            return [(rows[0], str(error))]
        refused = [await _write(session, definition, [row]) for row in rows]
        return [failure for found in refused for failure in found]
    return []


async def _known(session: Session, definition: _Table, keys: Sequence[RowKey]) -> list[RowKey]:
    """Return those of the keys that are there."""
    if not keys:
        return []
    rows = await session.db.rows(definition.keys + definition.condition, _columns(keys))
    return [
        cast(
            "RowKey",
            tuple(
                uuid_of(part) if kind is UUID else part
                for kind, part in zip(definition.key, row, strict=True)
            ),
        )
        for row in rows
    ]


def _columns(keys: Sequence[RowKey]) -> list[list[object]]:
    return [list(column) for column in zip(*keys, strict=True)]


async def _write_users(session: Session, users: Sequence[User]) -> None:
    for user in users:
        await access.upsert_user(session, user)


async def _write_groups(session: Session, groups: Sequence[Group]) -> None:
    for group in groups:
        await access.upsert_group(session, group)


async def _write_memberships(session: Session, rows: Sequence[GroupMembership]) -> None:
    for membership in rows:
        await access.upsert_membership(session, membership)


async def _write_memories(session: Session, items: Sequence[ScheduledMemory]) -> None:
    for memory_id in await changelog.purged(session, [item.record.id for item in items]):
        raise purged_here(memory_id)
    await memories.insert_many(session, [(item.record, item.scheduling) for item in items])


async def _write_edges(session: Session, edges: Sequence[MemoryEdge]) -> None:
    await graph.add_edges(session, edges)


async def _write_domains(session: Session, rows: Sequence[Domain]) -> None:
    for domain in rows:
        await domains.upsert_domain(session, domain)


async def _write_tombstones(session: Session, rows: Sequence[Tombstone]) -> None:
    gone = [row.memory_id for row in rows]
    kept = await export_rows(session, TransferTable.INTENTIONS, [(item,) for item in gone])
    for memory_id in (*await memories.get_by_id(session, gone), *(row_key(row)[0] for row in kept)):
        raise stored_here(cast("UUID", memory_id))
    await changelog.write_tombstones(session, rows)


def _scheduled_memory(row: Row) -> ScheduledMemory:
    record = memory_of(row)
    state = row[MEMORY_COLUMN_COUNT:]
    return ScheduledMemory(
        record=record,
        scheduling=initial_state(record.id, record.created_at)
        if state[0] is None
        else scheduling_of(state),
    )


TABLES: Final[dict[TransferTable, _Table]] = {
    TransferTable.USERS: _Table(
        select=SELECT_USERS,
        after=AFTER_ID,
        order=BY_ID,
        key=(UUID,),
        read=user_of,
        keys=USER_KEYS,
        condition=WITH_IDS,
        write=_write_users,
    ),
    TransferTable.GROUPS: _Table(
        select=SELECT_GROUPS,
        after=AFTER_ID,
        order=BY_ID,
        key=(UUID,),
        read=group_of,
        keys=GROUP_KEYS,
        condition=WITH_IDS,
        write=_write_groups,
    ),
    TransferTable.GROUP_MEMBERSHIPS: _Table(
        select=SELECT_MEMBERSHIPS,
        after=AFTER_MEMBERSHIP,
        order=BY_MEMBERSHIP,
        key=(UUID, UUID),
        read=membership_of,
        keys=MEMBERSHIP_KEYS,
        condition=WITH_MEMBERSHIPS,
        write=_write_memberships,
    ),
    TransferTable.KNOWLEDGE_NODES: _Table(
        select=SELECT_MEMORIES,
        after=AFTER_MEMORY,
        order=BY_MEMORY,
        key=(UUID,),
        read=_scheduled_memory,
        keys=MEMORY_KEYS,
        condition=WITH_MEMORIES,
        write=_write_memories,
    ),
    TransferTable.EDGES: _Table(
        select=SELECT_EDGES,
        after=AFTER_EDGE,
        order=BY_EDGE,
        key=(UUID, UUID, str),
        read=edge_of,
        keys=EDGE_KEYS,
        condition=WITH_EDGES,
        write=_write_edges,
    ),
    TransferTable.REVIEW_EVENTS: _Table(
        select=SELECT_EVENTS,
        after=AFTER_ID,
        order=BY_ID,
        key=(int,),
        read=event_of,
        keys=EVENT_KEYS,
        condition=WITH_NUMBERS,
        write=scheduling.write_events,
    ),
    TransferTable.DOMAINS: _Table(
        select=SELECT_DOMAINS,
        after=AFTER_ID,
        order=BY_ID,
        key=(str,),
        read=domain_of,
        keys=DOMAIN_KEYS,
        condition=WITH_NAMES,
        write=_write_domains,
    ),
    TransferTable.INTENTIONS: _Table(
        select=intentions.SELECT,
        after=AFTER_ID,
        order=BY_ID,
        key=(UUID,),
        read=intentions.intention_of,
        keys="SELECT id FROM intentions",
        condition=WITH_IDS,
        write=intentions.put_many,
    ),
    TransferTable.FSRS_WEIGHTS: _Table(
        select=fsrs_weights.SELECT,
        after=AFTER_ID,
        order=BY_ID,
        key=(int,),
        read=fsrs_weights.fsrs_weights_of,
        keys=fsrs_weights.KEYS,
        condition=WITH_NUMBERS,
        write=fsrs_weights.put_many,
    ),
    TransferTable.CHANGELOG: _Table(
        select=changelog.SELECT_ALL,
        after=changelog.AFTER,
        order=changelog.OLDEST_FIRST,
        key=(UUID, UUID),
        read=entry_of,
        keys=changelog.KEYS,
        condition=changelog.WITH_KEYS,
        write=changelog.write_entries,
    ),
    TransferTable.TOMBSTONES: _Table(
        select=changelog.SELECT_TOMBSTONES,
        after=" WHERE memory_id > $2",
        order=" ORDER BY memory_id LIMIT $1",
        key=(UUID,),
        read=tombstone_of,
        keys="SELECT memory_id FROM tombstones",
        condition=" WHERE memory_id = ANY($1::uuid[])",
        write=_write_tombstones,
    ),
}
