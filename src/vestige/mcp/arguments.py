"""Arguments as a model writes them: checked, and refused in words that it can act on."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from vestige.errors import InvalidInputError
from vestige.mcp.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic import ValidationError

    from vestige.models import JsonValue

ActionT = TypeVar("ActionT", bound=str)

SHOWN_CHARACTERS: Final = 60  # of a value that is refused
ID_HINT: Final = "Take the id from recall or remember."
ID_HINTS: Final = {"change_id": "Take it from the answer to the change, or from changelog."}


def given_arguments(
    tool: str, arguments: Mapping[str, JsonValue], known: Collection[str]
) -> dict[str, JsonValue]:
    """Return the arguments that have a value: some clients send null for what they leave out.

    Raises:
        InvalidInputError: one is unknown; taken silently, a misspelt filter would filter nothing.
    """
    for name in arguments:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise InvalidInputError(
                shown(name), f"{tool} has no such argument{meant}", _known_hint(tool, known)
            )
    return {name: value for name, value in arguments.items() if value is not None}


def refused(tool: str, error: ValidationError, known: Collection[str]) -> InvalidInputError:
    """Return what pydantic says about arguments, without their values."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    said: dict[str, str] = {}
    for problem in problems:
        path = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].replace("valid tuple", "list")
        is_missing = problem["type"] == "missing"
        said[path] = "is required" if is_missing else message.replace("Input should", "must")
    first, *others = said.items()
    rest = "".join(f"; {name}: {words}" for name, words in others)
    return InvalidInputError(first[0], first[1] + rest, _known_hint(tool, known))


def refuse_unused(
    action: ActionT, values: Mapping[str, JsonValue], used: Mapping[ActionT, Collection[str]]
) -> None:
    """Refuse an argument that an action has no use for, because it would not narrow it.

    Args:
        action: the action.
        values: the arguments, None for one that is not given.
        used: the arguments that each action takes.

    Raises:
        InvalidInputError: names the argument, and the actions that take it.
    """
    for name, value in values.items():
        if value is not None and name not in used.get(action, ()):
            users = " or ".join(user for user, names in used.items() if name in names)
            raise InvalidInputError(
                name, f"is not used by {action}", f"Leave it out, or use action {users}."
            )


def parse_id(text: str, name: str = "id") -> UUID:
    """Return the id that a text names.

    Raises:
        InvalidInputError: it is no UUID.
    """
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInputError(
            name, f"{shown(text)} is not a UUID", ID_HINTS.get(name, ID_HINT)
        ) from None


def parse_time(name: str, text: str) -> datetime | None:
    """Return the time that a text names, in UTC; None for no text.

    Raises:
        InvalidInputError: it is no time, or has no zone.
    """
    if not text:
        return None
    hint = "Write it as 2026-01-31T10:00:00Z or 2026-01-31T10:00:00+02:00."
    try:
        time = datetime.fromisoformat(text.strip().upper())
        if time.tzinfo is None:
            raise InvalidInputError(name, f"{shown(text)} has no time zone", hint)
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInputError(name, f"{shown(text)} is no RFC 3339 time", hint) from None


def shown(value: str) -> str:
    """Return a value as a message can show it: short, on one line, its ends visible."""
    short = one_line(value)
    if len(short) > SHOWN_CHARACTERS:
        short = f"{short[:SHOWN_CHARACTERS]}..."
    return repr(short)


def _known_hint(tool: str, known: Collection[str]) -> str:
    return f"{tool} takes {', '.join(known)}." if known else f"{tool} takes no arguments."
