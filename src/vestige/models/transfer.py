"""What moving rows between stores hands over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from vestige.models.access import Group, GroupMembership, User
from vestige.models.changes import ChangelogEntry, Tombstone
from vestige.models.domains import Domain
from vestige.models.fsrs_weights import FsrsWeights
from vestige.models.intentions import Intention
from vestige.models.memories import MemoryEdge, MemoryRecord, ReviewEvent, SchedulingState

if TYPE_CHECKING:
    from uuid import UUID


RowKey: TypeAlias = "tuple[UUID | str | int, ...]"  # the primary key of a row, in order


class TransferTable(StrEnum):
    """The tables that are moved between stores, in the order that keeps references valid."""

    USERS = "users"
    GROUPS = "groups"
    GROUP_MEMBERSHIPS = "group_memberships"
    KNOWLEDGE_NODES = "knowledge_nodes"
    EDGES = "edges"
    REVIEW_EVENTS = "review_events"
    DOMAINS = "domains"
    INTENTIONS = "intentions"
    FSRS_WEIGHTS = "fsrs_weights"
    CHANGELOG = "changelog"
    TOMBSTONES = "tombstones"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledMemory:
    """A memory with its scheduling: what moving a memory must keep together."""

    record: MemoryRecord
    scheduling: SchedulingState


TransferRow: TypeAlias = (
    User
    | Group
    | GroupMembership
    | ScheduledMemory
    | MemoryEdge
    | ReviewEvent
    | Domain
    | Intention
    | FsrsWeights
    | ChangelogEntry
    | Tombstone
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferPage:
    """Rows of one table and where to go on; `next_after` is None on the last page."""

    rows: tuple[TransferRow, ...]
    next_after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFailure:
    """A row that could not be imported."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportResult:
    """What an import did with its rows: every row is in exactly one of the three."""

    written: int
    present: int
    failures: tuple[RowFailure, ...] = ()
