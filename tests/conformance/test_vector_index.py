"""A store that is filled builds its vector index once, at the end, and stays right meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factories import START, a_memory, a_vector

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore


async def test_an_index_that_was_suspended_is_built_at_the_end(store: MemoryStore) -> None:
    was_suspended = await store.suspend_vector_index()
    memories = [a_memory(f"memory {n}", embedding=a_vector(n)) for n in range(30)]
    await store.insert_many(memories)
    (hit,) = await store.vector_search(a_vector(7), 1)
    assert hit.record == memories[7]
    assert not await store.suspend_vector_index()  # it is not empty any more
    await store.build_vector_index()
    await store.build_vector_index()
    (hit,) = await store.vector_search(a_vector(7), 1)
    assert hit.record == memories[7]
    assert was_suspended == ((await store.get_stats(START)).backend == "postgres")


async def test_without_a_model_there_is_no_index_to_suspend_or_build(
    unbound_store: MemoryStore,
) -> None:
    assert not await unbound_store.suspend_vector_index()
    await unbound_store.build_vector_index()
