"""Recalling what holds now, and what held at another time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, ManualClock, a_memory, a_numbered_id
from recalling import contents, link, put, put_all, put_versions, sum_of_parts
from vestige.engine.recall_options import RecallFilter, RecallOptions
from vestige.errors import InvalidInputError

if TYPE_CHECKING:
    from vestige.engine.engine import Engine

QUESTION = "which port does the gateway listen on"
OLD, NEWER, NEWEST = (
    "the gateway does listen on port 80",
    "the gateway does listen on port 8080",
    "port 8443 it is for the gateway since the move",
)
EVERYTHING = RecallOptions(include_superseded=True)


async def test_what_was_replaced_is_left_out(either_engine: Engine) -> None:
    await put_versions(either_engine, OLD, NEWER, NEWEST)
    assert contents(await either_engine.recall(QUESTION)) == [NEWEST]


async def test_what_holds_no_longer_is_left_out(either_engine: Engine, clock: ManualClock) -> None:
    await put(either_engine, OLD, valid_until=START + DAY)
    await put(either_engine, NEWER, valid_until=START + 9 * DAY)
    assert {*contents(await either_engine.recall(QUESTION))} == {OLD, NEWER}
    clock.advance(DAY)
    assert contents(await either_engine.recall(QUESTION)) == [NEWER]
    marked = {
        hit.record.content: hit.marks
        for hit in await either_engine.recall(QUESTION, options=EVERYTHING)
    }
    assert marked == {OLD: ("expired",), NEWER: ()}


async def test_what_is_hidden_is_left_out_unless_asked_for(either_engine: Engine) -> None:
    await put(either_engine, OLD, suppressed_at=START)
    assert not await either_engine.recall(QUESTION)
    assert not await either_engine.recall(QUESTION, options=EVERYTHING)
    options = RecallOptions(include_suppressed=True)
    (hit,) = await either_engine.recall(QUESTION, options=options)
    assert hit.marks == ("suppressed",)
    assert hit.accessibility == "unavailable"


async def test_replaced_ones_that_are_asked_for_stand_below_what_replaced_them(
    either_engine: Engine,
) -> None:
    await put(either_engine, "the gateway is a box in the cellar")
    await put_versions(either_engine, OLD, NEWER, NEWEST)
    result = await either_engine.recall(QUESTION, options=EVERYTHING)
    versions = [hit for hit in result if "port" in hit.record.content]
    assert [hit.record.content for hit in versions] == [NEWEST, NEWER, OLD]
    assert [hit.marks for hit in versions] == [(), ("superseded",), ("superseded",)]
    assert versions[0].currency_part > 0 > versions[-1].currency_part
    assert [hit.score for hit in result] == sorted((hit.score for hit in result), reverse=True)
    assert all(abs(hit.score - sum_of_parts(hit)) < 1e-9 for hit in result)


async def test_what_replaced_a_good_answer_takes_its_place(either_engine: Engine) -> None:
    # Its own words have next to nothing to do with the question.
    await put(either_engine, "the gateway is a box")
    await put(either_engine, "which door is open")
    old, new = await put_versions(either_engine, OLD, "moved to 8443, says Kim")
    first, *_ = await either_engine.recall(QUESTION)
    assert first.record.id == new
    assert first.path == (old, new)
    assert first.activation_part > 0


async def test_a_chain_of_replacements_is_followed_to_its_end(either_engine: Engine) -> None:
    # The one between was replaced as well, and no search finds it.
    await put_all(either_engine, [a_memory(f"note{n} tells of lunch{n}") for n in range(400)])
    ids = await put_versions(either_engine, OLD, "zebra zebra", "walrus walrus")
    result = await either_engine.recall(QUESTION, limit=3)
    assert result[0].record.id == ids[2]
    assert result[0].path == tuple(ids)


async def test_the_current_fact_is_found_below_2000_versions_of_it(either_engine: Engine) -> None:
    versions = [
        a_memory(f"{OLD} {OLD}", id=a_numbered_id(number), superseded_at=START)
        for number in range(1, 2_001)
    ]
    await put_all(either_engine, versions)
    current = await put(either_engine, NEWEST)
    for limit in (1, 10, 500):
        result = await either_engine.recall(QUESTION, limit=limit)
        assert [hit.record.id for hit in result] == [current]


async def test_the_current_fact_is_found_although_enough_else_is_left(
    either_engine: Engine,
) -> None:
    # 95 of the 100 candidates were replaced; five are left, which are as many as are wanted.
    versions = [
        a_memory(f"{OLD} {OLD}", id=a_numbered_id(number), superseded_at=START)
        for number in range(1, 96)
    ]
    noise = [a_memory(f"{OLD} {QUESTION} of the neighbour {n}") for n in range(5)]
    await put_all(either_engine, [*versions, *noise])
    current = await put(either_engine, NEWEST)
    result = await either_engine.recall(QUESTION, limit=6)
    assert current in {hit.record.id for hit in result}


async def test_memories_that_supersede_each_other_in_a_circle_do_no_harm(
    either_engine: Engine,
) -> None:
    one = await put(either_engine, OLD, superseded_at=START)
    two = await put(either_engine, NEWER, superseded_at=START)
    await link(either_engine, one, two, "supersedes")
    await link(either_engine, two, one, "supersedes")
    await put(either_engine, NEWEST)
    assert contents(await either_engine.recall(QUESTION)) == [NEWEST]
    result = await either_engine.recall(QUESTION, options=EVERYTHING)
    assert {*contents(result)} == {OLD, NEWER, NEWEST}


async def test_the_past_is_what_was_known_and_held_then(either_engine: Engine) -> None:
    old = await put(either_engine, OLD, superseded_at=START + 10 * DAY)
    new = await put(either_engine, NEWER, created_at=START + 10 * DAY)
    await link(either_engine, new, old, "supersedes", created_at=START + 10 * DAY)
    await put(either_engine, NEWEST, created_at=START + 20 * DAY, valid_until=START + 30 * DAY)
    instant = timedelta(microseconds=1)
    for at, known in (
        (START - instant, []),
        (START, [OLD]),
        (START + 10 * DAY - instant, [OLD]),
        (START + 10 * DAY, [NEWER]),
        (START + 25 * DAY, [NEWER, NEWEST]),
        (START + 30 * DAY, [NEWER]),
    ):
        result = await either_engine.recall(QUESTION, options=RecallOptions(as_of=at))
        assert sorted(contents(result)) == sorted(known), at


async def test_a_window_of_creation_holds_in_the_past_too(either_engine: Engine) -> None:
    await put(either_engine, OLD)
    narrowed = RecallFilter(until=START)
    options = RecallOptions(as_of=START + DAY)
    assert not await either_engine.recall(QUESTION, narrowed=narrowed, options=options)
    narrowed = RecallFilter(until=START + 9 * DAY)
    result = await either_engine.recall(QUESTION, narrowed=narrowed, options=options)
    assert contents(result) == [OLD]


async def test_what_is_hidden_today_is_hidden_in_the_past(either_engine: Engine) -> None:
    await put(either_engine, OLD, suppressed_at=START + 10 * DAY)
    options = RecallOptions(as_of=START + DAY)
    assert not await either_engine.recall(QUESTION, options=options)


async def test_the_end_of_time_can_be_asked_about(either_engine: Engine) -> None:
    await put(either_engine, OLD)
    last = START.max.replace(tzinfo=START.tzinfo)
    result = await either_engine.recall(QUESTION, options=RecallOptions(as_of=last))
    assert contents(result) == [OLD]


async def test_a_time_without_a_zone_is_refused(either_engine: Engine) -> None:
    options = RecallOptions(as_of=START.replace(tzinfo=None))
    with pytest.raises(InvalidInputError, match="as_of"):
        await either_engine.recall(QUESTION, options=options)
