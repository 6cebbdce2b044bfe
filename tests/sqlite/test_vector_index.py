"""The bits of the vector index against an exact comparison of all vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from factories import a_memory, a_signature, a_vector
from vestige.models import SearchQuery
from vestige.storage.sqlite import vectors
from vestige.storage.sqlite.store import SqliteStore
from vestige.storage.vectors import cosine_similarities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.models import MemoryRecord, Vector

DIMENSION: Final = 100  # not a multiple of 64: the last word of a code is padded
COUNT: Final = 4_000  # more than are scored exactly


def clustered(seed: int, count: int) -> list[Vector]:
    """Return vectors around a few centres, as texts about a few topics have them."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(1).standard_normal((40, DIMENSION))
    chosen = centres[random.integers(0, 40, count)]
    return list((chosen + 0.7 * random.standard_normal((count, DIMENSION))).astype(np.float32))


def memories() -> list[MemoryRecord]:
    return [
        a_memory(f"memory {number}", embedding=vector, tags=("odd",) if number % 2 else ("even",))
        for number, vector in enumerate(clustered(2, COUNT))
    ]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqliteStore]:
    store = await SqliteStore.open(tmp_path / "vestige.db")
    await store.register_model(a_signature(dimension=DIMENSION))
    await store.insert_many(memories())
    yield store
    await store.close()


def exact(records: list[MemoryRecord], query: Vector, limit: int) -> set[str]:
    matrix = np.stack([record.embedding for record in records if record.embedding is not None])
    order = np.argsort(-cosine_similarities(matrix, query))[:limit]
    return {records[int(place)].content for place in order}


@pytest.mark.parametrize("tag", ["odd", None])
async def test_the_nearest_ten_are_the_exact_ones_nearly_always(
    store: SqliteStore, tag: str | None
) -> None:
    records = [record for record in memories() if tag is None or tag in record.tags]
    found = 0
    queries = clustered(3, 50)
    for query in queries:
        hits = await store.search(
            SearchQuery(embedding=query, tags=() if tag is None else (tag,), limit=10)
        )
        assert len(hits) == 10
        found += len({hit.record.content for hit in hits} & exact(records, query, 10))
    assert found >= 0.98 * 10 * len(queries)


async def test_deleted_and_replaced_vectors_leave_the_index_of_an_open_handle(
    store: SqliteStore,
) -> None:
    first, second, *_ = memories()
    assert first.embedding is not None
    (hit,) = await store.vector_search(first.embedding, 1)
    assert hit.record.id == first.id
    await store.delete(first.id)
    await store.update(a_memory(second.content, embedding=first.embedding))
    (hit,) = await store.vector_search(first.embedding, 1)
    assert hit.record.id == second.id


async def test_the_index_grows_under_an_open_handle(store: SqliteStore) -> None:
    await store.vector_search(a_vector(1, dimension=DIMENSION))
    added = [
        a_memory(f"added {number}", embedding=a_vector(number, dimension=DIMENSION))
        for number in range(600)
    ]
    await store.insert_many(added)
    for number in (0, 255, 256, 599):
        (hit,) = await store.vector_search(a_vector(number, dimension=DIMENSION), 1)
        assert hit.record.content == f"added {number}"


async def test_the_best_window_of_a_memory_counts(store: SqliteStore) -> None:
    windows = tuple(a_vector(seed, dimension=DIMENSION) for seed in range(700, 1000))
    await store.insert(
        a_memory("long", embedding=a_vector(7, dimension=DIMENSION), windows=windows)
    )
    for seed in (700, 850, 999):
        (hit,) = await store.vector_search(a_vector(seed, dimension=DIMENSION), 1)
        assert (hit.record.content, round(hit.score, 5)) == ("long", 1.0)


async def test_vectors_that_are_equal_are_not_cut_apart(store: SqliteStore) -> None:
    vector = a_vector(11, dimension=DIMENSION)
    equal = [a_memory(f"equal {n}", embedding=vector) for n in range(vectors.RESCORED_MIN + 50)]
    await store.insert_many(equal)
    hits = await store.vector_search(vector, 10)
    assert [hit.record.id for hit in hits] == sorted(memory.id for memory in equal)[:10]


async def test_the_length_of_a_query_does_not_change_what_is_near(store: SqliteStore) -> None:
    (query,) = clustered(5, 1)
    near = [hit.record.id for hit in await store.vector_search(query, 10)]
    longest = (query * np.float32(3e38 / np.abs(query).max())).astype(np.float32)
    assert [hit.record.id for hit in await store.vector_search(longest, 10)] == near
