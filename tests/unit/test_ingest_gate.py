"""Which differences between two texts are only typing, and which are content."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vestige.cognition.differences import protected_differences
from vestige.cognition.ingest_gate import (
    NEAR_SIMILARITY,
    GateAction,
    compare,
    normalised_text,
    same_memory,
)

unhurried = settings(deadline=None)  # a busy machine is no failure
# Mostly the characters that the rules are about: plain random text hardly ever holds two of them.
texts = st.text(
    st.one_of(
        st.sampled_from(" \t\n\r\v\f\x1c\x85\u00a0\u2000\u2028\u3000"),
        st.sampled_from("aAx.²\u0301\u0338\u212b\u00c5=ﬁ"),
        st.characters(),
    )
)


@pytest.mark.parametrize(
    ("content", "normalised"),
    [
        pytest.param("cafe\u0301", "café", id="canonically equal characters"),
        pytest.param("a\r\nb\rc\nd", "a\nb\nc\nd", id="line ends"),
        pytest.param("\n\t a fact \n\n", "a fact", id="outer white space"),
        pytest.param("a  \t\nb\u00a0\nc", "a\nb\nc", id="white space at the ends of lines"),
        pytest.param("use   uv \t for  it", "use uv for it", id="runs of blanks inside a line"),
        pytest.param("a\tb", "a b", id="a single tab is a blank"),
        pytest.param("a\n\n\n\nb\n\nc", "a\n\nb\n\nc", id="runs of blank lines"),
        pytest.param("a\n  \n \t \nb", "a\n\nb", id="blank lines that hold blanks"),
        pytest.param("a\r\n\r\n\r\nb", "a\n\nb", id="runs of blank lines from Windows"),
        pytest.param("def f():\n    return  1", "def f():\n    return 1", id="indentation stays"),
        pytest.param("all:\n\t\tmake", "all:\n\t\tmake", id="indentation by tabs stays"),
        pytest.param("", "", id="nothing"),
        pytest.param(" \r\n\t ", "", id="nothing but white space"),
    ],
)
def test_what_is_only_typing_is_made_equal(content: str, normalised: str) -> None:
    assert normalised_text(content) == normalised
    assert same_memory(content, normalised)


@pytest.mark.parametrize(
    ("a_content", "b_content"),
    [
        pytest.param("userId", "userid", id="case"),
        pytest.param("The port is 5432", "The port is 5433", id="a number"),
        pytest.param("Deploy on Fridays", "Do not deploy on Fridays", id="a negation"),
        pytest.param("Ask Ann", "Ask Anna", id="a name"),
        pytest.param("Is it done?", "Is it done.", id="punctuation"),
        pytest.param("v1.2", "v12", id="a dot"),
        pytest.param("-O2", "O2", id="a sign"),
        pytest.param("x²", "x2", id="a superscript"),
        pytest.param("ﬁle", "file", id="a ligature"),
        pytest.param("\uff11", "1", id="a full-width digit"),
        pytest.param("½", "1/2", id="a fraction"),
        pytest.param("cafe", "café", id="an accent"),
        pytest.param("straße", "strasse", id="a letter that case folding would expand"),
        pytest.param("if a:\n    b\nc", "if a:\n    b\n    c", id="indentation"),
        pytest.param("a\n  b", "a\n\tb", id="the kind of indentation"),
        pytest.param("a\nb", "a b", id="a line end"),
        pytest.param("a\n\nb", "a\nb", id="a blank line"),
        pytest.param("therapist", "the rapist", id="a blank"),
        pytest.param("a\u00a0b", "a b", id="a blank that does not break"),
        pytest.param("a\u200bb", "ab", id="a blank without width"),
        pytest.param("👍", "👍🏽", id="an emoji"),
    ],
)
def test_what_may_carry_meaning_keeps_two_memories_apart(a_content: str, b_content: str) -> None:
    assert not same_memory(a_content, b_content)


def test_a_text_is_the_same_memory_as_itself() -> None:
    assert same_memory("Use uv.", "Use uv.")


@unhurried
@given(content=texts)
@example(content="a \n\u0301b")
@example(content="\u2000a\u2000")
def test_a_normalised_text_stays_as_it_is(content: str) -> None:
    once = normalised_text(content)
    assert normalised_text(once) == once


@unhurried
@given(content=texts)
def test_only_white_space_is_taken_away(content: str) -> None:
    kept = "".join(normalised_text(content).split())
    assert kept == "".join(unicodedata.normalize("NFC", content).split())


@unhurried
@given(content=texts)
def test_no_line_ends_in_white_space_and_no_two_blank_lines_follow_each_other(content: str) -> None:
    text = normalised_text(content)
    assert "\r" not in text
    assert "\n\n\n" not in text
    assert text == text.strip()
    assert all(line == line.rstrip() for line in text.split("\n"))


@unhurried
@given(a_content=texts, b_content=texts)
def test_being_the_same_memory_is_mutual(a_content: str, b_content: str) -> None:
    assert same_memory(a_content, b_content) == same_memory(b_content, a_content)
    assert same_memory(a_content, normalised_text(a_content))


# Comparing

similarities = st.one_of(st.none(), st.floats(allow_nan=True))


@pytest.mark.parametrize(
    ("new", "similarity", "action", "reason"),
    [
        ("The port is 5432. ", 0.1, "duplicate", "the same text is remembered already"),
        ("The port is 5433.", 0.9, "conflict", "differs in a number: 5433 and 5432"),
        ("The port is 5433.", NEAR_SIMILARITY, "conflict", "(similarity 0.65)"),
        ("The port is 5433.", 0.5, "new", "about something else (similarity 0.50)"),
        ("The port is 5433.", None, "new", "not compared by meaning: no vector"),
        ("The port is 5433.", math.nan, "new", "about something else"),
        ("Our port is 5432.", 0.9, "near", "says nearly the same in other words"),
        ("Ada's port is 5432.", 0.9, "near", "only the new text has a name: Ada"),
        ("The port", 0.9, "near", "only the known text has a number: 5432"),
        ("1.2.3 user_id in Rome", 0.9, "near", "only the new text has a version: 1.2.3"),
        (f"The port is {'9' * 99}.", 0.9, "conflict", f"a number: {'9' * 59}… and 5432"),
    ],
)
def test_what_becomes_of_a_text_beside_a_known_one(
    new: str, similarity: float | None, action: str, reason: str
) -> None:
    result = compare(new, "The port is 5432.", similarity)
    assert result.action == action
    assert reason in result.reason


def test_a_reason_names_three_differences_and_counts_the_rest() -> None:
    new, known = (
        " ".join(f"{number}: {number + more}" for number in range(5)) for more in (20, 30)
    )
    assert compare(new, known, 0.9).reason == (
        "differs in a number: 20 and 30; a number: 21 and 31; a number: 22 and 32; and 2 more"
        " (similarity 0.90)"
    )


def test_another_model_may_have_another_threshold() -> None:
    assert compare("a b", "b a", 0.5, near_similarity=0.4).action is GateAction.NEAR


@given(new=texts, known=texts, similarity=similarities)
def test_a_text_is_a_duplicate_when_it_is_the_same_memory_and_never_else(
    new: str, known: str, similarity: float | None
) -> None:
    result = compare(new, known, similarity)
    assert (result.action is GateAction.DUPLICATE) == same_memory(new, known)
    assert result.reason
    assert result.reason.isprintable() or not (new + known).isprintable()


@given(new=texts, known=texts, similarity=st.floats(NEAR_SIMILARITY, 1))
def test_a_near_text_conflicts_when_a_value_stands_against_another(
    new: str, known: str, similarity: float
) -> None:
    result = compare(new, known, similarity)
    if result.action is not GateAction.DUPLICATE:
        assert result.differences == protected_differences(new, known)
        has_conflict = any(difference.is_replacement for difference in result.differences)
        expected = GateAction.CONFLICT if has_conflict else GateAction.NEAR
        assert result.action is expected
