"""Recalling what is connected to what was found."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from factories import DAY, START, a_memory, a_numbered_id
from recalling import contents, link, put, put_all, put_apart, sum_of_parts
from vestige.engine.associations import EDGES_MAX, LIFTED_SHARE
from vestige.engine.recall_options import RecallFilter, RecallOptions

if TYPE_CHECKING:
    from vestige.engine.engine import Engine

QUESTION = "why does the invoice export time out"
ANSWER = "the invoice export does time out because the index is missing"
OTHERS = 130


async def put_crowd(engine: Engine) -> None:
    """Store more than a page of candidates, none of which has much to do with the question."""
    await put_all(engine, [a_memory(f"note{n} tells of lunch{n}") for n in range(OTHERS)])


async def test_a_linked_memory_is_found_and_the_path_says_why(either_engine: Engine) -> None:
    await put_crowd(either_engine)
    answer = await put(either_engine, ANSWER)
    cause = await put_apart(either_engine, "Kim dropped idx_17 on Monday")
    effect = await put_apart(either_engine, "Lee apologised to customers")
    before = contents(await either_engine.recall(QUESTION, limit=5))
    await link(either_engine, answer, cause, "caused_by")
    await link(either_engine, effect, cause, "caused_by", weight=0.9)
    result = await either_engine.recall(QUESTION, limit=100)
    by_id = {hit.record.id: hit for hit in result}
    assert "Kim dropped idx_17 on Monday" not in before
    assert by_id[cause].path == (answer, cause)
    assert by_id[effect].path == (answer, cause, effect)
    assert by_id[cause].activation_part > 0
    assert by_id[cause].score > by_id[effect].score
    assert by_id[answer].path == ()
    assert all(abs(hit.score - sum_of_parts(hit)) < 1e-9 for hit in result)


async def test_a_link_lifts_nothing_to_where_a_good_answer_stands(either_engine: Engine) -> None:
    good = ["the invoice export does time out at night", "why the invoice export does time out"]
    for content in good:
        await put(either_engine, content)
    answer = await put(either_engine, ANSWER)
    for name in ("umbrella", "walrus", "teapot"):
        await link(either_engine, answer, await put_apart(either_engine, f"{name} red"), name)
    found = contents(await either_engine.recall(QUESTION))
    assert {*found[:3]} == {ANSWER, *good}


async def test_links_move_at_most_a_share_of_the_answers(either_engine: Engine) -> None:
    await put_crowd(either_engine)
    answer = await put(either_engine, ANSWER)
    linked = await put_all(
        either_engine, [a_memory(f"zebra{number} qqq{number}") for number in range(15)]
    )
    for record in linked:
        await link(either_engine, answer, record.id)
    result = await either_engine.recall(QUESTION, limit=9)
    lifted = [hit for hit in result if hit.activation_part > 0]
    assert len(result) == 9
    assert 1 <= len(lifted) <= 9 * LIFTED_SHARE


async def test_links_of_one_direction_lead_both_ways(either_engine: Engine) -> None:
    await put_crowd(either_engine)
    answer = await put(either_engine, ANSWER)
    pointing = await put_apart(either_engine, "zebra qqq")
    await link(either_engine, pointing, answer)
    assert pointing in {hit.record.id for hit in await either_engine.recall(QUESTION, limit=50)}


async def test_a_link_does_not_get_around_a_filter(either_engine: Engine) -> None:
    answer = await put(either_engine, ANSWER, codebase="shop")
    other = await put_apart(either_engine, "zebra qqq", codebase="other")
    await link(either_engine, answer, other)
    result = await either_engine.recall(QUESTION, narrowed=RecallFilter(codebase="shop"))
    assert [hit.record.id for hit in result] == [answer]


async def test_a_faded_memory_is_not_brought_back_by_a_link(either_engine: Engine) -> None:
    answer = await put(either_engine, ANSWER)
    faded = await put_apart(either_engine, "zebra qqq", created_at=START - 900 * DAY)
    await link(either_engine, answer, faded)
    narrowed = RecallFilter(min_retrievability=0.9)
    result = await either_engine.recall(QUESTION, narrowed=narrowed)
    assert [hit.record.id for hit in result] == [answer]


async def test_no_path_leads_through_what_is_hidden(either_engine: Engine) -> None:
    await put_crowd(either_engine)
    answer = await put(either_engine, ANSWER)
    hidden = await put_apart(either_engine, "zebra qqq", suppressed_at=START)
    behind = await put_apart(either_engine, "walrus www")
    await link(either_engine, answer, hidden)
    await link(either_engine, hidden, behind)
    result = await either_engine.recall(QUESTION, limit=20)
    assert not {hidden, behind} & {hit.record.id for hit in result}
    shown = RecallOptions(include_suppressed=True)
    result = await either_engine.recall(QUESTION, options=shown, limit=20)
    assert {hidden, behind} <= {hit.record.id for hit in result}


async def test_a_link_that_was_drawn_later_leads_nowhere_in_the_past(
    either_engine: Engine,
) -> None:
    await put_crowd(either_engine)
    answer = await put(either_engine, ANSWER)
    other = await put_apart(either_engine, "zebra qqq")
    await link(either_engine, answer, other, created_at=START + 2 * DAY)
    for at, is_there in ((START + DAY, False), (START + 2 * DAY, True)):
        options = RecallOptions(as_of=at)
        result = await either_engine.recall(QUESTION, options=options, limit=20)
        assert (other in {hit.record.id for hit in result}) is is_there


async def test_a_dense_graph_is_followed_within_its_bounds(either_engine: Engine) -> None:
    records = await put_all(
        either_engine,
        [a_memory(f"zebra qqq {number}", id=a_numbered_id(number)) for number in range(75)],
    )
    answer = await put(either_engine, ANSWER)
    ids = [answer, *(record.id for record in records)]
    pairs = [*combinations(ids, 2)]
    assert len(pairs) > EDGES_MAX
    for source_id, target_id in pairs:
        await link(either_engine, source_id, target_id)
    result = await either_engine.recall(QUESTION, limit=30)
    assert result[0].record.id == answer
    assert [len(hit.path) for hit in result if hit.path] == [2] * 10
    assert result == await either_engine.recall(QUESTION, limit=30)


async def test_links_to_deleted_memories_and_circles_do_no_harm(either_engine: Engine) -> None:
    one, two, three = [await put(either_engine, f"{ANSWER} {name}") for name in "abc"]
    for source_id, target_id in ((one, two), (two, three), (three, one)):
        await link(either_engine, source_id, target_id)
    await either_engine.store.delete(two)
    assert {hit.record.id for hit in await either_engine.recall(QUESTION)} == {one, three}
