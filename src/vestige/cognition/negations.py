"""Finding what one text denies and another says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
    a_scopes, b_scopes = _scopes(a), _scopes(b)
    a_left, b_left = _unanswered(a_scopes, b_scopes), _unanswered(b_scopes, a_scopes)
    a_words = {_key(fact): fact.shown for fact in a}
    b_words = {_key(fact): fact.shown for fact in b}
    a_denies = [(scope, _said(scope, b_words)) for scope in a_left]
    b_denies = [(scope, _said(scope, a_words)) for scope in b_left]
    paired = min(len(a_left), len(b_left))
    if paired and not _is_swapped(a_denies, b_denies):
        a_denies, b_denies = a_denies[paired:], b_denies[paired:]
    return [
        *(Difference(DifferenceKind.NEGATION, _shown(scope), said) for scope, said in a_denies),
        *(Difference(DifferenceKind.NEGATION, said, _shown(scope)) for scope, said in b_denies),
    ]


def _is_swapped(
    a_denies: Sequence[tuple[tuple[Fact, ...], str]],
    b_denies: Sequence[tuple[tuple[Fact, ...], str]],
) -> bool:
    return any(said for _, said in a_denies) and any(said for _, said in b_denies)


def _scopes(facts: Sequence[Fact]) -> list[tuple[Fact, ...]]:
    """Return each negation with the words that it is about."""
    return [
        (fact, *_scope(facts, index))
        for index, fact in enumerate(facts)
        if fact.kind is DifferenceKind.NEGATION and not _is_not_only(facts, index)
    ]


def _is_not_only(facts: Sequence[Fact], index: int) -> bool:
    return index + 1 < len(facts) and facts[index + 1].value in {"only", "just", "least"}


def _scope(facts: Sequence[Fact], index: int) -> list[Fact]:
    behind = facts[index + 1 : index + 1 + SCOPE_REACH]
    before = facts[max(index - SCOPE_REACH, 0) : index][::-1]
    for side in (behind, before):
        found = [fact for fact in side if _is_content(fact)][:SCOPE_WORDS]
        if found:
            return found
    return []


def _is_content(fact: Fact) -> bool:
    return fact.kind is not DifferenceKind.NEGATION and fact.value not in NO_SCOPE


def _unanswered(
    scopes: Sequence[tuple[Fact, ...]], others: Sequence[tuple[Fact, ...]]
) -> list[tuple[Fact, ...]]:
    known = {_key(fact) for other in others for fact in other[1:]}
    empty = sum(len(other) == 1 for other in others)
    left: list[tuple[Fact, ...]] = []
    for scope in scopes:
        if len(scope) == 1 and empty:
            empty -= 1
        elif not any(_key(fact) in known for fact in scope[1:]):
            left.append(scope)
    return left


def _said(scope: tuple[Fact, ...], words: Mapping[str, str]) -> str:
    """Return the first word of a scope that the other text has, or nothing."""
    return next((words[_key(fact)] for fact in scope[1:] if _key(fact) in words), "")


def _key(fact: Fact) -> str:
    return english.stem(fact.value) if fact.kind is None else fact.value


def _shown(scope: tuple[Fact, ...]) -> str:
    return " ".join(fact.shown for fact in scope[:2])
