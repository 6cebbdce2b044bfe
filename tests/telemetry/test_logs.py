"""The two forms of a line in the log."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Final

from vestige.telemetry.logs import JsonFormatter, StandardErrorHandler, TextFormatter

if TYPE_CHECKING:
    import pytest

CREATED: Final = 1_700_000_000.123456


def record_of(error: object = None, **fields: object) -> logging.LogRecord:
    info = (type(error), error, None) if isinstance(error, BaseException) else None
    record = logging.LogRecord("vestige.mcp", logging.INFO, "", 0, "two\nlines %s", ("ä",), info)
    record.created = CREATED
    vars(record).update(fields)
    return record


def test_an_entry_as_json_is_one_line_with_its_time_in_utc() -> None:
    text = JsonFormatter().format(record_of())
    assert "\n" not in text
    assert json.loads(text) == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "info",
        "logger": "vestige.mcp",
        "message": "two\nlines ä",
    }


def test_an_entry_as_json_has_the_given_fields_with_their_types() -> None:
    fields = {"operation": "recall", "duration_ms": 1.5, "results": 3, "plan": None}
    entry = json.loads(JsonFormatter().format(record_of(**fields, path=ValueError("odd"))))
    assert {name: entry[name] for name in fields} == fields
    assert entry["path"] == "odd"


def test_an_entry_as_json_holds_the_exception() -> None:
    entry = json.loads(JsonFormatter().format(record_of(ValueError("bad"))))
    assert "ValueError: bad" in entry["exception"]


def test_an_entry_for_people_ends_with_the_fields() -> None:
    line = TextFormatter().format(record_of(operation="recall", plan="two words\nand lines"))
    assert line.startswith(
        "2023-11-14T22:13:20.123Z INFO vestige.mcp: two\nlines ä operation=recall"
    )
    assert line.endswith('plan="two words\\nand lines"')


def test_an_entry_for_people_shows_the_exception_below() -> None:
    assert TextFormatter().format(record_of(ValueError("bad"))).endswith("ValueError: bad")


def test_a_program_without_standard_error_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = StandardErrorHandler()
    monkeypatch.setattr(sys, "stderr", None)
    handler.emit(record_of())
    assert not handler.stream
