"""Recalling what a question means letter by letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, ManualClock, an_id
from recalling import contents, put, sum_of_parts
from vestige.engine.recall_options import RecallFilter
from vestige.models import MemoryRecord

if TYPE_CHECKING:
    from vestige.engine.engine import Engine

CROWD = 130  # more than a page of candidates


async def put_crowd(engine: Engine, words: str) -> None:
    for number in range(CROWD):
        await put(engine, f"{words} {words} number {number}")


@pytest.mark.parametrize(
    ("question", "holder"),
    [
        ("which retries does `max_retry_count` allow", "set max_retry_count in the service"),
        ("what broke in src/billing/tax.py retries", "see src/billing/tax.py for the cause"),
        ("retries and PAY-4711", "PAY-4711 is the ticket"),
        ("retries said 'never twice'", "the rule is never twice"),
        ("retries since v2.4.1", "upgraded to 2.4.1 in May"),
    ],
)
async def test_what_holds_a_literal_stands_above_what_does_not(
    either_engine: Engine, question: str, holder: str
) -> None:
    await put(either_engine, "which retries does the client allow, what broke in the retries")
    await put(either_engine, "retries retries retries")
    await put(either_engine, holder)
    first, *others = await either_engine.recall(question)
    assert first.record.content == holder
    assert first.literals
    assert first.literal_part == 2.0
    assert not any(hit.literals for hit in others)


async def test_the_more_literals_a_memory_holds_the_higher_it_stands(
    either_engine: Engine,
) -> None:
    await put(either_engine, "load_config fails")
    await put(either_engine, "load_config reads vestige.toml somewhere in a long text of words")
    result = await either_engine.recall("why do load_config and vestige.toml fail")
    assert contents(result)[0].startswith("load_config reads")
    assert [hit.literal_part for hit in result] == [4.0, 2.0]


async def test_a_literal_that_is_no_candidate_of_either_leg_is_found(
    either_engine: Engine,
) -> None:
    await put_crowd(either_engine, "deploy pipeline broke")
    filling = " ".join(f"w{number}" for number in range(150))
    rare = await put(either_engine, f"{filling} deploy_db.sh {filling}")
    question = " ".join(["deploy pipeline broke"] * 3) + " deploy_db.sh"
    first, *_ = await either_engine.recall(question, limit=5)
    assert first.record.id == rare
    assert first.literals == ("deploy_db.sh",)


async def test_a_literal_is_not_found_inside_of_a_longer_one(either_engine: Engine) -> None:
    await put(either_engine, "ERR_42 means a full disk")
    await put(either_engine, "ERR_4 means no network")
    result = await either_engine.recall("what does ERR_4 mean")
    assert [hit.literals for hit in result] == [("ERR_4",), ()]


async def test_a_tag_is_held_literally(either_engine: Engine) -> None:
    await put(either_engine, "what went wrong with the release")
    tagged = await put(either_engine, "the certificate had expired", tags=("OPS-77",))
    first, *_ = await either_engine.recall("what went wrong with OPS-77")
    assert first.record.id == tagged


async def test_the_id_of_a_memory_finds_it(either_engine: Engine) -> None:
    memory_id = await put(either_engine, "the logo is blue")
    await put(either_engine, f"about {memory_id}: see there")
    await put_crowd(either_engine, "about memory see")
    first, second, *_ = await either_engine.recall(f"about memory {str(memory_id).upper()}, see")
    assert first.record.id == memory_id
    assert second.record.content.startswith("about ")
    assert first.score > second.score
    assert abs(first.score - sum_of_parts(first)) < 1e-9


async def test_an_id_does_not_get_around_a_filter(
    either_engine: Engine, clock: ManualClock
) -> None:
    memory_id = await put(either_engine, "the logo is blue", codebase="shop", tags=("brand",))
    clock.advance(9 * DAY)
    question = f"what is {memory_id}"
    for narrowed in (
        RecallFilter(codebase="other"),
        RecallFilter(tags=("x",)),
        RecallFilter(node_types=("decision",)),
        RecallFilter(domains=("design",)),
        RecallFilter(since=START + DAY),
        RecallFilter(until=START),
        RecallFilter(min_retrievability=0.99),
    ):
        assert not await either_engine.recall(question, narrowed=narrowed)
    narrowed = RecallFilter(codebase="shop", tags=("brand", "x"))
    assert contents(await either_engine.recall(question, narrowed=narrowed)) == ["the logo is blue"]


async def test_an_id_that_is_written_twice_counts_once(either_engine: Engine) -> None:
    memory_id = await put(either_engine, "the logo is blue")
    (hit,) = await either_engine.recall(f"what is {memory_id}, also {str(memory_id).upper()}")
    assert hit.literal_part == 4.0


async def test_an_unknown_id_finds_nothing_of_its_own(either_engine: Engine) -> None:
    await put(either_engine, "the logo is blue")
    (hit,) = await either_engine.recall(f"logo {an_id('nobody')}")
    assert hit.literals == ()


async def test_what_is_excluded_is_not_meant_literally(either_engine: Engine) -> None:
    await put(either_engine, "the build uses old_tool")
    await put(either_engine, "the build uses make and new_tool")
    await put(either_engine, "the build of new_tool once used old_tool")
    result = await either_engine.recall("build with new_tool -old_tool")
    assert contents(result)[0] == "the build uses make and new_tool"
    assert [bool(hit.literals) for hit in result] == [True, False, False]
    quoted = await either_engine.recall('build -"uses old_tool"')
    assert not any(hit.literals for hit in quoted)


@pytest.mark.parametrize(
    "question",
    [
        '"' * 50,
        '-"" -- - "a',
        "`'`'`",
        "'; DROP TABLE knowledge_nodes; --",
        "a_b " * 5_000,
        " ".join(f"name_{number}" for number in range(500)),
        '"(((((" [[[ a.b.c.d.e.f.g.h',
        "\u202e../../etc/passwd \u2028 C:\\x\\y",
        "%s %d {0} $1 :id ?",
        "00000000-0000-0000-0000-000000000000 " * 40,
        "*" * 20_000 + "_x",
    ],
)
async def test_a_hostile_question_is_only_a_question(either_engine: Engine, question: str) -> None:
    await put(either_engine, "the build uses make")
    assert [type(hit.record) for hit in await either_engine.recall(question)] == [MemoryRecord]
