"""Lines of JSON as texts to remember."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vestige.engine.results import ImportFailure, ImportText, IngestContext
from vestige.errors import InvalidInputError
from vestige.storage.encoding import utc
from vestige.storage.jsonl import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vestige.models import JsonObject, JsonValue
    from vestige.storage.jsonl import Line, LineReader

FIELDS: Final = frozenset(
    {"content", "text", "tags", "node_type", "created_at", "codebase", "metadata"}
)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def read_texts(
    lines: LineReader, *, codebase: str | None, tags: Sequence[str]
) -> Iterator[ImportText | ImportFailure]:
    """Yield the texts of lines: each a JSON text, or an object with `content` or `text`.

    Args:
        lines: of JSON.
        codebase: what those belong to that name no codebase.
        tags: given to all of them, beside their own.
    """
    for line in lines:
        place = f"line {line.number}"
        try:
            text = _text(line, place)
        except InvalidInputError as error:
            yield ImportFailure(place=place, reason=str(error))
            continue
        if text.context.codebase is None:
            text = replace(text, context=IngestContext(codebase=codebase))
        yield replace(text, tags=tuple(dict.fromkeys((*text.tags, *tags))))


def _text(line: Line, place: str) -> ImportText:
    try:
        value = parse(line)
    except ValueError as error:
        raise InvalidInputError("line", str(error)) from None
    if isinstance(value, str):
        return ImportText(place=place, content=value, context=IngestContext())
    if not isinstance(value, dict):
        raise InvalidInputError("line", "must be a JSON text or object")
    unknown = ", ".join(sorted(ascii(name) for name in value.keys() - FIELDS))
    if unknown:
        raise InvalidInputError("line", f"has the unknown field {unknown}")
    if ("content" in value) == ("text" in value):
        raise InvalidInputError("line", "needs one of `content` and `text`")
    return ImportText(
        place=place,
        content=_string("content", value.get("content", value.get("text"))),
        context=IngestContext(codebase=_optional(value, "codebase")),
        node_type=_optional(value, "node_type"),
        tags=_tags(value.get("tags")),
        metadata=_metadata(value.get("metadata")),
        created_at=_time(value.get("created_at")),
    )


def _string(field: str, value: JsonValue) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(field, "must be text")
    return value


def _optional(value: JsonObject, field: str) -> str | None:
    item = value.get(field)
    return None if item is None else _string(field, item)


def _tags(value: JsonValue) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidInputError("tags", "must be a list of texts")
    return tuple(_string("tags", tag) for tag in value)


def _metadata(value: JsonValue) -> JsonObject | None:
    if value is not None and not isinstance(value, dict):
        raise InvalidInputError("metadata", "must be an object")
    return value


def _time(value: JsonValue) -> datetime | None:
    if value is None:
        return None
    text = _string("created_at", value)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            "created_at", f"{text!r} is no time, such as 2026-01-31 or one of RFC 3339"
        ) from None
    # A date means midnight UTC, as on the command line.
    return utc("created_at", time.replace(tzinfo=UTC) if _DATE.fullmatch(text) else time)
