"""The text normaliser: extra words of texts, and queries taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.storage.text import (
    QUERY_PAIRS_MAX,
    QUERY_PHRASES_MAX,
    QUERY_WORDS_MAX,
    SEARCH_TERMS_MAX_CHARACTERS,
    SEARCHABLE_CHARACTERS,
    Phrase,
    parse_query,
    search_terms,
)

TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=200)
PATHOLOGICAL = [
    "a",
    "A",
    "aB",
    "a/",
    "-",
    "_",
    '"',
    " -a",
    "a\u0301",
    "x.",
    "[]",
    "ab:",
    "a+",
    "a#",
    '" "a',
    "東",
    "😀",
]


@pytest.mark.parametrize(
    "text",
    [
        "Plain words, with punctuation; nothing else (really)!",
        "It isn't the user's fault.",
        "One sentence. Another one?",
        "",
    ],
)
def test_plain_english_needs_no_extra_words(text: str) -> None:
    assert search_terms(text) == ""


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("ERR_CONN_42", "err conn 42 errconn42"),
        ("src/a/b.py", "src a b py srcabpy"),
        ("camelCase", "camel case"),
        ("HTTPServer", "http server"),
        ("v2.3.1", "v2 3 1 v231"),
        ("well-known", "wellknown"),
        ("me@example.org", "me example org meexampleorg"),
        ("C++", "cx2bx2bq"),
        ("C#", "cx23q"),
        ("café", "cafe"),
        ("Straße", "strasse"),
        ("\uff21\uff22\uff23", "abc"),
        ("🎉", "x1f389q"),
        ("東京", "x6771x4eacq x6771q x4eacq"),
        ("用Python写", "用 python 写 x7528q x5199q"),
    ],
)
def test_what_a_tokenizer_cannot_see_becomes_words(text: str, terms: str) -> None:
    wanted = terms.replace("用 ", "").replace(" 写", "")
    assert set(search_terms(text).split()) == set(wanted.split())


def test_tags_that_json_escapes_are_words_too() -> None:
    assert search_terms("text", ["plain", "two\nlines"]) == "two lines"


@pytest.mark.parametrize("unit", PATHOLOGICAL)
def test_the_extra_words_of_the_longest_texts_are_bounded(unit: str) -> None:
    text = unit * (SEARCHABLE_CHARACTERS // len(unit))
    assert len(search_terms(text)) <= SEARCH_TERMS_MAX_CHARACTERS
    query = parse_query(text)
    assert len(query.words) <= QUERY_WORDS_MAX
    assert len(query.pairs) <= QUERY_PAIRS_MAX
    assert max(len(query.phrases), len(query.excluded)) <= QUERY_PHRASES_MAX


@given(TEXTS)
def test_extra_words_are_plain_words_each_once(text: str) -> None:
    terms = search_terms(text).split(" ") if search_terms(text) else []
    assert len(terms) == len(set(terms))
    assert all(term.isalnum() for term in terms)


@given(TEXTS)
def test_any_text_can_be_a_query(text: str) -> None:
    query = parse_query(text)
    phrases = (*query.phrases, *query.excluded)
    words = [*query.words, *(word for phrase in phrases for word in (*phrase.words, *phrase.terms))]
    assert all(word.isalnum() for word in words)


@given(st.lists(st.sampled_from(["fox", "ERR_42", "café", "東京", "🎉", "C++"]), min_size=1))
def test_a_text_asked_for_as_it_stands_asks_for_words_it_has(words: list[str]) -> None:
    text = " ".join(words)
    indexed = {*search_terms(text).split(), *text.lower().replace("_", " ").split()}
    asked = parse_query(text).words
    assert asked
    assert set(asked) <= indexed | {"c"}


@pytest.mark.parametrize(
    ("text", "words", "phrases", "excluded"),
    [
        ("What is the billing database?", ["billing", "database"], [], []),
        ('the "quick brown" fox', ["fox"], [["quick", "brown"]], []),
        ("fox -dog", ["fox"], [], [["dog"]]),
        ('fox -"lazy dog"', ["fox"], [], [["lazy", "dog"]]),
        ("well-known fox", ["well", "known", "fox", "wellknown"], [], []),
        ('an open "quote', ["open", "quote"], [], []),
        ("to be or not to be", [], [], []),
        ('"" -"" - --', [], [], []),
        ("fox fox FOX", ["fox"], [], []),
    ],
)
def test_a_query_is_taken_apart(
    text: str, words: list[str], phrases: list[list[str]], excluded: list[list[str]]
) -> None:
    query = parse_query(text)
    assert list(query.words) == words
    assert [list(phrase.words) for phrase in query.phrases] == phrases
    assert [list(phrase.words) for phrase in query.excluded] == excluded


def test_a_phrase_in_an_unspaced_script_is_its_pairs() -> None:
    query = parse_query('"東京都"')
    assert query.phrases == (Phrase(words=(), terms=("x6771x4eacq", "x4eacx90fdq")),)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Who runs the billing database team?", ["billing database", "database team"]),
        ("the state of the art", []),
        ("Paris, France", ["paris france"]),
        ("fox fox", []),
        ('red "quick brown" -dog car', ["red car"]),
        ("see search.py", ["see search", "search py"]),
    ],
)
def test_words_side_by_side_are_pairs(text: str, pairs: list[str]) -> None:
    assert [" ".join(pair) for pair in parse_query(text).pairs] == pairs
