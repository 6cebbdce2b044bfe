"""The life of a store: opening, health, closing, and what is left of it afterwards."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import pytest

from factories import (
    START,
    a_domain,
    a_full_memory,
    a_group,
    a_memory,
    a_scheduling,
    a_signature,
    a_user,
    a_vector,
    an_edge,
    an_id,
)
from vestige.errors import DuplicateMemoryError, StoreUnavailableError
from vestige.models import (
    LOCAL_USER_ID,
    Change,
    ChangeAction,
    DeleteMemory,
    GroupMembership,
    Rating,
    SearchQuery,
    TransferTable,
)
from vestige.storage.protocol import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conftest import OpenHandle
    from vestige.models import MemoryRecord

UNKNOWN = an_id("unknown")
A_CHANGE = Change(
    id=an_id("change"),
    action=ChangeAction.FORGOTTEN,
    operations=(DeleteMemory(memory_id=UNKNOWN),),
)

CALLS: dict[str, Callable[[MemoryStore], Awaitable[object]]] = {
    "get_intention": lambda store: store.get_intention(UNKNOWN),
    "list_intentions": lambda store: store.list_intentions(),
    "get_fsrs_weights": lambda store: store.get_fsrs_weights(),
    "set_fsrs_weights": lambda store: store.set_fsrs_weights(None),
    "init": lambda store: store.init(),
    "begin_reembedding": lambda store: store.begin_reembedding(a_signature()),
    "finish_reembedding": lambda store: store.finish_reembedding(),
    "reembedding": lambda store: store.reembedding(),
    "claim_unencoded": lambda store: store.claim_unencoded(a_signature(), UNKNOWN, 1),
    "renew_claim": lambda store: store.renew_claim(UNKNOWN),
    "release_claim": lambda store: store.release_claim(UNKNOWN),
    "write_encoded": lambda store: store.write_encoded(a_signature(), UNKNOWN, []),
    "list_refused": lambda store: store.list_refused(),
    "retry_refused": lambda store: store.retry_refused(),
    "fill_centroids": lambda store: store.fill_centroids(),
    "build_new_index": lambda store: store.build_new_index(),
    "switch_model": lambda store: store.switch_model(a_signature()),
    "abandon_reembedding": lambda store: store.abandon_reembedding(),
    "forget_old_vectors": lambda store: store.forget_old_vectors(),
    "migration_status": lambda store: store.migration_status(),
    "revert_migration": lambda store: store.revert_migration(),
    "registered_model": lambda store: store.registered_model(),
    "register_model": lambda store: store.register_model(a_signature()),
    "insert": lambda store: store.insert(a_memory()),
    "insert_many": lambda store: store.insert_many([a_memory()]),
    "get": lambda store: store.get(UNKNOWN),
    "get_many": lambda store: store.get_many([UNKNOWN]),
    "list_memories": lambda store: store.list_memories(),
    "update": lambda store: store.update(a_memory()),
    "delete": lambda store: store.delete(UNKNOWN),
    "search": lambda store: store.search(SearchQuery(text="words")),
    "fts_search": lambda store: store.fts_search("words"),
    "vector_search": lambda store: store.vector_search(a_vector(1)),
    "get_scheduling": lambda store: store.get_scheduling(UNKNOWN),
    "update_scheduling": lambda store: store.update_scheduling(a_scheduling(UNKNOWN)),
    "record_review": lambda store: store.record_review(
        UNKNOWN, Rating.GOOD, a_scheduling(UNKNOWN), START
    ),
    "list_review_events": lambda store: store.list_review_events(),
    "get_due_memories": lambda store: store.get_due_memories(START),
    "add_edge": lambda store: store.add_edge(an_edge(UNKNOWN, an_id("other"))),
    "get_edges": lambda store: store.get_edges(UNKNOWN),
    "remove_edge": lambda store: store.remove_edge(UNKNOWN, an_id("other")),
    "get_neighbors": lambda store: store.get_neighbors(UNKNOWN),
    "list_domains": lambda store: store.list_domains(),
    "get_domain": lambda store: store.get_domain("work"),
    "upsert_domain": lambda store: store.upsert_domain(a_domain("work")),
    "delete_domain": lambda store: store.delete_domain("work"),
    "classify": lambda store: store.classify(a_vector(1)),
    "list_users": lambda store: store.list_users(),
    "get_user": lambda store: store.get_user(UNKNOWN),
    "upsert_user": lambda store: store.upsert_user(a_user("ana")),
    "delete_user": lambda store: store.delete_user(UNKNOWN),
    "list_groups": lambda store: store.list_groups(),
    "get_group": lambda store: store.get_group(UNKNOWN),
    "upsert_group": lambda store: store.upsert_group(a_group("team")),
    "delete_group": lambda store: store.delete_group(UNKNOWN),
    "list_memberships": lambda store: store.list_memberships(),
    "get_membership": lambda store: store.get_membership(LOCAL_USER_ID, UNKNOWN),
    "upsert_membership": lambda store: store.upsert_membership(
        GroupMembership(user_id=LOCAL_USER_ID, group_id=UNKNOWN, joined_at=START)
    ),
    "delete_membership": lambda store: store.delete_membership(LOCAL_USER_ID, UNKNOWN),
    "count": lambda store: store.count(),
    "get_stats": lambda store: store.get_stats(START),
    "vacuum": lambda store: store.vacuum(),
    "list_scheduling": lambda store: store.list_scheduling([UNKNOWN]),
    "list_edges": lambda store: store.list_edges([UNKNOWN]),
    "commit": lambda store: store.commit(A_CHANGE),
    "purge": lambda store: store.purge(A_CHANGE),
    "list_changelog": lambda store: store.list_changelog(),
    "erase": lambda store: store.erase(),
    "reading": lambda store: store.reading().__aenter__(),
    "refresh_retrievability": lambda store: store.refresh_retrievability([]),
    "export_page": lambda store: store.export_page(TransferTable.USERS),
    "find_problems": lambda store: store.find_problems(),
    "repair": lambda store: store.repair(),
    "export_rows": lambda store: store.export_rows(TransferTable.USERS, [(a_user("ana").id,)]),
    "suspend_vector_index": lambda store: store.suspend_vector_index(),
    "build_vector_index": lambda store: store.build_vector_index(),
    "import_rows": lambda store: store.import_rows(TransferTable.USERS, [a_user("ana")]),
}


def test_every_method_of_the_contract_is_called_here() -> None:
    functions = inspect.getmembers(MemoryStore, inspect.isfunction)
    methods = {name for name, _ in functions if not name.startswith("_")}
    assert set(CALLS) == methods - {"close", "health_check"}


async def test_a_new_store_is_healthy(unbound_store: MemoryStore) -> None:
    health = await unbound_store.health_check()
    assert (health.status, health.reason) == ("healthy", None)


async def test_a_store_in_use_is_healthy(store: MemoryStore) -> None:
    await store.insert(a_full_memory())
    assert (await store.health_check()).status == "healthy"


async def test_a_second_init_changes_nothing(store: MemoryStore) -> None:
    record = a_full_memory()
    await store.insert(record)
    before = await store.get_stats(START)
    await store.init()
    assert await store.get_stats(START) == before
    assert await store.list_memories() == [record]


async def test_a_second_init_leaves_the_handle_bound(store: MemoryStore) -> None:
    await store.init()
    await store.insert(a_memory(embedding=a_vector(1)))
    assert len(await store.vector_search(a_vector(1))) == 1


async def test_what_was_written_is_there_after_opening_again(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    records = [a_full_memory("one"), a_memory("other")]
    await store.insert_many(records)
    await store.add_edge(an_edge(records[0].id, records[1].id))
    await store.close()
    again = await open_handle()
    assert await again.get_many([record.id for record in records]) == records
    assert len(await again.get_edges(records[0].id)) == 1
    assert [hit.record for hit in await again.fts_search("one")] == [records[0]]


async def test_opening_a_store_again_changes_nothing(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    await store.insert(a_full_memory())
    before = await store.get_stats(START)
    again = await open_handle()
    assert (await again.get_stats(START)).schema_version == before.schema_version
    assert await again.list_users() == await store.list_users()
    assert await again.count() == before.memory_count


async def test_two_stores_share_nothing(store: MemoryStore, open_handle: OpenHandle) -> None:
    await store.insert(a_memory())
    other = await open_handle("other")
    assert await other.count() == 0
    assert await other.registered_model() is None


async def test_a_second_close_does_nothing(store: MemoryStore) -> None:
    await store.close()
    await store.close()


async def test_a_closed_store_says_that_it_is_unavailable_and_why(store: MemoryStore) -> None:
    await store.close()
    health = await store.health_check()
    assert health.status == "unavailable"
    assert health.reason


@pytest.mark.parametrize("method", CALLS)
async def test_a_closed_store_refuses_every_call(store: MemoryStore, method: str) -> None:
    await store.close()
    with pytest.raises(StoreUnavailableError):
        await CALLS[method](store)


async def test_closing_one_handle_leaves_the_other_usable(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    other = await open_handle()
    await store.close()
    await other.insert(a_memory())
    assert await other.count() == 1


async def test_sixteen_writers_and_their_searches_lose_nothing(store: MemoryStore) -> None:
    def memories_of(writer: int) -> list[MemoryRecord]:
        return [
            a_memory(f"writer {writer} memory {n}", embedding=a_vector(writer * 100 + n))
            for n in range(20)
        ]

    async def write_and_search(writer: int) -> None:
        for record in memories_of(writer):
            await store.insert(record)
            assert record.embedding is not None
            query = SearchQuery(text=record.content, embedding=record.embedding, limit=5)
            assert record.id in {hit.record.id for hit in await store.search(query)}

    await asyncio.gather(*(write_and_search(writer) for writer in range(16)))
    expected = [record for writer in range(16) for record in memories_of(writer)]
    assert await store.count() == len(expected)
    assert await store.get_many([record.id for record in expected]) == expected
    assert (await store.get_stats(START)).embedded_count == len(expected)


async def test_two_handles_see_each_others_writes_at_once(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    other = await open_handle()
    await other.register_model(a_signature())
    for number in range(6):
        writer, reader = (store, other) if number % 2 else (other, store)
        record = a_memory(f"word{number}", embedding=a_vector(number))
        await writer.insert(record)
        assert await reader.get(record.id) == record
        assert [hit.record for hit in await reader.fts_search(record.content)] == [record]
        assert (await reader.vector_search(a_vector(number), limit=1))[0].record == record


async def test_two_handles_see_each_others_deletes_at_once(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    other = await open_handle()
    await other.register_model(a_signature())
    record = a_memory("word", embedding=a_vector(1))
    await store.insert(record)
    assert len(await other.vector_search(a_vector(1))) == 1
    await store.delete(record.id)
    assert await other.get(record.id) is None
    assert await other.fts_search("word") == []
    assert await other.vector_search(a_vector(1)) == []


async def test_writers_through_two_handles_lose_nothing(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    handles = [store, await open_handle()]
    await asyncio.gather(*(handles[n % 2].insert(a_memory(f"memory {n}")) for n in range(40)))
    assert await store.count() == 40


async def test_of_many_writers_of_one_id_exactly_one_wins(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    handles = [store, await open_handle()]
    one_id = an_id("wanted by all")
    records = [a_memory(f"version {n}", id=one_id) for n in range(12)]
    outcomes = await asyncio.gather(
        *(handles[n % 2].insert(record) for n, record in enumerate(records)),
        return_exceptions=True,
    )
    winners = [record for record, outcome in zip(records, outcomes, strict=True) if not outcome]
    assert sum(isinstance(outcome, DuplicateMemoryError) for outcome in outcomes) == 11
    assert await store.list_memories() == winners
    assert [hit.record for hit in await store.fts_search("version")] == winners
