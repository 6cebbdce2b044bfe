"""Which contradictions are found and which are not, on pairs written by hand.

The numbers of docs/explanation/contradictions.md are made of the same pairs, with the similarities
of the built-in model.
"""

from __future__ import annotations

import time
import tomllib
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages import ROOT, read
from vestige.cognition.contradictions import LEAST_CONFIDENCE, contradiction
from vestige.cognition.differences import protected_differences
from vestige.embedding.minilm import MiniLMEmbedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vestige.cognition.contradictions import Contradiction

PAGE: Final = ROOT / "docs" / "explanation" / "contradictions.md"
DATA: Final = Path(__file__).with_name("contradiction_pairs.toml")

WORDS: Final = """
The the port host is isn't not never 5432 5433 Ada Bob v1.2 v1.3 on off in for likes owns and 2024
has a an met Monday Friday leads . runs
"""
texts = st.one_of(st.text(), st.lists(st.sampled_from(WORDS.split()), max_size=10).map(" ".join))


class Pair(NamedTuple):
    """Two texts of a half, and whether they contradict each other."""

    half: str
    is_contradiction: bool
    a: str
    b: str


class Score(NamedTuple):
    """How many were found, reported in error and missed."""

    found: int
    wrong: int
    missed: int

    def row(self, name: str) -> str:
        found, wrong, missed = self
        precision, recall = found / (found + wrong), found / (found + missed)
        return f"| {name} | {found} | {wrong} | {missed} | {precision:.2f} | {recall:.2f} |"


def pairs() -> list[Pair]:
    return [
        Pair(half, group == "contradict", a, b)
        for half, groups in tomllib.loads(read(DATA)).items()
        for group, listed in groups.items()
        for a, b in listed
    ]


PAIRS: Final = pairs()
TEXTS: Final = sorted({text for pair in PAIRS for text in (pair.a, pair.b)})


@pytest.fixture(scope="module")
def vectors() -> dict[str, NDArray[np.float32]]:
    return dict(zip(TEXTS, MiniLMEmbedder().embed_documents(TEXTS), strict=True))


def judged(pair: Pair, vectors: dict[str, NDArray[np.float32]]) -> Contradiction | None:
    return contradiction(pair.a, pair.b, float(vectors[pair.a] @ vectors[pair.b]))


def score(half: str, vectors: dict[str, NDArray[np.float32]]) -> Score:
    judgements = [
        (pair.is_contradiction, judged(pair, vectors) is not None)
        for pair in PAIRS
        if pair.half == half
    ]
    return Score(
        found=judgements.count((True, True)),
        wrong=judgements.count((False, True)),
        missed=judgements.count((True, False)),
    )


def wrong_and_missed(vectors: dict[str, NDArray[np.float32]]) -> str:
    """Return a table of the pairs that the rules judge otherwise than a person."""
    rows = ["| texts | the rules say | a person says |", "|---|---|---|"]
    for pair in PAIRS:
        found = judged(pair, vectors)
        if (found is not None) != pair.is_contradiction:
            rule = f"a contradiction: {found.a} and {found.b}" if found else "none"
            person = "a contradiction" if pair.is_contradiction else "none"
            rows.append(f"| `{pair.a}` `{pair.b}` | {rule} | {person} |")
    return "\n".join(rows)


def test_there_are_enough_pairs_and_half_of_them_are_no_contradictions() -> None:
    assert len(set(PAIRS)) == len(PAIRS) >= 120
    for half in ("tuned", "held_out"):
        kinds = [pair.is_contradiction for pair in PAIRS if pair.half == half]
        assert kinds.count(True) == kinds.count(False) >= 30


def test_the_page_says_what_is_found_and_what_is_missed(
    vectors: dict[str, NDArray[np.float32]],
) -> None:
    page = read(PAGE)
    for name, half in (("tuned", "tuned"), ("held out", "held_out")):
        row = score(half, vectors).row(name)
        assert row in page, row
    table = wrong_and_missed(vectors)
    assert table in page, table


def test_the_page_says_how_many_of_all_other_pairs_are_reported(
    vectors: dict[str, NDArray[np.float32]],
) -> None:
    listed = {frozenset((pair.a, pair.b)) for pair in PAIRS}
    similarities = np.stack(list(vectors.values())) @ np.stack(list(vectors.values())).T
    others = [
        (one, other)
        for one, other in combinations(range(len(TEXTS)), 2)
        if frozenset((TEXTS[one], TEXTS[other])) not in listed
    ]
    reported = sum(
        contradiction(TEXTS[one], TEXTS[other], float(similarities[one, other])) is not None
        for one, other in others
    )
    line = f"Of the {len(others):,} other pairs of the same texts, {reported} are reported."
    assert line in read(PAGE), line


def test_a_report_names_the_subject_and_both_values() -> None:
    found = contradiction("The API listens on port 8080.", "The API listens on port 9090.", 0.9)
    assert found is not None
    assert (found.kind, found.a, found.b) == ("number", "8080", "9090")
    assert found.subject == ("API", "listens", "port")
    assert found.confidence == 0.9


@pytest.mark.parametrize(
    ("b", "why"),
    [
        ("The port is 5433 for tests.", "a condition"),
        ("The staging port is 5433.", "a closer subject"),
        ("The port is 5432.", "the same text"),
        ("The port is open.", "no value"),
        ("It is 5433.", "no subject"),
        ("The port is not 5433.", "a denial of another value"),
        ("Ada's port is 5433 since 2024.", "two kinds of values"),
    ],
)
def test_what_may_be_true_as_well_is_no_contradiction(b: str, why: str) -> None:
    assert contradiction("The port is 5432.", b, 1.0) is None, why


NOTE: Final = (
    "We use FastAPI for the gateway because it is async. The gateway runs on port 8000."
    " Alice reviews all changes. Do not enable debug mode in production."
)


@pytest.mark.parametrize(
    ("old", "new", "values"),
    [
        ("8000", "8080", ("8000", "8080")),
        ("FastAPI", "Django", ("FastAPI", "Django")),
        ("async", "sync", ("async", "sync")),
        ("Do not enable", "Enable", ("not enable", "Enable")),
        ("8000.", "8080. It does not speak HTTP/2.", ("8000", "8080")),
        ("We use", "Project Atlas uses", None),
        ("Alice reviews all changes. ", "", None),
    ],
)
def test_one_sentence_of_a_longer_text_is_enough(
    old: str, new: str, values: tuple[str, str] | None
) -> None:
    found = contradiction(NOTE, NOTE.replace(old, new), 0.9)
    assert (found and (found.a, found.b)) == values


def test_words_that_are_added_make_it_less_certain() -> None:
    plain, longer = (
        contradiction("The port is 5432.", b, 1.0)
        for b in ("The port is 5433.", "The port is 5433 after lengthy talks.")
    )
    assert plain is not None
    assert longer is not None
    assert longer.confidence < plain.confidence


def test_without_a_similarity_the_words_decide_and_below_the_least_nothing_is_said() -> None:
    a, b = "The port is 5432.", "The port is 5433."
    assert contradiction(a, b, None) is not None
    assert contradiction(a, b, 0.3) is None
    assert contradiction(a, b, float("nan")) is None


@settings(max_examples=300)
@given(a=texts, b=texts)
def test_a_contradiction_has_a_difference_and_the_same_one_the_other_way_round(
    a: str, b: str
) -> None:
    forth, back = contradiction(a, b, None), contradiction(b, a, None)
    assert (forth is None) == (back is None)
    if forth is not None and back is not None:
        assert (forth.kind, forth.confidence) == (back.kind, back.confidence)
        assert LEAST_CONFIDENCE <= forth.confidence <= 1
        assert forth.subject
        assert any(found.is_replacement for found in protected_differences(a, b))


@given(text=texts)
def test_no_text_contradicts_itself(text: str) -> None:
    assert contradiction(text, text, 1.0) is None


@pytest.mark.parametrize("piece", ["a ", "The port is 5 ", "not w ", "1.2.3 ", "\ud800", "Ada "])
def test_a_hostile_text_of_a_megabyte_costs_little(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    start = time.process_time()
    contradiction(text, text[1:] + "x 7", None)
    assert time.process_time() - start < 5  # quadratic work would take minutes
