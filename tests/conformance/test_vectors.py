"""The vector leg: the nearest memories by cosine similarity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from closeness import assert_close
from factories import (
    DIMENSION,
    a_memory,
    a_numbered_id,
    a_signature,
    a_vector,
    a_vector_at,
    an_id,
)
from vestige.errors import InvalidInputError
from vestige.models import SearchQuery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vestige.models import MemoryRecord, Vector
    from vestige.storage.protocol import MemoryStore

TOLERANCE = 1e-5  # of a cosine computed from float32 values


def broken_vector(value: float) -> Vector:
    vector = a_vector(1)
    vector[3] = value
    return vector


BAD_VECTORS: dict[str, Vector] = {
    "too short": a_vector(1, dimension=DIMENSION - 1),
    "too long": a_vector(1, dimension=DIMENSION + 1),
    "empty": np.zeros(0, dtype=np.float32),
    "zero": np.zeros(DIMENSION, dtype=np.float32),
    "not a number": broken_vector(np.nan),
    "infinite": broken_vector(np.inf),
    "minus infinite": broken_vector(-np.inf),
    "of two dimensions": a_vector(1).reshape(1, DIMENSION),
}
QUERIES: dict[str, Callable[[MemoryStore, Vector], Awaitable[object]]] = {
    "vector_search": lambda store, vector: store.vector_search(vector),
    "search": lambda store, vector: store.search(SearchQuery(embedding=vector)),
    "hybrid search": lambda store, vector: store.search(
        SearchQuery(text="words", embedding=vector)
    ),
    "classify": lambda store, vector: store.classify(vector),
}


def cosine(one: Vector, other: Vector) -> float:
    wide, deep = one.astype(np.float64), other.astype(np.float64)
    return float(wide @ deep / np.linalg.norm(wide) / np.linalg.norm(deep))


def near(topic: Vector, seed: int) -> Vector:
    """Return a vector that is about a topic."""
    return (topic + 0.6 * a_vector(seed, dimension=topic.size)).astype(np.float32)


def embedding_of(record: MemoryRecord) -> Vector:
    assert record.embedding is not None
    return record.embedding


async def test_the_nearest_come_first_with_their_cosine_similarity(store: MemoryStore) -> None:
    records = [a_memory(f"memory {seed}", embedding=a_vector(seed)) for seed in range(50)]
    await store.insert_many(records)
    query = a_vector(1000)
    expected = sorted(
        ((cosine(query, a_vector(seed)), record.id) for seed, record in enumerate(records)),
        reverse=True,
    )
    hits = await store.vector_search(query, limit=50)
    assert [hit.record.id for hit in hits] == [memory_id for _, memory_id in expected]
    similarities = [similarity for similarity, _ in expected]
    assert_close([hit.vector_score for hit in hits], similarities, tolerance=TOLERANCE)


async def test_a_hit_of_the_vector_leg_has_only_that_legs_rank_and_score(
    store: MemoryStore,
) -> None:
    await store.insert_many([a_memory(f"m{n}", embedding=a_vector(n)) for n in range(3)])
    hits = await store.vector_search(a_vector(1))
    assert [hit.vector_rank for hit in hits] == [1, 2, 3]
    assert all(hit.fts_rank is None and hit.fts_score is None for hit in hits)
    assert all(hit.vector_score is not None for hit in hits)


async def test_a_hit_carries_the_whole_memory(store: MemoryStore) -> None:
    record = a_memory("whole", embedding=a_vector(1), windows=(a_vector(2),), tags=("red",))
    await store.insert(record)
    assert [hit.record for hit in await store.vector_search(a_vector(1))] == [record]


async def test_the_length_of_a_vector_does_not_matter(store: MemoryStore) -> None:
    records = [
        a_memory("small", embedding=np.float32(1e-30) * a_vector_at(0.9)),
        a_memory("large", embedding=np.float32(1e30) * a_vector_at(0.8)),
        a_memory("unit", embedding=a_vector_at(0.7)),
    ]
    await store.insert_many(records)
    for scale in (1e-30, 1.0, 1e30):
        hits = await store.vector_search(np.float32(scale) * a_vector_at(1.0))
        assert [hit.record for hit in hits] == records
        scores = [hit.vector_score for hit in hits]
        assert_close(scores, [0.9, 0.8, 0.7], tolerance=TOLERANCE)


async def test_an_opposite_vector_is_found_last_with_minus_one(store: MemoryStore) -> None:
    near, far = a_memory("near", embedding=a_vector(1)), a_memory("far", embedding=-a_vector(1))
    await store.insert_many([near, far])
    hits = await store.vector_search(a_vector(1))
    assert [hit.record for hit in hits] == [near, far]
    assert_close([hit.vector_score for hit in hits], [1.0, -1.0], tolerance=TOLERANCE)
    assert all(hit.vector_score is not None and -1 <= hit.vector_score <= 1 for hit in hits)


async def test_equal_similarities_are_ordered_by_id(store: MemoryStore) -> None:
    ids = [a_numbered_id(number) for number in (4, 2, 5, 1, 3)]
    await store.insert_many(
        [a_memory(str(n), id=id_, embedding=a_vector(1)) for n, id_ in enumerate(ids)]
    )
    for limit in (0, 3):
        found = [hit.record.id for hit in await store.vector_search(a_vector(1), limit=limit)]
        assert found == sorted(ids)[: limit or 10]


async def test_a_memory_without_a_vector_is_not_found(store: MemoryStore) -> None:
    with_vector = a_memory("with", embedding=a_vector(1))
    await store.insert_many([a_memory("without"), with_vector])
    assert [hit.record for hit in await store.vector_search(a_vector(2))] == [with_vector]


async def test_a_memory_with_windows_counts_by_its_nearest_vector(store: MemoryStore) -> None:
    by_window = a_memory(
        "by window",
        embedding=a_vector_at(0.1),
        windows=(a_vector_at(0.2), a_vector_at(0.95), a_vector_at(0.3)),
    )
    by_whole = a_memory(
        "by whole", embedding=a_vector_at(0.9), windows=(a_vector_at(0.05), a_vector_at(0.4))
    )
    plain = a_memory("plain", embedding=a_vector_at(0.85))
    await store.insert_many([plain, by_whole, by_window])
    hits = await store.vector_search(a_vector_at(1.0))
    assert [hit.record for hit in hits] == [by_window, by_whole, plain]
    scores = [hit.vector_score for hit in hits]
    assert_close(scores, [0.95, 0.9, 0.85], tolerance=TOLERANCE)


async def test_many_near_windows_of_one_memory_do_not_push_others_out(store: MemoryStore) -> None:
    windows = tuple(a_vector_at(0.9 + n / 1000, axis=2) for n in range(60))
    crowded = a_memory("crowded", embedding=a_vector_at(0.5), windows=windows)
    others = [a_memory(f"other {n}", embedding=a_vector_at(0.8 - n / 100)) for n in range(9)]
    await store.insert_many([crowded, *others])
    hits = await store.vector_search(a_vector_at(1.0))
    assert [hit.record for hit in hits] == [crowded, *others]


async def test_a_deleted_memory_leaves_the_vector_leg_at_once(store: MemoryStore) -> None:
    gone = a_memory("gone", embedding=a_vector(1), windows=(a_vector(2),))
    kept = a_memory("kept", embedding=a_vector(3))
    await store.insert_many([gone, kept])
    await store.delete(gone.id)
    for seed in (1, 2):
        assert [hit.record for hit in await store.vector_search(a_vector(seed))] == [kept]


async def test_a_new_memory_does_not_inherit_the_vectors_of_a_deleted_one(
    store: MemoryStore,
) -> None:
    gone = a_memory("gone", embedding=a_vector(1), windows=(a_vector(2),))
    await store.insert(gone)
    await store.delete(gone.id)
    await store.insert(a_memory("without a vector"))
    assert await store.vector_search(a_vector(1)) == []
    new = a_memory("new", embedding=a_vector(3))
    await store.insert(new)
    (hit,) = await store.vector_search(a_vector(2))
    assert hit.record == new
    assert_close([hit.vector_score], [cosine(a_vector(2), a_vector(3))], tolerance=TOLERANCE)


async def test_deleted_memories_make_room_for_the_ones_behind_them(store: MemoryStore) -> None:
    near = [a_memory(f"near {n}", embedding=a_vector_at(1.0)) for n in range(1100)]
    far = [a_memory(f"far {n}", embedding=a_vector_at(0.5 - n / 100)) for n in range(10)]
    await store.insert_many([*near, *far])
    for record in near:
        await store.delete(record.id)
    assert [hit.record for hit in await store.vector_search(a_vector_at(1.0))] == far


async def test_an_updated_memory_is_found_by_its_new_vectors_only(store: MemoryStore) -> None:
    before = a_memory("text", embedding=a_vector_at(1.0), windows=(a_vector_at(0.99),))
    await store.insert(before)
    after = replace(before, embedding=a_vector_at(0.2), windows=(a_vector_at(0.3),))
    await store.update(after)
    hits = await store.vector_search(a_vector_at(1.0))
    assert [hit.record for hit in hits] == [after]
    assert_close([hits[0].vector_score], [0.3], tolerance=TOLERANCE)


async def test_a_memory_whose_vectors_are_taken_away_is_not_found_any_more(
    store: MemoryStore,
) -> None:
    before = a_memory("text", embedding=a_vector(1), windows=(a_vector(2),))
    await store.insert(before)
    after = replace(before, embedding=None, windows=())
    await store.update(after)
    assert await store.vector_search(a_vector(1)) == []
    assert await store.get(before.id) == after


async def test_a_vector_search_gives_ten_by_default_and_as_many_as_asked(
    store: MemoryStore,
) -> None:
    await store.insert_many([a_memory(f"m{n}", embedding=a_vector(n)) for n in range(30)])
    query = a_vector(99)
    everything = await store.vector_search(query, limit=30)
    assert len(everything) == 30
    assert await store.vector_search(query) == everything[:10]
    assert await store.vector_search(query, limit=3) == everything[:3]
    assert await store.vector_search(query, limit=1000) == everything


@pytest.mark.parametrize("limit", [-1, 1001])
async def test_a_vector_search_refuses_a_limit_outside_its_range(
    store: MemoryStore, limit: int
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.vector_search(a_vector(1), limit)
    assert caught.value.field == "limit"


@pytest.mark.parametrize("bad", BAD_VECTORS.values(), ids=BAD_VECTORS)
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_an_unusable_query_vector_is_refused(
    store: MemoryStore, query: Callable[[MemoryStore, Vector], Awaitable[object]], bad: Vector
) -> None:
    await store.insert(a_memory("words", embedding=a_vector(1)))
    with pytest.raises(InvalidInputError) as caught:
        await query(store, bad)
    assert caught.value.field == "embedding"


@pytest.mark.parametrize("bad", BAD_VECTORS.values(), ids=BAD_VECTORS)
@pytest.mark.parametrize("field", ["embedding", "windows"])
async def test_an_unusable_stored_vector_is_refused_and_nothing_changes(
    store: MemoryStore, bad: Vector, field: str
) -> None:
    before = a_memory("before", embedding=a_vector(1))
    await store.insert(before)

    def broken(record: MemoryRecord) -> MemoryRecord:
        value = bad if field == "embedding" else (a_vector(2), bad)
        return replace(record, **{field: value})

    for write in (store.insert, store.update):
        record = before if write == store.update else a_memory("new", embedding=a_vector(3))
        with pytest.raises(InvalidInputError) as caught:
            await write(broken(record))
        assert caught.value.field == field
    assert await store.list_memories() == [before]
    assert [hit.record for hit in await store.vector_search(a_vector(2))] == [before]


async def test_windows_need_an_embedding_beside_them(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.insert(a_memory(windows=(a_vector(1),)))
    assert caught.value.field == "windows"
    assert await store.count() == 0


@pytest.mark.parametrize(
    "wrong", [a_vector(1).astype(np.float64), [1.0] * DIMENSION, b"\0" * DIMENSION * 4, "vector"]
)
async def test_a_vector_of_another_type_is_refused(store: MemoryStore, wrong: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.insert(replace(a_memory(), embedding=wrong))
    assert caught.value.field == "embedding"
    assert await store.get(an_id("a memory")) is None


async def test_a_search_by_vector_in_an_empty_store_finds_nothing(store: MemoryStore) -> None:
    assert await store.vector_search(a_vector(1)) == []


async def test_the_true_neighbors_are_found_among_thousands_also_behind_a_filter(
    unbound_store: MemoryStore,
) -> None:
    await unbound_store.register_model(a_signature(dimension=64))
    topics = [a_vector(1000 + n, dimension=64) for n in range(20)]
    records = [
        a_memory(
            f"m{n}",
            embedding=near(topics[n % 20], n),
            tags=(f"topic{n % 20}",),
        )
        for n in range(3000)
    ]
    await unbound_store.insert_many(records)
    # The filter keeps a topic that is not the one of the query: the hard case for an index.
    for tags in ((), ("topic3",), ("topic3", "topic4", "topic5", "topic6")):
        query = near(topics[12], 5000)
        kept = [r for r in records if not tags or set(tags) & set(r.tags)]
        nearest = sorted(kept, key=lambda r: -cosine(query, embedding_of(r)))[:10]
        hits = await unbound_store.search(SearchQuery(embedding=query, tags=tags))
        found = {hit.record.id for hit in hits} & {record.id for record in nearest}
        assert len(hits) == 10
        assert len(found) >= 9
