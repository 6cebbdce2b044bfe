"""Editing one member of a JSON file, with or without comments, whose other characters stay."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from vestige.errors import ConfigError

if TYPE_CHECKING:
    from vestige.models import JsonObject, JsonValue

BLANKS: Final = " \t\r\n"
DEFAULT_INDENT: Final = "  "
STRING: Final = r'"(?:[^"\\\n]|\\.)*"'
# A string is matched as well, so that nothing inside of it is taken for a comment or a comma.
COMMENT: Final = re.compile(rf"{STRING}|(?P<found>//[^\n]*|/\*.*?\*/)", re.DOTALL)
TRAILING_COMMA: Final = re.compile(rf"{STRING}|(?P<found>,)(?=[ \t\r\n]*[}}\]])", re.DOTALL)
CONSTANT: Final = re.compile(rf"{STRING}|(?P<found>NaN|-?Infinity)", re.DOTALL)
# Numbers stay text: they are never compared, and one of 5,000 digits is no reason to fail.
DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """What a client's parser takes beyond JSON."""

    comments: bool
    trailing_commas: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Member:
    key: str
    start: int  # of the key
    value_start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Object:
    start: int  # of its opening brace
    end: int  # after its closing brace
    members: tuple[_Member, ...]


def entry_of(text: str, table: str, name: str, dialect: Dialect) -> JsonValue | None:
    """Return the member `name` of the object `table` of a file, None when it is not there.

    Raises:
        ConfigError: the text is not what the client takes, and where.
    """
    servers = parse(text, dialect).get(table, {})
    return servers.get(name) if isinstance(servers, dict) else None


def parse(text: str, dialect: Dialect) -> JsonObject:
    """Return the object that a file holds; an empty file holds an empty one.

    Raises:
        ConfigError: the text is not what the client takes, and where.
    """
    plain = _without_extras(text, dialect)
    if not plain.strip(BLANKS):
        return {}
    constant = next((found for found in CONSTANT.finditer(plain) if found["found"]), None)
    if constant is not None:  # Python reads it, clients do not
        raise ConfigError(f"{_place(text, constant.start())}: {constant['found']} is no JSON")
    try:
        value: JsonValue = DECODER.decode(plain)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{_place(text, error.pos)}: {error.msg}") from None
    except RecursionError:
        raise ConfigError("line 1: its values are nested too deeply") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{_place(text, 0)}: it holds no JSON object")
    return value


def with_entry(text: str, table: str, name: str, entry: JsonObject, dialect: Dialect) -> str:
    """Return a file with `entry` as the member `name` of its object `table`.

    Raises:
        ConfigError: the text is not what the client takes, and where.
    """
    if not parse(text, dialect) and "{" not in _plain(text):
        return _with_new_object(text, {table: {name: entry}})
    root = _root(text)
    if _member(text, root, table) is None:
        return _inserted(text, root, table, {name: entry})
    servers = _table(text, root, table)
    old = _member(text, servers, name)
    if old is None:
        return _inserted(text, servers, name, entry)
    indent = _indent_before(text, old.start)
    rendered = _rendered(text, entry, indent, inline=_is_inline(text, servers))
    return text[: old.value_start] + rendered + text[old.end :]


def without_entry(text: str, table: str, name: str, dialect: Dialect) -> str:
    """Return a file without the member `name` of its object `table`, and without an empty table.

    Raises:
        ConfigError: the text is not what the client takes, and where.
    """
    if entry_of(text, table, name, dialect) is None:
        return text
    shorter = _without(text, _table(text, _root(text), table), name)
    root = _root(shorter)
    found = _member(shorter, root, table)
    if found is None or _table(shorter, root, table).members:
        return shorter
    whole = shorter[found.start : found.end]
    return _without(shorter, root, table) if _blanked(whole, COMMENT) == whole else shorter


def pretty(value: JsonValue, indent: str = DEFAULT_INDENT) -> str:
    """Return JSON as people write it."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _root(text: str) -> _Object:
    plain = _plain(text)
    return _object_at(plain, plain.index("{"))


def _table(text: str, root: _Object, table: str) -> _Object:
    """Return the object of the servers, an empty one in front of the file when it has none."""
    found = _member(text, root, table)
    if found is None:
        return _Object(start=0, end=0, members=())
    if text[found.value_start] != "{":
        raise ConfigError(f"{_place(text, found.value_start)}: {table} is no object")
    return _object_at(_plain(text), found.value_start)


def _plain(text: str) -> str:
    return _blanked(_blanked(text, COMMENT), TRAILING_COMMA)


def _without_extras(text: str, dialect: Dialect) -> str:
    """Return a text of the same length without what JSON does not know but the client takes."""
    plain = _blanked(text, COMMENT)
    if plain != text and not dialect.comments:
        raise ConfigError(
            f"{_place(text, _first_difference(text, plain))}: this client takes no comments"
        )
    without_commas = _blanked(plain, TRAILING_COMMA)
    if without_commas != plain and not dialect.trailing_commas:
        raise ConfigError(
            f"{_place(text, _first_difference(plain, without_commas))}: "
            "this client takes no comma after the last value"
        )
    return without_commas


def _blanked(text: str, pattern: re.Pattern[str]) -> str:
    """Return a text with spaces in place of what a pattern finds, so that positions stay."""

    def blank(match: re.Match[str]) -> str:
        found = match["found"]
        if found is None or (found == "," and _follows_no_value(text, match.start())):
            return match[0]
        return re.sub(r"[^\r\n]", " ", found)

    return pattern.sub(blank, text)


def _follows_no_value(text: str, position: int) -> bool:
    before = position - 1
    while before >= 0 and text[before] in BLANKS:
        before -= 1
    return before < 0 or text[before] in "{[,:"


def _first_difference(text: str, other: str) -> int:
    return next(n for n, (a, b) in enumerate(zip(text, other, strict=True)) if a != b)


def _object_at(plain: str, start: int) -> _Object:
    """Return where the members of an object stand; the text is known to be JSON."""
    members: list[_Member] = []
    position = _skip(plain, start + 1)
    while plain[position] != "}":
        key, after_key = cast("tuple[str, int]", DECODER.raw_decode(plain, position))
        value_start = _skip(plain, _skip(plain, after_key) + 1)
        _, end = cast("tuple[JsonValue, int]", DECODER.raw_decode(plain, value_start))
        members.append(_Member(key=key, start=position, value_start=value_start, end=end))
        position = _skip(plain, end)
        if plain[position] == ",":
            position = _skip(plain, position + 1)
    return _Object(start=start, end=position + 1, members=tuple(members))


def _skip(plain: str, position: int) -> int:
    while plain[position] in BLANKS:
        position += 1
    return position


def _member(text: str, owner: _Object, key: str) -> _Member | None:
    found = [member for member in owner.members if member.key == key]
    if len(found) > 1:
        raise ConfigError(f"{_place(text, found[1].start)}: {key} is there twice")
    return found[0] if found else None


def _with_new_object(text: str, value: JsonObject) -> str:
    """Return a file that held nothing but blanks and comments with an object at its end."""
    newline = _newline(text)
    kept = text.rstrip(BLANKS)
    return f"{kept}{newline if kept.strip(BLANKS) else ''}{_lines(value, '', text)}{newline}"


def _inserted(text: str, owner: _Object, key: str, value: JsonValue) -> str:
    """Return a text with a new last member of an object, after the comments that end it."""
    close = owner.end - 1
    place = len(text[:close].rstrip(BLANKS))
    inline = _is_inline(text, owner)
    if owner.members:
        indent = _indent_before(text, owner.members[-1].start)
        value_end = owner.members[-1].end
        has_comma = "," in _blanked(text[value_end:close], COMMENT)
    else:
        indent = _indent_before(text, owner.start) + _unit(text)
        value_end, has_comma = place, True
    rendered = json.dumps(key, ensure_ascii=False) + ": "
    rendered += _rendered(text, value, indent, inline=inline)
    gap, ending = _newline(text) + indent, text[place:]
    if inline:
        gap = "" if text[place - 1] == "{" else " "
    if owner.members:
        rendered += "," if has_comma else ""
    elif not inline:
        ending = _newline(text) + _indent_before(text, owner.start) + text[close:]
    comma = "" if has_comma else ","
    return text[:value_end] + comma + text[value_end:place] + gap + rendered + ending


def _without(text: str, owner: _Object, key: str) -> str:
    """Return a text without a member of an object and without the comma that it needed."""
    member = _member(text, owner, key)
    if member is None:
        return text
    index = owner.members.index(member)
    start = len(text[: member.start].rstrip(BLANKS))
    plain = _blanked(text, COMMENT)
    after = _skip(plain, member.end)
    if plain[after] == ",":
        text = text[:start] + text[member.end : after] + text[after + 1 :]
    else:
        text = text[:start] + text[member.end :]
        if index:
            comma = plain.index(",", owner.members[index - 1].end)
            text = text[:comma] + text[comma + 1 :]
    return _closed_up(text, owner.start) if len(owner.members) == 1 else text


def _closed_up(text: str, start: int) -> str:
    """Return a text in which an object that holds only blanks holds nothing."""
    end = text.index("}", start)
    return text if text[start + 1 : end].strip(BLANKS) else text[: start + 1] + text[end:]


def _rendered(text: str, value: JsonValue, indent: str, *, inline: bool) -> str:
    return json.dumps(value, ensure_ascii=False) if inline else _lines(value, indent, text)


def _lines(value: JsonValue, indent: str, text: str) -> str:
    return pretty(value, _unit(text)).replace("\n", _newline(text) + indent)


def _is_inline(text: str, owner: _Object) -> bool:
    """Say whether an object is written on one line, or an empty one stands in such a file."""
    if owner.members:
        return "\n" not in text[owner.start : owner.end]
    return "\n" not in text.strip(BLANKS) and text.strip(BLANKS) != "{}"


def _unit(text: str) -> str:
    """Return what a file indents by."""
    match = re.search(r'\n([ \t]+)"', text)
    return DEFAULT_INDENT if match is None else match[1]


def _indent_before(text: str, position: int) -> str:
    """Return the blanks that the line of a position starts with."""
    start = text.rfind("\n", 0, position) + 1
    return text[start : len(text) - len(text[start:].lstrip(" \t"))]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line}, column {position - text.rfind(chr(10), 0, position)}"
