"""The rows of a file that are no memories: connections, domains, users, groups and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, cast

from vestige.errors import InvalidInputError
from vestige.models import Domain, Group, GroupMembership, MemoryEdge, User
from vestige.storage.limits import INTEGER_MAX, LIST_MAX, NAME_MAX_CHARACTERS
from vestige.storage.rust.values import (
    NotJsonError,
    json_of,
    object_of,
    storable,
    text_of,
    time_of,
    whole_of,
)
from vestige.storage.rust.vectors import centroid_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from vestige.models import JsonObject
    from vestige.storage.rust.connection import Cell
    from vestige.storage.rust.findings import RowNotes
    from vestige.storage.rust.vectors import VectorSource

EDGE_COLUMNS: Final = frozenset({"source_id", "target_id", "strength", "link_type", "created_at"})
DOMAIN_COLUMNS: Final = frozenset(
    {"id", "label", "centroid", "top_terms", "memory_count", "created_at", "metadata"}
)
PARTY_COLUMNS: Final = frozenset({"id", "handle", "display_name", "created_at", "metadata"})
MEMBERSHIP_COLUMNS: Final = frozenset({"user_id", "group_id", "role", "joined_at"})
NO_SUCH_MEMORY: Final = "names a memory that is not in the file"


def edge_of(
    notes: RowNotes,
    source_id: UUID | None,
    target_id: UUID | None,
    row: Mapping[str, Cell],
    last_resort: datetime,
) -> MemoryEdge:
    """Return a connection; it is not checked yet.

    Raises:
        InvalidInputError: an end is no memory of the file, or it has no strength.
    """
    if source_id is None:
        raise InvalidInputError("source_id", NO_SUCH_MEMORY)
    if target_id is None:
        raise InvalidInputError("target_id", NO_SUCH_MEMORY)
    strength = row["strength"]
    if not isinstance(strength, (int, float)):
        raise InvalidInputError("strength", f"must be a number, not {strength!r}")
    _leave_out(notes, row, EDGE_COLUMNS)
    return MemoryEdge(
        source_id=source_id,
        target_id=target_id,
        edge_type=text_of(notes, "link_type", row["link_type"]) or "",
        weight=float(strength),
        created_at=_time(notes, row, last_resort, "created_at", "last_activated"),
    )


def domain_of(
    notes: RowNotes, row: Mapping[str, Cell], source: VectorSource, last_resort: datetime
) -> Domain:
    """Return a domain; it is not checked yet."""
    metadata = object_of(notes, "metadata", row.get("metadata"))
    _leave_out(notes, row, DOMAIN_COLUMNS)
    return Domain(
        id=text_of(notes, "id", row["id"]) or "",
        label=text_of(notes, "label", row["label"]) or "",
        centroid=centroid_of(notes, row.get("centroid"), source),
        top_terms=_terms(notes, row.get("top_terms"), metadata),
        memory_count=whole_of(
            notes, "memory_count", row.get("memory_count", 0), highest=INTEGER_MAX
        ),
        created_at=_time(notes, row, last_resort, "created_at"),
        metadata=metadata,
    )


def user_of(notes: RowNotes, user_id: UUID, row: Mapping[str, Cell], last_resort: datetime) -> User:
    """Return a user; it is not checked yet."""
    _leave_out(notes, row, PARTY_COLUMNS)
    return User(
        id=user_id,
        handle=text_of(notes, "handle", row["handle"]) or "",
        display_name=text_of(notes, "display_name", row.get("display_name")) or None,
        created_at=_time(notes, row, last_resort, "created_at"),
        metadata=object_of(notes, "metadata", row.get("metadata")),
    )


def group_of(
    notes: RowNotes, group_id: UUID, row: Mapping[str, Cell], last_resort: datetime
) -> Group:
    """Return a group; it is not checked yet."""
    _leave_out(notes, row, PARTY_COLUMNS)
    return Group(
        id=group_id,
        handle=text_of(notes, "handle", row["handle"]) or "",
        display_name=text_of(notes, "display_name", row.get("display_name")) or None,
        created_at=_time(notes, row, last_resort, "created_at"),
        metadata=object_of(notes, "metadata", row.get("metadata")),
    )


def membership_of(
    notes: RowNotes,
    user_id: UUID | None,
    group_id: UUID | None,
    row: Mapping[str, Cell],
    last_resort: datetime,
) -> GroupMembership:
    """Return a membership; it is not checked yet.

    Raises:
        InvalidInputError: the user or the group is not in the file.
    """
    if user_id is None:
        raise InvalidInputError("user_id", "names a user that is not in the file")
    if group_id is None:
        raise InvalidInputError("group_id", "names a group that is not in the file")
    _leave_out(notes, row, MEMBERSHIP_COLUMNS)
    role = text_of(notes, "role", row.get("role", "member"))
    return GroupMembership(
        user_id=user_id,
        group_id=group_id,
        role=cast("Literal['member', 'admin']", role),  # refused with the other limits if neither
        joined_at=_time(notes, row, last_resort, "joined_at"),
    )


def _time(
    notes: RowNotes, row: Mapping[str, Cell], last_resort: datetime, field: str, *others: str
) -> datetime:
    for name in (field, *others):
        at = time_of(notes, name, row.get(name))
        if at is not None:
            if name != field:
                notes.adjust(f"{field}: none, taken from {name}", row.get(field), at)
            return at
    notes.adjust(f"{field}: none, the time of the file instead", row.get(field), last_resort)
    return last_resort


def _terms(notes: RowNotes, cell: Cell, metadata: JsonObject) -> tuple[str, ...]:
    if cell is None:
        return ()
    try:
        value = json_of(cell)
    except NotJsonError:
        value = cell if not isinstance(cell, bytes) else cell.hex()
    cleaned = storable(notes, "top_terms", value)
    items = cleaned if isinstance(cleaned, list) else []
    kept = [
        item for item in items if isinstance(item, str) and 0 < len(item) <= NAME_MAX_CHARACTERS
    ][:LIST_MAX]
    if not isinstance(cleaned, list) or len(kept) != len(cleaned):
        metadata["top_terms"] = cleaned
        notes.adjust("top_terms: some do not fit, all kept in metadata", cell, kept)
    return tuple(kept)


def _leave_out(notes: RowNotes, row: Mapping[str, Cell], placed: frozenset[str]) -> None:
    for name, cell in row.items():
        if name not in placed and cell is not None:
            notes.leave_out(name)
