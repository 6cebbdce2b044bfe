"""What moving rows between stores has in common on every backend: kinds, checks and keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from vestige.errors import InvalidInputError
from vestige.models import (
    ChangelogEntry,
    Domain,
    FsrsWeights,
    Group,
    GroupMembership,
    Intention,
    MemoryEdge,
    ReviewEvent,
    ScheduledMemory,
    Tombstone,
    TransferTable,
    User,
)
from vestige.storage import limits
from vestige.storage.intention_limits import check_intention
from vestige.storage.weights_limits import check_fsrs_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vestige.models import RowKey, TransferRow

KINDS: Final[dict[TransferTable, type]] = {
    TransferTable.USERS: User,
    TransferTable.GROUPS: Group,
    TransferTable.GROUP_MEMBERSHIPS: GroupMembership,
    TransferTable.KNOWLEDGE_NODES: ScheduledMemory,
    TransferTable.EDGES: MemoryEdge,
    TransferTable.REVIEW_EVENTS: ReviewEvent,
    TransferTable.DOMAINS: Domain,
    TransferTable.INTENTIONS: Intention,
    TransferTable.FSRS_WEIGHTS: FsrsWeights,
    TransferTable.CHANGELOG: ChangelogEntry,
    TransferTable.TOMBSTONES: Tombstone,
}


def check_row(table: TransferTable, row: object) -> None:
    """Refuse a row that is of another table, or outside its limits.

    Raises:
        InvalidInputError: names what is wrong.
    """
    if not isinstance(row, KINDS[table]):
        raise InvalidInputError(
            "rows", f"{table} holds no {type(row).__name__}", "Give rows of one table."
        )
    CHECKS[table](row)


def row_key(row: TransferRow) -> RowKey:
    """Return the key of a row."""
    match row:
        case ScheduledMemory():
            return (row.record.id,)
        case GroupMembership():
            return (row.user_id, row.group_id)
        case MemoryEdge():
            return (row.source_id, row.target_id, row.edge_type)
        case ChangelogEntry():
            return (row.change_id, row.memory_id)
        case Tombstone():
            return (row.memory_id,)
        case _:
            return (row.id,)


def key_text(table: TransferTable, row: TransferRow) -> str:
    """Return the key of a row for a message: its parts, with blanks between them."""
    if not isinstance(row, KINDS[table]):
        return repr(row)
    return " ".join(str(part) for part in row_key(row))


def purged_here(memory_id: UUID) -> InvalidInputError:
    """Return why a row is not written: what was purged does not come back with an old copy."""
    return InvalidInputError("id", f"{memory_id} was purged in this store")


def stored_here(memory_id: UUID) -> InvalidInputError:
    """Return why a tombstone is not written: the memory, or the intention, is there."""
    return InvalidInputError(
        "memory_id", f"{memory_id} is stored here: `vestige purge {memory_id}` purges it here, too"
    )


def after_text(key: Sequence[object]) -> str:
    """Return the key of a page's last row as the page's `next_after`."""
    parts = [str(part) if isinstance(part, UUID) else part for part in key]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def after_key(after: str, kinds: Sequence[type]) -> RowKey:
    """Return the key of a `next_after`.

    Args:
        after: what `after_text` returned.
        kinds: the type of each part: `UUID`, `str` or `int`.

    Raises:
        InvalidInputError: it is not the `next_after` of a page.
    """
    readers: dict[type, Callable[[object], UUID | str | int]] = {UUID: _uuid, str: _text, int: _int}
    try:
        parts = cast("list[object]", json.loads(after))
        return tuple(readers[kind](part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError) as error:
        raise InvalidInputError("after", f"{after!r} is not the `next_after` of a page") from error


def _check_memory(item: ScheduledMemory) -> None:
    limits.check_record(item.record)
    limits.check_scheduling(item.scheduling)
    limits.check_same_memory(item.record.id, item.scheduling)


def _check_tombstone(tombstone: Tombstone) -> None:
    limits.check_time("purged_at", tombstone.purged_at)


def _check_event(event: ReviewEvent) -> None:
    limits.check_time("timestamp", event.timestamp)
    limits.check_rating(event.rating)
    for state in (event.prior_state, event.new_state):
        limits.check_scheduling(state)


def _uuid(part: object) -> UUID:
    return UUID(_text(part))


def _text(part: object) -> str:
    if not isinstance(part, str):
        raise TypeError(part)
    return part


def _int(part: object) -> int:
    if not isinstance(part, int):
        raise TypeError(part)
    return part


CHECKS: Final[dict[TransferTable, Callable[[Any], None]]] = {
    TransferTable.USERS: limits.check_principal,
    TransferTable.GROUPS: limits.check_principal,
    TransferTable.GROUP_MEMBERSHIPS: limits.check_membership,
    TransferTable.KNOWLEDGE_NODES: _check_memory,
    TransferTable.EDGES: limits.check_edge,
    TransferTable.REVIEW_EVENTS: _check_event,
    TransferTable.DOMAINS: limits.check_domain,
    TransferTable.INTENTIONS: check_intention,
    TransferTable.FSRS_WEIGHTS: check_fsrs_weights,
    TransferTable.CHANGELOG: limits.check_entry,
    TransferTable.TOMBSTONES: _check_tombstone,
}
