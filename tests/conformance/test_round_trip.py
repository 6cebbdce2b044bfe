"""What is written comes back equal, over the whole domain of allowed values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from factories import START, a_domain, a_memory, a_scheduling, a_user, an_edge, an_id
from strategies import (
    HARD_NUMBERS,
    LAST_MOMENT,
    canonical,
    finite_floats,
    json_objects,
    texts,
    times,
    vectors,
)
from vestige.models import Rating, ScheduledMemory, TransferTable, Visibility

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.models import JsonObject, JsonValue, Vector
    from vestige.storage.protocol import MemoryStore

MEMORY_ID = an_id("round trip")


def nested(depth: int, leaf: JsonValue) -> JsonObject:
    """Return an object with this many levels of objects and lists around the leaf."""
    value: JsonValue = leaf
    for level in range(depth - 1):
        value = wrapped(value, level)
    return {"top": value}


def wrapped(value: JsonValue, level: int) -> JsonValue:
    return [value] if level % 2 else {"level": value, "empty": []}


async def replace_memory(store: MemoryStore) -> None:
    """Make room for the next example."""
    if await store.get(MEMORY_ID) is not None:
        await store.delete(MEMORY_ID)


@given(content=texts(300), node_type=texts(64), codebase=st.none() | texts(256))
@example(content="\r\n\t \u0085\u2028\ufeff\ufffe\U0010ffff", node_type=" ", codebase="'")
async def test_texts_come_back_unchanged(
    store: MemoryStore, content: str, node_type: str, codebase: str | None
) -> None:
    await replace_memory(store)
    record = a_memory(content, id=MEMORY_ID, node_type=node_type, codebase=codebase)
    await store.insert(record)
    assert await store.get(MEMORY_ID) == record
    await store.update(replace(record, content=content + "x"))
    stored = await store.get(MEMORY_ID)
    assert stored is not None
    assert stored.content == content + "x"


@given(
    tags=st.lists(texts(128), max_size=64),
    domains=st.lists(texts(256), max_size=8),
    groups=st.lists(st.uuids(), max_size=8),
    visibility=st.sampled_from(Visibility),
)
async def test_lists_come_back_in_their_order(
    store: MemoryStore,
    tags: list[str],
    domains: list[str],
    groups: list[UUID],
    visibility: Visibility,
) -> None:
    await replace_memory(store)
    record = a_memory(
        "text",
        id=MEMORY_ID,
        tags=tuple(tags),
        domains=tuple(domains),
        shared_with_groups=tuple(groups),
        visibility=visibility,
    )
    await store.insert(record)
    assert await store.get(MEMORY_ID) == record


@given(scores=st.dictionaries(texts(256), finite_floats(), max_size=8))
async def test_scores_come_back_to_the_last_bit(
    store: MemoryStore, scores: dict[str, float]
) -> None:
    await replace_memory(store)
    await store.insert(a_memory("text", id=MEMORY_ID, domain_scores=scores))
    stored = await store.get(MEMORY_ID)
    assert stored is not None
    assert canonical(stored.domain_scores) == canonical(scores)


@given(metadata=json_objects())
@example(metadata=HARD_NUMBERS)
@example(metadata=nested(10, HARD_NUMBERS["floats"]))
async def test_metadata_comes_back_to_the_last_bit(
    store: MemoryStore, metadata: JsonObject
) -> None:
    await replace_memory(store)
    record = a_memory("text", id=MEMORY_ID, metadata=metadata)
    await store.insert(record)
    domain, user = a_domain("work", metadata=metadata), a_user("ana", metadata=metadata)
    await store.upsert_domain(domain)
    await store.upsert_user(user)
    for stored in (
        await store.get(MEMORY_ID),
        await store.get_domain("work"),
        await store.get_user(user.id),
    ):
        assert stored is not None
        assert canonical(stored.metadata) == canonical(metadata)


@given(created_at=times(), updated_at=times())
@example(
    created_at=datetime(1, 1, 1, tzinfo=UTC),
    updated_at=LAST_MOMENT,
)
@example(
    created_at=LAST_MOMENT,
    updated_at=datetime(999, 12, 31, tzinfo=UTC),
)
async def test_times_come_back_equal_and_in_utc(
    store: MemoryStore, created_at: datetime, updated_at: datetime
) -> None:
    await replace_memory(store)
    record = a_memory("text", id=MEMORY_ID, created_at=created_at, updated_at=updated_at)
    await store.insert(record)
    stored = await store.get(MEMORY_ID)
    assert stored is not None
    assert (stored.created_at, stored.updated_at) == (created_at, updated_at)
    assert stored.created_at.utcoffset() == stored.updated_at.utcoffset() == timedelta()


@given(embedding=vectors(), windows=st.lists(vectors(), max_size=3).map(tuple), centroid=vectors())
async def test_vectors_come_back_bit_for_bit(
    store: MemoryStore, embedding: Vector, windows: tuple[Vector, ...], centroid: Vector
) -> None:
    await replace_memory(store)
    record = a_memory("text", id=MEMORY_ID, embedding=embedding, windows=windows)
    await store.insert(record)
    await store.upsert_domain(a_domain("work", centroid=centroid))
    stored, domain = await store.get(MEMORY_ID), await store.get_domain("work")
    assert stored == record  # vectors are compared by their bytes
    assert domain == a_domain("work", centroid=centroid)
    (hit,) = await store.vector_search(embedding)
    assert hit.record == record
    assert hit.vector_score is not None
    assert abs(hit.vector_score - 1) < 1e-5


@given(
    numbers=st.tuples(st.floats(0.001, 36_500.0), st.floats(1.0, 10.0), st.floats(0.0, 1.0)),
    reviews=st.tuples(st.none() | times(), st.none() | times()),
    counts=st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
    timestamp=times(),
)
async def test_scheduling_and_events_come_back_to_the_last_bit(
    store: MemoryStore,
    numbers: tuple[float, float, float],
    reviews: tuple[datetime | None, datetime | None],
    counts: tuple[int, int],
    timestamp: datetime,
) -> None:
    await replace_memory(store)
    state = a_scheduling(
        MEMORY_ID,
        stability=numbers[0],
        difficulty=numbers[1],
        retrievability=numbers[2],
        last_review=reviews[0],
        next_review=reviews[1],
        reps=counts[0],
        lapses=counts[1],
    )
    await store.insert(a_memory("text", id=MEMORY_ID), state)
    assert await store.get_scheduling(MEMORY_ID) == state
    event = await store.record_review(MEMORY_ID, Rating.HARD, state, timestamp)
    assert (event.prior_state, event.new_state, event.timestamp) == (state, state, timestamp)
    assert await store.list_review_events(MEMORY_ID) == [event]
    due = await store.get_due_memories(LAST_MOMENT)
    assert [one for _, one in due] == ([state] if reviews[1] is not None else [])


@given(
    edge_type=texts(64),
    weight=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    created_at=times(),
)
async def test_links_come_back_to_the_last_bit(
    store: MemoryStore, edge_type: str, weight: float, created_at: datetime
) -> None:
    await replace_memory(store)
    if await store.get(an_id("other")) is None:
        await store.insert(a_memory("other"))
    await store.insert(a_memory("text", id=MEMORY_ID))
    edge = an_edge(
        MEMORY_ID, an_id("other"), edge_type=edge_type, weight=weight, created_at=created_at
    )
    await store.add_edge(edge)
    assert await store.get_edges(MEMORY_ID) == [edge]
    assert await store.get_edges(MEMORY_ID, edge_type) == [edge]


@given(metadata=json_objects(), at=times(), embedding=vectors(), content=texts(100))
async def test_an_exported_and_imported_memory_is_unchanged(
    store: MemoryStore, metadata: JsonObject, at: datetime, embedding: Vector, content: str
) -> None:
    await replace_memory(store)
    record = a_memory(
        content,
        id=MEMORY_ID,
        metadata=metadata,
        created_at=START,
        updated_at=at,
        embedding=embedding,
    )
    await store.insert(record, a_scheduling(MEMORY_ID, last_review=at))
    page = await store.export_page(TransferTable.KNOWLEDGE_NODES)
    await store.delete(MEMORY_ID)
    result = await store.import_rows(TransferTable.KNOWLEDGE_NODES, page.rows)
    assert (result.written, result.failures) == (1, ())
    (row,) = (await store.export_page(TransferTable.KNOWLEDGE_NODES)).rows
    assert isinstance(row, ScheduledMemory)
    assert row == ScheduledMemory(record=record, scheduling=a_scheduling(MEMORY_ID, last_review=at))
    assert canonical(row.record.metadata) == canonical(metadata)
