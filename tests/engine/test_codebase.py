"""Patterns and decisions of a codebase: how they are remembered, and which are shown first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from factories import DAY, START, a_memory, a_numbered_id
from recalling import put, put_all
from vestige.engine import codebase as codebase_memory
from vestige.engine.codebase import TOKENS_PER_MEMORY
from vestige.engine.orientation_results import CodebaseCount
from vestige.engine.results import IngestContext
from vestige.errors import InvalidInputError, MemoryNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from factories import ManualClock
    from vestige.engine.engine import Engine
    from vestige.engine.orientation_results import CodebaseContext
    from vestige.models import JsonObject

# The field that is named, and a call that it is outside of its limits in.
OUTSIDE: Final[list[tuple[str, Callable[[Engine], Awaitable[object]]]]] = [
    ("codebase", lambda engine: engine.remember_pattern("one", "two", codebase="")),
    ("name", lambda engine: engine.remember_pattern("", "two", codebase="shop")),
    ("name", lambda engine: engine.remember_pattern("  ", "two", codebase="shop")),
    ("name", lambda engine: engine.remember_pattern("1\n2", "two", codebase="shop")),
    ("name", lambda engine: engine.remember_pattern("x" * 257, "two", codebase="shop")),
    ("description", lambda engine: engine.remember_pattern("one", " \n", codebase="shop")),
    ("files", lambda engine: with_files(engine, "src/a.py")),
    ("files", lambda engine: with_files(engine, ["src/a.py\nsrc/b.py"])),
    ("files", lambda engine: with_files(engine, [""])),
    ("files", lambda engine: with_files(engine, ["a.py"] * 101)),
    ("decision", lambda engine: engine.remember_decision(" ", codebase="shop")),
    ("rationale", lambda engine: engine.remember_decision("1", codebase="shop", rationale="")),
    ("alternatives", lambda engine: with_alternatives(engine, "Redis")),
    ("alternatives", lambda engine: with_alternatives(engine, ["x"] * 65)),
    ("codebase", lambda engine: engine.codebase_context("")),
    ("token_budget", lambda engine: engine.codebase_context("shop", token_budget=0)),
    ("limit", lambda engine: engine.codebase_context("shop", limit=1001)),
    ("files", lambda engine: engine.codebase_context("shop", files="src/a.py")),
]


def texts(context: CodebaseContext) -> list[str]:
    return [memory.text for memory in context.memories]


def relations(context: CodebaseContext) -> dict[UUID, str]:
    return {memory.record.id: memory.relation for memory in context.memories}


async def a_pattern(
    engine: Engine, clock: ManualClock, name: str, *files: str, codebase: str = "shop"
) -> UUID:
    """Remember a pattern, a day later than what was remembered before."""
    clock.advance(DAY)
    result = await engine.remember_pattern(name, f"about {name}", codebase=codebase, files=files)
    return result.id


async def with_files(engine: Engine, files: Sequence[str]) -> None:
    await engine.remember_pattern("one", "two", codebase="shop", files=files)


async def with_alternatives(engine: Engine, alternatives: Sequence[str]) -> None:
    await engine.remember_decision("one", codebase="shop", alternatives=alternatives)


async def test_a_pattern_is_a_memory_whose_parts_are_kept(either_engine: Engine) -> None:
    result = await either_engine.remember_pattern(
        "Retries",
        "Wrap calls of the provider in `retrying`.",
        codebase="shop",
        files=["src\\api.py"],
        tags=["api"],
        context=IngestContext(codebase="ignored", session_id="s1", mcp_client_id="editor"),
    )
    record, _ = await either_engine.get(result.id)
    assert (record.node_type, record.codebase, record.tags) == ("pattern", "shop", ("api",))
    assert record.content.startswith("Pattern: Retries\nWrap calls")
    assert record.metadata == {
        "name": "Retries",
        "description": "Wrap calls of the provider in `retrying`.",
        "files": ["src\\api.py"],
        "session_id": "s1",
        "mcp_client_id": "editor",
    }
    (entry,) = await either_engine.changelog()
    assert (entry.client_id, entry.session_id) == ("editor", "s1")


async def test_a_decision_is_a_memory_whose_parts_are_kept(either_engine: Engine) -> None:
    result = await either_engine.remember_decision(
        "One queue in PostgreSQL",
        codebase="shop",
        rationale="One backup",
        alternatives=["Redis", "RabbitMQ"],
        files=["src/queue.py"],
    )
    record, _ = await either_engine.get(result.id)
    expected: JsonObject = {
        "decision": "One queue in PostgreSQL",
        "rationale": "One backup",
        "alternatives": ["Redis", "RabbitMQ"],
        "files": ["src/queue.py"],
    }
    assert (record.node_type, record.codebase, record.metadata) == ("decision", "shop", expected)
    hits = await either_engine.recall("RabbitMQ")
    assert [hit.record.id for hit in hits] == [result.id]


async def test_the_same_pattern_is_reinforced_and_not_stored_twice(either_engine: Engine) -> None:
    first = await either_engine.remember_pattern("Retries", "Three times.", codebase="shop")
    again = await either_engine.remember_pattern("Retries", "Three times.", codebase="shop")
    other = await either_engine.remember_pattern("Retries", "Three times.", codebase="bank")
    assert (again.action, again.id) == ("reinforced", first.id)
    assert other.action == "created"


async def test_a_decision_takes_the_place_of_another_one(either_engine: Engine) -> None:
    old = await either_engine.remember_decision("Use Redis", codebase="shop", tags=["queue"])
    new = await either_engine.remember_decision(
        "Use PostgreSQL", codebase="shop", supersedes=old.id
    )
    assert (new.action, new.previous and new.previous.id) == ("superseded", old.id)
    record, _ = await either_engine.get(new.id)
    assert record.tags == ("queue",)
    context = await either_engine.codebase_context("shop")
    assert texts(context) == ["Decision: Use PostgreSQL"]
    assert context.decision_count == 1


async def test_a_decision_cannot_take_the_place_of_what_is_not_there(
    either_engine: Engine,
) -> None:
    with pytest.raises(MemoryNotFoundError):
        await either_engine.remember_decision(
            "Use Redis", codebase="shop", supersedes=a_numbered_id(1)
        )


@pytest.mark.parametrize(("field", "call"), OUTSIDE)
async def test_what_is_outside_its_limits_is_named_and_nothing_is_stored(
    engine: Engine, field: str, call: Callable[[Engine], Awaitable[object]]
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await call(engine)
    assert refused.value.field == field
    assert await engine.store.count() == 0


async def test_without_files_and_text_the_newest_come_first(
    either_engine: Engine, clock: ManualClock
) -> None:
    ids = [await a_pattern(either_engine, clock, name) for name in ("one", "two", "three")]
    await a_pattern(either_engine, clock, "of another", codebase="bank")
    await put(either_engine, "a fact", codebase="shop", node_type="fact")
    context = await either_engine.codebase_context("shop", limit=2)
    assert relations(context) == {ids[2]: "codebase", ids[1]: "codebase"}
    assert (context.pattern_count, context.decision_count, context.count) == (3, 0, 3)
    assert context.left_out == 0


async def test_what_is_about_the_files_comes_before_what_is_beside_them_and_the_rest(
    either_engine: Engine, clock: ManualClock
) -> None:
    same = await a_pattern(either_engine, clock, "old", "src/db.py", "src/api/client.py")
    beside = await a_pattern(either_engine, clock, "beside", "src/api/server.py")
    newest = await a_pattern(either_engine, clock, "newest", "docs/index.md")
    context = await either_engine.codebase_context("shop", files=["src/api/client.py"])
    assert [*relations(context).items()] == [
        (same, "file"),
        (beside, "folder"),
        (newest, "codebase"),
    ]


async def test_what_answers_the_text_comes_before_the_newest(
    either_engine: Engine, clock: ManualClock
) -> None:
    answer = await a_pattern(either_engine, clock, "retries")
    filed = await a_pattern(either_engine, clock, "logging", "src/log.py")
    context = await either_engine.codebase_context("shop", text="retries", files=["src/log.py"])
    assert [*relations(context).items()][:2] == [(filed, "file"), (answer, "text")]
    await a_pattern(either_engine, clock, "of another about retries", codebase="bank")
    again = await either_engine.codebase_context("shop", text="retries")
    assert [*relations(again)] == [answer, filed]


async def test_a_file_of_the_context_counts_where_no_files_are_kept(
    either_engine: Engine,
) -> None:
    context = IngestContext(codebase="shop", file="src/api.py")
    await either_engine.remember("Use Redis", node_type="decision", context=context)
    found = await either_engine.codebase_context("shop", files=["src/api.py"])
    assert [memory.relation for memory in found.memories] == ["file"]


async def test_files_of_another_form_are_no_files(either_engine: Engine) -> None:
    await either_engine.remember(
        "Use Redis",
        node_type="decision",
        context=IngestContext(codebase="shop"),
        metadata={"files": [7, {"path": "src/api.py"}]},
    )
    found = await either_engine.codebase_context("shop", files=["src/api.py"])
    assert [memory.relation for memory in found.memories] == ["codebase"]


async def test_what_does_not_fit_into_the_budget_is_cut_and_counted(
    either_engine: Engine, clock: ManualClock
) -> None:
    for name in ("one", "two", "three", "four"):
        await a_pattern(either_engine, clock, name)
    whole = await either_engine.codebase_context("shop", limit=1)
    budget = whole.tokens + TOKENS_PER_MEMORY + 8
    (first,) = whole.memories
    assert first.characters_left_out == 0
    clock.advance(DAY)
    await either_engine.remember_pattern("long", "many words " * 100, codebase="shop")
    context = await either_engine.codebase_context("shop", token_budget=budget)
    (cut,) = context.memories
    assert cut.record.content.startswith(cut.text)
    assert cut.characters_left_out == len(cut.record.content) - len(cut.text) > 0
    assert (context.left_out, context.count) == (4, 5)
    assert context.tokens <= budget


async def test_a_budget_without_room_for_a_beginning_shows_nothing_and_says_so(
    either_engine: Engine, clock: ManualClock
) -> None:
    await a_pattern(either_engine, clock, "one")
    context = await either_engine.codebase_context("shop", token_budget=1)
    assert (context.memories, context.left_out, context.tokens) == ((), 1, 0)


async def test_what_is_hidden_or_holds_no_longer_is_not_shown(
    either_engine: Engine, clock: ManualClock
) -> None:
    hidden = await a_pattern(either_engine, clock, "hidden", "src/a.py")
    await either_engine.suppress(hidden)
    await put(
        either_engine, "expired", codebase="shop", node_type="decision", valid_until=START + DAY
    )
    clock.advance(DAY)
    context = await either_engine.codebase_context("shop", files=["src/a.py"], text="hidden")
    assert (context.memories, context.count) == ((), 0)


async def test_only_the_newest_are_compared_with_files_and_it_is_said_how_many(
    either_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codebase_memory, "LOOKED_AT_MAX", 20)
    records = [
        a_memory(
            f"pattern {number}",
            node_type="pattern",
            codebase="shop",
            metadata={"files": ["src/a.py"]} if number in {9, 10} else {},
            created_at=START + number * DAY,
        )
        for number in range(30)
    ]
    await either_engine.store.insert_many(records)
    context = await either_engine.codebase_context("shop", files=["src/a.py"], limit=2)
    assert relations(context) == {records[10].id: "file", records[29].id: "codebase"}
    assert (context.looked_at, context.count) == (20, 30)


async def test_a_codebase_that_nothing_is_known_of_is_empty(either_engine: Engine) -> None:
    context = await either_engine.codebase_context("shop", files=["src/a.py"], text="retries")
    assert (context.memories, context.count, context.tokens) == ((), 0, 0)


async def test_the_codebases_come_with_their_counts_the_largest_first(
    either_engine: Engine,
) -> None:
    names = ["b", "c", "a", "c", None]
    await put_all(
        either_engine, [a_memory(f"text {n}", codebase=name) for n, name in enumerate(names)]
    )
    assert await either_engine.codebases() == [
        CodebaseCount(name="c", memory_count=2),
        CodebaseCount(name="a", memory_count=1),
        CodebaseCount(name="b", memory_count=1),
    ]
