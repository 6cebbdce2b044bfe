"""The forms of single values in a line of an export: how they are written and read."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import UUID

from vestige.errors import InvalidInputError
from vestige.models import (
    ChangeAction,
    IntentionStatus,
    Priority,
    Rating,
    TriggerType,
    Visibility,
)
from vestige.storage.encoding import time_text, time_value
from vestige.storage.vectors import FLOAT32, vector_bytes, vector_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from enum import StrEnum

    from vestige.models import JsonObject, JsonValue, Vector

Grade = TypeVar("Grade", Rating, Priority)

INTEGER_MAX: Final = 2**63 - 1  # the widest integer column
EVENT_ID_MAX: Final = 2**53 - 1  # new events are numbered above it, so some must be left
ROLES: Final = ("member", "admin")
# More digits than microseconds would be cut off without a word.
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """How a value is written as JSON, and read back under the name of its field."""

    write: Callable[[Any], JsonValue]
    read: Callable[[str, JsonValue], object]


def _text(field: str, value: JsonValue) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(field, f"must be text, not {_kind(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:  # which no database could be asked for
        raise InvalidInputError(field, "is not valid Unicode: it has a lone surrogate") from None
    return value


def _id(field: str, value: JsonValue) -> UUID:
    text = _text(field, value)
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text:
        raise InvalidInputError(field, f"{text!r} is not an id")
    return found


def _time(field: str, value: JsonValue) -> datetime:
    text = _text(field, value)
    try:
        if _TIME.fullmatch(text):
            return time_value(text)
    except ValueError:  # a day or an hour that does not exist
        pass
    raise InvalidInputError(field, f"{text!r} is no RFC 3339 time with a zone")


def _number(field: str, value: JsonValue) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputError(field, f"must be a number, not {_kind(value)}")
    try:
        return float(value)
    except OverflowError:
        raise InvalidInputError(field, "is larger than any number can be") from None


def _count(field: str, value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(field, f"must be a whole number, not {_kind(value)}")
    if not 0 <= value <= INTEGER_MAX:
        raise InvalidInputError(field, f"must be 0 to {INTEGER_MAX}")
    return value


def _event_id(field: str, value: JsonValue) -> int:
    number = _count(field, value)
    if not 1 <= number <= EVENT_ID_MAX:
        raise InvalidInputError(field, f"must be 1 to {EVENT_ID_MAX}, not {number}")
    return number


def _vector(field: str, value: JsonValue) -> Vector:
    try:
        data = base64.b64decode(_text(field, value).encode(), validate=True)
    except binascii.Error as error:
        raise InvalidInputError(field, f"is not base64: {error}") from None
    if len(data) % FLOAT32.itemsize:
        raise InvalidInputError(field, f"has {len(data)} bytes, which is no number of float32")
    return vector_of(data)


def _vector_text(vector: Vector) -> str:
    return base64.b64encode(vector_bytes(vector)).decode("ascii")


def _items(field: str, value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise InvalidInputError(field, f"must be a list, not {_kind(value)}")
    return value


def _object(field: str, value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise InvalidInputError(field, f"must be an object, not {_kind(value)}")
    return value


def _scores(field: str, value: JsonValue) -> dict[str, float]:
    return {name: _number(field, score) for name, score in _object(field, value).items()}


def _grade(kind: type[Grade]) -> Form:
    """Return the form of a number of 1 to 4 that has a name."""

    def read(field: str, value: JsonValue) -> Grade:
        number = _count(field, value)
        if number not in tuple(kind):
            raise InvalidInputError(field, f"must be 1 to 4, not {number}")
        return kind(number)

    return Form(write=int, read=read)


def _name(kind: type[StrEnum]) -> Form:
    """Return the form of one of the names of a kind."""
    return Form(
        write=lambda name: str(name.value),
        read=lambda field, value: kind(_one_of(field, value, tuple(kind))),
    )


def _one_of(field: str, value: JsonValue, allowed: tuple[str, ...]) -> str:
    text = _text(field, value)
    if text not in allowed:
        raise InvalidInputError(field, f"must be one of {', '.join(allowed)}, not {text!r}")
    return text


def _kind(value: JsonValue) -> str:
    return "null" if value is None else type(value).__name__


def _optional(form: Form) -> Form:
    return Form(
        write=lambda value: None if value is None else form.write(value),
        read=lambda field, value: None if value is None else form.read(field, value),
    )


def _each(form: Form) -> Form:
    return Form(
        write=lambda values: [form.write(value) for value in values],
        read=lambda field, value: tuple(form.read(field, item) for item in _items(field, value)),
    )


def _same(value: object) -> JsonValue:
    return cast("JsonValue", value)


TEXT: Final = Form(write=_same, read=_text)
OPTIONAL_TEXT: Final = _optional(TEXT)
TEXTS: Final = _each(TEXT)
ID: Final = Form(write=str, read=_id)
IDS: Final = _each(ID)
TIME: Final = Form(write=time_text, read=_time)
OPTIONAL_TIME: Final = _optional(TIME)
NUMBER: Final = Form(write=float, read=_number)
NUMBERS: Final = _each(NUMBER)
COUNT: Final = Form(write=_same, read=_count)
EVENT_ID: Final = Form(write=_same, read=_event_id)
OBJECT: Final = Form(write=_same, read=_object)
SCORES: Final = Form(write=_same, read=_scores)
VECTOR: Final = Form(write=_vector_text, read=_vector)
OPTIONAL_VECTOR: Final = _optional(VECTOR)
VECTORS: Final = _each(VECTOR)
RATING: Final = _grade(Rating)
PRIORITY: Final = _grade(Priority)
OPTIONAL_ID: Final = _optional(ID)
OPTIONAL_OBJECT: Final = _optional(OBJECT)
ACTION: Final = _name(ChangeAction)
TRIGGER_TYPE: Final = _name(TriggerType)
INTENTION_STATUS: Final = _name(IntentionStatus)
ROLE: Final = Form(write=_same, read=lambda field, value: _one_of(field, value, ROLES))
VISIBILITY: Final = _name(Visibility)
