"""What is to be done later: setting it, seeing whether its moment has come, and closing it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from vestige.cognition.prospective import Moment, most_pressing_first, reason_to_act
from vestige.engine.parts import commit
from vestige.engine.screening import screened
from vestige.errors import IntentionNotFoundError, InvalidInputError
from vestige.models import (
    MAX_LIMIT,
    ChangeAction,
    Intention,
    IntentionFilter,
    IntentionStatus,
    MemoryCursor,
    Priority,
    PutIntention,
    TriggerType,
)
from vestige.storage import limits
from vestige.storage.changes import intention_account
from vestige.storage.intention_limits import check_intention

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.parts import Parts
    from vestige.models import Change, JsonObject, SecretPlace
    from vestige.storage.protocol import MemoryStore

CLOSING: Final = {
    IntentionStatus.COMPLETED: ChangeAction.COMPLETED,
    IntentionStatus.CANCELLED: ChangeAction.CANCELLED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class IntentionItem:
    """What is to be done later; the fields are those of `set_intention`."""

    content: str
    at: datetime | None = None
    event: str | None = None
    file_pattern: str | None = None
    topic: str | None = None
    codebase: str | None = None
    deadline: datetime | None = None
    priority: Priority = Priority.NORMAL
    memory_ids: tuple[UUID, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: JsonObject | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IntentionResult:
    """What became of an intention.

    Attributes:
        intention: as it is now.
        previous: as it was before; None for a new one.
        change_id: what the changelog calls the change.
        removed: the secrets that were taken out of what was given.
    """

    intention: Intention
    previous: Intention | None
    change_id: UUID
    removed: tuple[SecretPlace, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggeredIntention:
    """An intention whose moment has come, and why."""

    intention: Intention
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IntentionCheck:
    """The intentions whose moment has come.

    Attributes:
        triggered: the most pressing first, at most as many as were asked for.
        count: how many there are.
    """

    triggered: tuple[TriggeredIntention, ...]
    count: int


async def set_intention(parts: Parts, item: IntentionItem) -> IntentionResult:
    """Keep something that is to be done later.

    Raises:
        InvalidInputError: nothing brings it up, more than one kind of trigger does, or a limit.
        SecretFoundError: it holds a key or token.
    """
    now = parts.clock.now()
    check_intention(_new(item, now))
    item, removed = screened(item, parts.secrets, lambda clean: check_intention(_new(clean, now)))
    intention = _new(item, now)
    change = parts.change(ChangeAction.INTENDED, PutIntention(intention=intention))
    await parts.store.commit(change)
    return IntentionResult(intention=intention, previous=None, change_id=change.id, removed=removed)


async def snooze(parts: Parts, intention_id: UUID, until: datetime) -> IntentionResult:
    """Keep an intention from coming up until a time.

    Raises:
        IntentionNotFoundError: the id is unknown.
        InvalidInputError: it is closed, or the time has passed.
    """
    limits.check_time("until", until)
    if until <= parts.clock.now():
        raise InvalidInputError("until", f"{until.isoformat()} has passed already")
    return await _changed(
        parts,
        intention_id,
        ChangeAction.SNOOZED,
        lambda known, now: replace(known, snoozed_until=until, updated_at=now),
    )


async def close(parts: Parts, intention_id: UUID, status: IntentionStatus) -> IntentionResult:
    """Say that an intention was done, or is not to be done any more.

    Raises:
        IntentionNotFoundError: the id is unknown.
        InvalidInputError: it is closed already.
    """
    return await _changed(
        parts,
        intention_id,
        CLOSING[status],
        lambda known, now: replace(
            known, status=status, closed_at=now, snoozed_until=None, updated_at=now
        ),
    )


async def check(store: MemoryStore, moment: Moment, limit: int) -> IntentionCheck:
    """Return the intentions whose moment has come; nothing is written.

    All are read that are active, not snoozed and not waiting for a later time, page by page.

    Raises:
        InvalidInputError: a limit.
    """
    wanted = limits.check_limit(limit)
    found: list[TriggeredIntention] = []
    after: MemoryCursor | None = None
    chosen = IntentionFilter(may_fire_at=moment.now)
    while True:
        page = await store.list_intentions(chosen, after=after, limit=MAX_LIMIT)
        for intention in page:
            reason = reason_to_act(intention, moment)
            if reason is not None:
                found.append(TriggeredIntention(intention=intention, reason=reason))
        if len(page) < MAX_LIMIT:
            break
        after = MemoryCursor(at=page[-1].created_at, id=page[-1].id)
    found.sort(key=lambda one: most_pressing_first(one.intention))
    return IntentionCheck(triggered=tuple(found[:wanted]), count=len(found))


async def need(store: MemoryStore, intention_id: UUID) -> Intention:
    """Return an intention.

    Raises:
        IntentionNotFoundError: the id is unknown.
    """
    intention = await store.get_intention(intention_id)
    if intention is None:
        raise IntentionNotFoundError(intention_id)
    return intention


async def _changed(
    parts: Parts,
    intention_id: UUID,
    action: ChangeAction,
    changed: Callable[[Intention, datetime], Intention],
) -> IntentionResult:
    before = after = await need(parts.store, intention_id)

    async def make() -> Change:
        nonlocal before, after
        before = await need(parts.store, intention_id)
        if before.status is not IntentionStatus.ACTIVE:
            raise InvalidInputError(
                "id", f"{intention_id} is {before.status} already", "`vestige undo` takes it back."
            )
        after = changed(before, parts.clock.now())
        change = parts.change(action, PutIntention(intention=after))
        return replace(change, expected={intention_id: intention_account(before)})

    change = await commit(parts, make)
    return IntentionResult(intention=after, previous=before, change_id=change.id)


def _new(item: IntentionItem, now: datetime) -> Intention:
    trigger_type, trigger_at = _trigger(item)
    return Intention(
        id=uuid4(),
        content=item.content,
        trigger_type=trigger_type,
        trigger_at=trigger_at,
        event=item.event,
        file_pattern=item.file_pattern,
        topic=item.topic,
        codebase=item.codebase,
        deadline=item.deadline,
        priority=item.priority,
        memory_ids=tuple(dict.fromkeys(item.memory_ids)),
        tags=tuple(dict.fromkeys(item.tags)),
        metadata=item.metadata or {},
        created_at=now,
        updated_at=now,
    )


def _trigger(item: IntentionItem) -> tuple[TriggerType, datetime | None]:
    """Return the kind of trigger that the given fields mean, and its time."""
    if item.at is not None:
        return TriggerType.TIME, item.at
    if item.event is not None:
        return TriggerType.EVENT, None
    if any(value is not None for value in (item.file_pattern, item.topic, item.codebase)):
        return TriggerType.CONTEXT, None
    if item.deadline is not None:
        return TriggerType.TIME, item.deadline
    raise InvalidInputError(
        "trigger",
        "nothing brings it up",
        "Give a time, an event, a codebase, a file pattern, a topic or a deadline.",
    )
