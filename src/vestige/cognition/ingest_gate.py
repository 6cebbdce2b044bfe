"""Deciding whether a text is known already.

Two texts count as the same memory only when they differ in nothing but how they were typed in.
Whoever is wrong here loses a memory, so whatever could carry meaning is kept. How similar two texts
are only decides whether they are linked, and what is said of them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vestige.cognition.differences import protected_differences
from vestige.cognition.facts import Difference, DifferenceKind

# Cosine similarity from which on two texts are about the same thing. Measured with the built-in
# model on the pairs in tests/unit/gate_pairs.toml.
NEAR_SIMILARITY: Final = 0.65
DIFFERENCES_SHOWN: Final = 3  # in a reason
VALUE_CHARACTERS_SHOWN: Final = 60
# Not after white space: at the start of a line blanks are indentation, and in Python or YAML a
# different indentation is a different text.
BLANKS_INSIDE_A_LINE: Final = re.compile(r"(?<=\S)[ \t]+")
SEVERAL_BLANK_LINES: Final = re.compile(r"\n{3,}")
FOREIGN_LINE_END: Final = re.compile(r"\r\n?")

_KIND_PHRASES: Final = {
    DifferenceKind.NUMBER: "a number",
    DifferenceKind.VERSION: "a version",
    DifferenceKind.DATE: "a date",
    DifferenceKind.NAME: "a name",
    DifferenceKind.IDENTIFIER: "an identifier",
    DifferenceKind.NEGATION: "a negation",
    DifferenceKind.ANTONYM: "a word that excludes the other",
}


class GateAction(StrEnum):
    """What becomes of a new text that is compared with a known one."""

    DUPLICATE = "duplicate"  # the same text: the known memory is reinforced
    NEAR = "near"  # a new memory, linked to the known one
    CONFLICT = "conflict"  # as near, and the two say different things of the same
    NEW = "new"  # a new memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How a new text stands to a known one.

    Attributes:
        action: what becomes of it.
        reason: why, in words for a person.
        differences: the values that the texts differ in; empty when they are the same or not near.
    """

    action: GateAction
    reason: str
    differences: tuple[Difference, ...] = ()


def compare(
    new: str, known: str, similarity: float | None, *, near_similarity: float = NEAR_SIMILARITY
) -> Comparison:
    """Say what becomes of a new text beside one known memory.

    Only a text that is the same is a duplicate, whatever the similarity; every other outcome is a
    memory of its own. Of one codebase and one owner the caller has to make sure.

    Args:
        new: the text that is to be remembered.
        known: the text of a memory.
        similarity: cosine of the two, -1 to 1; None when there is no vector of one.
        near_similarity: the cosine from which on the two are about the same thing.
    """
    if same_memory(new, known):
        return Comparison(action=GateAction.DUPLICATE, reason="the same text is remembered already")
    if similarity is None:
        return Comparison(action=GateAction.NEW, reason="not compared by meaning: no vector")
    if not similarity >= near_similarity:  # NaN is no similarity
        return Comparison(
            action=GateAction.NEW, reason=f"about something else (similarity {similarity:.2f})"
        )
    differences = protected_differences(new, known)
    replaced = tuple(difference for difference in differences if difference.is_replacement)
    if replaced:
        action, reason = GateAction.CONFLICT, difference_reason(replaced)
    elif differences:
        action, reason = GateAction.NEAR, f"says nearly the same, but {_one_sided(differences)}"
    else:
        action, reason = GateAction.NEAR, "says nearly the same in other words"
    return Comparison(
        action=action, reason=f"{reason} (similarity {similarity:.2f})", differences=differences
    )


def difference_reason(differences: tuple[Difference, ...]) -> str:
    """Say in words what two texts differ in: `differs in a version: 1.2.3 and 1.2.4`."""
    parts = [
        f"{_KIND_PHRASES[difference.kind]}: {_shown(difference.a)} and {_shown(difference.b)}"
        for difference in differences[:DIFFERENCES_SHOWN]
    ]
    return f"differs in {'; '.join(parts)}" + _and_more(differences)


def normalised_text(content: str) -> str:
    """Return the form in which two texts count as the same memory.

    Canonically equal characters (NFC), line ends, white space around the text and at the ends of
    lines, runs of blanks inside a line and runs of blank lines are made equal. Case, punctuation,
    indentation and compatibility characters are kept: `userId` is not `userid`, and NFKC would
    turn `x²` into `x2`.
    """
    text = FOREIGN_LINE_END.sub("\n", unicodedata.normalize("NFC", content))
    lines = (BLANKS_INSIDE_A_LINE.sub(" ", line).rstrip() for line in text.split("\n"))
    return SEVERAL_BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def same_memory(a_content: str, b_content: str) -> bool:
    """Say whether two texts differ in nothing but how they were typed in."""
    return normalised_text(a_content) == normalised_text(b_content)


def _one_sided(differences: tuple[Difference, ...]) -> str:
    parts = [
        f"only {'the new' if difference.a else 'the known'} text has"
        f" {_KIND_PHRASES[difference.kind]}: {_shown(difference.a or difference.b)}"
        for difference in differences[:DIFFERENCES_SHOWN]
    ]
    return "; ".join(parts) + _and_more(differences)


def _and_more(differences: tuple[Difference, ...]) -> str:
    more = len(differences) - DIFFERENCES_SHOWN
    return f"; and {more} more" if more > 0 else ""


def _shown(value: str) -> str:
    value = " ".join(value.split())
    if len(value) <= VALUE_CHARACTERS_SHOWN:
        return value
    return f"{value[: VALUE_CHARACTERS_SHOWN - 1]}…"
