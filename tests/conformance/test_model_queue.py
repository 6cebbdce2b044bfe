"""The memories that wait for vectors of another model: who claims them, and what is written."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import numpy as np
import pytest

from factories import START, a_full_memory, a_memory, a_signature, a_vector, an_id
from vestige.errors import InvalidInputError
from vestige.models import EncodedMemory, RefusedMemory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conftest import OpenHandle
    from vestige.models import MemoryRecord, UnencodedMemory, Vector
    from vestige.storage.protocol import MemoryStore
    from vestige.storage.reembedding_protocol import Way

NEW = a_signature("new", dimension=8, digit="b")
WAYS: tuple[Way, ...] = ("offline", "online")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Both ways to change the model."""
    return request.param


@pytest.fixture
async def records(store: MemoryStore) -> list[MemoryRecord]:
    """Memories with vectors and windows of the old model."""
    records = [a_full_memory(f"memory {n}", embedding=a_vector(n)) for n in range(5)]
    await store.insert_many(records)
    return records


@pytest.fixture
async def changing(store: MemoryStore, records: list[MemoryRecord], way: Way) -> MemoryStore:
    """A store whose model is being changed."""
    assert records
    await store.begin_reembedding(NEW, way=way)
    return store


def vector_for(content: str) -> Vector:
    return a_vector(sum(content.encode()), dimension=NEW.dimension)


def encoded(memories: Iterable[UnencodedMemory]) -> list[EncodedMemory]:
    return [
        EncodedMemory(id=memory.id, embedding=vector_for(memory.content)) for memory in memories
    ]


async def claimed(store: MemoryStore, limit: int = 100) -> tuple[UUID, list[UnencodedMemory]]:
    claim = uuid4()
    return claim, await store.claim_unencoded(NEW, claim, limit)


async def queued(store: MemoryStore) -> tuple[int, int]:
    change = await store.reembedding()
    assert change is not None
    return change.queued, change.failed


async def test_every_memory_is_queued_with_its_text(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    assert await queued(changing) == (len(records), 0)
    _, memories = await claimed(changing)
    found = {memory.id: memory.content for memory in memories}
    assert found == {record.id: record.content for record in records}


async def test_what_is_claimed_is_claimed_by_nobody_else(
    changing: MemoryStore, records: list[MemoryRecord], open_handle: OpenHandle
) -> None:
    others = [await open_handle() for _ in range(3)]
    batches = await asyncio.gather(*(claimed(store, 2) for store in (changing, *others)))
    ids = [memory.id for _, memories in batches for memory in memories]
    assert len(ids) == len(set(ids)) == len(records)


async def test_what_is_released_is_claimed_again(changing: MemoryStore) -> None:
    claim, memories = await claimed(changing)
    assert (await claimed(changing))[1] == []
    await changing.release_claim(claim)
    assert (await claimed(changing))[1] == memories


async def test_only_the_model_that_is_filled_is_served(changing: MemoryStore) -> None:
    assert await changing.claim_unencoded(a_signature(), uuid4(), 10) == []
    claim, memories = await claimed(changing)
    vectors = [EncodedMemory(id=memory.id, embedding=a_vector(1)) for memory in memories]
    assert await changing.write_encoded(a_signature(), claim, vectors) == 0
    assert await changing.write_encoded(NEW, claim, encoded(memories)) == len(memories)


async def test_without_a_change_nothing_is_claimed_or_written(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    claim, memories = await claimed(store)
    assert memories == []
    given = [EncodedMemory(id=records[0].id, embedding=vector_for("x"))]
    assert await store.write_encoded(NEW, claim, given) == 0
    assert await store.get(records[0].id) == records[0]


async def test_what_is_written_leaves_the_queue(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    claim, memories = await claimed(changing, 2)
    assert await changing.write_encoded(NEW, claim, encoded(memories)) == 2
    assert await queued(changing) == (len(records) - 2, 0)
    _, rest = await claimed(changing)
    assert {memory.id for memory in rest}.isdisjoint(memory.id for memory in memories)


async def test_what_was_not_claimed_is_not_written(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    _, memories = await claimed(changing)
    assert await changing.write_encoded(NEW, uuid4(), encoded(memories)) == 0
    assert await queued(changing) == (len(records), 0)


async def test_a_text_that_changed_after_the_claim_stays_queued(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    claim, memories = await claimed(changing)
    edited = replace(records[0], content="edited", embedding=None, windows=())
    await changing.update(edited)
    assert await changing.write_encoded(NEW, claim, encoded(memories)) == len(records) - 1
    _, (left,) = await claimed(changing)
    assert (left.id, left.content) == (edited.id, "edited")


async def test_a_memory_that_was_deleted_after_the_claim_is_left_out(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    claim, memories = await claimed(changing)
    await changing.delete(records[0].id)
    assert await changing.write_encoded(NEW, claim, encoded(memories)) == len(records) - 1
    assert await queued(changing) == (0, 0)


async def test_a_new_memory_without_a_new_vector_is_queued(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    await changing.insert(a_memory("late"))
    await changing.insert_many([a_memory(f"many {n}") for n in range(30)])
    assert await queued(changing) == (len(records) + 31, 0)


async def test_a_change_that_leaves_the_text_alone_queues_nothing(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    claim, memories = await claimed(changing)
    await changing.write_encoded(NEW, claim, encoded(memories))
    current = await changing.get(records[0].id)
    assert current is not None
    await changing.update(replace(current, tags=("new",), metadata={"a": 1}))
    assert await queued(changing) == (0, 0)


async def test_a_changed_text_is_queued_again_with_its_vector_gone(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    claim, memories = await claimed(changing)
    await changing.write_encoded(NEW, claim, encoded(memories))
    current = await changing.get(records[0].id)
    assert current is not None
    await changing.update(replace(current, content="edited", embedding=None, windows=()))
    assert await queued(changing) == (1, 0)
    _, (memory,) = await claimed(changing)
    assert memory.content == "edited"


async def test_a_refused_text_stays_queued_and_is_not_claimed_again(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    claim, memories = await claimed(changing)
    poison = RefusedMemory(id=memories[0].id, reason="too bitter")
    written = await changing.write_encoded(NEW, claim, encoded(memories[1:]), [poison])
    assert written == len(records) - 1
    assert await queued(changing) == (1, 1)
    assert await changing.list_refused() == [poison]
    assert (await claimed(changing))[1] == []
    await changing.retry_refused()
    assert await changing.list_refused() == []
    assert [memory.id for memory in (await claimed(changing))[1]] == [poison.id]


async def test_a_refusal_is_forgotten_when_the_text_changes(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    claim, memories = await claimed(changing)
    refused = [RefusedMemory(id=memory.id, reason="no") for memory in memories]
    await changing.write_encoded(NEW, claim, [], refused)
    await changing.update(replace(records[0], content="sweet", embedding=None, windows=()))
    assert [memory.content for memory in (await claimed(changing))[1]] == ["sweet"]


async def test_joining_a_change_tries_refused_texts_again(
    changing: MemoryStore, way: Way, open_handle: OpenHandle
) -> None:
    claim, memories = await claimed(changing)
    refused = [RefusedMemory(id=memory.id, reason="no") for memory in memories]
    await changing.write_encoded(NEW, claim, [], refused)
    other = await open_handle()
    await other.begin_reembedding(NEW, way=way)
    assert len((await claimed(other))[1]) == len(memories)


@pytest.mark.parametrize(
    "vector",
    [
        a_vector(1, dimension=7),
        np.full(8, np.nan, dtype=np.float32),
        np.zeros(8, dtype=np.float32),
    ],
    ids=["of another length", "not a number", "without a direction"],
)
async def test_a_vector_that_cannot_be_is_refused_and_nothing_is_written(
    changing: MemoryStore, records: list[MemoryRecord], vector: Vector
) -> None:
    claim, memories = await claimed(changing)
    given = encoded(memories)
    given[-1] = EncodedMemory(id=memories[-1].id, embedding=vector)
    with pytest.raises(InvalidInputError):
        await changing.write_encoded(NEW, claim, given)
    assert await queued(changing) == (len(records), 0)


async def test_offline_a_write_with_a_vector_leaves_the_queue(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.begin_reembedding(NEW)
    await store.insert(a_memory("late", embedding=vector_for("late")))
    claim, memories = await claimed(store)
    edited = replace(records[0], content="edited", embedding=vector_for("edited"), windows=())
    await store.update(edited)
    assert await queued(store) == (len(records) - 1, 0)
    assert await store.write_encoded(NEW, claim, encoded(memories)) == len(records) - 1
    assert await store.get(edited.id) is not None
    found = await store.get(edited.id)
    assert found is not None
    assert found.embedding is not None
    assert np.array_equal(found.embedding, vector_for("edited"))


async def test_offline_what_is_written_is_found_at_once(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    await store.begin_reembedding(NEW)
    claim, memories = await claimed(store)
    windows = (a_vector(70, dimension=8), a_vector(71, dimension=8))
    given = [replace(memory, windows=windows) for memory in encoded(memories)]
    await store.write_encoded(NEW, claim, given)
    (hit, *_) = await store.vector_search(vector_for("memory 3"))
    assert hit.record.content == "memory 3"
    assert len(hit.record.windows) == 2
    stats = await store.get_stats(START)
    assert (stats.embedded_count, stats.window_count) == (len(records), 2 * len(records))
    (hit, *_) = await store.vector_search(a_vector(70, dimension=8), limit=1)
    assert hit.score == pytest.approx(1.0, abs=1e-5)


async def test_online_nothing_is_seen_of_what_is_written(
    store: MemoryStore, records: list[MemoryRecord]
) -> None:
    before = await store.vector_search(a_vector(3))
    await store.begin_reembedding(NEW, way="online")
    claim, memories = await claimed(store)
    await store.write_encoded(NEW, claim, encoded(memories))
    assert await store.registered_model() == a_signature()
    assert await store.get_many([record.id for record in records]) == records
    assert await store.vector_search(a_vector(3)) == before
    await store.insert(a_full_memory("late", embedding=a_vector(9)))
    assert await queued(store) == (1, 0)


async def test_an_unknown_claim_is_renewed_and_released_without_harm(
    changing: MemoryStore, records: list[MemoryRecord]
) -> None:
    await changing.renew_claim(an_id("nobody"))
    await changing.release_claim(an_id("nobody"))
    assert len((await claimed(changing))[1]) == len(records)
