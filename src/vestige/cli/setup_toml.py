"""Editing one table of a TOML file, whose other lines and comments stay as they are."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, cast

from vestige.errors import ConfigError

if TYPE_CHECKING:
    from vestige.models import JsonObject, JsonValue


def entry_of(text: str, table: str, name: str) -> JsonValue | None:
    """Return the table `[table.name]` of a file, None when it is not there.

    Raises:
        ConfigError: the text is not TOML, and where.
    """
    servers = parse(text).get(table, {})
    return servers.get(name) if isinstance(servers, dict) else None


def parse(text: str) -> JsonObject:
    """Return what a file holds.

    Raises:
        ConfigError: the text is not TOML, and where.
    """
    try:
        return cast("JsonObject", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError("line 1: its values are nested too deeply") from None


def with_entry(text: str, table: str, name: str, entry: JsonObject) -> str:
    """Return a file with `entry` as its table `[table.name]`; the caller checks the result."""
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if "\r\n" in text else "\n"
    added = [line + newline for line in entry_lines(table, name, entry)]
    spans = _spans(lines, table, name)
    if spans:
        start = spans[0][0]
        kept = _without(lines, spans)
        return "".join([*kept[:start], *added, *kept[start:]])
    gap = "" if not text else newline if text.endswith("\n") else newline * 2
    return text + gap + "".join(added)


def without_entry(text: str, table: str, name: str) -> str:
    """Return a file without the table `[table.name]`; the caller checks the result."""
    lines = text.splitlines(keepends=True)
    spans = _spans(lines, table, name)
    if spans and spans[0][0] and not lines[spans[0][0] - 1].strip():
        spans[0] = (spans[0][0] - 1, spans[0][1])  # the blank line that parted it from the rest
    return "".join(_without(lines, spans))


def entry_lines(table: str, name: str, entry: JsonObject) -> list[str]:
    """Return the lines of a table `[table.name]`."""
    return [f"[{table}.{name}]", *(f"{key} = {_value(value)}" for key, value in entry.items())]


def _value(value: JsonValue) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # A string of JSON is one of TOML, too. What JSON does not know, a time, is never written.
    return json.dumps(value, default=str, ensure_ascii=False)


def _spans(lines: list[str], table: str, name: str) -> list[tuple[int, int]]:
    """Return from where to where the table and the tables below it stand, by their headers."""
    part = r"\s*\.\s*"
    own = re.compile(rf"\s*\[\s*{table}{part}[\"']?{name}[\"']?\s*(\.[^\]]*)?\]\s*(#.*)?")
    headers = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    ends = [*headers, len(lines)][1:]
    return [
        (start, _last_of_table(lines, start, end))
        for start, end in zip(headers, ends, strict=True)
        if own.fullmatch(lines[start].rstrip())
    ]


def _last_of_table(lines: list[str], start: int, end: int) -> int:
    """Leave the comments and blank lines before the next header to what comes after them."""
    while end > start + 1 and lines[end - 1].strip()[:1] in {"", "#"}:
        end -= 1
    return end


def _without(lines: list[str], spans: list[tuple[int, int]]) -> list[str]:
    dropped = {number for start, end in spans for number in range(start, end)}
    return [line for number, line in enumerate(lines) if number not in dropped]
