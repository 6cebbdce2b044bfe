"""How values become text in a database: JSON and times, the same for every backend."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from vestige.errors import InvalidInputError

if TYPE_CHECKING:
    from vestige.models import JsonObject, JsonValue

# Beyond this, a JSON number is not the same integer everywhere (RFC 7493, section 2.2).
INTEGER_MAX: Final = 2**53 - 1
JSON_MAX_DEPTH: Final = 100
TIME_CHARACTERS: Final = len("2026-01-31T12:00:00.000000")  # a year has four digits


def json_text(field: str, value: object) -> str:
    """Return a value as compact JSON text.

    Raises:
        InvalidInputError: the value holds something JSON cannot carry unchanged between backends.
    """
    if value == {}:
        return "{}"
    _check_json(field, value, depth=1)
    text = _dumped(value)
    if "-0.0" in text:
        # PostgreSQL's jsonb has no negative zero, so nowhere is one kept.
        text = _dumped(_with_positive_zeros(value))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(field, "is not valid Unicode: it has a lone surrogate") from error
    return text


def json_value(text: str) -> JsonValue:
    """Return the value of a JSON text as it was before `json_text`."""
    return cast("JsonValue", _DECODER.decode(text))


def json_object(text: str) -> JsonObject:
    """Return the object of a JSON text."""
    return {} if text == "{}" else cast("JsonObject", json_value(text))


def json_list(text: str) -> list[str]:
    """Return the list of texts of a JSON text."""
    return [] if text == "[]" else cast("list[str]", json_value(text))


def utc(field: str, value: datetime) -> datetime:
    """Return a time in UTC.

    Raises:
        InvalidInputError: the time has no zone, or UTC has no year for it.
    """
    if value.utcoffset() is None:
        raise InvalidInputError(
            field,
            f"{value.isoformat()} has no time zone",
            "Add one, for example `Z` or `+02:00` at the end.",
        )
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInputError(
            field, f"{value.isoformat()} is outside the years 1 to 9999 in UTC"
        ) from error


def time_text(value: datetime) -> str:
    """Return a time as text of fixed width that sorts as time: `2026-01-31T12:00:00.000000Z`."""
    return value.astimezone(UTC).isoformat("T", "microseconds")[:TIME_CHARACTERS] + "Z"


def time_value(text: str) -> datetime:
    """Return the time of a text written by `time_text`."""
    return datetime.fromisoformat(text)


def _integer(digits: str) -> int | float:
    # A database may print a large float without an exponent; an integer of that size is refused
    # on the way in, so such digits can only be a float.
    number = int(digits) if len(digits) < len(str(INTEGER_MAX)) + 2 else None
    return number if number is not None and abs(number) <= INTEGER_MAX else float(digits)


_DECODER: Final = json.JSONDecoder(parse_int=_integer)  # making one takes longer than using it


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _with_positive_zeros(value: object) -> object:
    match value:
        case dict():
            items = cast("dict[str, object]", value).items()
            return {key: _with_positive_zeros(item) for key, item in items}
        case list():
            return [_with_positive_zeros(item) for item in cast("list[object]", value)]
        case float():
            return value or 0.0
        case _:
            return value


def _check_json(field: str, value: object, depth: int) -> None:
    if depth > JSON_MAX_DEPTH:
        raise InvalidInputError(field, f"is nested more than {JSON_MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            if not isinstance(key, str):
                raise InvalidInputError(field, f"key {key!r} must be text")
            _check_json_scalar(field, key)
            _check_json(field, item, depth + 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _check_json(field, item, depth + 1)
    else:
        _check_json_scalar(field, value)


def _check_json_scalar(field: str, value: object) -> None:
    match value:
        case None | bool():
            return
        case str():
            if "\0" in value:
                raise InvalidInputError(field, "holds a NUL character")
        case float():
            if not math.isfinite(value):
                raise InvalidInputError(field, f"{value} is not a JSON number")
        case int():
            if abs(value) > INTEGER_MAX:
                raise InvalidInputError(
                    field, f"the integer {value} is beyond +-(2**53 - 1)", "Store it as text."
                )
        case _:
            raise InvalidInputError(field, f"a {type(value).__name__} is not a JSON value")
