"""The limits of an intention, checked before a backend sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.errors import InvalidInputError
from vestige.models import IntentionStatus, Priority, TriggerType
from vestige.storage import limits

if TYPE_CHECKING:
    from vestige.models import Intention, IntentionFilter

CONTENT_MAX_BYTES: Final = 10_000
MEMORIES_MAX: Final = 64
# What a trigger of a type is made of; it needs at least one of these, and takes no other.
CONDITIONS: Final[dict[TriggerType, tuple[str, ...]]] = {
    TriggerType.TIME: ("trigger_at",),
    TriggerType.CONTEXT: ("file_pattern", "topic"),
    TriggerType.EVENT: ("event",),
}


def check_intention(intention: Intention) -> None:
    """Refuse an intention that is outside the limits, or that nothing can bring up.

    Raises:
        InvalidInputError: names the field and the limit.
    """
    limits.check_ids("id", [intention.id])
    limits.check_ids("owner_user_id", [intention.owner_user_id])
    limits.check_text("content", intention.content, max_bytes=CONTENT_MAX_BYTES)
    if not intention.content.strip():
        raise InvalidInputError("content", "must not be only white space")
    _check_names(intention)
    for name in ("event", "file_pattern", "topic", "codebase"):
        value = getattr(intention, name)
        if value is not None:
            limits.check_text(name, value, max_characters=limits.NAME_MAX_CHARACTERS)
    for name in ("trigger_at", "deadline", "snoozed_until", "closed_at"):
        time = getattr(intention, name)
        if time is not None:
            limits.check_time(name, time)
    limits.check_time("created_at", intention.created_at)
    limits.check_time("updated_at", intention.updated_at)
    _check_trigger(intention)
    limits.check_ids("memory_ids", intention.memory_ids)
    if len(intention.memory_ids) > MEMORIES_MAX:
        raise InvalidInputError("memory_ids", f"has more than {MEMORIES_MAX} ids")
    limits.check_texts("tags", intention.tags, limits.TAGS_MAX, limits.TAG_MAX_CHARACTERS)
    limits.check_metadata(intention.metadata)


def check_intention_filter(intention_filter: IntentionFilter | None) -> None:
    """Refuse a filter of intentions whose values are outside the limits."""
    if intention_filter is None:
        return
    status, codebase = intention_filter.status, intention_filter.codebase
    if status is not None and status not in tuple(IntentionStatus):
        raise InvalidInputError("status", f"must be one of {', '.join(IntentionStatus)}")
    if codebase is not None:
        limits.check_text("codebase", codebase, max_characters=limits.NAME_MAX_CHARACTERS)
    if intention_filter.may_fire_at is not None:
        limits.check_time("may_fire_at", intention_filter.may_fire_at)


def _check_names(intention: Intention) -> None:
    if intention.trigger_type not in tuple(TriggerType):
        raise InvalidInputError("trigger_type", f"must be one of {', '.join(TriggerType)}")
    if intention.status not in tuple(IntentionStatus):
        raise InvalidInputError("status", f"must be one of {', '.join(IntentionStatus)}")
    if intention.priority not in tuple(Priority):
        raise InvalidInputError("priority", "must be 1 to 4 (low, normal, high, critical)")
    if (intention.closed_at is None) != (intention.status is IntentionStatus.ACTIVE):
        raise InvalidInputError("closed_at", "is given for what is completed or cancelled, only")


def _check_trigger(intention: Intention) -> None:
    kind = intention.trigger_type
    given = {
        name
        for names in CONDITIONS.values()
        for name in names
        if getattr(intention, name) is not None
    }
    other = sorted(given - set(CONDITIONS[kind]))
    if other:
        raise InvalidInputError(other[0], f"is not used by a {kind} trigger")
    if kind is TriggerType.CONTEXT and intention.codebase is not None:
        return
    if not given:
        wanted = {
            TriggerType.TIME: "a time",
            TriggerType.EVENT: "the name of an event",
            TriggerType.CONTEXT: "a codebase, a file pattern or a topic",
        }
        raise InvalidInputError(CONDITIONS[kind][0], f"a {kind} trigger needs {wanted[kind]}")
