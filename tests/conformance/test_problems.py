"""What a store finds wrong with itself, and what it repairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factories import START, a_full_memory, a_memory, an_edge
from vestige.storage.problems import MIGRATE, REPAIR, needs_embedder

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore


async def test_nothing_is_wrong_with_a_new_store(unbound_store: MemoryStore) -> None:
    assert await unbound_store.find_problems() == []
    assert await unbound_store.repair() == []


async def test_nothing_is_wrong_with_a_store_that_is_used(store: MemoryStore) -> None:
    records = [a_full_memory(f"memory {number}") for number in range(30)]
    await store.insert_many(records)
    await store.add_edge(an_edge(records[0].id, records[1].id))
    for record in records[20:]:
        await store.delete(record.id)
    await store.update(a_full_memory("memory 0", windows=()))
    assert await store.find_problems() == []
    assert await store.repair() == []
    assert await store.get_many([record.id for record in records[1:20]]) == records[1:20]


async def test_memories_without_a_vector_need_an_embedder(store: MemoryStore) -> None:
    await store.insert_many([a_full_memory("with"), a_memory("without"), a_memory("nor this")])
    (problem,) = await store.find_problems()
    assert problem.problem == "2 memories have no vector, and cannot be found by meaning"
    assert problem.repair == REPAIR
    assert needs_embedder(problem)
    assert await store.repair() == []
    assert await store.find_problems() == [problem]


async def test_without_a_model_no_vector_is_missing(unbound_store: MemoryStore) -> None:
    await unbound_store.insert(a_memory("without"))
    assert await unbound_store.find_problems() == []


async def test_a_step_that_is_not_applied_is_found_and_applied(store: MemoryStore) -> None:
    await store.insert(a_full_memory("kept"))
    step = await store.revert_migration()
    assert (await store.health_check()).status == "degraded"
    (problem,) = await store.find_problems()
    assert problem.problem == f"the schema step {step} is not applied"
    assert (problem.repair, problem.is_repairable) == (MIGRATE, True)
    assert await store.repair() == [problem]
    assert await store.find_problems() == []
    assert (await store.health_check()).status == "healthy"
    assert {step.state for step in await store.migration_status()} == {"applied"}


async def test_finding_a_step_does_not_apply_it(store: MemoryStore) -> None:
    await store.revert_migration()
    await store.find_problems()
    assert (await store.migration_status())[-1].state == "pending"


async def test_a_store_that_is_not_there_is_said_and_not_made(store: MemoryStore) -> None:
    while await store.revert_migration():
        pass
    (problem,) = await store.find_problems()
    assert (problem.repair, problem.is_repairable) == (MIGRATE, False)
    assert not needs_embedder(problem)
    assert await store.repair() == []
    assert (await store.health_check()).status == "unavailable"


async def test_stats_name_the_steps_that_are_not_applied_and_why(
    unbound_store: MemoryStore,
) -> None:
    stats = await unbound_store.get_stats(START)
    assert stats.details["unapplied_steps"] == "0002_hnsw (waiting)"


async def test_stats_of_a_store_in_use_have_no_unapplied_step(store: MemoryStore) -> None:
    stats = await store.get_stats(START)
    assert stats.details["unapplied_steps"] == "none"
    assert all(stats.details.values())
