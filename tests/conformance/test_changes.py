"""Changes that happen whole or not at all, each with its account in the changelog."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import (
    DAY,
    START,
    a_full_memory,
    a_memory,
    a_scheduling,
    a_signature,
    a_vector,
    an_edge,
    an_id,
)
from vestige.errors import ConflictError, InvalidInputError, MemoryNotFoundError
from vestige.models import (
    AddReview,
    Change,
    ChangeAction,
    ChangelogEntry,
    ChangelogFilter,
    DeleteMemory,
    InsertMemory,
    PutEdge,
    PutReview,
    PutScheduling,
    Rating,
    RemoveEdge,
    RemoveReview,
    ReplaceMemory,
    Tombstone,
    TransferTable,
)

if TYPE_CHECKING:
    from factories import ManualClock
    from vestige.models import Operation
    from vestige.storage.protocol import MemoryStore

A, B = a_memory("a"), a_memory("b")


def a_change(
    *operations: Operation, name: str = "change", action: ChangeAction = ChangeAction.EDITED
) -> Change:
    return Change(id=an_id(name), action=action, operations=operations)


async def only_entry(store: MemoryStore, *operations: Operation) -> ChangelogEntry:
    (entry,) = await store.commit(a_change(*operations))
    return entry


async def test_a_new_memory_has_an_account_without_vectors(store: MemoryStore) -> None:
    await store.register_model(a_signature())
    record = a_full_memory("text", embedding=a_vector(1), windows=(a_vector(2),))
    change = replace(
        a_change(InsertMemory(record=record), action=ChangeAction.CREATED),
        reason="it was new",
        client_id="client",
        session_id="session",
    )
    entries = await store.commit(change)
    assert entries == await store.list_changelog()
    (entry,) = entries
    assert await store.get(record.id) == record
    assert (entry.change_id, entry.memory_id) == (change.id, record.id)
    assert (entry.action, entry.timestamp) == (ChangeAction.CREATED, START)
    assert (entry.reason, entry.client_id, entry.session_id) == ("it was new", "client", "session")
    assert entry.before == {"memory": None, "scheduling": None}
    assert entry.after is not None
    memory = entry.after["memory"]
    assert isinstance(memory, dict)
    assert (memory["content"], memory["embedding"], memory["windows"]) == ("text", None, [])
    assert memory["metadata"] == record.metadata


async def test_an_edit_says_what_was_there_before(store: MemoryStore, clock: ManualClock) -> None:
    await store.insert(A)
    clock.advance(DAY)
    entry = await only_entry(store, ReplaceMemory(record=replace(A, content="other")))
    assert entry.before is not None
    assert entry.after is not None
    assert entry.before.keys() == entry.after.keys() == {"memory"}
    old, new = entry.before["memory"], entry.after["memory"]
    assert isinstance(old, dict)
    assert isinstance(new, dict)
    assert {name for name in old if old[name] != new[name]} == {"content", "updated_at"}
    assert (old["content"], new["content"]) == ("a", "other")


async def test_a_memory_can_be_put_back_with_its_time_of_change(
    store: MemoryStore, clock: ManualClock
) -> None:
    await store.insert(A)
    clock.advance(DAY)
    await store.update(replace(A, content="other"))
    await store.commit(a_change(ReplaceMemory(record=A, keeps_updated_at=True)))
    assert await store.get(A.id) == A


async def test_a_change_that_changes_nothing_has_no_account(store: MemoryStore) -> None:
    await store.insert(A)
    assert await store.commit(a_change(ReplaceMemory(record=A))) == []
    assert await store.list_changelog() == []


async def test_a_deletion_says_all_that_went(store: MemoryStore) -> None:
    await store.insert_many([A, B])
    edges = [an_edge(A.id, B.id), an_edge(B.id, A.id, edge_type="follows it")]
    for edge in edges:
        await store.add_edge(edge)
    event = await store.record_review(A.id, Rating.GOOD, a_scheduling(A.id), START)
    entry = await only_entry(store, DeleteMemory(memory_id=A.id))
    assert entry.before is not None
    assert entry.after == dict.fromkeys(entry.before)
    assert entry.before.keys() == {
        "memory",
        "scheduling",
        f"edge {A.id} {B.id} related",
        f"edge {B.id} {A.id} follows it",
        f"review {event.id}",
    }
    assert await store.get(A.id) is None


async def test_links_and_reviews_have_accounts_of_their_own(store: MemoryStore) -> None:
    await store.insert_many([A, B])
    edge = an_edge(A.id, B.id, weight=0.5)
    linked = await only_entry(store, PutEdge(edge=edge))
    assert linked.memory_id == A.id
    assert linked.before == {f"edge {A.id} {B.id} related": None}
    state = a_scheduling(A.id, reps=1)
    review = AddReview(memory_id=A.id, rating=Rating.HARD, new_state=state, timestamp=START)
    (reviewed,) = await store.commit(a_change(review, name="review"))
    (event,) = await store.list_review_events(A.id)
    assert reviewed.after is not None
    assert reviewed.after.keys() == {"scheduling", f"review {event.id}"}
    removed = a_change(
        RemoveReview(memory_id=A.id, event_id=event.id),
        PutScheduling(state=event.prior_state),
        RemoveEdge(source_id=A.id, target_id=B.id, edge_type="related"),
        name="back",
    )
    (entry,) = await store.commit(removed)
    assert entry.after is not None
    assert entry.after[f"review {event.id}"] is None
    assert await store.list_review_events() == []
    assert await store.get_edges(A.id) == []
    assert await store.get_scheduling(A.id) == event.prior_state
    await store.commit(a_change(PutReview(event=event), name="again"))
    assert await store.list_review_events() == [event]


async def test_one_change_has_one_entry_for_each_memory(store: MemoryStore) -> None:
    inserted = [InsertMemory(record=A), InsertMemory(record=B)]
    entries = await store.commit(a_change(*inserted, PutEdge(edge=an_edge(B.id, A.id))))
    assert {entry.memory_id for entry in entries} == {A.id, B.id}
    assert {entry.change_id for entry in entries} == {an_id("change")}


async def test_a_change_that_is_refused_leaves_nothing(store: MemoryStore) -> None:
    edge = PutEdge(edge=an_edge(A.id, an_id("unknown")))
    with pytest.raises(MemoryNotFoundError):
        await store.commit(a_change(InsertMemory(record=A), edge))
    assert await store.count() == 0
    assert await store.list_changelog() == []


async def test_a_memory_that_is_not_what_a_change_expects_stays(
    store: MemoryStore, clock: ManualClock
) -> None:
    created = await only_entry(store, InsertMemory(record=A))
    assert created.after is not None
    expecting = replace(
        a_change(DeleteMemory(memory_id=A.id), name="undo"), expected={A.id: created.after}
    )
    clock.advance(DAY)
    await store.update(replace(A, content="other"))
    with pytest.raises(ConflictError, match=str(A.id)):
        await store.commit(expecting)
    assert await store.count() == 1
    await store.commit(a_change(ReplaceMemory(record=A, keeps_updated_at=True), name="back"))
    await store.commit(expecting)
    assert await store.count() == 0


@pytest.mark.parametrize("field", ["reason", "client_id", "session_id"])
async def test_what_is_said_about_a_change_has_a_limit(store: MemoryStore, field: str) -> None:
    change = replace(a_change(InsertMemory(record=A)), **{field: "x" * 257})
    with pytest.raises(InvalidInputError, match=field):
        await store.commit(change)


async def test_a_change_of_nothing_is_refused(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError, match="operations"):
        await store.commit(a_change())


async def test_the_changelog_is_read_newest_first_page_by_page(
    store: MemoryStore, clock: ManualClock
) -> None:
    written: list[ChangelogEntry] = []
    for number in range(5):
        memory = a_memory(str(number))
        written += await store.commit(a_change(InsertMemory(record=memory), name=str(number)))
        clock.advance(DAY)
    newest = list(reversed(written))
    assert await store.list_changelog(limit=2) == newest[:2]
    last = (newest[1].change_id, newest[1].memory_id)
    assert await store.list_changelog(after=last) == newest[2:]


async def test_the_changelog_is_narrowed(store: MemoryStore, clock: ManualClock) -> None:
    (first,) = await store.commit(a_change(InsertMemory(record=A), name="first"))
    clock.advance(DAY)
    undo = replace(a_change(DeleteMemory(memory_id=A.id), name="undo"), undoes=first.change_id)
    (second,) = await store.commit(undo)
    (other,) = await store.commit(a_change(InsertMemory(record=B), name="other"))
    cases = {
        ChangelogFilter(memory_id=A.id): [second, first],
        ChangelogFilter(change_id=first.change_id): [first],
        ChangelogFilter(undoes=first.change_id): [second],
        ChangelogFilter(since=START + DAY): [other, second],
        ChangelogFilter(until=START + DAY): [first],
        ChangelogFilter(memory_id=B.id, until=START + DAY): [],
    }
    for changelog_filter, expected in cases.items():
        assert await store.list_changelog(changelog_filter) == expected


async def test_a_purge_leaves_a_tombstone_and_no_content(
    store: MemoryStore, clock: ManualClock
) -> None:
    secret = a_memory("the secret")
    await store.commit(a_change(InsertMemory(record=secret), InsertMemory(record=B)))
    clock.advance(DAY)
    purge = a_change(DeleteMemory(memory_id=secret.id), name="purge", action=ChangeAction.PURGED)
    await store.purge(purge)
    assert await store.get(secret.id) is None
    entries = await store.list_changelog(ChangelogFilter(memory_id=secret.id))
    assert [entry.action for entry in entries] == [ChangeAction.PURGED, ChangeAction.EDITED]
    assert all(entry.before is None and entry.after is None for entry in entries)
    (kept,) = await store.list_changelog(ChangelogFilter(memory_id=B.id))
    assert kept.after is not None
    page = await store.export_page(TransferTable.TOMBSTONES)
    (tombstone,) = page.rows
    assert "secret" not in repr(page)
    assert repr(tombstone).count(str(secret.id)) == 1
    assert await store.erase()


async def test_deep_and_large_metadata_is_in_the_account_unchanged(store: MemoryStore) -> None:
    metadata = {"floats": [1e22, 0.1, 5e-324], "deep": [[[{"x": [1, 2]}]]], "big": 2**53 - 1}
    record = replace(A, metadata=metadata)
    entry = await only_entry(store, InsertMemory(record=record))
    (stored,) = await store.list_changelog()
    assert stored == entry
    deleted = replace(
        a_change(DeleteMemory(memory_id=A.id), name="d"), expected={A.id: stored.after or {}}
    )
    await store.commit(deleted)


async def test_what_was_purged_does_not_come_back_with_an_old_copy(store: MemoryStore) -> None:
    await store.insert_many([A, B])
    memory_page = await store.export_page(TransferTable.KNOWLEDGE_NODES)
    deletion = DeleteMemory(memory_id=A.id)
    await store.purge(a_change(deletion, action=ChangeAction.PURGED))
    result = await store.import_rows(TransferTable.KNOWLEDGE_NODES, memory_page.rows)
    assert (result.written, result.present) == (0, 1)
    (failure,) = result.failures
    assert failure.key == str(A.id)
    assert "purged" in failure.reason


async def test_a_tombstone_of_a_memory_that_is_there_is_named(store: MemoryStore) -> None:
    await store.insert(A)
    stones = [Tombstone(memory_id=memory.id, purged_at=START) for memory in (A, B)]
    result = await store.import_rows(TransferTable.TOMBSTONES, stones)
    assert result.written == 1
    (failure,) = result.failures
    assert f"vestige purge {A.id}" in failure.reason
    assert await store.count() == 1
