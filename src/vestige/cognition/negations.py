"""Finding what one text denies and another says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vestige.cognition import english
from vestige.cognition.facts import Difference, DifferenceKind, Fact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# How many words behind a negation it is taken to be about.
SCOPE_WORDS: Final = 2
SCOPE_REACH: Final = 8  # how far to look for them
NO_SCOPE: Final = english.FUNCTION_WORDS | {"longer", "anymore", "need", "needs", "want", "allowed"}


def negation_differences(a: Sequence[Fact], b: Sequence[Fact]) -> list[Difference]:
    """Name what is denied in one text and not in the other.

    A denial answers to one of the other text that is about the same word. When the texts deny
    equally often and nothing that the other says is denied, they only say it in other words.
    """
    a_denials, b_denials = _denials(a), _denials(b)
    a_left, b_left = _unanswered(a_denials, b_denials), _unanswered(b_denials, a_denials)
    a_words = {_key(fact): fact.shown for fact in a}
    b_words = {_key(fact): fact.shown for fact in b}
    a_pairs = [(denial.shown, _said(denial, b_words)) for denial in a_left]
    b_pairs = [(denial.shown, _said(denial, a_words)) for denial in b_left]
    is_swapped = any(said for _, said in a_pairs) and any(said for _, said in b_pairs)
    if not is_swapped:
        in_other_words = min(len(a_pairs), len(b_pairs))
        a_pairs, b_pairs = a_pairs[in_other_words:], b_pairs[in_other_words:]
    return [
        *(Difference(DifferenceKind.NEGATION, denied, said) for denied, said in a_pairs),
        *(Difference(DifferenceKind.NEGATION, said, denied) for denied, said in b_pairs),
    ]


class _Denial(NamedTuple):
    """A negation.

    Attributes:
        shown: it and the word that it is about, as they were written.
        about: the words that it is about; none in a text that says nothing but no.
    """

    shown: str
    about: tuple[str, ...]


def _denials(facts: Sequence[Fact]) -> list[_Denial]:
    return [
        _denial(facts, index)
        for index, fact in enumerate(facts)
        if fact.kind is DifferenceKind.NEGATION and not _is_not_only(facts, index)
    ]


def _is_not_only(facts: Sequence[Fact], index: int) -> bool:
    return index + 1 < len(facts) and facts[index + 1].value in {"only", "just", "least"}


def _denial(facts: Sequence[Fact], index: int) -> _Denial:
    behind = range(index + 1, min(index + 1 + SCOPE_REACH, len(facts)))
    before = range(index - 1, max(index - 1 - SCOPE_REACH, -1), -1)
    for side in (behind, before):
        found = [at for at in side if _is_content(facts[at])][:SCOPE_WORDS]
        if found:
            first, last = sorted((index, found[0]))
            shown = " ".join(fact.shown for fact in facts[first : last + 1])
            return _Denial(shown, tuple(_key(facts[at]) for at in found))
    return _Denial(facts[index].shown, ())


def _is_content(fact: Fact) -> bool:
    return fact.kind is not DifferenceKind.NEGATION and fact.value not in NO_SCOPE


def _unanswered(denials: Sequence[_Denial], others: Sequence[_Denial]) -> list[_Denial]:
    known = {word for other in others for word in other.about}
    bare = sum(not other.about for other in others)
    left: list[_Denial] = []
    for denial in denials:
        if not denial.about and bare:
            bare -= 1
        elif known.isdisjoint(denial.about):
            left.append(denial)
    return left


def _said(denial: _Denial, words: Mapping[str, str]) -> str:
    """Return the first word that is denied and that the other text has, or nothing."""
    return next((words[word] for word in denial.about if word in words), "")


def _key(fact: Fact) -> str:
    return english.stem(fact.value) if fact.kind is None else fact.value
