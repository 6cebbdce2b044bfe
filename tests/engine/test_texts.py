"""Lines of JSON as texts, and texts of files as memories."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START
from vestige.engine.results import ImportFailure, ImportText, IngestContext
from vestige.engine.texts import read_texts
from vestige.errors import InvalidInputError
from vestige.storage.jsonl import LineReader

if TYPE_CHECKING:
    from factories import ManualClock
    from vestige.engine.engine import Engine


def read(data: bytes) -> list[ImportText | ImportFailure]:
    return list(read_texts(LineReader(io.BytesIO(data)), codebase="shop", tags=("b",)))


def test_a_line_is_a_text_or_an_object() -> None:
    full = {
        "text": "two",
        "tags": ["a", "b"],
        "node_type": "decision",
        "created_at": "2026-01-31",
        "codebase": "other",
        "metadata": {"x": [1]},
    }
    data = f'"one"\n\n{json.dumps(full)}\n{{"content": "three", "tags": null}}'
    assert read(data.encode()) == [
        ImportText(
            place="line 1", content="one", context=IngestContext(codebase="shop"), tags=("b",)
        ),
        ImportText(
            place="line 3",
            content="two",
            context=IngestContext(codebase="other"),
            node_type="decision",
            tags=("a", "b"),
            metadata={"x": [1]},
            created_at=datetime(2026, 1, 31, tzinfo=UTC),
        ),
        ImportText(
            place="line 4", content="three", context=IngestContext(codebase="shop"), tags=("b",)
        ),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "line: is not JSON"),
        (b"17", "line: must be a JSON text or object"),
        (b"null", "line: must be a JSON text or object"),
        (b'"sch\xf6n"', "line: is not UTF-8: byte 0xf6 at position 4"),
        (b"{}", "line: needs one of `content` and `text`"),
        (b'{"content": "a", "text": "b"}', "line: needs one of"),
        (b'{"content": 1}', "content: must be text"),
        (b'{"content": "a", "color": 1}', "line: has the unknown field 'color'"),
        (b'{"content": "a", "tags": "x"}', "tags: must be a list"),
        (b'{"content": "a", "tags": [1]}', "tags: must be text"),
        (b'{"content": "a", "metadata": []}', "metadata: must be an object"),
        (b'{"content": "a", "codebase": 1}', "codebase: must be text"),
        (b'{"content": "a", "created_at": "soon"}', "created_at: 'soon' is no time"),
        (b'{"content": "a", "created_at": "2026-01-31T10:00"}', "has no time zone"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(line: bytes, reason: str) -> None:
    first, bad, last = read(b'"one"\n' + line + b'\n"two"\n')
    assert isinstance(first, ImportText)
    assert isinstance(last, ImportText)
    assert isinstance(bad, ImportFailure)
    assert bad.place == "line 2"
    assert reason in bad.reason


def test_a_line_that_is_too_long_is_skipped() -> None:
    reader = LineReader(io.BytesIO(b"x" * 3_000_000 + b'\n"two"\n'), max_bytes=10)
    bad, text = read_texts(reader, codebase=None, tags=())
    assert bad == ImportFailure(place="line 1", reason="line: is longer than a line can be")
    assert isinstance(text, ImportText)
    assert (text.place, text.content) == ("line 2", "two")


def a_text(content: str = "Retries stop after 5 attempts") -> ImportText:
    return ImportText(
        place="line 1",
        content=content,
        context=IngestContext(codebase="shop", file="a.md", source="notes"),
        tags=("api",),
        metadata={"x": 1},
        created_at=START - DAY,
    )


async def test_a_text_becomes_a_memory_with_all_that_is_said_about_it(engine: Engine) -> None:
    imported = await engine.import_text(a_text())
    assert imported.action == "created"
    assert imported.id is not None
    record, _ = await engine.get(imported.id)
    assert (record.content, record.node_type, record.tags) == (a_text().content, "note", ("api",))
    assert record.metadata == {"x": 1, "file": "a.md", "source": "notes"}
    assert (record.created_at, record.updated_at) == (START - DAY, START - DAY)
    assert record.codebase == "shop"
    (hit,) = await engine.recall("retries")
    assert hit.record.id == imported.id


async def test_a_known_text_is_left_as_it_is_and_not_reviewed(
    engine: Engine, clock: ManualClock
) -> None:
    remembered = await engine.remember(a_text().content, context=IngestContext(codebase="shop"))
    before = await engine.get(remembered.id)
    clock.advance(DAY)
    imported = await engine.import_text(a_text())
    assert (imported.action, imported.id) == ("known", remembered.id)
    assert await engine.get(remembered.id) == before
    assert await engine.store.list_review_events(remembered.id) == []


async def test_a_dry_run_writes_nothing_not_even_the_model(engine: Engine) -> None:
    imported = await engine.import_text(a_text(), is_dry_run=True)
    assert (imported.action, imported.id) == ("created", None)
    assert await engine.store.count() == 0
    assert await engine.store.registered_model() is None


async def test_a_text_outside_the_limits_is_refused(engine: Engine) -> None:
    for content in ("", " \n", "a\0b", "x" * 1_000_001):
        with pytest.raises(InvalidInputError, match="content"):
            await engine.import_text(a_text(content))
    assert await engine.store.count() == 0
