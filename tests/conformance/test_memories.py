"""Insert, get, update and delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import (
    DAY,
    DIMENSION,
    START,
    a_full_memory,
    a_group,
    a_memory,
    a_scheduling,
    a_user,
    a_vector,
    an_edge,
    an_id,
)
from vestige.errors import DuplicateMemoryError, InvalidInputError, MemoryNotFoundError
from vestige.models import LOCAL_USER_ID, Rating, Visibility

if TYPE_CHECKING:
    from factories import ManualClock
    from vestige.storage.protocol import MemoryStore


async def test_an_inserted_memory_comes_back_whole(store: MemoryStore) -> None:
    owner, group = a_user("ana"), a_group("team")
    await store.upsert_user(owner)
    await store.upsert_group(group)
    record = a_full_memory(
        owner_user_id=owner.id, visibility=Visibility.GROUP, shared_with_groups=(group.id,)
    )
    await store.insert(record)
    assert await store.get(record.id) == record


async def test_a_memory_needs_nothing_but_its_text_and_times(store: MemoryStore) -> None:
    record = a_memory("bare")
    await store.insert(record)
    stored = await store.get(record.id)
    assert stored is not None
    assert stored == record
    assert stored.embedding is None
    assert stored.windows == ()
    assert stored.codebase is None
    assert stored.owner_user_id == LOCAL_USER_ID
    assert stored.visibility is Visibility.PRIVATE


async def test_an_insert_keeps_the_times_of_the_record(
    store: MemoryStore, clock: ManualClock
) -> None:
    record = a_memory(created_at=START - 9 * DAY, updated_at=START - 3 * DAY)
    clock.advance(DAY)
    await store.insert(record)
    assert await store.get(record.id) == record


async def test_a_second_insert_of_the_same_id_names_it(store: MemoryStore) -> None:
    first = a_memory("first")
    await store.insert(first)
    with pytest.raises(DuplicateMemoryError) as caught:
        await store.insert(a_memory("second", id=first.id))
    assert caught.value.memory_id == first.id


async def test_a_second_insert_of_the_same_id_changes_nothing(store: MemoryStore) -> None:
    first = a_full_memory("first")
    state = a_scheduling(first.id)
    await store.insert(first, state)
    second = a_memory("second", id=first.id, embedding=a_vector(9), windows=(a_vector(8),))
    with pytest.raises(DuplicateMemoryError):
        await store.insert(second, a_scheduling(first.id, stability=99.0))
    assert await store.get(first.id) == first
    assert await store.get_scheduling(first.id) == state
    assert await store.count() == 1
    assert await store.fts_search("second") == []
    assert [hit.record for hit in await store.vector_search(a_vector(1))] == [first]


async def test_an_unknown_owner_is_refused(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.insert(a_memory(owner_user_id=an_id("nobody")))
    assert caught.value.field == "owner_user_id"
    assert await store.count() == 0


async def test_insert_many_writes_every_record(store: MemoryStore) -> None:
    records = [a_full_memory(f"memory {number}") for number in range(12)]
    await store.insert_many(records)
    assert await store.get_many([record.id for record in records]) == records


async def test_insert_many_schedules_every_record_like_insert(store: MemoryStore) -> None:
    one, other = a_memory("one"), a_memory("other", created_at=START + DAY)
    await store.insert_many([one])
    await store.insert(other)
    first, second = await store.get_scheduling(one.id), await store.get_scheduling(other.id)
    assert first is not None
    assert second is not None
    assert first.next_review == one.created_at + DAY
    assert (first.stability, first.difficulty) == (second.stability, second.difficulty)


async def test_insert_many_of_nothing_does_nothing(store: MemoryStore) -> None:
    await store.insert_many([])
    assert await store.count() == 0


async def test_insert_many_with_a_bad_record_in_the_middle_writes_none(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.insert_many([a_memory("good"), a_memory(""), a_memory("also good")])
    assert caught.value.field == "content"
    assert await store.count() == 0
    assert await store.fts_search("good") == []


async def test_insert_many_with_an_unknown_owner_in_the_middle_writes_none(
    store: MemoryStore,
) -> None:
    stranger = a_memory("stray", owner_user_id=an_id("nobody"))
    with pytest.raises(InvalidInputError):
        await store.insert_many([a_memory("good"), stranger, a_memory("also good")])
    assert await store.count() == 0


async def test_insert_many_with_a_taken_id_writes_none_and_names_it(store: MemoryStore) -> None:
    taken = a_memory("taken")
    await store.insert(taken)
    with pytest.raises(DuplicateMemoryError) as caught:
        await store.insert_many([a_memory("new"), a_memory("again", id=taken.id)])
    assert caught.value.memory_id == taken.id
    assert [record.content for record in await store.list_memories()] == ["taken"]


async def test_insert_many_with_the_same_id_twice_writes_none_and_names_it(
    store: MemoryStore,
) -> None:
    twice = an_id("twice")
    with pytest.raises(DuplicateMemoryError) as caught:
        await store.insert_many([a_memory("one", id=twice), a_memory("other", id=twice)])
    assert caught.value.memory_id == twice
    assert await store.count() == 0


async def test_get_of_an_unknown_id_is_none(store: MemoryStore) -> None:
    assert await store.get(an_id("unknown")) is None


async def test_get_many_keeps_the_order_asked_for(store: MemoryStore) -> None:
    records = [a_memory(f"memory {number}") for number in range(5)]
    await store.insert_many(records)
    wanted = [records[3], records[0], records[4]]
    assert await store.get_many([record.id for record in wanted]) == wanted


async def test_get_many_leaves_unknown_ids_out(store: MemoryStore) -> None:
    known = [a_memory("first"), a_memory("last")]
    await store.insert_many(known)
    unknown = [an_id(f"unknown {number}") for number in range(2500)]
    ids = [known[0].id, *unknown, known[1].id]
    assert await store.get_many(ids) == known


async def test_get_many_of_nothing_is_empty(store: MemoryStore) -> None:
    await store.insert(a_memory())
    assert await store.get_many([]) == []


async def test_an_update_replaces_everything_but_the_id_and_the_times(
    store: MemoryStore, clock: ManualClock
) -> None:
    owner = a_user("ana")
    await store.upsert_user(owner)
    before = a_full_memory("before")
    await store.insert(before)
    after = a_memory(
        "after",
        id=before.id,
        node_type="note",
        tags=("new",),
        metadata={"new": True},
        domains=("garden",),
        domain_scores={"garden": 1.0},
        embedding=a_vector(5),
        owner_user_id=owner.id,
        visibility=Visibility.PUBLIC,
    )
    now = clock.advance(5 * DAY)
    await store.update(after)
    assert await store.get(before.id) == replace(
        after, created_at=before.created_at, updated_at=now
    )


async def test_an_update_ignores_the_created_at_and_updated_at_of_the_record(
    store: MemoryStore, clock: ManualClock
) -> None:
    record = a_memory("text")
    await store.insert(record)
    clock.advance(DAY)
    await store.update(replace(record, created_at=START - DAY, updated_at=START + 99 * DAY))
    assert await store.get(record.id) == record


async def test_an_update_of_an_unknown_id_names_it(store: MemoryStore) -> None:
    record = a_memory()
    with pytest.raises(MemoryNotFoundError) as caught:
        await store.update(record)
    assert caught.value.memory_id == record.id
    assert await store.count() == 0


async def test_an_update_leaves_scheduling_edges_and_events(store: MemoryStore) -> None:
    record, other = a_memory("one"), a_memory("other")
    await store.insert_many([record, other])
    edge, state = an_edge(record.id, other.id), a_scheduling(record.id)
    await store.add_edge(edge)
    event = await store.record_review(record.id, Rating.GOOD, state, START)
    await store.update(replace(record, content="changed"))
    assert await store.get_edges(record.id) == [edge]
    assert await store.get_scheduling(record.id) == state
    assert await store.list_review_events(record.id) == [event]


async def test_a_refused_update_changes_nothing(store: MemoryStore) -> None:
    record = a_full_memory("before")
    await store.insert(record)
    refused = [
        replace(record, content=""),
        replace(record, content="after", embedding=a_vector(1, dimension=DIMENSION + 1)),
        replace(record, content="after", windows=(a_vector(1, dimension=3),)),
        replace(record, content="after", owner_user_id=an_id("nobody")),
    ]
    for bad in refused:
        with pytest.raises(InvalidInputError):
            await store.update(bad)
    assert await store.get(record.id) == record
    assert await store.fts_search("after") == []


async def test_delete_takes_everything_of_the_memory_with_it(store: MemoryStore) -> None:
    gone, kept = a_full_memory("gone"), a_memory("kept", embedding=a_vector(7))
    await store.insert_many([gone, kept])
    await store.add_edge(an_edge(gone.id, kept.id))
    await store.add_edge(an_edge(kept.id, gone.id, edge_type="follows"))
    await store.record_review(gone.id, Rating.GOOD, a_scheduling(gone.id), START)
    await store.delete(gone.id)
    assert await store.get(gone.id) is None
    assert await store.get_scheduling(gone.id) is None
    assert await store.list_review_events() == []
    assert await store.get_edges(kept.id) == []
    assert [hit.record for hit in await store.vector_search(a_vector(1))] == [kept]
    stats = await store.get_stats(START)
    assert (stats.embedded_count, stats.window_count, stats.edge_count) == (1, 0, 0)


async def test_delete_leaves_the_others_as_they_are(store: MemoryStore) -> None:
    gone, kept = a_full_memory("gone"), a_full_memory("kept")
    await store.insert_many([gone, kept])
    event = await store.record_review(kept.id, Rating.HARD, a_scheduling(kept.id), START)
    await store.delete(gone.id)
    assert await store.list_memories() == [kept]
    assert await store.get_scheduling(kept.id) == a_scheduling(kept.id)
    assert await store.list_review_events() == [event]


async def test_delete_of_an_unknown_id_names_it(store: MemoryStore) -> None:
    with pytest.raises(MemoryNotFoundError) as caught:
        await store.delete(an_id("unknown"))
    assert caught.value.memory_id == an_id("unknown")


async def test_a_deleted_memory_can_be_inserted_again(store: MemoryStore) -> None:
    record = a_full_memory()
    await store.insert(record)
    await store.delete(record.id)
    await store.insert(record)
    assert await store.get(record.id) == record
    assert await store.list_review_events(record.id) == []
