"""Recalling: ranking by both native scores, filters, and no side effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from closeness import assert_close
from factories import DAY, START, ManualClock, a_memory
from recalling import sum_of_parts
from vestige.cognition.fusion import DEFAULT_VECTOR_WEIGHT
from vestige.engine.recall_options import RecallFilter
from vestige.engine.results import IngestContext
from vestige.errors import InvalidInputError

if TYPE_CHECKING:
    from vestige.engine.engine import Engine

FACTS = (
    "The billing service stores invoices in PostgreSQL.",
    "The search service uses an inverted index.",
    "Maria prefers short meetings before noon.",
    "Deployments to production happen on Thursdays.",
)


async def remember_all(engine: Engine, codebase: str | None = None) -> None:
    for fact in FACTS:
        await engine.remember(fact, context=IngestContext(codebase=codebase))


async def test_a_natural_question_finds_the_fact(engine: Engine) -> None:
    await remember_all(engine)
    hits = await engine.recall("When do deployments to production happen?")
    assert hits[0].record.content == FACTS[3]


async def test_each_part_of_the_score_is_explained(engine: Engine) -> None:
    await remember_all(engine)
    hits = await engine.recall("Which service stores invoices?")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    best = max(hit.fts_score or 0.0 for hit in hits)
    for hit in hits:
        assert hit.vector_score is not None
        assert_close([hit.score], [sum_of_parts(hit)], tolerance=1e-9)
        assert_close([hit.vector_part], [DEFAULT_VECTOR_WEIGHT * hit.vector_score], tolerance=1e-9)
        share = (hit.fts_score or 0.0) / best
        assert_close([hit.lexical_part], [(1 - DEFAULT_VECTOR_WEIGHT) * share], tolerance=1e-9)
        assert (hit.fts_rank is None) == (hit.fts_score is None)


async def test_a_memory_without_a_vector_is_recalled_by_its_words(engine: Engine) -> None:
    await remember_all(engine)
    await engine.store.insert(a_memory("The walrus has no vector."))
    hits = await engine.recall("walrus")
    assert hits[0].record.content == "The walrus has no vector."
    assert hits[0].vector_score is None


async def test_the_nearest_memory_is_first_although_many_stand_in_both_legs(
    engine: Engine,
) -> None:
    # By rank, sixty memories that both legs find come before the first of one leg.
    question = "Which amber lamp?"
    for number in range(62):
        words = [f"w{number}x{place}" for place in range(20)]
        await engine.remember(" ".join(["amber", *words]))
    (vector,) = engine.embedder.embed_query(question)
    nearest = a_memory("Something in other words.", embedding=vector)
    await engine.store.insert(nearest)
    hits = await engine.recall(question)
    assert hits[0].record == nearest
    assert hits[0].fts_rank is None


async def test_a_recall_changes_nothing(engine: Engine) -> None:
    await remember_all(engine)
    before = await engine.stats()
    states = [await engine.get(memory.id) for memory in await engine.list_memories()]
    await engine.recall("meetings")
    assert await engine.stats() == before
    assert [await engine.get(memory.id) for memory in await engine.list_memories()] == states


async def test_filters_narrow_what_is_ranked(engine: Engine, clock: ManualClock) -> None:
    await remember_all(engine, "one")
    clock.advance(10 * DAY)
    tagged = await engine.remember(
        "Invoices are archived.",
        tags=["archive"],
        node_type="decision",
        context=IngestContext(codebase="two"),
    )
    for narrowed in (
        RecallFilter(codebase="two"),
        RecallFilter(tags=("archive", "other")),
        RecallFilter(node_types=("decision",)),
        RecallFilter(since=START + DAY),
        RecallFilter(min_retrievability=0.95),
    ):
        hits = await engine.recall("service invoices", narrowed=narrowed)
        assert [hit.record.id for hit in hits] == [tagged.id]
    hits = await engine.recall("service invoices", narrowed=RecallFilter(until=START + DAY))
    assert tagged.id not in {hit.record.id for hit in hits}
    assert len(hits) == len(FACTS)


async def test_retrievability_is_that_of_the_moment(engine: Engine, clock: ManualClock) -> None:
    await remember_all(engine)
    (fresh, *_) = await engine.recall("meetings", limit=1)
    clock.advance(30 * DAY)
    (faded, *_) = await engine.recall("meetings", limit=1)
    assert fresh.retrievability == 1.0
    assert 0 < faded.retrievability < 0.9


@pytest.mark.parametrize("text", ["", "a\0b"])
async def test_a_text_that_cannot_be_asked_is_refused(engine: Engine, text: str) -> None:
    with pytest.raises(InvalidInputError, match="text"):
        await engine.recall(text)


@pytest.mark.parametrize("limit", [-1, 1001])
async def test_a_limit_out_of_range_is_refused(engine: Engine, limit: int) -> None:
    with pytest.raises(InvalidInputError, match="limit"):
        await engine.recall("meetings", limit=limit)


async def test_an_empty_store_answers_with_nothing(engine: Engine) -> None:
    assert not await engine.recall("anything")
