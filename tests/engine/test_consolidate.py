"""Consolidation: a plan that writes nothing, and an application that touches no text."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from closeness import assert_close
from factories import DAY, START, a_domain, a_memory, a_numbered_id, a_scheduling, an_edge
from upkept import a_near_memory, everything, far, keep, near, rows
from vestige.cognition import fsrs
from vestige.embedding.hashing import HashingEmbedder
from vestige.engine.engine import Engine
from vestige.errors import EmbeddingError
from vestige.models import ChangeAction, MemoryRecord, ScheduledMemory, TransferTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from factories import ManualClock
    from vestige.models import JsonObject


def a_jumble(seed: int, now: datetime) -> list[MemoryRecord]:
    """Return memories of few subjects, files and sessions, some of them without a vector."""
    dice = random.Random(seed)  # noqa: S311  # the same memories every time
    records: list[MemoryRecord] = []
    for number in range(60):
        metadata: JsonObject = {"file": f"f{dice.randrange(3)}", "session_id": dice.choice("ab")}
        records.append(
            a_memory(
                f"note {number} about {dice.choice(['ships', 'trains'])}",
                embedding=None if dice.random() < 0.2 else near(0.9, axis=dice.randrange(1, 9)),
                metadata=metadata if dice.random() < 0.7 else {},
                codebase=dice.choice([None, "dock"]),
                domains=tuple(dice.sample(["sea", "land", "air"], dice.randrange(3))),
                created_at=now - dice.randrange(30) * DAY,
                suppressed_at=now if dice.random() < 0.1 else None,
            )
        )
    return records


@pytest.mark.parametrize("seed", range(3))
async def test_the_plan_writes_nothing_and_a_second_application_does_nothing(
    any_engine: Engine, clock: ManualClock, seed: int
) -> None:
    records = a_jumble(seed, clock.now())
    await keep(any_engine, *records)
    await any_engine.store.upsert_domain(a_domain("sea", memory_count=7))
    await any_engine.store.add_edge(
        an_edge(records[0].id, records[1].id, edge_type="similar", weight=0.01)
    )
    before = await everything(any_engine)
    plan = await any_engine.consolidation_plan()
    assert await everything(any_engine) == before
    assert plan.changes > 0

    first = await any_engine.consolidate()
    after = await everything(any_engine)
    second = await any_engine.consolidate()
    assert await everything(any_engine) == after
    assert (second.changes, second.memories) == (0, len(records))
    assert (first.vectors, first.retrievability) == (plan.vectors, plan.retrievability)
    assert first.pruned == plan.pruned == {"similar": 1}
    assert (await any_engine.consolidation_plan()).changes == 0


async def test_a_plan_without_missing_vectors_is_exactly_what_is_done(
    any_engine: Engine, clock: ManualClock
) -> None:
    records = a_jumble(5, clock.now())
    await keep(any_engine, *(record for record in records if record.embedding is not None))
    plan = await any_engine.consolidation_plan()
    assert replace(await any_engine.consolidate(), is_applied=False) == plan
    assert plan.links.keys() == {"similar", "same_file", "same_session"}


async def test_no_text_is_touched_and_no_memory_deleted(
    any_engine: Engine, clock: ManualClock
) -> None:
    await keep(any_engine, *a_jumble(8, clock.now()))
    before = await rows(any_engine, TransferTable.KNOWLEDGE_NODES)
    clock.advance(30 * DAY)
    assert (await any_engine.consolidate()).vectors
    after = await rows(any_engine, TransferTable.KNOWLEDGE_NODES)
    for old, new in zip(before, after, strict=True):
        assert isinstance(old, ScheduledMemory)
        assert isinstance(new, ScheduledMemory)
        vectors = {"embedding": new.record.embedding, "windows": new.record.windows}
        assert replace(old.record, **vectors) == new.record


async def test_the_stored_retrievability_follows_the_curve_and_nothing_accounts_for_it(
    any_engine: Engine, clock: ManualClock
) -> None:
    record, fresh = a_memory("old"), a_memory("fresh", created_at=START + 40 * DAY)
    state = a_scheduling(record.id)
    await keep(any_engine, fresh)
    await any_engine.store.insert(record, state)
    now = clock.advance(40 * DAY)
    result = await any_engine.consolidate()
    assert result.retrievability == 1
    stored = await any_engine.store.get_scheduling(record.id)
    assert stored is not None
    expected = fsrs.current_retrievability(state, now)
    assert_close([stored.retrievability], [expected], tolerance=1e-12)
    assert replace(stored, retrievability=state.retrievability) == state
    assert await any_engine.store.list_changelog() == []


async def test_missing_vectors_are_made_and_a_refused_text_is_named(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = HashingEmbedder.embed_documents

    def refuse(embedder: HashingEmbedder, texts: Sequence[str]) -> NDArray[np.float32]:
        if "bitter" in texts:
            raise EmbeddingError("too bitter")
        return embed(embedder, texts)

    monkeypatch.setattr(HashingEmbedder, "embed_documents", refuse)
    await any_engine.store.insert_many([a_memory("bitter"), a_memory("sweet")])
    plan = await any_engine.consolidation_plan()
    assert plan.vectors == 2
    assert "no model" in plan.notes[0]
    assert await any_engine.store.registered_model() is None
    result = await any_engine.consolidate()
    assert result.vectors == 1
    assert [(one.id, one.reason) for one in result.vector_failures] == [
        (a_memory("bitter").id, "too bitter")
    ]
    assert result.notes[0].startswith("1 memory has no vector")
    sweet, _ = await any_engine.get(a_memory("sweet").id)
    assert sweet.embedding is not None


async def test_domains_are_counted_anew_and_get_the_mean_of_their_memories(
    any_engine: Engine,
) -> None:
    await keep(
        any_engine,
        a_memory("one", domains=("sea", "unknown"), embedding=far(1)),
        a_memory("two", domains=("sea",), embedding=far(2)),
    )
    for domain in (
        a_domain("empty", centroid=far(9)),
        a_domain("sea", memory_count=9, top_terms=("x",)),
    ):
        await any_engine.store.upsert_domain(domain)
    result = await any_engine.consolidate()
    (recount,) = result.domains
    assert (recount.domain_id, recount.before, recount.after, recount.has_moved) == (
        "sea",
        9,
        2,
        True,
    )
    sea = await any_engine.domain("sea")
    assert (sea.memory_count, sea.top_terms) == (2, ("x",))
    assert sea.centroid is not None
    assert_close(sea.centroid[1:3].tolist(), [0.5**0.5] * 2, tolerance=1e-6)
    assert await any_engine.domain("empty") == a_domain("empty", centroid=far(9))


async def test_the_account_of_a_consolidation_names_its_links_and_no_text(
    any_engine: Engine, clock: ManualClock
) -> None:
    one, two = a_near_memory("a secret"), a_near_memory("a secrets", created_at=START + DAY)
    await keep(any_engine, one, two)
    clock.advance(DAY)
    await any_engine.consolidate()
    (entry,) = await any_engine.store.list_changelog()
    assert (entry.action, entry.memory_id) == (ChangeAction.CONSOLIDATED, two.id)
    assert entry.after is not None
    assert list(entry.after) == [f"edge {two.id} {one.id} similar"]
    assert "secret" not in str(entry)


async def test_an_empty_store_needs_nothing(any_engine: Engine) -> None:
    plan = await any_engine.consolidation_plan()
    assert (plan.memories, plan.changes, plan.duplicates.cluster_count) == (0, 0, 0)
    result = await any_engine.consolidate()
    assert (result.memories, result.changes) == (0, 0)
    assert await any_engine.store.registered_model() is None


async def test_three_thousand_copies_are_looked_at_once(any_engine: Engine) -> None:
    copies = [a_near_memory("the same", id=a_numbered_id(number)) for number in range(3000)]
    await keep(any_engine, *copies, a_near_memory("nearly the same", created_at=START + DAY))
    result = await any_engine.consolidate()
    assert (result.memories, result.links) == (3001, {"similar": 1})
    assert [cluster.size for cluster in result.duplicates.clusters] == [3001]
    assert (await any_engine.consolidate()).changes == 0


async def test_in_the_middle_of_a_change_of_the_model_nothing_is_compared(
    any_engine: Engine, clock: ManualClock
) -> None:
    session: JsonObject = {"session_id": "s"}
    await keep(
        any_engine,
        a_near_memory("one ship", metadata=session),
        a_near_memory("two ships", metadata=session, created_at=START + DAY),
    )
    await any_engine.store.begin_reembedding(HashingEmbedder(64).signature)
    clock.advance(9 * DAY)
    changing = Engine(any_engine.store, HashingEmbedder(64), clock)
    for result in (await changing.consolidation_plan(), await changing.consolidate()):
        assert (result.vectors, result.links) == (0, {"same_session": 1})
        assert result.retrievability == 2
        assert "is unfinished" in result.notes[0]
    assert (await any_engine.stats()).embedded_count == 0


async def test_what_is_suppressed_superseded_or_expired_is_not_linked_but_kept_up(
    any_engine: Engine, clock: ManualClock
) -> None:
    gone = clock.now()
    await keep(
        any_engine,
        a_near_memory("one ship"),
        a_near_memory("one ship.", suppressed_at=gone),
        a_near_memory("one ship!", superseded_at=gone),
        a_near_memory("one ship?", valid_until=gone),
    )
    clock.advance(9 * DAY)
    result = await any_engine.consolidate()
    assert (result.memories, result.retrievability) == (4, 4)
    assert result.links == {}
    assert result.duplicates.cluster_count == 0


async def test_duplicates_and_contradictions_are_proposed_and_left(any_engine: Engine) -> None:
    texts = ["The port is 80", "The port is 81", "It is slow", "It  is slow"]
    for axis, text in enumerate(texts):
        vector = near(1.0) if "port" in text else far(5)
        await keep(any_engine, a_memory(text, embedding=vector, created_at=START + axis * DAY))
    result = await any_engine.consolidate()
    assert [cluster.size for cluster in result.duplicates.clusters] == [2]
    assert [found.older_value for found in result.contradictions.found] == ["80"]
    assert await any_engine.store.count() == len(texts)


async def test_progress_ends_where_it_said(any_engine: Engine, clock: ManualClock) -> None:
    await keep(any_engine, *a_jumble(1, clock.now()))
    told: list[tuple[int, int]] = []
    result = await any_engine.consolidate(advance=lambda done, total: told.append((done, total)))
    assert sum(done for done, _ in told) == told[-1][1] == 60 + result.vectors
