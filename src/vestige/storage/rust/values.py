"""The cells of a foreign database as values; what has to be changed for that is noted."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from vestige.storage.encoding import INTEGER_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vestige.models import JsonObject, JsonValue
    from vestige.storage.rust.connection import Cell
    from vestige.storage.rust.findings import RowNotes

# Stands for what no text may hold: NUL, a byte that is not UTF-8, half of a surrogate pair.
REPLACEMENT: Final = "�"
UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")

# RFC 3339 with any number of digits, SQLite's own form (without an offset it is UTC), a date alone.
TIME: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<clock>[0-9]{2}:[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"\ ?(?P<zone>[Zz]|UTC|[+-][0-9]{2}:?[0-9]{2})?)?",
)
NUMBER: Final = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,9})?")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The unit of a number of ticks since 1970 shows in its size: below each bound, this many a second.
TICKS: Final = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (math.inf, 1_000_000_000))
LEAP_SECOND: Final = "60"

# Of lists and objects within each other; the metadata around them adds some of its 100.
DEPTH_MAX: Final = 90

OUT_OF_RANGE: Final = "out of range"


class NotJsonError(ValueError):
    """A text that is not JSON."""


def clean_text(notes: RowNotes, field: str, text: str) -> str:
    """Return a text in which every character that cannot be stored everywhere is replaced."""
    if not UNSTORABLE.search(text):
        return text
    cleaned = UNSTORABLE.sub(REPLACEMENT, text)
    notes.adjust(f"{field}: NUL or not valid Unicode, replaced", text, cleaned)
    return cleaned


def text_of(notes: RowNotes, field: str, cell: Cell) -> str | None:
    """Return a cell as text, None when it is NULL."""
    if cell is None:
        return None
    if isinstance(cell, str):
        return clean_text(notes, field, cell)
    if isinstance(cell, bytes):
        text = UNSTORABLE.sub(REPLACEMENT, cell.decode("utf-8", "replace"))
    else:
        text = str(cell)
    notes.adjust(f"{field}: not text", cell, text)
    return text


def time_of(notes: RowNotes, field: str, cell: Cell) -> datetime | None:
    """Return a cell as a time in UTC, cut to microseconds; None for NULL and an empty text."""
    if cell is None or cell == "":
        return None
    found = _written_time(cell) if isinstance(cell, str) else None
    if found is not None:
        return found
    counted = _counted_time(cell)
    if counted is None:
        notes.adjust(f"{field}: no time that can be read", cell, "none")
    else:
        notes.adjust(f"{field}: a number, read as time since 1970", cell, counted.isoformat())
    return counted


def number_of(
    notes: RowNotes, field: str, cell: Cell, *, default: float, lowest: float, highest: float
) -> float:
    """Return a cell as a number within a range; the default when it holds none."""
    number = _number(cell)
    if number is None or math.isnan(number):
        notes.adjust(f"{field}: no number", cell, default)
        return default
    bounded = min(max(number, lowest), highest)
    if bounded != number:
        notes.adjust(f"{field}: {OUT_OF_RANGE}", cell, bounded)
    return bounded


def whole_of(notes: RowNotes, field: str, cell: Cell, *, highest: int) -> int:
    """Return a cell as a whole number from 0 on; 0 when it holds none."""
    number = cell if isinstance(cell, int) else _number(cell)  # float would make it less exact
    if number is None or math.isnan(number):
        notes.adjust(f"{field}: no number", cell, 0)
        return 0
    bounded = min(max(number, 0), highest)
    if bounded != number:
        notes.adjust(f"{field}: {OUT_OF_RANGE}", cell, int(bounded))
    elif int(bounded) != bounded:
        notes.adjust(f"{field}: not a whole number", cell, int(bounded))
    return int(bounded)


def json_of(cell: Cell) -> JsonValue:
    """Return the value of a cell that holds JSON text.

    Raises:
        NotJsonError: it does not, or it is nested too deep to be read.
    """
    if not isinstance(cell, (str, bytes)):
        raise NotJsonError(str(cell))
    try:
        value = cast("JsonValue", json.loads(cell))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise NotJsonError(str(cell)) from error
    if _depth(value) > DEPTH_MAX:
        raise NotJsonError(str(cell))
    return value


def object_of(notes: RowNotes, field: str, cell: Cell) -> JsonObject:
    """Return a cell that holds a JSON object; what is none is kept as a text under `unread`."""
    if cell is None:
        return {}
    try:
        value = json_of(cell)
    except NotJsonError:
        value = None
    if isinstance(value, dict):
        return {
            clean_text(notes, field, key): storable(notes, field, item)
            for key, item in value.items()
        }
    notes.adjust(f"{field}: not a JSON object", cell, "{}")
    return {"unread": storable(notes, field, cell)}


def storable(notes: RowNotes, field: str, value: JsonValue | bytes) -> JsonValue:
    """Return a value as it can stand in metadata on every backend."""
    match value:
        case str():
            return clean_text(notes, field, value)
        case list():
            return [storable(notes, field, item) for item in value]
        case dict():
            return {
                clean_text(notes, field, key): storable(notes, field, item)
                for key, item in value.items()
            }
        case bytes():
            return _as_text(notes, f"{field}: bytes, kept as text", f"x'{value.hex()}'")
        case int() | float():
            return _storable_number(notes, field, value)
        case None:
            return value


def _storable_number(notes: RowNotes, field: str, number: float) -> JsonValue:
    if isinstance(number, float) and not math.isfinite(number):
        return _as_text(notes, f"{field}: not finite, kept as text", str(number))
    if isinstance(number, int) and abs(number) > INTEGER_MAX:
        return _as_text(notes, f"{field}: beyond +-(2**53 - 1), kept as text", str(number))
    return number


def _as_text(notes: RowNotes, what: str, text: str) -> str:
    notes.adjust(what, text, text)
    return text


def _depth(value: JsonValue) -> int:
    """Return how many lists and objects stand within each other, without recursion."""
    depth = 0
    level = _inside([value])
    while level:
        depth += 1
        level = _inside(
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        )
    return depth


def _inside(values: Iterable[JsonValue]) -> list[list[JsonValue] | dict[str, JsonValue]]:
    return [item for item in values if isinstance(item, (list, dict))]


def _number(cell: Cell) -> float | None:
    if isinstance(cell, (int, float)):
        return float(cell)
    if isinstance(cell, str):
        try:
            return float(cell)
        except ValueError:
            return None
    return None


def _written_time(text: str) -> datetime | None:
    match = TIME.fullmatch(text.strip())
    if match is None:
        return None
    zone = match["zone"] or ""
    offset = "+00:00" if zone in {"", "Z", "z", "UTC"} else zone
    second = match["second"] or "00"
    # A leap second has no place in Python's calendar: it counts as the end of the one before.
    is_leap = second == LEAP_SECOND
    fraction = "999999" if is_leap else (match["fraction"] or "0")[:6].ljust(6, "0")
    clock = f"{match['clock'] or '00:00'}:{'59' if is_leap else second}.{fraction}"
    try:
        return datetime.fromisoformat(f"{match['date']}T{clock}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):  # no such day or hour, or no year for it in UTC
        return None


def _counted_time(cell: Cell) -> datetime | None:
    if isinstance(cell, str):
        ticks = float(cell) if NUMBER.fullmatch(cell) else None
    else:
        ticks = float(cell) if isinstance(cell, (int, float)) else None
    if ticks is None or not 0 < ticks < math.inf:
        return None
    per_second = next(rate for bound, rate in TICKS if ticks < bound)
    try:
        return EPOCH + timedelta(seconds=ticks / per_second)
    except OverflowError:
        return None
