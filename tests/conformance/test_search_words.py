"""The full-text leg: questions, phrases, exclusions, and text that means harm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import a_memory, a_numbered_id, a_vector
from vestige.errors import InvalidInputError
from vestige.models import SearchQuery

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore

SEARCHABLE_CHARACTERS = 200_000
HOSTILE = {
    "nothing": "",
    "spaces": " \t\n\r ",
    "one quote": '"',
    "three quotes": '"""',
    "an open phrase": 'before "open phrase',
    "an empty phrase": '""',
    "an excluded empty phrase": '-""',
    "single quotes": "it''s 'quoted'",
    "operators": "AND OR NOT NEAR",
    "an operator at the end": "amber AND",
    "near": "NEAR(amber basil, 5)",
    "a prefix": "amb* *",
    "an anchor": "^amber",
    "a column": "content: amber {content tags} : basil",
    "brackets": "((amber) [basil] {cedar}",
    "a plus": "amber + basil",
    "minuses": "- -- --- -- amber",
    "sql": "'; DROP TABLE knowledge_nodes; --",
    "a comment": "/* amber */ -- basil",
    "tsquery": "amber & !basil | <-> (cedar:*)",
    "parameters": "$1 ?1 :name @name %s {0}",
    "backslashes": "\\ \\\\ \\' \\x00 %00",
    "only stop words": "the and of to is it",
    "emoji": "🚀 👩‍💻 🇩🇪 ❤️",
    "right to left": "\u202eamber\u202c مرحبا שלום",
    "zero width": "am\u200bber\u200d \ufeff \u2060",
    "combining": "a" + "\u0301" * 500,
    "controls": "\x01\x02\x1b[31m\x7f\x85",
    "private use": "\ue000\U0010ffff\ufffe",
    "letters in other shapes": "𝔞𝔪𝔟𝔢𝔯 \uff21\uff2d\uff22\uff25\uff32 \ufb01",
    "a long word": "a" * 100_000,
    "many words": " ".join(f"word{number}" for number in range(12_000)),
    "one word many times": "amber " * 17_000,
    "many quotes": '"' * 100_000,
    "many phrases": '"amber basil" ' * 7_000,
    "many exclusions": " ".join(f"-word{number}" for number in range(11_000)),
    "many brackets": "(" * 50_000 + ")" * 50_000,
    "many operators": "AND " * 25_000,
    "many stars": "* " * 50_000,
    "a long text without spaces": "数据库" * 11_000,
    "many emoji": "🚀" * 25_000,
    "many identifiers": "a_b.c/d-eF " * 9_000,
}


async def found(store: MemoryStore, text: str) -> list[str]:
    """Return the contents that a text finds, best first."""
    return [hit.record.content for hit in await store.fts_search(text, limit=1000)]


async def remember(store: MemoryStore, *contents: str) -> None:
    await store.insert_many([a_memory(content) for content in contents])


async def test_a_natural_question_finds_by_any_of_its_words(store: MemoryStore) -> None:
    await remember(store, "Backups go to the second disk", "Lunch is at noon")
    question = "Where did we decide that the nightly backups should be stored?"
    assert await found(store, question) == ["Backups go to the second disk"]


async def test_more_of_the_words_are_better(store: MemoryStore) -> None:
    await remember(store, "amber door", "amber basil", "basil door", "cedar door")
    contents = await found(store, "amber basil")
    assert contents[0] == "amber basil"
    assert set(contents) == {"amber door", "amber basil", "basil door"}


async def test_rarer_words_weigh_more(store: MemoryStore) -> None:
    common = [f"common number{n}" for n in range(30)]
    await remember(store, *common, "rare number99")
    contents = await found(store, "common rare")
    assert contents[0] == "rare number99"
    assert len(contents) == 31


async def test_letters_are_compared_without_case(store: MemoryStore) -> None:
    await remember(store, "The AMBER door")
    assert await found(store, "aMbEr") == ["The AMBER door"]


async def test_a_hit_of_the_full_text_leg_has_only_that_legs_rank_and_score(
    store: MemoryStore,
) -> None:
    await store.insert_many(
        [a_memory(f"amber {'word ' * n}", embedding=a_vector(n)) for n in range(4)]
    )
    hits = await store.fts_search("amber")
    assert [hit.fts_rank for hit in hits] == [1, 2, 3, 4]
    scores = [hit.fts_score for hit in hits if hit.fts_score is not None]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.vector_rank is None and hit.vector_score is None for hit in hits)


async def test_equal_scores_are_ordered_by_id(store: MemoryStore) -> None:
    ids = [a_numbered_id(number) for number in (4, 2, 5, 1, 3)]
    await store.insert_many([a_memory("amber door", id=memory_id) for memory_id in ids])
    for limit in (0, 3):
        hits = await store.fts_search("amber", limit)
        assert [hit.record.id for hit in hits] == sorted(ids)[: limit or 10]


async def test_a_full_text_search_gives_ten_by_default_and_as_many_as_asked(
    store: MemoryStore,
) -> None:
    await remember(store, *(f"amber {n}" for n in range(15)))
    everything = await store.fts_search("amber", 1000)
    assert len(everything) == 15
    assert await store.fts_search("amber") == everything[:10]
    assert await store.fts_search("amber", 3) == everything[:3]


async def test_a_quoted_phrase_is_exact(store: MemoryStore) -> None:
    await remember(store, "a red car outside", "the car is red", "a red fast car", "nothing")
    assert await found(store, '"red car"') == ["a red car outside"]


async def test_a_quoted_word_must_occur(store: MemoryStore) -> None:
    await remember(store, "red car", "blue car")
    assert await found(store, '"red" car') == ["red car"]


async def test_an_excluded_word_drops_what_holds_it(store: MemoryStore) -> None:
    await remember(store, "red car", "blue car", "red blue car")
    assert set(await found(store, "car -red")) == {"blue car"}


async def test_an_excluded_word_is_exact(store: MemoryStore) -> None:
    await remember(store, "a carpet and a door", "a car and a door")
    assert await found(store, "door -car") == ["a carpet and a door"]


async def test_an_excluded_phrase_drops_only_what_holds_it_in_order(store: MemoryStore) -> None:
    await remember(store, "my red car", "my car is red")
    assert await found(store, 'car -"red car"') == ["my car is red"]


async def test_a_hyphen_inside_a_word_excludes_nothing(store: MemoryStore) -> None:
    await remember(store, "a well-known place", "a place apart")
    contents = await found(store, "well-known place")
    assert contents[0] == "a well-known place"
    assert set(contents) == {"a well-known place", "a place apart"}


@pytest.mark.parametrize("text", ["-red", "-red -blue", '-"red car"', " -red "])
async def test_exclusions_alone_find_nothing(store: MemoryStore, text: str) -> None:
    await remember(store, "red car", "blue car", "green car")
    assert await found(store, text) == []


@pytest.mark.parametrize("text", ["", "  ", "?!", "...", "- + *", '""', "()", "\u200b"])
async def test_text_without_anything_searchable_finds_nothing(
    store: MemoryStore, text: str
) -> None:
    await remember(store, "red car")
    assert await found(store, text) == []
    assert await store.search(SearchQuery(text=text)) == []


async def test_a_memory_is_found_by_its_tags_and_its_type(store: MemoryStore) -> None:
    record = a_memory("red car", tags=("garage", "two words"), node_type="decision")
    await store.insert_many([record, a_memory("another")])
    for text in ("garage", "words", "decision"):
        assert await found(store, text) == ["red car"]


async def test_words_of_the_text_weigh_more_than_tags(store: MemoryStore) -> None:
    await store.insert_many(
        [
            a_memory("door one", id=a_numbered_id(1), tags=("amber",)),
            a_memory("amber one", id=a_numbered_id(2), tags=("door",)),
        ]
    )
    assert await found(store, "amber") == ["amber one", "door one"]


async def test_an_updated_memory_is_found_by_its_new_words_only(store: MemoryStore) -> None:
    record = a_memory("amber", tags=("old",))
    await store.insert(record)
    await store.update(replace(record, content="basil", tags=("new",)))
    for text in ("amber", "old"):
        assert await found(store, text) == []
    for text in ("basil", "new"):
        assert await found(store, text) == ["basil"]


async def test_words_are_searched_in_the_first_200_000_characters(store: MemoryStore) -> None:
    filler = "x " * (SEARCHABLE_CHARACTERS // 2 - 10)
    await store.insert(a_memory(f"{filler} inside {'y ' * 20} outside"))
    assert len(await store.fts_search("inside")) == 1
    assert await store.fts_search("outside") == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_never_fails(store: MemoryStore, text: str) -> None:
    await store.insert_many(
        [a_memory(f"amber basil {n}", embedding=a_vector(n)) for n in range(12)]
    )
    known = {record.id for record in await store.list_memories(limit=1000)}
    hits = [
        *await store.fts_search(text, 1000),
        *await store.search(SearchQuery(text=text)),
        *await store.search(SearchQuery(text=text, embedding=a_vector(1), tags=("x",))),
    ]
    assert {hit.record.id for hit in hits} <= known
    by_both = await store.search(SearchQuery(text=text, embedding=a_vector(1)))
    assert len(by_both) == 10
    assert await store.count() == 12


@pytest.mark.parametrize("text", ["a\0b", "\0", "amber \ud800", "\udfff"])
async def test_text_that_is_not_text_is_refused(store: MemoryStore, text: str) -> None:
    await remember(store, "amber")
    for query in (
        lambda: store.fts_search(text),
        lambda: store.search(SearchQuery(text=text)),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await query()
        assert caught.value.field == "text"


@pytest.mark.parametrize("name", [name for name, text in HOSTILE.items() if 0 < len(text) < 1000])
async def test_hostile_text_can_be_remembered_and_read(store: MemoryStore, name: str) -> None:
    text = HOSTILE[name]
    record = a_memory(text, tags=(text[:128],), codebase=text[:256], metadata={text: [text]})
    await store.insert(record)
    assert await store.get(record.id) == record
    await store.fts_search(text)
    await store.update(replace(record, content=f"{text} {text}"))
    await store.delete(record.id)
    assert await store.count() == 0
