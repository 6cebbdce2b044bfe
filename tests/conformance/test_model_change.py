"""The switch to another model, the way back, and forgetting what was kept for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest

from factories import START, a_domain, a_full_memory, a_memory, a_signature, a_vector
from vestige.errors import ModelMismatchError, StoreError
from vestige.models import EncodedMemory, RefusedMemory, SearchQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import OpenHandle
    from vestige.models import MemoryRecord, ModelSignature, UnencodedMemory, Vector
    from vestige.storage.protocol import MemoryStore
    from vestige.storage.reembedding_protocol import Encoded, Way

OLD = a_signature()
SHORTER = a_signature("shorter", dimension=8, digit="b")
HALF = a_signature("half", dimension=2048, digit="c")
AS_LONG = a_signature("as-long", digit="d")
NEW = {"shorter": SHORTER, "half precision": HALF, "as long": AS_LONG}


@pytest.fixture
async def records(store: MemoryStore) -> list[MemoryRecord]:
    """Memories with vectors and windows, and domains with and without a centroid."""
    records = [
        a_full_memory(f"memory {n}", embedding=a_vector(n), domains=("work",) * (n % 2))
        for n in range(5)
    ]
    await store.insert_many(records)
    await store.upsert_domain(a_domain("empty"))
    await store.upsert_domain(a_domain("work", centroid=a_vector(1)))
    return records


def vector_for(content: str, signature: ModelSignature) -> Vector:
    seed = sum(content.encode()) + int(signature.hash[0], 16)
    return a_vector(seed, dimension=signature.dimension)


def encode(memories: Sequence[UnencodedMemory], signature: ModelSignature) -> Encoded:
    return [
        EncodedMemory(id=memory.id, embedding=vector_for(memory.content, signature), windows=())
        for memory in memories
    ], []


async def drain(store: MemoryStore, signature: ModelSignature) -> None:
    while memories := await store.claim_unencoded(signature, claim := uuid4(), 2):
        await store.write_encoded(signature, claim, *encode(memories, signature))


async def switched(store: MemoryStore, signature: ModelSignature) -> None:
    await store.begin_reembedding(signature, way="online")
    await drain(store, signature)
    await store.build_new_index()
    await store.fill_centroids()
    assert await store.switch_model(signature)


@pytest.mark.parametrize("new", NEW.values(), ids=NEW)
async def test_after_the_switch_the_new_vectors_are_found(
    store: MemoryStore, records: list[MemoryRecord], new: ModelSignature
) -> None:
    await switched(store, new)
    assert await store.registered_model() == new
    (hit, *rest) = await store.vector_search(vector_for("memory 3", new))
    assert (hit.record.content, round(hit.score, 4)) == ("memory 3", 1.0)
    assert len(rest) == len(records) - 1
    assert hit.record == replace(records[3], embedding=vector_for("memory 3", new), windows=())
    assert await store.find_problems() == []
    assert (await store.health_check()).status == "healthy"
    await store.insert(a_memory("late", embedding=vector_for("late", new)))


async def test_centroids_are_made_of_the_new_vectors(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await switched(store, SHORTER)
    total = np.zeros(SHORTER.dimension)
    for record in records:
        if record.domains:
            total += vector_for(record.content, SHORTER)
    empty, work = await store.list_domains()
    assert empty.centroid is None
    assert work.centroid is not None
    assert np.allclose(work.centroid, total / np.linalg.norm(total), atol=1e-6)
    (score,) = await store.classify(work.centroid)
    assert score.similarity == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("new", NEW.values(), ids=NEW)
async def test_going_back_brings_the_old_vectors_back(
    store: MemoryStore, records: list[MemoryRecord], new: ModelSignature
) -> None:
    before = await store.vector_search(a_vector(3))
    domains = await store.list_domains()
    await switched(store, new)
    assert await store.switch_model(OLD)
    assert await store.registered_model() == OLD
    assert await store.get_many([record.id for record in records]) == records
    assert await store.vector_search(a_vector(3)) == before
    assert await store.list_domains() == domains
    assert await store.find_problems() == []


async def test_going_back_wants_the_vectors_of_what_came_after_the_switch(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await switched(store, SHORTER)
    await store.insert(a_memory("late", embedding=vector_for("late", SHORTER)))
    edited = replace(
        records[0], content="edited", embedding=vector_for("edited", SHORTER), windows=()
    )
    await store.update(edited)
    change = await store.reembedding()
    assert change is not None
    assert (change.phase, change.queued, change.filled) == ("switched", 2, OLD)
    assert not await store.switch_model(OLD)
    await drain(store, OLD)
    assert await store.switch_model(OLD)
    for text in ("late", "edited"):
        (hit, *_) = await store.vector_search(vector_for(text, OLD))
        assert hit.record.content == text


async def test_nothing_is_switched_while_memories_wait(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.begin_reembedding(SHORTER, way="online")
    assert not await store.switch_model(SHORTER)
    claim = uuid4()
    memories = await store.claim_unencoded(SHORTER, claim, 10)
    assert not await store.switch_model(SHORTER, lambda _: ([], []), 10)
    await store.release_claim(claim)
    assert not await store.switch_model(SHORTER, lambda _: ([], []), len(memories) - 1)
    assert await store.registered_model() == OLD
    assert await store.get_many([record.id for record in records]) == records


async def test_the_last_few_are_encoded_in_the_switch(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.begin_reembedding(SHORTER, way="online")
    seen: list[str] = []

    def last(memories: Sequence[UnencodedMemory]) -> Encoded:
        seen.extend(memory.content for memory in memories)
        return encode(memories, SHORTER)

    assert await store.switch_model(SHORTER, last, len(records))
    assert sorted(seen) == [record.content for record in records]
    assert len(await store.vector_search(vector_for("memory 1", SHORTER))) == len(records)


async def test_switching_again_changes_nothing(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    await switched(store, SHORTER)
    other = await open_handle()
    assert await other.switch_model(SHORTER)
    assert await other.registered_model() == SHORTER
    await other.insert(a_memory("late", embedding=vector_for("late", SHORTER)))
    assert len(await store.vector_search(vector_for("late", SHORTER))) == len(records) + 1


async def test_a_switch_that_nothing_leads_to_is_refused(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    for begin in (None, "offline"):
        if begin:
            await store.begin_reembedding(SHORTER)
        with pytest.raises(StoreError, match=r"no change of the model leads to as-long"):
            await store.switch_model(AS_LONG)
    assert await store.count() == len(records)


async def test_a_handle_of_the_old_model_is_told_after_the_switch_and_not_before(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    old = await open_handle()
    await old.register_model(OLD)
    await store.begin_reembedding(AS_LONG, way="online")
    await drain(store, AS_LONG)
    await old.insert(a_memory("before", embedding=a_vector(9)))
    assert len(await old.vector_search(a_vector(1))) == len(records) + 1
    await drain(store, AS_LONG)
    assert await store.switch_model(AS_LONG)
    for call in (
        lambda: old.insert(a_full_memory("old")),
        lambda: old.vector_search(a_vector(1)),
        lambda: old.search(SearchQuery(text="memory", embedding=a_vector(1))),
        lambda: old.classify(a_vector(1)),
        lambda: old.register_model(OLD),
    ):
        with pytest.raises(ModelMismatchError) as caught:
            await call()
        assert (caught.value.stored, caught.value.given) == (AS_LONG, OLD)
    assert len(await old.fts_search("memory")) == len(records)
    await old.register_model(AS_LONG)
    assert len(await old.vector_search(a_vector(1))) == len(records) + 1


async def test_what_the_new_model_refused_has_its_old_vector_after_going_back(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.begin_reembedding(SHORTER, way="online")
    claim = uuid4()
    first, *others = await store.claim_unencoded(SHORTER, claim, 100)
    refused = [RefusedMemory(id=first.id, reason="too bitter")]
    await store.write_encoded(SHORTER, claim, encode(others, SHORTER)[0], refused)
    await store.build_new_index()
    assert await store.switch_model(SHORTER)
    bare = await store.get(first.id)
    assert bare is not None
    assert bare.embedding is None
    (problem,) = await store.find_problems()
    assert problem.problem.startswith("1 memory has no vector")
    assert await store.switch_model(OLD)
    assert await store.get_many([record.id for record in records]) == records


async def test_giving_up_before_the_switch_leaves_nothing(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.begin_reembedding(SHORTER, way="online")
    await drain(store, SHORTER)
    await store.fill_centroids()
    await store.build_new_index()
    await store.abandon_reembedding()
    assert await store.reembedding() is None
    assert await store.registered_model() == OLD
    assert await store.get_many([record.id for record in records]) == records
    assert await store.find_problems() == []
    await store.update(replace(records[0], content="edited"))
    await switched(store, HALF)
    assert await store.find_problems() == []


async def test_after_forgetting_there_is_no_way_back(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await switched(store, AS_LONG)
    await store.forget_old_vectors()
    assert await store.reembedding() is None
    with pytest.raises(StoreError, match="no change of the model leads to"):
        await store.switch_model(OLD)
    (hit, *_) = await store.vector_search(vector_for("memory 2", AS_LONG))
    assert hit.record.content == "memory 2"
    assert await store.find_problems() == []
    await store.delete(records[0].id)
    await switched(store, OLD)
    (hit, *_) = await store.vector_search(vector_for("memory 2", OLD))
    assert (hit.record.content, round(hit.score, 4)) == ("memory 2", 1.0)


async def test_what_cannot_be_given_up_or_forgotten_is_said(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    with pytest.raises(StoreError, match="no old vectors are kept"):
        await store.forget_old_vectors()
    with pytest.raises(StoreError, match="no change of the model is unfinished"):
        await store.abandon_reembedding()
    await switched(store, SHORTER)
    with pytest.raises(StoreError, match="cannot be given up") as caught:
        await store.abandon_reembedding()
    assert "--rollback" in caught.value.hint
    await store.forget_old_vectors()
    await store.begin_reembedding(AS_LONG)
    for refused in (store.abandon_reembedding, store.forget_old_vectors):
        with pytest.raises(StoreError) as offline:
            await refused()
        assert "--model as-long --resume" in offline.value.hint
    assert await store.count() == len(records)


async def test_a_second_change_is_refused_while_vectors_are_kept(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    await store.begin_reembedding(SHORTER, way="online")
    other = await open_handle()
    second: list[tuple[ModelSignature, Way]] = [
        (AS_LONG, "online"),
        (AS_LONG, "offline"),
        (SHORTER, "offline"),
    ]
    for signature, way in second:
        with pytest.raises(StoreError, match="is unfinished") as caught:
            await other.begin_reembedding(signature, way=way)
        assert "--resume" in caught.value.hint
        assert "--rollback" in caught.value.hint
    await drain(store, SHORTER)
    assert await store.switch_model(SHORTER)
    for way in ("online", "offline"):
        with pytest.raises(StoreError, match="are kept since the change") as kept:
            await other.begin_reembedding(AS_LONG, way=way)
        assert "--forget-old" in kept.value.hint
    await other.begin_reembedding(SHORTER, way="online")
    assert await other.count() == len(records)


async def test_the_states_of_a_change_are_told(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.begin_reembedding(SHORTER, way="online")
    (problem,) = await store.find_problems()
    assert problem.repair == "vestige migrate reembed --model shorter --resume"
    assert (await store.health_check()).status == "degraded"
    change = await store.reembedding()
    assert change is not None
    assert (change.way, change.phase, change.queued) == ("online", "encoding", len(records))
    await drain(store, SHORTER)
    assert await store.switch_model(SHORTER)
    assert (await store.health_check()).status == "healthy"
    kept = (await store.get_stats(START)).details["old_vectors"]
    assert "test-model" in kept
    assert "--forget-old" in kept
    await store.forget_old_vectors()
    assert "old_vectors" not in (await store.get_stats(START)).details


async def test_a_search_sees_one_model_and_its_vectors(
    store: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    await switched(store, AS_LONG)
    models = (OLD, AS_LONG)
    handles = {model: await open_handle() for model in models}
    for model in models:
        if await store.registered_model() != model:
            assert await store.switch_model(model)
        await handles[model].register_model(model)
    queries = {OLD: a_vector(4), AS_LONG: vector_for("memory 4", AS_LONG)}
    answered = {OLD: 0, AS_LONG: 0}
    is_done = asyncio.Event()

    async def searching(model: ModelSignature) -> None:
        while not is_done.is_set():
            try:
                (hit, *_) = await handles[model].vector_search(queries[model])
                (score, *_) = await handles[model].classify(queries[model])
            except ModelMismatchError:
                await asyncio.sleep(0)
                continue
            assert (hit.record.content, round(hit.score, 4)) == ("memory 4", 1.0)
            assert abs(score.similarity) <= 1
            answered[model] += 1

    async def switching() -> None:
        try:
            for _ in range(15):
                for model in models:
                    assert await store.switch_model(model)
        finally:
            is_done.set()

    await asyncio.gather(switching(), *(searching(model) for model in (*models, *models)))
    assert min(answered.values()) > 0
    assert await store.get_many([record.id for record in records])
