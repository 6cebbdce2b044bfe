"""Domains and how close a vector is to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from closeness import assert_close
from factories import (
    DAY,
    DIMENSION,
    START,
    a_domain,
    a_memory,
    a_vector,
    a_vector_at,
)
from vestige.errors import InvalidInputError
from vestige.models import DomainScore

if TYPE_CHECKING:
    from vestige.models import Domain
    from vestige.storage.protocol import MemoryStore


def a_full_domain(domain_id: str) -> Domain:
    return a_domain(
        domain_id,
        label="Work & co, «größer»",
        centroid=a_vector(1),
        top_terms=("store", "vector", "store"),
        memory_count=12,
        metadata={"by": {"model": "x"}, "scores": [0.1, 2]},
    )


async def test_a_domain_comes_back_whole(store: MemoryStore) -> None:
    domain = a_full_domain("work")
    await store.upsert_domain(domain)
    assert await store.get_domain("work") == domain
    assert await store.list_domains() == [domain]


async def test_a_domain_needs_no_centroid(store: MemoryStore) -> None:
    domain = a_domain("work")
    await store.upsert_domain(domain)
    assert await store.get_domain("work") == domain


async def test_an_upsert_replaces_everything_but_created_at(store: MemoryStore) -> None:
    await store.upsert_domain(a_full_domain("work"))
    new = a_domain(
        "work", label="Other", created_at=START + DAY, centroid=a_vector(2), memory_count=1
    )
    await store.upsert_domain(new)
    assert await store.list_domains() == [replace(new, created_at=START)]
    bare = replace(new, centroid=None)
    await store.upsert_domain(bare)
    assert await store.get_domain("work") == replace(bare, created_at=START)


async def test_domains_are_ordered_by_id(store: MemoryStore) -> None:
    ids = ["b", "a", "c", "B", "a b", "10", "9", "ä"]
    for domain_id in ids:
        await store.upsert_domain(a_domain(domain_id))
    assert [domain.id for domain in await store.list_domains()] == sorted(ids)


async def test_get_domain_of_an_unknown_id_is_none(store: MemoryStore) -> None:
    await store.upsert_domain(a_domain("work"))
    assert await store.get_domain("Work") is None


async def test_delete_domain_says_whether_there_was_one(store: MemoryStore) -> None:
    await store.upsert_domain(a_domain("work"))
    await store.upsert_domain(a_domain("home"))
    assert await store.delete_domain("work") is True
    assert await store.delete_domain("work") is False
    assert await store.list_domains() == [a_domain("home")]


async def test_memories_keep_the_name_of_a_deleted_domain(store: MemoryStore) -> None:
    record = a_memory(domains=("work",), domain_scores={"work": 0.5})
    await store.insert(record)
    await store.upsert_domain(a_domain("work"))
    await store.delete_domain("work")
    assert await store.get(record.id) == record


async def test_classify_gives_the_cosine_similarity_to_every_centroid_best_first(
    store: MemoryStore,
) -> None:
    for name, similarity in {"low": -0.5, "high": 0.9, "middle": 0.25}.items():
        await store.upsert_domain(a_domain(name, centroid=a_vector_at(similarity)))
    scores = await store.classify(a_vector_at(1.0))
    assert [score.domain_id for score in scores] == ["high", "middle", "low"]
    assert_close([score.similarity for score in scores], [0.9, 0.25, -0.5], tolerance=1e-5)
    assert isinstance(scores[0], DomainScore)


async def test_classify_does_not_mind_the_lengths_of_vectors(store: MemoryStore) -> None:
    await store.upsert_domain(a_domain("work", centroid=np.float32(40) * a_vector_at(0.5)))
    (score,) = await store.classify(np.float32(0.01) * a_vector_at(1.0))
    assert_close([score.similarity], [0.5], tolerance=1e-5)


async def test_equally_close_domains_are_ordered_by_id(store: MemoryStore) -> None:
    for name in ("c", "a", "b"):
        await store.upsert_domain(a_domain(name, centroid=a_vector(1)))
    assert [score.domain_id for score in await store.classify(a_vector(1))] == ["a", "b", "c"]


async def test_domains_without_a_centroid_are_left_out_of_classify(store: MemoryStore) -> None:
    await store.upsert_domain(a_domain("bare"))
    await store.upsert_domain(a_domain("work", centroid=a_vector(1)))
    assert [score.domain_id for score in await store.classify(a_vector(2))] == ["work"]


async def test_classify_without_domains_is_empty(store: MemoryStore) -> None:
    assert await store.classify(a_vector(1)) == []


@pytest.mark.parametrize(
    "centroid",
    [
        a_vector(1, dimension=DIMENSION - 1),
        np.zeros(DIMENSION, dtype=np.float32),
        np.full(DIMENSION, np.nan, dtype=np.float32),
    ],
    ids=["too short", "zero", "not a number"],
)
async def test_an_unusable_centroid_is_refused_and_nothing_changes(
    store: MemoryStore, centroid: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> None:
    await store.upsert_domain(a_full_domain("work"))
    with pytest.raises(InvalidInputError) as caught:
        await store.upsert_domain(a_domain("work", centroid=centroid))
    assert caught.value.field == "centroid"
    assert await store.list_domains() == [a_full_domain("work")]
