"""Prospective memory: whether the moment has come for something that is to be done later.

The terms are those of the psychology of remembering to do things: time-based and event-based
prospective memory (Einstein and McDaniel, 1990).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from vestige.models import IntentionStatus, TriggerType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from vestige.models import Intention

_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What is known of the moment for which intentions are checked.

    Attributes:
        now: the time, aware.
        codebase: the project that is worked on.
        files: paths that are worked on, with slashes of either kind.
        topics: what it is about, in words: topics, a question, the beginning of a text.
        event: the name of what has just happened.
    """

    now: datetime
    codebase: str | None = None
    files: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    event: str | None = None


def reason_to_act(intention: Intention, moment: Moment) -> str | None:
    """Return why the moment for an intention has come, or None when it has not.

    A time trigger has come from its time on, an event trigger with its event. A context trigger
    wants all that it names: its codebase, a file that its pattern fits, every word of its topic.
    Upper and lower case are the same. A deadline that has passed is a reason of its own. What is
    closed or snoozed is never brought up.
    """
    if intention.status is not IntentionStatus.ACTIVE:
        return None
    if intention.snoozed_until is not None and intention.snoozed_until > moment.now:
        return None
    if intention.deadline is not None and intention.deadline <= moment.now:
        return f"its deadline has passed: {_shown(intention.deadline)}"
    match intention.trigger_type:
        case TriggerType.TIME:
            return _time_reason(intention, moment)
        case TriggerType.EVENT:
            return _event_reason(intention, moment)
        case TriggerType.CONTEXT:
            return _context_reason(intention, moment)


def most_pressing_first(intention: Intention) -> tuple[int, float, float, str]:
    """Return what intentions are ordered by: priority, then what is due first, then the oldest."""
    times = [time for time in (intention.trigger_at, intention.deadline) if time is not None]
    due = min(times).timestamp() if times else float("inf")
    return (-intention.priority, due, intention.created_at.timestamp(), str(intention.id))


def _time_reason(intention: Intention, moment: Moment) -> str | None:
    if intention.trigger_at is None or intention.trigger_at > moment.now:
        return None
    return f"its time has come: {_shown(intention.trigger_at)}"


def _event_reason(intention: Intention, moment: Moment) -> str | None:
    if intention.event is None or moment.event is None:
        return None
    if intention.event.strip().casefold() != moment.event.strip().casefold():
        return None
    return "its event has happened"


def _context_reason(intention: Intention, moment: Moment) -> str | None:
    met: list[str] = []
    if intention.codebase is not None:
        if moment.codebase is None or moment.codebase.casefold() != intention.codebase.casefold():
            return None
        met.append("codebase")
    if intention.file_pattern is not None:
        if not any(_fits(path, intention.file_pattern) for path in moment.files):
            return None
        met.append("file")
    if intention.topic is not None:
        words = _words([intention.topic])
        if not words or not words <= _words(moment.topics):
            return None
        met.append("topic")
    return f"its context is here: {', '.join(met)}"


def _fits(path: str, pattern: str) -> bool:
    """Say whether a glob fits a path or, without a separator in it, a file's name."""
    path, pattern = (text.replace("\\", "/").casefold() for text in (path, pattern))
    if "/" not in pattern:
        return fnmatchcase(path.rpartition("/")[2], pattern)
    # `src/*.py` is meant wherever the project lies.
    return fnmatchcase(path, pattern) or fnmatchcase(path, f"*/{pattern}")


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _WORDS.findall(text.casefold())}


def _shown(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
