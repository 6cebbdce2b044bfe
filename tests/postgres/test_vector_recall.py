# pyright: reportPrivateUsage=false
# The settings of a connection cannot be seen through the store.
"""The vector leg finds the true neighbors, with the index and without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import pytest_asyncio

from closeness import assert_close
from factories import a_memory, a_numbered_id, a_signature, a_vector, a_vector_at
from postgres.searching import connected, opened, recorded
from postgres_server import a_store_database
from vestige.models import SearchQuery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from numpy.typing import NDArray

MEMORIES = 3_000
TOPICS = 30
DIMENSION = 32
QUERIES = 40
BOUND = 500  # a filter that keeps fewer is compared exactly


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A store, with what is in it by its numbers."""

    url: str
    vectors: NDArray[np.float32]
    queries: NDArray[np.float32]
    tags: list[tuple[str, ...]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled() -> AsyncGenerator[Filled]:
    chosen = np.random.default_rng(7)
    centres = chosen.standard_normal((TOPICS, DIMENSION))
    topics = chosen.integers(0, TOPICS, MEMORIES)
    noise = chosen.standard_normal((MEMORIES + QUERIES, DIMENSION))
    vectors = (centres[topics] + 0.7 * noise[:MEMORIES]).astype(np.float32)
    near = centres[chosen.integers(0, TOPICS, QUERIES)]
    tags = [
        (
            f"topic{topics[n]}",
            *(("half",) if n % 2 else ()),
            *(("hundredth",) if n % 100 == 0 else ()),
        )
        for n in range(MEMORIES)
    ]
    records = [
        a_memory(f"m{n}", id=a_numbered_id(n), embedding=vectors[n], tags=tags[n])
        for n in range(MEMORIES)
    ]
    async with a_store_database() as url, opened(url) as store:
        await store.register_model(a_signature(dimension=DIMENSION))
        await store.insert_many(records)
        await store.vacuum()
        queries = (near + 0.7 * noise[MEMORIES:]).astype(np.float32)
        yield Filled(url=url, vectors=vectors, queries=queries, tags=tags)


async def recall(filled: Filled, tag: str | None, **options: Any) -> float:
    """Return how many of the true ten nearest are found; fewer results than there are fail."""
    kept = np.array([n for n in range(MEMORIES) if tag is None or tag in filled.tags[n]])
    units = filled.vectors / np.linalg.norm(filled.vectors, axis=1, keepdims=True)
    found = 0
    async with opened(filled.url, exact_below_rows=BOUND, **options) as store:
        await store.register_model(a_signature(dimension=DIMENSION))
        for query in filled.queries:
            best = kept[np.argsort(-(units[kept] @ query), kind="stable")[:10]]
            tags = () if tag is None else (tag,)
            hits = await store.search(SearchQuery(embedding=query, tags=tags))
            assert len(hits) == 10
            ids = {hit.record.id for hit in hits}
            found += sum(a_numbered_id(int(number)) in ids for number in best)
    return found / (10 * QUERIES)


@pytest.mark.parametrize(
    ("tag", "least"), [(None, 0.98), ("half", 0.98), ("hundredth", 1.0), ("topic3", 1.0)]
)
async def test_the_true_neighbors_are_found(filled: Filled, tag: str | None, least: float) -> None:
    assert await recall(filled, tag) >= least


async def test_ef_search_of_the_configuration_reaches_the_index(filled: Filled) -> None:
    async with opened(filled.url, ef_search=77) as store:
        shown = await store._db.query(lambda session: session.db.value("SHOW hnsw.ef_search"))
    assert shown == "77"


async def test_vectors_that_the_index_cannot_reach_are_compared_one_by_one() -> None:
    # More equal vectors than an element of the graph holds, so that none leads to the others.
    async with a_store_database() as url, opened(url) as store:
        await store.register_model(a_signature())
        equal = [a_memory(f"equal {n}", embedding=a_vector_at(1.0)) for n in range(900)]
        others = [a_memory(f"other {n}", embedding=a_vector_at(0.5 - n / 100)) for n in range(12)]
        await store.insert_many([*equal, *others])
        for record in equal:
            await store.delete(record.id)
        hits = await store.vector_search(a_vector_at(1.0), 12)
        assert [hit.record for hit in hits] == others


@pytest.mark.parametrize(
    ("dimension", "indexed"), [(2_000, True), (2_001, True), (4_000, True), (4_001, False)]
)
async def test_long_vectors_are_indexed_as_far_as_the_server_can(
    dimension: int, *, indexed: bool
) -> None:
    async with a_store_database() as url, opened(url) as store:
        signature = a_signature(dimension=dimension)
        await store.register_model(signature)
        records = [
            a_memory(
                f"m{n}", embedding=np.float32(10.0 ** (n - 12)) * a_vector(n, dimension=dimension)
            )
            for n in range(24)
        ]
        await store.insert_many(records)
        query = SearchQuery(embedding=a_vector(3, dimension=dimension))
        async with connected(url) as connection:
            await connection.execute("SET enable_seqscan = off")
            hits, sent = await recorded(connection, store, query)
            sql, arguments = sent[-1]
            lines = await connection.fetch(f"EXPLAIN {sql}", *arguments)
    assert hits[0].record.content == "m3"
    assert_close([hits[0].vector_score], [1.0], tolerance=1e-6)
    plan = "\n".join(str(line[0]) for line in lines)
    assert ("idx_knowledge_nodes_embedding_hnsw" in plan) == indexed
