"""Schema steps: where they stand, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factories import START, a_full_memory, a_memory, a_signature, a_vector
from vestige.models import LOCAL_USER_ID

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.storage.migrations import MigrationStatus
    from vestige.storage.protocol import MemoryStore


def keys(statuses: list[MigrationStatus]) -> list[tuple[int, str]]:
    return [(status.version, status.name) for status in statuses]


async def revert_all(store: MemoryStore) -> list[MigrationStatus]:
    """Revert until no step is left; return the reverted ones."""
    reverted: list[MigrationStatus] = []
    while (status := await store.revert_migration()) is not None:
        reverted.append(status)
    return reverted


async def revert_index(store: MemoryStore) -> None:
    """Revert until the vector index is away."""
    while (status := await store.revert_migration()) is not None and status.name != "hnsw":
        pass


async def test_every_step_is_listed_in_order_from_the_first(store: MemoryStore) -> None:
    statuses = await store.migration_status()
    assert [status.version for status in statuses] == list(range(1, len(statuses) + 1))
    assert keys(statuses)[0] == (1, "init")


async def test_without_a_model_a_step_is_applied_or_waits_for_it(
    unbound_store: MemoryStore,
) -> None:
    states = [status.state for status in await unbound_store.migration_status()]
    assert states[0] == "applied"
    assert set(states) == {"applied", "waiting"}


async def test_with_a_model_every_step_is_applied(store: MemoryStore) -> None:
    statuses = await store.migration_status()
    assert {status.state for status in statuses} == {"applied"}
    assert {status.applied_at for status in statuses} == {START}
    assert all((status.duration_seconds or 0.0) >= 0 for status in statuses)
    assert (await store.get_stats(START)).schema_version == statuses[-1].version


async def test_a_step_is_applied_once(store: MemoryStore, open_handle: OpenHandle) -> None:
    before = await store.migration_status()
    await store.init()
    again = await open_handle()
    await again.register_model(a_signature())
    assert await again.migration_status() == before


async def test_steps_are_reverted_from_the_last_to_the_first(store: MemoryStore) -> None:
    applied = keys(await store.migration_status())
    assert keys(await revert_all(store)) == applied[::-1]
    assert await store.revert_migration() is None
    states = {status.state for status in await store.migration_status()}
    assert "applied" not in states


async def test_a_reverted_step_is_listed_without_a_time(store: MemoryStore) -> None:
    reverted = await store.revert_migration()
    assert reverted is not None
    last = (await store.migration_status())[-1]
    assert keys([last]) == keys([reverted])
    assert last.state in {"pending", "waiting"}
    assert last.applied_at is None


async def test_after_reverting_everything_init_gives_a_new_store(store: MemoryStore) -> None:
    await store.insert(a_full_memory())
    await revert_all(store)
    await store.init()
    assert await store.count() == 0
    assert await store.registered_model() is None
    assert [user.id for user in await store.list_users()] == [LOCAL_USER_ID]
    assert (await store.health_check()).status == "healthy"
    await store.register_model(a_signature())
    await store.insert(a_full_memory())
    assert len(await store.vector_search(a_vector(1))) == 1


async def test_the_vector_index_can_be_taken_away_and_built_again(store: MemoryStore) -> None:
    records = [a_full_memory(f"m{n}", embedding=a_vector(n)) for n in range(300)]
    await store.insert_many(records)
    before = await store.vector_search(a_vector(7), limit=20)
    await revert_index(store)
    await store.init()
    assert await store.get_many([record.id for record in records]) == records
    assert await store.vector_search(a_vector(7), limit=20) == before
    await store.insert(a_memory("new", embedding=a_vector(999)))
    assert (await store.vector_search(a_vector(999)))[0].record.content == "new"


async def test_memories_written_while_the_index_is_away_are_in_it_afterwards(
    store: MemoryStore,
) -> None:
    await store.insert(a_memory("early", embedding=a_vector(1)))
    await revert_index(store)
    await store.insert(a_memory("words alone"))
    await store.delete(a_memory("early").id)
    await store.init()
    await store.insert(a_memory("late", embedding=a_vector(2)))
    hits = await store.vector_search(a_vector(1))
    assert [hit.record.content for hit in hits] == ["late"]
