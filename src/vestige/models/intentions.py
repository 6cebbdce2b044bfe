"""What is to be done later: reminders that a time, a context or an event brings up."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from vestige.models.values import LOCAL_USER_ID

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.models.values import JsonObject


class TriggerType(StrEnum):
    """What brings an intention up."""

    TIME = "time"
    CONTEXT = "context"
    EVENT = "event"


class IntentionStatus(StrEnum):
    """Whether an intention is still to be done."""

    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Priority(IntEnum):
    """How important an intention is."""

    LOW = 1
    NORMAL = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Intention:
    """Something to be done later, and what brings it up.

    Attributes:
        id: its identity.
        content: what is to be done; 1 to 10,000 bytes of UTF-8.
        trigger_type: what brings it up: a time, a context, or an event.
        trigger_at: of a time trigger, when.
        event: of an event trigger, the name of the event, up to 256 characters.
        file_pattern: of a context trigger, the files it is about, as a glob (`src/*.py`), up to 256
            characters.
        topic: of a context trigger, words that all have to come up, up to 256 characters.
        codebase: the project it belongs to, up to 256 characters; a context trigger wants it.
        deadline: when it should be done; it comes up then, whatever its trigger is.
        priority: how important it is.
        status: whether it is still to be done.
        snoozed_until: it does not come up before.
        closed_at: when it was completed or cancelled.
        memory_ids: memories that it is about; at most 64, which need not exist any more.
        tags: up to 64 of up to 128 characters.
        metadata: a JSON object to keep with it, such as who has set it.
        owner_user_id: whose it is.
        created_at: when it was set.
        updated_at: when it was last changed.
    """

    id: UUID
    content: str
    trigger_type: TriggerType
    trigger_at: datetime | None = None
    event: str | None = None
    file_pattern: str | None = None
    topic: str | None = None
    codebase: str | None = None
    deadline: datetime | None = None
    priority: Priority = Priority.NORMAL
    status: IntentionStatus = IntentionStatus.ACTIVE
    snoozed_until: datetime | None = None
    closed_at: datetime | None = None
    memory_ids: tuple[UUID, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: JsonObject = field(default_factory=dict)
    owner_user_id: UUID = LOCAL_USER_ID
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class IntentionFilter:
    """Which intentions to read; an empty filter keeps all.

    Attributes:
        status: only those.
        codebase: exactly this one.
        may_fire_at: those that something may bring up at this time: active, not snoozed, and not
            waiting for a later time.
    """

    status: IntentionStatus | None = None
    codebase: str | None = None
    may_fire_at: datetime | None = None
