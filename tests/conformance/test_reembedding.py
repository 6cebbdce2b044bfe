"""The change of a store's embedding model, from its beginning to its end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import START, a_domain, a_full_memory, a_memory, a_signature, a_vector
from vestige.errors import InvalidInputError, ModelMismatchError, StoreError
from vestige.models import Reembedding, SearchQuery
from vestige.storage.problems import needs_embedder

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.models import MemoryRecord, ModelSignature
    from vestige.storage.protocol import MemoryStore

SHORTER = a_signature("shorter", dimension=8, digit="b")
LONGER = a_signature("longer", dimension=2048, digit="c")
AS_LONG = a_signature("as-long", digit="d")
NEW = {"shorter": SHORTER, "longer": LONGER, "as long": AS_LONG}


@pytest.fixture
async def records(store: MemoryStore) -> list[MemoryRecord]:
    """Memories with vectors and windows, and a domain with a centroid."""
    records = [a_full_memory(f"memory {n}", embedding=a_vector(n)) for n in range(5)]
    await store.insert_many(records)
    await store.upsert_domain(a_domain("work", centroid=a_vector(1)))
    return records


def bare(record: MemoryRecord) -> MemoryRecord:
    return replace(record, embedding=None, windows=())


@pytest.mark.parametrize("new", NEW.values(), ids=NEW)
async def test_beginning_takes_vectors_away_and_nothing_else(
    store: MemoryStore, records: list[MemoryRecord], new: ModelSignature
) -> None:
    await store.begin_reembedding(new)
    assert await store.registered_model() == new
    assert await store.get_many([record.id for record in records]) == list(map(bare, records))
    assert [domain.centroid for domain in await store.list_domains()] == [None]
    assert (await store.get_stats(START)).window_count == 0
    assert len(await store.fts_search("memory")) == len(records)
    assert await store.vector_search(a_vector(1, dimension=new.dimension)) == []


@pytest.mark.parametrize("new", NEW.values(), ids=NEW)
async def test_new_vectors_are_found_before_the_end_and_after_it(
    store: MemoryStore, records: list[MemoryRecord], new: ModelSignature
) -> None:
    await store.begin_reembedding(new)
    made = [
        replace(record, embedding=a_vector(n, dimension=new.dimension), windows=())
        for n, record in enumerate(records)
    ]
    for record in made:
        await store.update(record)
    await store.upsert_domain(a_domain("work", centroid=made[1].embedding))
    query = a_vector(3, dimension=new.dimension)
    before = await store.vector_search(query, limit=3)
    assert (before[0].record, round(before[0].score, 4)) == (made[3], 1.0)
    await store.finish_reembedding()
    assert await store.vector_search(query, limit=3) == before
    assert await store.find_problems() == []
    assert (await store.health_check()).status == "healthy"


async def test_an_unfinished_change_is_known_to_every_handle(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    await store.begin_reembedding(SHORTER)
    other = await open_handle()
    found = await other.reembedding()
    assert found == Reembedding(
        old=a_signature(), new=SHORTER, started_at=START, queued=len(records)
    )
    (problem,) = await other.find_problems()
    assert str(a_signature()) in problem.problem
    assert str(SHORTER) in problem.problem
    assert problem.repair == "vestige migrate reembed --model shorter --resume"
    assert not problem.is_repairable
    assert not needs_embedder(problem)
    health = await other.health_check()
    assert health.status == "degraded"
    assert "is unfinished" in (health.reason or "")
    assert await other.count() == len(records)


async def test_after_the_end_nothing_is_left_of_the_change(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.begin_reembedding(SHORTER)
    await store.finish_reembedding()
    assert await store.reembedding() is None
    (problem,) = await store.find_problems()
    assert problem.problem.startswith(f"{len(records)} memories have no vector")


async def test_finishing_without_a_beginning_changes_nothing(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.finish_reembedding()
    assert await store.get_many([record.id for record in records]) == records
    assert await store.find_problems() == []


async def test_the_registered_model_again_begins_nothing(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    other = await open_handle()
    await other.begin_reembedding(a_signature())
    assert await other.reembedding() is None
    assert await store.get_many([record.id for record in records]) == records
    await other.insert(a_full_memory("bound"))


async def test_a_store_without_a_model_is_registered(unbound_store: MemoryStore) -> None:
    await unbound_store.insert(a_memory("early"))
    await unbound_store.begin_reembedding(SHORTER)
    assert await unbound_store.reembedding() is None
    assert await unbound_store.registered_model() == SHORTER
    await unbound_store.insert(a_memory("late", embedding=a_vector(1, dimension=8)))


async def test_a_second_change_is_refused_until_the_first_is_at_its_end(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    await store.begin_reembedding(SHORTER)
    made = replace(records[0], embedding=a_vector(1, dimension=8), windows=())
    await store.update(made)
    other = await open_handle()
    with pytest.raises(StoreError) as caught:
        await other.begin_reembedding(AS_LONG)
    assert str(SHORTER) in str(caught.value)
    assert str(AS_LONG) in str(caught.value)
    assert "--resume" in caught.value.hint
    assert await store.get(made.id) == made
    await store.finish_reembedding()
    await other.begin_reembedding(AS_LONG)
    assert await other.get(made.id) == bare(made)


async def test_beginning_the_unfinished_change_again_binds_and_keeps_what_is_done(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    await store.begin_reembedding(SHORTER)
    made = replace(records[0], embedding=a_vector(1, dimension=8), windows=())
    await store.update(made)
    other = await open_handle()
    await other.begin_reembedding(SHORTER)
    assert await other.get(made.id) == made
    await other.update(replace(records[1], embedding=a_vector(2, dimension=8), windows=()))
    assert (await other.get_stats(START)).embedded_count == 2


@pytest.mark.parametrize("new", NEW.values(), ids=NEW)
async def test_a_handle_of_the_old_model_goes_on_by_words_alone(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle, new: ModelSignature
) -> None:
    old = await open_handle()
    await old.register_model(a_signature())
    assert len(await old.search(SearchQuery(text="memory", embedding=a_vector(1)))) == len(records)
    await store.begin_reembedding(new)
    for call in (
        lambda: old.insert(a_full_memory("old")),
        lambda: old.update(records[0]),
        lambda: old.vector_search(a_vector(1)),
        lambda: old.search(SearchQuery(text="memory", embedding=a_vector(1))),
        lambda: old.upsert_domain(a_domain("work", centroid=a_vector(1))),
    ):
        with pytest.raises(ModelMismatchError) as caught:
            await call()
        assert (caught.value.stored, caught.value.given) == (new, a_signature())
        assert "vestige migrate reembed" in caught.value.hint
    hits = await old.fts_search("memory")
    assert {hit.record.id for hit in hits} == {record.id for record in records}
    await old.insert(a_memory("by words"))
    assert await old.get(records[0].id) == bare(records[0])


async def test_an_unusable_signature_is_refused_and_nothing_is_changed(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    with pytest.raises(InvalidInputError):
        await store.begin_reembedding(replace(SHORTER, dimension=0))
    assert await store.registered_model() == a_signature()
    assert await store.get_many([record.id for record in records]) == records


async def test_there_and_back_again_leaves_a_store_that_is_whole(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    for signature in (LONGER, SHORTER, a_signature()):
        await store.begin_reembedding(signature)
        await store.finish_reembedding()
    for record in records:
        await store.update(record)
    assert await store.get_many([record.id for record in records]) == records
    assert await store.find_problems() == []
    assert len(await store.vector_search(a_vector(1))) == len(records)


async def test_writers_of_the_old_model_are_before_the_change_or_refused(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    old = await open_handle()
    await old.register_model(a_signature())
    writes = [
        *(old.insert(a_full_memory(f"late {n}", embedding=a_vector(n))) for n in range(20)),
        *(old.update(replace(record, embedding=a_vector(99))) for record in records),
    ]
    *outcomes, begun = await asyncio.gather(
        *writes, store.begin_reembedding(AS_LONG), return_exceptions=True
    )
    assert begun is None
    assert {type(outcome) for outcome in outcomes} <= {type(None), ModelMismatchError}
    stats = await store.get_stats(START)
    assert (stats.embedded_count, stats.window_count) == (0, 0)
    assert stats.memory_count == len(records) + outcomes[:20].count(None)
