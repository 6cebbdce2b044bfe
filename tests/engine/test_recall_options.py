"""Recalling within a budget, reinforcing on request, and writing nothing otherwise."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

import pytest

from factories import DAY, START, ManualClock, a_memory, an_id
from recalling import contents, link, put, put_all, put_versions
from vestige.cognition.token_budget import estimated_tokens
from vestige.engine.engine import Engine
from vestige.engine.parts import Actor
from vestige.engine.ranking import TOKENS_PER_HIT
from vestige.engine.recall_options import RecallOptions
from vestige.errors import InvalidInputError
from vestige.models import ChangeAction, Rating

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore

QUESTION = "how do we deploy the shop"
CONTENTS = (
    "we deploy the shop from the branch stable",
    "we deploy the shop on Tuesdays after lunch",
    "the shop is written in Python, says Kim",
)
CALLS_MAX = 15
CALLS = {"get_fsrs_weights": 1, "search": 1, "list_edges": 1, "list_scheduling": 1}


class CountingStore:
    """A store that counts which of its methods are asked for."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.calls = Counter[str]()

    def __getattr__(self, name: str) -> object:
        self.calls[name] += 1
        return getattr(self._store, name)


async def everything(engine: Engine) -> list[object]:
    """Return all that a recall could change."""
    records = await engine.store.list_memories(limit=1000)
    ids = [record.id for record in records]
    return [
        records,
        await engine.store.list_scheduling(ids),
        await engine.store.list_edges(ids),
        await engine.store.list_review_events(limit=1000),
        await engine.store.list_changelog(limit=1000),
    ]


async def put_some(engine: Engine) -> None:
    for content in CONTENTS:
        await put(engine, content)
    ids = await put_versions(engine, "the shop is old", "the shop has moved")
    await link(engine, an_id(CONTENTS[0]), ids[1])
    await put(engine, "the shop was hidden", suppressed_at=START)


@pytest.mark.parametrize(
    "options",
    [
        RecallOptions(),
        RecallOptions(include_superseded=True, include_suppressed=True),
        RecallOptions(as_of=START, token_budget=200),
    ],
)
async def test_a_recall_writes_nothing_and_answers_the_same_again(
    either_engine: Engine, options: RecallOptions
) -> None:
    await put_some(either_engine)
    before = await everything(either_engine)
    first = await either_engine.recall(QUESTION, options=options)
    assert await everything(either_engine) == before
    assert await either_engine.recall(QUESTION, options=options) == first
    assert first


async def test_reinforcing_counts_a_good_review_of_what_is_returned_and_of_nothing_else(
    either_engine: Engine, clock: ManualClock
) -> None:
    await put_some(either_engine)
    clock.advance(5 * DAY)
    engine = either_engine.acting_as(Actor(client_id="a client", session_id="one"))
    result = await engine.recall(QUESTION, options=RecallOptions(reinforce=True), limit=2)
    returned = {hit.record.id for hit in result}
    events = await engine.store.list_review_events(limit=100)
    assert {event.memory_id for event in events} == returned
    assert {(event.rating, event.timestamp) for event in events} == {(Rating.GOOD, clock.now())}
    entries = await engine.store.list_changelog(limit=100)
    assert {entry.memory_id for entry in entries} == returned
    assert {(entry.action, entry.client_id) for entry in entries} == {
        (ChangeAction.REVIEWED, "a client")
    }
    assert len({entry.change_id for entry in entries}) == 1
    again = await engine.recall(QUESTION, limit=2)
    assert {hit.retrievability for hit in again if hit.record.id in returned} == {1.0}


async def test_reinforcing_nothing_writes_nothing(either_engine: Engine) -> None:
    assert not await either_engine.recall(QUESTION, options=RecallOptions(reinforce=True))
    assert await either_engine.store.list_changelog() == []


async def test_a_budget_keeps_the_best_cuts_the_next_and_counts_the_rest(
    either_engine: Engine,
) -> None:
    await put_some(either_engine)
    unbounded = await either_engine.recall(QUESTION)
    first, second = (estimated_tokens(hit.record.content) for hit in unbounded[:2])
    budget = first + second + 2 * TOKENS_PER_HIT - 1
    options = RecallOptions(token_budget=budget)
    result = await either_engine.recall(QUESTION, options=options)
    assert contents(result) == contents(unbounded)[:2]
    whole, cut = result
    assert whole.content == whole.record.content
    assert whole.beginning is None
    assert cut.content != cut.record.content
    assert cut.record.content.startswith(cut.content)
    assert result.left_out == len(unbounded) - 2
    assert result.tokens is not None
    assert result.tokens <= budget


async def test_a_budget_for_everything_changes_nothing(either_engine: Engine) -> None:
    await put_some(either_engine)
    result = await either_engine.recall(QUESTION, options=RecallOptions(token_budget=100_000))
    assert result.hits == (await either_engine.recall(QUESTION)).hits
    assert result.left_out == 0


async def test_a_budget_for_nothing_says_how_much_was_found(either_engine: Engine) -> None:
    await put_some(either_engine)
    result = await either_engine.recall(QUESTION, options=RecallOptions(token_budget=1))
    assert (len(result), result.left_out, result.tokens) == (0, 4, 0)


async def test_what_will_not_be_shown_does_not_count(either_engine: Engine) -> None:
    for number in range(3):
        await put(either_engine, f"we deploy the shop {number} " + "word " * 2_000)
    short = RecallOptions(token_budget=300, shown_characters=100)
    assert len(await either_engine.recall(QUESTION, options=short)) == 3
    assert len(await either_engine.recall(QUESTION, options=RecallOptions(token_budget=300))) == 1


@pytest.mark.parametrize("budget", [0, -1, 1.5, True])
async def test_a_budget_that_is_no_positive_number_is_refused(
    either_engine: Engine, budget: int
) -> None:
    with pytest.raises(InvalidInputError, match="token_budget"):
        await either_engine.recall(QUESTION, options=RecallOptions(token_budget=budget))


async def test_the_store_is_asked_as_often_for_many_answers_as_for_few(
    either_engine: Engine,
) -> None:
    await put_all(either_engine, [a_memory(f"we deploy the shop {n}") for n in range(150)])
    counting = CountingStore(either_engine.store)
    engine = Engine(cast("MemoryStore", counting), either_engine.embedder, ManualClock())
    await engine.recall(QUESTION)  # the first one also asks which model the store has
    seen: list[Counter[str]] = []
    for limit in (1, 150):
        counting.calls.clear()
        assert len(await engine.recall(QUESTION, limit=limit)) == limit
        seen.append(Counter(counting.calls))
    assert seen[0] == seen[1] == CALLS


async def test_the_hardest_question_asks_the_store_fifteen_times(either_engine: Engine) -> None:
    text = f"we deploy the shop with a_b and c_d and e_f {an_id('x')} {an_id('y')}"
    versions = [a_memory(f"{text} {n}", superseded_at=START) for n in range(120)]
    await put_all(either_engine, versions)
    await put_versions(either_engine, text, "zebra", "walrus")
    await put(either_engine, "quokka", id=an_id("x"), superseded_at=START)
    counting = CountingStore(either_engine.store)
    engine = Engine(cast("MemoryStore", counting), either_engine.embedder, ManualClock())
    await engine.recall(QUESTION)  # the first one also asks which model the store has
    counting.calls.clear()
    assert await engine.recall(text)
    assert counting.calls["search"] == 8
    assert counting.calls["get_many"] == 2
    assert counting.calls["list_edges"] == 2
    assert sum(counting.calls.values()) == CALLS_MAX
