"""The full-text leg of a store that is too large to count its words in every search."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from factories import a_memory, a_numbered_id, a_signature, a_vector
from postgres.searching import analyze, connected, opened, recorded, statistics_of
from postgres_server import a_store_database
from vestige.errors import ModelMismatchError
from vestige.models import SearchQuery
from vestige.storage.postgres import frequencies, search, words

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from vestige.models import MemoryRecord
    from vestige.storage.postgres.store import PostgresStore

MEMORIES = 600
QUESTIONS = (
    "which number of amber is special",
    "common plain number words",
    "what about rare3 and common",
    "plain",
    "group7 plain common",
)


def memories() -> list[MemoryRecord]:
    """Return texts of which all hold one word, half another, and some one of their own."""
    chosen = np.random.default_rng(1)
    return [
        a_memory(
            f"common {'plain ' if n % 2 else ''}group{n % 30} number{n} "
            + (f"rare{n // 100} special " if n % 100 == 0 else "")
            + " ".join(f"filler{word}" for word in chosen.integers(0, 400, n % 17)),
            id=a_numbered_id(n),
            embedding=a_vector(n),
            tags=(f"tag{n % 3}", *(("few",) if n % 50 == 0 else ())),
            codebase=f"project{n % 2}",
        )
        for n in range(MEMORIES)
    ]


@pytest.fixture
async def url() -> AsyncGenerator[str]:
    async with a_store_database() as made:
        yield made


@pytest.fixture
async def small(url: str) -> AsyncGenerator[PostgresStore]:
    """A store that counts."""
    async with opened(url) as store:
        await store.register_model(a_signature())
        await store.insert_many(memories())
        yield store


@pytest.fixture
async def large(small: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> PostgresStore:
    """The same store, which believes the server's statistics."""
    monkeypatch.setattr(frequencies, "COUNTED_BELOW", 100)
    await analyze(small)
    return small


async def contents(store: PostgresStore, text: str, **filters: object) -> list[str]:
    query = replace(SearchQuery(text=text, limit=20), **filters)
    return [hit.record.content for hit in await store.search(query)]


@pytest.mark.parametrize("text", QUESTIONS)
async def test_statistics_find_nearly_what_counting_finds(
    small: PostgresStore, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    counted = await small.fts_search(text, 10)
    monkeypatch.setattr(frequencies, "COUNTED_BELOW", 100)
    await analyze(small)
    estimated = await small.fts_search(text, 10)
    assert statistics_of(small).can_be_used
    assert len(estimated) == len(counted)
    same = {hit.record.id for hit in counted} & {hit.record.id for hit in estimated}
    assert len(same) >= 0.8 * len(counted)


async def test_a_store_that_was_never_analysed_counts(small: PostgresStore) -> None:
    assert await contents(small, "rare3 special")
    assert statistics_of(small).memory_count is None


async def test_the_number_of_memories_follows_the_table_after_the_last_analyze(
    large: PostgresStore,
) -> None:
    await contents(large, "common")
    before = statistics_of(large).memory_count
    more = [replace(record, id=a_numbered_id(10_000 + n)) for n, record in enumerate(memories())]
    await large.insert_many(more)
    statistics_of(large).expire()
    await contents(large, "common")
    after = statistics_of(large).memory_count
    assert before is not None
    assert after is not None
    assert abs(before - MEMORIES) < 50
    assert 1.5 < after / before < 3  # whole pages, so not exactly twice


async def test_the_rarest_words_decide_among_many_that_hold_common_ones(
    large: PostgresStore,
) -> None:
    found = await contents(large, "common plain rare3")
    assert "rare3" in found[0]
    assert len(found) == 20


async def test_words_that_are_all_common_are_searched_for_in_pairs(
    large: PostgresStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "CANDIDATES_BY_WORD", 10)
    await contents(large, "common")
    async with connected(url) as connection:
        _, sent = await recorded(connection, large, SearchQuery(text="common plain group7"))
    assert ["group7 plain", "group7 common", "plain common"] in sent[-1][1]
    assert (await contents(large, "common plain group7"))[0].startswith("common plain group7")


async def test_a_common_word_alone_finds_as_many_as_asked(
    large: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "CANDIDATES_BY_WORD", 10)
    assert len(await contents(large, "common")) == 20


async def test_a_common_word_fills_up_what_an_unknown_one_leaves_empty(
    large: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "CANDIDATES_BY_WORD", 10)
    assert len(await contents(large, "zzyzx common")) == 20


async def test_the_work_is_bounded_where_statistics_are_wrong(
    large: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "CANDIDATES_MAX", 15)
    monkeypatch.setattr(search, "statement", search.statement.__wrapped__)
    assert len(await contents(large, "common")) == 15


async def test_a_phrase_is_required_and_a_word_excluded(large: PostgresStore) -> None:
    for content in await contents(large, '"plain group7" number37'):
        assert "plain group7" in content
    found = await contents(large, "group7 -plain")
    assert len(found) == 0 or all("plain" not in content for content in found)
    assert await contents(large, 'group8 -plain -"common group8"') == []
    assert len(await contents(large, "group8 -plain")) == 20


async def test_a_filter_that_keeps_few_is_searched_whole(
    large: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within the filter a word of all memories is as rare as any other, and none is left out.
    monkeypatch.setattr(words, "CANDIDATES_BY_WORD", 10)
    monkeypatch.setattr(words, "CANDIDATES_MAX", 10)
    assert len(await contents(large, "common", tags=("few",))) == 12


@pytest.mark.parametrize("exact_below", [0, 50, 6000])
async def test_a_filter_finds_as_many_on_either_side_of_its_bound(
    url: str, monkeypatch: pytest.MonkeyPatch, exact_below: int
) -> None:
    monkeypatch.setattr(frequencies, "COUNTED_BELOW", 100)
    async with opened(url, exact_below_rows=exact_below) as store:
        await store.register_model(a_signature())
        await store.insert_many(memories())
        for _ in range(2):  # before the first ANALYZE, and after
            for text in ("common plain", "rare3 plain", "zzyzx common"):
                found = await contents(store, text, tags=("tag1",))
                assert len(found) == 20
            await analyze(store)


@pytest.mark.parametrize(
    ("conditions", "exact_below", "counted"),
    [
        ({"tags": ("few",)}, None, True),
        ({"codebase": "project1"}, None, False),  # half of all
        ({"codebase": "project1"}, 250, True),
        ({"codebase": "project1"}, 150, False),
        ({"codebase": "project1", "min_retrievability": 0.5}, 150, True),  # nobody knows
    ],
)
async def test_a_filter_is_counted_unless_it_is_known_to_keep_much(
    large: PostgresStore,
    url: str,
    conditions: dict[str, Any],
    exact_below: int | None,
    *,
    counted: bool,
) -> None:
    query = SearchQuery(text="group7 plain", embedding=a_vector(1), **conditions)
    async with opened(url, exact_below_rows=exact_below) as store, connected(url) as connection:
        await store.register_model(a_signature())
        found, sent = await recorded(connection, store, query)
    assert ("kept AS" in sent[-1][0]) == counted
    kept = [hit.record for hit in found]
    assert all("few" in record.tags or record.codebase == "project1" for record in kept)
    assert len(kept) == 10
    assert await large.count() == MEMORIES


async def test_a_hybrid_search_is_one_statement(large: PostgresStore, url: str) -> None:
    query = SearchQuery(text="group7 plain", embedding=a_vector(1))
    await large.search(query)
    async with connected(url) as connection:
        found, sent = await recorded(connection, large, query)
    assert len(sent) == 1
    assert found == await large.search(query)


async def test_a_search_by_another_model_is_refused_by_its_one_statement(
    large: PostgresStore, url: str
) -> None:
    query = SearchQuery(text="zzyzx", embedding=a_vector(1))
    await large.search(query)
    async with connected(url) as connection:
        await connection.execute("UPDATE embedding_model SET hash = repeat('b', 64)")
    with pytest.raises(ModelMismatchError) as caught:
        await large.search(query)
    assert caught.value.stored.hash == "b" * 64
    assert caught.value.given == a_signature()


async def test_a_search_while_the_dimension_changes_names_both_models(
    large: PostgresStore, url: str
) -> None:
    async with connected(url) as connection:
        await connection.execute(
            "UPDATE knowledge_nodes SET embedding = NULL;"
            "ALTER TABLE knowledge_nodes ALTER COLUMN embedding TYPE vector(3) USING NULL;"
            "UPDATE embedding_model SET dimension = 3, hash = repeat('c', 64)"
        )
    with pytest.raises(ModelMismatchError) as caught:
        await large.search(SearchQuery(text="common", embedding=a_vector(1)))
    assert caught.value.stored.dimension == 3


@pytest.mark.parametrize(
    "text",
    [
        "a & !b | <-> (common:*) ",
        "common:A plain:*",
        "'; DROP TABLE knowledge_nodes; --",
        "\\ ''' \"\"\" common",
        '"common" "plain" -"',
        "🚀 数据库 café ERR_CONN_42",
        f'"{"word " * 40_000}"',
        " ".join(f"-common{n}" for n in range(5_000)) + " common",
        " ".join(f"group{n} plain{n}" for n in range(5_000)),
    ],
)
async def test_hostile_text_never_fails_in_a_large_store(large: PostgresStore, text: str) -> None:
    for query in (
        SearchQuery(text=text),
        SearchQuery(text=text, embedding=a_vector(1), tags=("few",)),
        SearchQuery(text=text, embedding=a_vector(1), codebase="project1"),
    ):
        for hit in await large.search(query):
            assert hit.record.id.int < 2**64 or hit.record.content.startswith("common")
    assert await large.count() == MEMORIES
