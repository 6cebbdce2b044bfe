"""What two texts are said to differ in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vestige.cognition.differences import READ_CHARACTERS_MAX, protected_differences
from vestige.cognition.english import stem
from vestige.cognition.facts import Difference, DifferenceKind
from vestige.cognition.ingest_gate import normalised_text

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = """
The the port Redis is not isn't never 5 5432 1.2.3 v2 March 2024-03-05 at 2 pm Ada Lovelace user_id
src/a.py enabled disabled only 30 seconds ms . , : - 中文 5% $7 don't
"""
words = st.sampled_from([*WORDS.split(), "\n", "\t", "\r\n", ""])
sentences = st.lists(words, max_size=14).map(" ".join)
texts = st.one_of(st.text(), sentences)

HOSTILE: dict[str, Callable[[int], str]] = {
    "one letter": lambda size: "a" * size,
    "dots": lambda size: "a." * (size // 2),
    "slashes": lambda size: "a/" * (size // 2),
    "digits": lambda size: "1" * size,
    "commas": lambda size: "1," * (size // 2),
    "hyphens": lambda size: "a1-" * (size // 3),
    "colons": lambda size: "a:" * (size // 2),
    "underscores": lambda size: "_" * size,
    "names": lambda size: "Ada " * (size // 4),
    "negations": lambda size: "not " * (size // 4),
    "negated words": lambda size: "".join(f"not w{number} " for number in range(size // 12)),
    "blanks": lambda size: "A" + " " * size + "b",
    "line ends": lambda size: "\n" * size,
    "chinese": lambda size: "\u4e2d" * size,
    "combining": lambda size: "e" + "\u0301" * size,
    "lone surrogates": lambda size: "\ud800 " * (size // 2),
    "NUL": lambda size: "\x00 1" * (size // 3),
    "schemes": lambda size: "http://" * (size // 7),
}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Use 1.2.3", "Use 1.2.4", [("version", "1.2.3", "1.2.4")]),
        ("Use v1.2.3", "Use 1.2.3", []),
        ("three retries", "3 retries", []),
        ("1,000 rows", "1000 rows", []),
        ("30 seconds", "30s", []),
        ("30 seconds", "30 minutes", [("number", "30 seconds", "30 minutes")]),
        ("5 March 2024 at 2 pm", "2024-03-05 at 14:00", []),
        ("March 5", "5 March 2024", [("date", "", "5 March 2024")]),
        ("due in May", "due in June", [("date", "May", "June")]),
        ("May is a month", "may is a verb", []),
        ("the sun and the moon", "the sea and the moon", []),
        ("Ask Ann", "Ask Anna", [("name", "Ann", "Anna")]),
        ("Use uv", "Install uv", []),
        ("Use tabs", "Prefer tabs", []),
        ("Backups are kept", "Snapshots are kept", []),
        ("Alice owns it", "Bob owns it", [("name", "Alice", "Bob")]),
        ("Owner: Alice", "Owner: Bob", [("name", "Alice", "Bob")]),
        ("Alice's desk", "Bob's desk", [("name", "Alice", "Bob")]),
        ("Ada Lovelace came", "Grace Hopper came", [("name", "Ada Lovelace", "Grace Hopper")]),
        ("Redis on Linux", "redis on Windows", [("name", "Linux", "Windows")]),
        ("Deploy it", "Do not deploy it", [("negation", "Deploy", "not deploy")]),
        ("Deploy it", "Don\u2019t deploy it", [("negation", "Deploy", "Don\u2019t deploy")]),
        ("Deploy it.", "Deploy it. Never skip tests.", [("negation", "", "Never skip")]),
        ("It isn't allowed to use eval", "You must not use eval", []),
        ("Not only tests run", "Tests run", []),
        ("None", "No", []),
        ("it is enabled", "it is disabled", [("antonym", "enabled", "disabled")]),
        ("it is enabled or disabled", "it is disabled", []),
        ("port=5432", "port=5433", [("number", "5432", "5433")]),
        ("5\u201310 items", "5\u201312 items", [("number", "10", "12")]),
        ("-18 degrees", "18 degrees", [("number", "-18", "18")]),
        ("端口是5432", "端口是5433", [("number", "5432", "5433")]),
        ("see src/a.py", "see src/b.py", [("identifier", "src/a.py", "src/b.py")]),
        ("userId", "user_id", [("identifier", "userId", "user_id")]),
        ("and/or", "or", []),
        ("", "", []),
    ],
)
def test_what_two_texts_differ_in(a: str, b: str, expected: list[tuple[str, str, str]]) -> None:
    assert [tuple(difference) for difference in protected_differences(a, b)] == expected


def test_values_that_change_places_in_one_pattern_are_two_differences() -> None:
    found = protected_differences(
        "primary 10.0.0.1, replica 10.0.0.2", "primary 10.0.0.2, replica 10.0.0.1"
    )
    assert found == (
        Difference(DifferenceKind.IDENTIFIER, "10.0.0.1", "10.0.0.2"),
        Difference(DifferenceKind.IDENTIFIER, "10.0.0.2", "10.0.0.1"),
    )


def test_a_denial_that_changes_places_is_a_difference() -> None:
    found = protected_differences("Use tabs, not spaces", "Use spaces, not tabs")
    assert found == (
        Difference(DifferenceKind.NEGATION, "not spaces", "spaces"),
        Difference(DifferenceKind.NEGATION, "tabs", "not tabs"),
    )


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_a_long_text_is_read_where_it_differs(place: str) -> None:
    filler = "nothing to see in this line of the text\n" * 5_000
    before = "" if place == "start" else filler
    after = "" if place == "end" else filler
    a, b = (f"{before}The port is {port}.\n{after}" for port in (5432, 5433))
    assert len(a) > READ_CHARACTERS_MAX
    assert protected_differences(a, b) == (Difference(DifferenceKind.NUMBER, "5432", "5433"),)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_of_a_megabyte_costs_little(name: str) -> None:
    text = HOSTILE[name](1_000_000)
    start = time.process_time()
    protected_differences(text, text[1:] + "x 7")
    protected_differences(text, "Ada has 7 words")
    assert time.process_time() - start < 5  # quadratic work would take minutes


@given(a=texts, b=texts)
@example(a="Ada", b="ada Lovelace Ada")
@example(a="not not", b="not")
def test_the_sides_change_when_the_texts_do(a: str, b: str) -> None:
    forth = protected_differences(a, b)
    back = [Difference(kind, b, a) for kind, a, b in protected_differences(b, a)]
    assert sorted(forth) == sorted(back)


@given(text=texts)
@example(text="New  York is big")
@example(text="Ada \n\u0301Bob is here")
def test_a_text_does_not_differ_from_how_else_it_may_be_typed(text: str) -> None:
    assert protected_differences(text, text) == ()
    assert protected_differences(text, normalised_text(text)) == ()


@given(a=texts, b=texts)
def test_a_difference_has_two_sides_that_are_not_the_same(a: str, b: str) -> None:
    for difference in protected_differences(a, b):
        assert difference.a != difference.b
        assert difference.is_replacement == (difference.a != "" and difference.b != "")


@given(number=st.integers(0, 10**9), other=st.integers(0, 10**9))
def test_another_number_is_always_a_difference(number: int, other: int) -> None:
    found = protected_differences(f"It counts {number} of them", f"It counts {other} of them")
    assert bool(found) == (number != other)


@given(word=st.text())
def test_the_stem_of_a_word_is_part_of_the_word(word: str) -> None:
    assert word.lower().startswith(stem(word))
