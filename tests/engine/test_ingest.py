"""Remembering: what is written, what is reinforced, and that nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pytest

from factories import DAY, START, ManualClock, an_id
from vestige.engine.results import ImportText, IngestContext
from vestige.errors import EmbeddingError, InvalidInputError, MemoryNotFoundError, StoreError
from vestige.models import Rating

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from vestige.engine.engine import Engine

FULL_CONTEXT = IngestContext(
    codebase="billing",
    mcp_client_id="editor 1.2",
    session_id="session-7",
    file="src/pay.py",
    topics=("invoices", "tax"),
    source="chat",
)
NO_TEXT = ImportText(place="a.md", content="", context=IngestContext())
REFUSED: Final[dict[str, Callable[[Engine], Awaitable[object]]]] = {
    "blank": lambda engine: engine.remember(" "),
    "tag": lambda engine: engine.remember("text", tags=["x" * 200]),
    "unknown to supersede": lambda engine: engine.remember("text", supersedes=an_id("unknown")),
    "import": lambda engine: engine.import_text(NO_TEXT),
    "unknown to edit": lambda engine: engine.edit(an_id("unknown"), content="text"),
    "nothing to undo": lambda engine: engine.undo(),
}


async def test_a_text_becomes_a_memory_with_its_context(engine: Engine) -> None:
    result = await engine.remember(
        "Invoices are due after 30 days.", tags=["rule", "rule"], context=FULL_CONTEXT
    )
    assert result.action == "created"
    record, scheduling = await engine.get(result.id)
    assert record.content == "Invoices are due after 30 days."
    assert (record.node_type, record.tags, record.codebase) == ("fact", ("rule",), "billing")
    assert record.metadata == {
        "mcp_client_id": "editor 1.2",
        "session_id": "session-7",
        "file": "src/pay.py",
        "topics": ["invoices", "tax"],
        "source": "chat",
    }
    assert record.embedding is not None
    assert (record.created_at, record.updated_at) == (START, START)
    assert scheduling is not None
    assert scheduling.next_review == START + DAY


async def test_a_memory_may_be_older_than_its_writing(engine: Engine) -> None:
    learned = START - 30 * DAY
    result = await engine.remember("Learned last month.", created_at=learned)
    record, scheduling = await engine.get(result.id)
    assert (record.created_at, record.updated_at) == (learned, learned)
    assert scheduling is not None
    assert scheduling.next_review == learned + DAY


async def test_a_time_without_a_zone_is_refused_and_nothing_written(engine: Engine) -> None:
    with pytest.raises(InvalidInputError, match="created_at"):
        await engine.remember("text", created_at=datetime(2024, 1, 1))  # noqa: DTZ001  # the point
    assert await engine.store.count() == 0


@pytest.mark.parametrize("write", REFUSED.values(), ids=REFUSED)
async def test_what_is_refused_leaves_an_empty_store_without_a_model(
    any_engine: Engine, write: Callable[[Engine], Awaitable[object]]
) -> None:
    with pytest.raises(StoreError):
        await write(any_engine)
    assert await any_engine.store.registered_model() is None


async def test_what_cannot_be_embedded_leaves_an_empty_store_without_a_model(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Sequence[str]) -> NDArray[np.float32]:
        raise EmbeddingError("too bitter")

    monkeypatch.setattr(any_engine.embedder, "embed_documents", fail)
    with pytest.raises(EmbeddingError, match="too bitter"):
        await any_engine.remember("text")
    assert await any_engine.store.registered_model() is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The build needs Python 3.11.", "The build needs Python 3.11."),
        ("The build needs Python 3.11.", "  The build\tneeds  Python 3.11. \r\n"),
        ("Café opens at nine.", "Cafe\u0301 opens at nine."),
    ],
)
async def test_the_same_text_reinforces_instead_of_doubling(
    engine: Engine, clock: ManualClock, first: str, second: str
) -> None:
    created = await engine.remember(first)
    clock.advance(2 * DAY)
    again = await engine.remember(second)
    assert (again.action, again.id) == ("reinforced", created.id)
    assert await engine.store.count() == 1
    (event,) = await engine.store.list_review_events(created.id)
    assert event.rating == Rating.GOOD
    record, scheduling = await engine.get(created.id)
    assert record.content == first
    assert scheduling is not None
    assert (scheduling.reps, scheduling.last_review) == (1, START + 2 * DAY)
    assert [candidate.id for candidate in again.candidates] == [created.id]
    assert again.candidates[0].similarity > 0.8


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Use version 1.2 of the client.", "Use version 1.3 of the client."),
        ("The deploy is on Monday.", "The deploy is on Tuesday."),
        ("Tests run on every push.", "Tests do not run on every push."),
        ("Ana owns the release.", "Eva owns the release."),
        ("The field is userId.", "The field is userid."),
        ("Area: 20 m²", "Area: 20 m2"),
        ("if x:\n    a()\nb()", "if x:\n    a()\n    b()"),
    ],
)
async def test_a_text_that_differs_becomes_a_memory_of_its_own(
    engine: Engine, first: str, second: str
) -> None:
    one = await engine.remember(first)
    other = await engine.remember(second)
    assert other.action == "created"
    assert {one.id, other.id} == {m.id for m in await engine.list_memories()}
    assert one.id in {candidate.id for candidate in other.candidates}


async def test_the_same_text_of_another_codebase_is_another_memory(engine: Engine) -> None:
    for codebase in ("billing", "search", None):
        result = await engine.remember("Use tabs.", context=IngestContext(codebase=codebase))
        assert result.action == "created"
    assert (await engine.remember("Use tabs.")).action == "reinforced"
    assert await engine.store.count() == 3


async def test_new_tags_of_a_known_text_are_kept_and_named(engine: Engine) -> None:
    created = await engine.remember("Use tabs.", tags=["style"])
    result = await engine.remember("Use tabs.", tags=["style", "python"])
    assert result.added_tags == ("python",)
    assert "python" in result.reason
    record, _ = await engine.get(created.id)
    assert record.tags == ("style", "python")


async def test_force_create_stores_a_known_text_again(engine: Engine) -> None:
    await engine.remember("Use tabs.")
    result = await engine.remember("Use tabs.", force_create=True)
    assert result.action == "created"
    assert await engine.store.count() == 2


async def test_the_same_text_from_many_callers_at_once_is_stored_once(engine: Engine) -> None:
    results = await asyncio.gather(*(engine.remember("Use tabs.") for _ in range(8)))
    assert sorted(result.action for result in results) == ["created"] + ["reinforced"] * 7
    assert await engine.store.count() == 1


@pytest.mark.parametrize("text", ["", " \n\t ", "a\0b", "x" * 1_000_001, "\ud800"])
async def test_a_text_that_cannot_be_stored_is_refused(engine: Engine, text: str) -> None:
    with pytest.raises(InvalidInputError, match="content"):
        await engine.remember(text)
    assert await engine.store.count() == 0


async def test_a_long_text_gets_a_vector_per_window(engine: Engine) -> None:
    words = [f"word{number % 50}" for number in range(1_000)]
    result = await engine.remember(" ".join(words))
    record, _ = await engine.get(result.id)
    assert len(record.windows) > 1
    assert record.embedding is not None
    assert "windows" not in result.reason


async def test_a_text_beyond_the_windows_says_what_is_found_how(engine: Engine) -> None:
    result = await engine.remember("word " * 100_000)
    record, _ = await engine.get(result.id)
    assert len(record.windows) == 128
    assert "128 windows" in result.reason


async def test_an_edit_embeds_new_content_and_tells_what_was_there(
    engine: Engine, clock: ManualClock
) -> None:
    created = await engine.remember("The port is 8080.", tags=["net"])
    clock.advance(DAY)
    result = await engine.edit(created.id, content="The socket is /run/app.sock.")
    assert result.before.content == "The port is 8080."
    assert result.after.content == "The socket is /run/app.sock."
    assert result.after.tags == ("net",)
    assert (result.after.created_at, result.after.updated_at) == (START, START + DAY)
    assert [hit.record.id for hit in await engine.recall("socket")] == [created.id]
    near = await engine.remember("The socket is /run/app.sock.")
    assert near.action == "reinforced"


async def test_an_edit_of_tags_keeps_the_vectors(engine: Engine) -> None:
    created = await engine.remember("The port is 8080.")
    before, _ = await engine.get(created.id)
    result = await engine.edit(created.id, tags=["net"], node_type="note", codebase="app")
    assert result.after.embedding is not None
    assert before.embedding is not None
    assert result.after.embedding.tobytes() == before.embedding.tobytes()
    assert (result.after.node_type, result.after.codebase) == ("note", "app")


async def test_an_edit_can_take_a_memory_out_of_its_codebase(engine: Engine) -> None:
    created = await engine.remember("Use tabs.", context=IngestContext(codebase="app"))
    result = await engine.edit(created.id, codebase="", tags=[])
    assert result.after.codebase is None


async def test_an_edit_that_changes_nothing_says_so(engine: Engine) -> None:
    created = await engine.remember("The port is 8080.")
    with pytest.raises(InvalidInputError, match="nothing would change"):
        await engine.edit(created.id, content="The port is 8080.")


async def test_unknown_ids_are_named(engine: Engine) -> None:
    unknown = an_id("unknown")
    for action in (engine.get, engine.edit, engine.forget, engine.promote, engine.demote):
        with pytest.raises(MemoryNotFoundError, match=str(unknown)):
            await action(unknown)


async def test_a_forgotten_memory_is_returned_and_gone(engine: Engine) -> None:
    created = await engine.remember("The port is 8080.")
    forgotten = await engine.forget(created.id)
    assert forgotten.content == "The port is 8080."
    assert not await engine.recall("port")
