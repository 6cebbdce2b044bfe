"""How the full-text leg weighs words: rarity within a filter, pairs, and what is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from closeness import assert_close
from factories import a_memory
from vestige.models import SearchQuery
from vestige.storage.sqlite import words
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.models import MemoryRecord

QUESTION = "common frequent unusual"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqliteStore]:
    store = await SqliteStore.open(tmp_path / "vestige.db")
    yield store
    await store.close()


async def found(store: SqliteStore, text: str, codebase: str | None = None) -> list[str]:
    query = SearchQuery(text=text, codebase=codebase, limit=1000)
    return [result.record.content for result in await store.search(query)]


def a_library() -> list[MemoryRecord]:
    """Return 300 memories: `common` is in all, `frequent` in every third, `unusual` in five."""
    return [
        a_memory(
            f"common n{number}"
            + (" frequent" if number % 3 == 0 else "")
            + (" unusual" if number % 60 == 0 else "")
        )
        for number in range(300)
    ]


async def test_words_that_stand_together_in_the_question_are_better_together(
    store: SqliteStore,
) -> None:
    apart = [f"basil {n} amber" for n in range(10)]
    await store.insert_many([a_memory(text) for text in [*apart, "10 amber basil"]])
    assert (await found(store, "Where is the amber basil?"))[0] == "10 amber basil"
    assert len(await found(store, "Where is the amber basil?")) == 11


async def test_with_a_filter_a_word_is_as_rare_as_it_is_among_what_is_kept(
    store: SqliteStore,
) -> None:
    inside = [*(f"harbor n{n}" for n in range(10)), "kayak"]
    outside = [f"kayak n{n}" for n in range(50)]
    await store.insert_many([a_memory(text, codebase="inside") for text in inside])
    await store.insert_many([a_memory(text, codebase="outside") for text in outside])
    assert (await found(store, "harbor kayak"))[0].startswith("harbor")
    assert (await found(store, "harbor kayak", "inside"))[0] == "kayak"


@pytest.mark.parametrize("text", ["unusual", QUESTION, '"frequent unusual" common'])
async def test_a_filter_that_keeps_everything_changes_no_score(
    store: SqliteStore, text: str
) -> None:
    await store.insert_many(a_library())
    plain = await store.search(SearchQuery(text=text, limit=1000))
    kept = await store.search(SearchQuery(text=text, node_types=("general",), limit=1000))
    assert [hit.record.id for hit in kept] == [hit.record.id for hit in plain]
    assert_close([hit.score for hit in kept], [hit.score for hit in plain], tolerance=1e-6)


async def test_a_word_that_every_memory_holds_still_orders_by_how_much_it_says(
    store: SqliteStore,
) -> None:
    texts = ["amber", "amber and eleven other words " * 3, "amber once more here"]
    await store.insert_many([a_memory(text) for text in texts])
    scores = [hit.score for hit in await store.search(SearchQuery(text="amber"))]
    assert len(scores) == 3
    assert min(scores) > 0.01


async def test_the_most_common_words_are_left_out_of_a_large_store(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.insert_many(a_library())
    every_word = await found(store, QUESTION)
    monkeypatch.setattr(words, "WORD_HITS_MIN", 120)
    rarest = await found(store, QUESTION)
    assert len(every_word) == 300
    assert rarest == every_word[:100]
    assert all("unusual" in text for text in rarest[:5])


async def test_two_words_are_searched_for_however_common_they_are(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.insert_many(a_library())
    monkeypatch.setattr(words, "WORD_HITS_MIN", 1)
    monkeypatch.setattr(words, "WORD_HITS_SHARE", 0.0)
    contents = await found(store, "common frequent")
    assert len(contents) == 300
    assert all("frequent" in text for text in contents[:100])
    assert len(await found(store, "common")) == 300


async def test_memories_that_hold_the_rarest_words_are_scored_when_not_all_are(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.insert_many(a_library())
    every = await store.search(SearchQuery(text=QUESTION, limit=10))
    monkeypatch.setattr(words, "SCORED_MIN", 40)
    monkeypatch.setattr(words, "SCORED_FACTOR", 1)
    some = await store.search(SearchQuery(text=QUESTION, limit=10))
    assert [hit.record.id for hit in some] == [hit.record.id for hit in every]
    assert [hit.score for hit in some] == [hit.score for hit in every]
    assert len(await found(store, "common")) == 300, "those that tie are not cut apart"


async def test_a_filter_holds_for_what_is_scored(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "SCORED_MIN", 40)
    await store.insert_many([a_memory(f"tide n{n}", codebase="sea") for n in range(5)])
    await store.insert_many([a_memory(f"tide tide n{n}", codebase="moon") for n in range(95)])
    assert sorted(await found(store, "tide", "sea")) == [f"tide n{n}" for n in range(5)]
    assert await found(store, '"tide n3"', "sea") == ["tide n3"]
    assert len(await found(store, "tide -n3", "sea")) == 4
