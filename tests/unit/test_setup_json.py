"""One member of any JSON file is set and taken out, and nothing else of it changes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.cli.setup_clients import LENIENT, STRICT
from vestige.cli.setup_json import entry_of, parse, with_entry, without_entry

if TYPE_CHECKING:
    from vestige.models import JsonObject

ENTRY: Final[JsonObject] = {"command": "/bin/vestige-mcp", "args": ["--data-dir", "// ü {"]}
KEYS: Final = st.text(max_size=6) | st.sampled_from(["mcpServers", "vestige", "//", "/*", "a,]"])
VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
SERVERS: Final = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), max_size=3)
COMMENT_NUMBER: Final = re.compile(r"comment \d+ \{")
INDENTS: Final = st.sampled_from([None, 0, 1, 2, 4, "\t"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """Return the text of a file, with or without servers, as one of many programs writes it."""
    loaded: dict[str, object] = dict(draw(st.dictionaries(KEYS, VALUES, max_size=4)))
    loaded.pop("mcpServers", None)
    if draw(st.booleans()):
        loaded["mcpServers"] = draw(SERVERS)
    text = json.dumps(
        loaded,
        ensure_ascii=draw(st.booleans()),
        indent=draw(INDENTS),
        separators=draw(st.sampled_from([None, (",", ":")])),
        sort_keys=draw(st.booleans()),
    )
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))) + draw(
        st.sampled_from(["", "\n"])
    )


class Commented:
    """Writes JSON with blanks, comments and commas at the end wherever a lenient parser takes them.

    Each comment has a number, and stands in no string, so that a test can tell which are left.
    """

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def gap(self) -> str:
        kind = self.draw(st.sampled_from(["", "", "", " ", "\n", "\r\n\t", "/**/", "//"]))
        if kind not in {"/**/", "//"}:
            return kind
        self.count += 1
        text = f"comment {self.count} {{ }} ] , \" '"
        return f" /* {text} */" if kind == "/**/" else f" // {text}\n"

    def text(self, value: object) -> str:
        if isinstance(value, dict):
            members = cast("dict[str, object]", value).items()
            items = [f"{json.dumps(key)}{self.gap()}:{self.text(item)}" for key, item in members]
            return self.gap() + self.joined("{", items, "}") + self.gap()
        if isinstance(value, list):
            items = [self.text(item) for item in cast("list[object]", value)]
            return self.gap() + self.joined("[", items, "]") + self.gap()
        return self.gap() + json.dumps(value) + self.gap()

    def joined(self, start: str, items: list[str], end: str) -> str:
        comma = "," if items and self.draw(st.booleans()) else ""
        inner = ",".join(f"{self.gap()}{item}{self.gap()}" for item in items)
        return f"{start}{inner}{comma}{self.gap()}{end}"


@st.composite
def commented_files(draw: st.DrawFn) -> tuple[dict[str, object], str]:
    """Return a value with servers or without, and one of the texts that a person writes for it."""
    loaded: dict[str, object] = dict(draw(st.dictionaries(KEYS, VALUES, max_size=3)))
    loaded.pop("mcpServers", None)
    if draw(st.booleans()):
        loaded["mcpServers"] = draw(SERVERS)
    return loaded, Commented(draw).text(loaded)


@given(commented_files())
def test_in_a_file_with_comments_the_entry_is_set_and_every_comment_stays(
    file: tuple[dict[str, object], str],
) -> None:
    value, text = file
    servers = cast("dict[str, object]", value.setdefault("mcpServers", {}))
    replaced = "vestige" in servers
    servers["vestige"] = ENTRY
    changed = with_entry(text, "mcpServers", "vestige", ENTRY, LENIENT)
    assert parse(changed, LENIENT) == parse(json.dumps(value), STRICT)
    if not replaced:  # comments within the former entry go with it
        assert COMMENT_NUMBER.findall(changed) == COMMENT_NUMBER.findall(text)


@given(commented_files())
def test_in_a_file_with_comments_the_entry_is_taken_out_and_every_comment_stays(
    file: tuple[dict[str, object], str],
) -> None:
    value, text = file
    servers = cast("dict[str, object]", value.get("mcpServers", {}))
    replaced = servers.pop("vestige", None) is not None
    added = with_entry(text, "mcpServers", "vestige", ENTRY, LENIENT)
    after = without_entry(added, "mcpServers", "vestige", LENIENT)
    left = parse(after, LENIENT)
    if not servers:
        value.pop("mcpServers", None)
        assert left.pop("mcpServers", {}) == {}
    assert left == parse(json.dumps(value), STRICT)
    if not replaced:
        assert COMMENT_NUMBER.findall(after) == COMMENT_NUMBER.findall(text)


@given(files())
def test_the_entry_is_set_and_all_else_is_equal(text: str) -> None:
    expected = json.loads(text)
    expected.setdefault("mcpServers", {})["vestige"] = ENTRY
    changed = with_entry(text, "mcpServers", "vestige", ENTRY, STRICT)
    assert json.loads(changed) == expected
    assert entry_of(changed, "mcpServers", "vestige", STRICT) == ENTRY


@given(files())
def test_setting_it_twice_is_setting_it_once(text: str) -> None:
    once = with_entry(text, "mcpServers", "vestige", ENTRY, STRICT)
    assert with_entry(once, "mcpServers", "vestige", ENTRY, STRICT) == once


@given(files())
def test_taking_it_out_gives_the_text_back_but_for_blanks_in_what_was_empty(text: str) -> None:
    before = json.loads(text)
    before.get("mcpServers", {}).pop("vestige", None)
    added = with_entry(text, "mcpServers", "vestige", ENTRY, STRICT)
    after = without_entry(added, "mcpServers", "vestige", STRICT)
    if not before.get("mcpServers", {"": {}}):
        del before["mcpServers"]  # an empty table goes with its last entry
    assert json.loads(after) == before


@given(files())
def test_a_file_with_other_servers_gets_its_very_text_back(text: str) -> None:
    servers = json.loads(text).get("mcpServers", {})
    if servers and "vestige" not in servers:
        added = with_entry(text, "mcpServers", "vestige", ENTRY, STRICT)
        assert without_entry(added, "mcpServers", "vestige", STRICT) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"t":{"a":1}}', '{"t":{"a":1, "v": {"c": 1}}}'),
        ('{"t":{}}', '{"t":{"v": {"c": 1}}}'),
        ('{"t":{"a":1,},}', '{"t":{"a":1, "v": {"c": 1},},}'),
        ('{"t":{"a":1 /* , */}}', '{"t":{"a":1, /* , */ "v": {"c": 1}}}'),
        ('{"t":{/* } */}}', '{"t":{/* } */ "v": {"c": 1}}}'),
        ('{\n "t": {"a": "//"}}', '{\n "t": {"a": "//", "v": {"c": 1}}}'),
        ("// none\n", '// none\n{\n  "t": {\n    "v": {\n      "c": 1\n    }\n  }\n}\n'),
        ("{}", '{\n  "t": {\n    "v": {\n      "c": 1\n    }\n  }\n}'),
        (
            '{\n "t": {\n  "a": 1 // one\n }\n}',
            '{\n "t": {\n  "a": 1, // one\n  "v": {\n   "c": 1\n  }\n }\n}',
        ),
        (
            '{\n "t": {\n  // none\n }\n}',
            '{\n "t": {\n  // none\n  "v": {\n   "c": 1\n  }\n }\n}',
        ),
        (
            '{\n\t"t": {\n\t\t"v": 1, // old\n\t\t"w": 2\n\t}\n}',
            '{\n\t"t": {\n\t\t"v": {\n\t\t\t"c": 1\n\t\t}, // old\n\t\t"w": 2\n\t}\n}',
        ),
    ],
)
def test_the_entry_is_written_as_the_rest_of_the_file_is(text: str, expected: str) -> None:
    assert with_entry(text, "t", "v", {"c": 1}, LENIENT) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"t": {"v": 1}}', "{}"),
        ('{"a": 1, "t": {"v": 1}}', '{"a": 1}'),
        ('{"t": {"v": 1,}, "a": 1}', '{ "a": 1}'),
        ('{"t": {"v": 1, "w": 2}}', '{"t": { "w": 2}}'),
        ('{"t": {"u": 0, "v": 1, "w": 2}}', '{"t": {"u": 0, "w": 2}}'),
        ('{"t": {"u": 0, /* v: */ "v": 1}}', '{"t": {"u": 0 /* v: */}}'),
        ('{"t": {"v": 1 /* keep } */}}', '{"t": { /* keep } */}}'),
        ('{"t": {"w": 1}}', '{"t": {"w": 1}}'),
    ],
)
def test_taking_the_entry_out_keeps_comments_and_the_commas_of_others(
    text: str, expected: str
) -> None:
    assert without_entry(text, "t", "v", LENIENT) == expected
