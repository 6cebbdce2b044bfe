"""What a write is made of, and the account of it that the changelog keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from vestige.models.intentions import Intention
    from vestige.models.memories import (
        MemoryEdge,
        MemoryRecord,
        Rating,
        ReviewEvent,
        SchedulingState,
    )
    from vestige.models.values import JsonObject


class ChangeAction(StrEnum):
    """What somebody did, as the changelog names it."""

    CREATED = "created"
    REINFORCED = "reinforced"
    EDITED = "edited"
    SUPERSEDED = "superseded"
    SUPPRESSED = "suppressed"
    RESTORED = "restored"
    FORGOTTEN = "forgotten"
    PURGED = "purged"
    REVIEWED = "reviewed"
    LINKED = "linked"
    UNLINKED = "unlinked"
    CONSOLIDATED = "consolidated"
    INTENDED = "intended"
    SNOOZED = "snoozed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNDONE = "undone"


@dataclass(frozen=True, kw_only=True, slots=True)
class InsertMemory:
    """A memory that was not there; with the initial state unless one is given."""

    record: MemoryRecord
    scheduling: SchedulingState | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplaceMemory:
    """Everything of a memory but its id and `created_at`.

    `updated_at` becomes the time of the change, as `MemoryStore.update` says, or, with
    `keeps_updated_at`, the record's own: what is undone was never changed.
    """

    record: MemoryRecord
    keeps_updated_at: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteMemory:
    """A memory with its vectors, scheduling, links and review events."""

    memory_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PutScheduling:
    """The FSRS-6 state of a memory."""

    state: SchedulingState


@dataclass(frozen=True, kw_only=True, slots=True)
class AddReview:
    """A new review event, and the state that it led to."""

    memory_id: UUID
    rating: Rating
    new_state: SchedulingState
    timestamp: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PutReview:
    """A review event that was there before, with its id; the state is left as it is."""

    event: ReviewEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveReview:
    """A review event; the state is left as it is."""

    memory_id: UUID
    event_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PutEdge:
    """A link, or another weight for the one with the same ends and type."""

    edge: MemoryEdge


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveEdge:
    """The link with these ends and this type."""

    source_id: UUID
    target_id: UUID
    edge_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PutIntention:
    """An intention as it is to be, whether it was there or not."""

    intention: Intention


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveIntention:
    """An intention; one that is not there is no error."""

    intention_id: UUID


Operation: TypeAlias = (
    InsertMemory
    | ReplaceMemory
    | DeleteMemory
    | PutScheduling
    | AddReview
    | PutReview
    | RemoveReview
    | PutEdge
    | RemoveEdge
    | PutIntention
    | RemoveIntention
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Operations that happen together or not at all, and what the changelog says about them.

    Attributes:
        id: its identity, never used again.
        action: what somebody did.
        operations: in the order in which they are applied.
        reason: why, for people; it must not quote a memory, because a purge leaves it.
        client_id: the program that asked for it, up to 256 characters.
        session_id: its session, up to 256 characters.
        undoes: the change that this one takes back.
        expected: memories, or intentions, and what the changelog last said about them; where one
            is different by now, the change is refused.
    """

    id: UUID
    action: ChangeAction
    operations: tuple[Operation, ...]
    reason: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    undoes: UUID | None = None
    expected: Mapping[UUID, JsonObject] = field(default_factory=dict["UUID", "JsonObject"])


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangelogEntry:
    """What one change did to one memory.

    Attributes:
        change_id: the change; with `memory_id` it is the key.
        memory_id: the memory, or the intention, which is known by its own id. A link belongs to the
            memory that it starts from.
        action: what somebody did.
        timestamp: when; aware, UTC, microseconds.
        before: the rows that the change touched, by name (`memory`, `scheduling`, `edge ...`,
            `review ...`, `intention`); None for one that was not there. No vectors.
        after: the same rows afterwards. Both are None once the memory was purged.
        reason: why, for people.
        client_id: the program that asked for it.
        session_id: its session.
        undoes: the change that was taken back.
    """

    change_id: UUID
    memory_id: UUID
    action: ChangeAction
    timestamp: datetime
    before: JsonObject | None
    after: JsonObject | None
    reason: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    undoes: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangelogFilter:
    """Which entries to read; an empty filter keeps everything."""

    memory_id: UUID | None = None
    change_id: UUID | None = None
    undoes: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstone:
    """What is left of a purged memory or intention: that it was there, and when it went."""

    memory_id: UUID
    purged_at: datetime
