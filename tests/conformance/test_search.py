"""Hybrid search: two legs, fused by reciprocal rank."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from closeness import assert_close
from factories import DAY, a_memory, a_numbered_id, a_vector, a_vector_at
from vestige.errors import InvalidInputError
from vestige.models import SearchQuery

if TYPE_CHECKING:
    from uuid import UUID

    from factories import ManualClock
    from vestige.models import SearchResult
    from vestige.storage.protocol import MemoryStore

WORDS = ("amber", "basil", "cedar", "dahlia", "elder")
QUERY = SearchQuery(text="amber basil cedar", embedding=a_vector(500))


@pytest.fixture
async def garden(store: MemoryStore) -> MemoryStore:
    """A store in which both legs find much, in orders that have nothing to do with each other."""
    for number in range(40):
        words = [WORDS[number % 5], WORDS[number * 3 % 4], *(["plain"] * (number % 7))]
        record = a_memory(
            f"{' '.join(words)} {number}",
            embedding=None if number % 4 == 0 else a_vector(number),
        )
        await store.insert(record)
    return store


def ids(hits: list[SearchResult]) -> list[UUID]:
    return [hit.record.id for hit in hits]


@pytest.mark.parametrize("limit", [0, 1, 7, 1000])
async def test_text_only_equals_the_full_text_leg(garden: MemoryStore, limit: int) -> None:
    hits = await garden.search(SearchQuery(text=QUERY.text, limit=limit))
    assert hits == await garden.fts_search("amber basil cedar", limit)
    assert hits


@pytest.mark.parametrize("limit", [0, 1, 7, 1000])
async def test_an_embedding_only_equals_the_vector_leg(garden: MemoryStore, limit: int) -> None:
    hits = await garden.search(SearchQuery(embedding=a_vector(500), limit=limit))
    assert hits == await garden.vector_search(a_vector(500), limit)
    assert hits


@pytest.mark.parametrize("rrf_k", [1, 10, 60, 1000])
async def test_scores_are_the_reciprocal_ranks_of_the_legs(garden: MemoryStore, rrf_k: int) -> None:
    fused: dict[UUID, float] = {}
    for leg in (
        await garden.fts_search("amber basil cedar", 1000),
        await garden.vector_search(a_vector(500), 1000),
    ):
        for rank, hit in enumerate(leg, start=1):
            fused[hit.record.id] = fused.get(hit.record.id, 0.0) + 1 / (rrf_k + rank)
    expected = sorted(fused, key=lambda memory_id: (-round(fused[memory_id], 12), memory_id))
    hits = await garden.search(replace(QUERY, rrf_k=rrf_k, limit=1000))
    assert ids(hits) == expected
    scores = [fused[memory_id] for memory_id in expected]
    assert_close([hit.score for hit in hits], scores, tolerance=1e-12)


async def test_sixty_is_the_constant_by_default(garden: MemoryStore) -> None:
    assert await garden.search(QUERY) == await garden.search(replace(QUERY, rrf_k=60))


async def test_a_hit_carries_rank_and_score_of_each_leg_that_found_it(
    garden: MemoryStore,
) -> None:
    by_text = {h.record.id: h for h in await garden.fts_search("amber basil cedar", 1000)}
    by_vector = {h.record.id: h for h in await garden.vector_search(a_vector(500), 1000)}
    hits = await garden.search(replace(QUERY, limit=1000))
    assert set(ids(hits)) == set(by_text) | set(by_vector)
    for hit in hits:
        text, vector = by_text.get(hit.record.id), by_vector.get(hit.record.id)
        assert hit.fts_rank == (text.fts_rank if text else None)
        assert hit.fts_score == (text.fts_score if text else None)
        assert hit.vector_rank == (vector.vector_rank if vector else None)
        assert hit.vector_score == (vector.vector_score if vector else None)


async def test_a_hit_carries_the_whole_memory(store: MemoryStore) -> None:
    record = a_memory("amber", embedding=a_vector(1), windows=(a_vector(2),), codebase="vestige")
    await store.insert(record)
    assert [hit.record for hit in await store.search(QUERY)] == [record]


async def test_results_come_best_first_and_ties_by_id(store: MemoryStore) -> None:
    # By rank, the first of one leg and the first of the other have the same score.
    by_text = a_memory("amber", id=a_numbered_id(2))
    by_vector = a_memory("nothing", id=a_numbered_id(1), embedding=a_vector(500))
    await store.insert_many([by_text, by_vector])
    hits = await store.search(QUERY)
    assert hits[0].score == hits[1].score
    assert [hit.record for hit in hits] == [by_vector, by_text]


async def test_every_search_gives_the_same_result_twice(garden: MemoryStore) -> None:
    assert await garden.search(QUERY) == await garden.search(QUERY)


@pytest.mark.parametrize(("limit", "rank"), [(1, 30), (20, 60)])
async def test_a_leg_is_read_three_times_the_limit_deep_and_never_under_thirty(
    store: MemoryStore, limit: int, rank: int
) -> None:
    # Standing at this rank in both legs is worth more than standing first in one of them.
    in_both = a_memory(f"amber {'plain ' * 20}", embedding=a_vector_at(0.1))
    by_text = [a_memory(f"amber {n}") for n in range(rank - 1)]
    by_vector = [a_memory(f"m{n}", embedding=a_vector_at(0.9)) for n in range(rank - 1)]
    await store.insert_many([in_both, *by_text, *by_vector])
    hits = await store.search(SearchQuery(text="amber", embedding=a_vector_at(1.0), limit=limit))
    assert hits[0].record == in_both
    assert (hits[0].fts_rank, hits[0].vector_rank) == (rank, rank)
    assert len(hits) == limit


async def test_a_search_gives_ten_by_default_and_as_many_as_asked(garden: MemoryStore) -> None:
    assert len(await garden.search(QUERY)) == 10
    assert await garden.search(QUERY) == await garden.search(replace(QUERY, limit=10))
    for limit in (1, 3, 25):
        assert len(await garden.search(replace(QUERY, limit=limit))) == limit


@pytest.mark.parametrize("limit", [-1, 1001])
async def test_a_limit_outside_its_range_is_refused(store: MemoryStore, limit: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.search(replace(QUERY, limit=limit))
    assert caught.value.field == "limit"
    with pytest.raises(InvalidInputError):
        await store.fts_search("amber", limit)


@pytest.mark.parametrize("limit", [0, 5])
async def test_a_search_for_nothing_is_refused(garden: MemoryStore, limit: int) -> None:
    with pytest.raises(InvalidInputError):
        await garden.search(SearchQuery(limit=limit))


async def test_filters_alone_are_not_a_search(garden: MemoryStore) -> None:
    with pytest.raises(InvalidInputError):
        await garden.search(SearchQuery(tags=("red",), codebase="vestige"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rrf_k", 0),
        ("rrf_k", -1),
        ("min_retrievability", -0.01),
        ("min_retrievability", 1.01),
        ("min_retrievability", float("nan")),
        ("text", "a\0b"),
        ("text", "\ud800"),
        ("text", 5),
        ("tags", ("a\0b",)),
        ("tags", "red"),
        ("node_types", "note"),
        ("domains", "work"),
        ("codebase", "a\0b"),
    ],
)
async def test_a_query_outside_its_limits_is_refused_by_name(
    garden: MemoryStore, field: str, value: object
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await garden.search(replace(QUERY, **{field: value}))
    assert caught.value.field == field


@pytest.mark.parametrize("field", ["created_after", "created_before"])
async def test_a_time_without_a_zone_is_refused_by_name(
    garden: MemoryStore, clock: ManualClock, field: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await garden.search(replace(QUERY, **{field: clock.now().replace(tzinfo=None)}))
    assert caught.value.field == field


async def test_words_that_nobody_wrote_leave_the_vector_leg(garden: MemoryStore) -> None:
    hits = await garden.search(replace(QUERY, text="zzyzx"))
    assert ids(hits) == ids(await garden.vector_search(a_vector(500)))
    assert all(hit.fts_rank is None for hit in hits)


async def test_text_without_anything_searchable_leaves_the_vector_leg(
    garden: MemoryStore,
) -> None:
    hits = await garden.search(replace(QUERY, text=" ?! "))
    assert ids(hits) == ids(await garden.vector_search(a_vector(500)))


async def test_an_updated_memory_moves_in_both_legs_at_once(
    store: MemoryStore, clock: ManualClock
) -> None:
    before = a_memory("amber", embedding=a_vector_at(1.0))
    await store.insert(before)
    clock.advance(DAY)
    await store.update(replace(before, content="basil", embedding=a_vector_at(-1.0)))
    assert await store.fts_search("amber") == []
    (hit,) = await store.search(SearchQuery(text="basil", embedding=a_vector_at(1.0)))
    assert hit.record.content == "basil"
    assert_close([hit.vector_score], [-1.0], tolerance=1e-5)


async def test_a_deleted_memory_leaves_both_legs_at_once(store: MemoryStore) -> None:
    gone = a_memory("amber", embedding=a_vector(500))
    await store.insert(gone)
    await store.delete(gone.id)
    assert await store.search(QUERY) == []
    assert await store.fts_search("amber") == []
    assert await store.vector_search(a_vector(500)) == []


async def test_a_search_in_an_empty_store_finds_nothing(store: MemoryStore) -> None:
    assert await store.search(QUERY) == []
    assert await store.search(SearchQuery(text="amber")) == []
