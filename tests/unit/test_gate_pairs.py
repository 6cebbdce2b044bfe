"""What the gate does with pairs written by hand, with the similarities of the built-in model.

The tables of docs/explanation/gate.md are made of the same pairs.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from pages import ROOT, read
from vestige.cognition.ingest_gate import NEAR_SIMILARITY, Comparison, GateAction, compare
from vestige.embedding.minilm import MiniLMEmbedder

PAGE: Final = ROOT / "docs" / "explanation" / "gate.md"
DATA: Final = Path(__file__).with_name("gate_pairs.toml")
SIMILARITY: Final = re.compile(r" \(similarity -?\d\.\d\d\)")


class Pair(NamedTuple):
    """A new text, a known one, and what is expected of the gate."""

    kind: str
    action: GateAction
    new: str
    known: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.new}"


def pairs() -> list[Pair]:
    return [
        Pair(kind, GateAction(action), texts[0], texts[1], "".join(texts[2:]))
        for kind, actions in tomllib.loads(read(DATA)).items()
        for action, listed in actions.items()
        for texts in listed
    ]


PAIRS: Final = pairs()


@pytest.fixture(scope="module")
def similarities() -> dict[tuple[str, str], float]:
    vectors = MiniLMEmbedder().embed_documents([text for pair in PAIRS for text in pair[2:4]])
    return {
        (pair.new, pair.known): float(vectors[2 * index] @ vectors[2 * index + 1])
        for index, pair in enumerate(PAIRS)
    }


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_the_gate_does_what_a_person_expects(
    pair: Pair, similarities: dict[tuple[str, str], float]
) -> None:
    result = compare(pair.new, pair.known, similarities[pair.new, pair.known])
    assert result.action is pair.action, result
    assert pair.reason in result.reason
    assert (result.action is GateAction.CONFLICT) == any(
        difference.is_replacement for difference in result.differences
    )


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_only_the_same_text_is_a_duplicate_even_at_the_greatest_similarity(pair: Pair) -> None:
    is_duplicate = compare(pair.new, pair.known, 1.0).action is GateAction.DUPLICATE
    assert is_duplicate == (pair.action is GateAction.DUPLICATE)


def test_the_threshold_lies_between_what_is_near_and_what_is_not(
    similarities: dict[tuple[str, str], float],
) -> None:
    near = [
        similarities[pair.new, pair.known] for pair in PAIRS if pair.action is not GateAction.NEW
    ]
    other = [similarities[pair.new, pair.known] for pair in PAIRS if pair.action is GateAction.NEW]
    assert max(other) + 0.03 < NEAR_SIMILARITY < min(near) - 0.03


def test_there_are_enough_pairs_of_every_action() -> None:
    counts = Counter(pair.action for pair in PAIRS)
    assert len(set(PAIRS)) == len(PAIRS) >= 80
    assert all(counts[action] >= 5 for action in GateAction)


def test_the_page_shows_what_the_gate_does(similarities: dict[tuple[str, str], float]) -> None:
    page = read(PAGE)
    for kind in dict.fromkeys(pair.kind for pair in PAIRS):
        assert table_of(kind, similarities) in page, table_of(kind, similarities)
    assert summary() in page, summary()
    assert f"a cosine of {NEAR_SIMILARITY}" in page


def summary() -> str:
    """Return how many pairs of each kind there are, by action."""
    rows = [f"| kind | {' | '.join(GateAction)} |", "|---" * (len(GateAction) + 1) + "|"]
    for kind in dict.fromkeys(pair.kind for pair in PAIRS):
        counts = Counter(pair.action for pair in PAIRS if pair.kind == kind)
        rows.append(f"| {kind} | {' | '.join(str(counts[action]) for action in GateAction)} |")
    counts = Counter(pair.action for pair in PAIRS)
    rows.append(f"| all | {' | '.join(str(counts[action]) for action in GateAction)} |")
    return "\n".join(rows)


def table_of(kind: str, similarities: dict[tuple[str, str], float]) -> str:
    rows = ["| new text | known text | action | reason |", "|---|---|---|---|"]
    for pair in PAIRS:
        if pair.kind == kind:
            result = compare(pair.new, pair.known, similarities[pair.new, pair.known])
            cells = (shown(pair.new), shown(pair.known), result.action, reason_of(result))
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def reason_of(result: Comparison) -> str:
    """Return the reason without the similarity, which differs a little between machines."""
    return SIMILARITY.sub("", result.reason)


def shown(text: str) -> str:
    for character, name in (
        ("\n", "\\n"),
        ("\r", "\\r"),
        ("\u0301", "\\u0301"),
        ("  ", " \\u0020"),
    ):
        text = text.replace(character, name)
    return f"`{text}`"
