"""What two texts must not be confused in: numbers, versions, dates, names, negations, opposites.

Order alone decides which value of one text answers to which of the other, unless both texts are the
same but for their values. What is not seen: values that change places between two texts in other
words, negations and opposites in other languages than English, names in scripts without capitals.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from vestige.cognition import english
from vestige.cognition.facts import Difference, DifferenceKind, Fact, facts_of
from vestige.cognition.negations import negation_differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Of texts that are longer than this only the part is read in which they differ, and so much of it.
READ_CHARACTERS_MAX: Final = 50_000
LINE_CHARACTERS_MAX: Final = 1_000  # how far back the line is sought in which they begin to differ
VALUE_KINDS: Final = (
    DifferenceKind.NUMBER,
    DifferenceKind.VERSION,
    DifferenceKind.DATE,
    DifferenceKind.NAME,
    DifferenceKind.IDENTIFIER,
)


def protected_differences(a: str, b: str) -> tuple[Difference, ...]:
    """Name the values that two texts differ in.

    Args:
        a: a text of any length and language.
        b: another one.

    Returns:
        Numbers, versions, dates, names, identifiers, negations, opposites, in this order; the same
        with the sides exchanged when the texts are. A difference with an empty side is something
        that only the other text speaks of.
    """
    return differences_of(*read_both(a, b))


def read_both(a: str, b: str) -> tuple[list[Fact], list[Fact]]:
    """Read two texts, or the part of them in which they differ when they are long."""
    a, b = unicodedata.normalize("NFC", a), unicodedata.normalize("NFC", b)
    if max(len(a), len(b)) > READ_CHARACTERS_MAX:
        a, b = _differing_part(a, b)
    return facts_of(a), facts_of(b)


def differences_of(a: Sequence[Fact], b: Sequence[Fact]) -> tuple[Difference, ...]:
    """Name the values that two texts differ in, once they are read."""
    if _have_one_pattern(a, b):
        return tuple(
            _difference(one.kind, one, other)
            for one, other in zip(a, b, strict=True)
            if one.kind is not None and one.value != other.value
        )
    return (
        *(difference for kind in VALUE_KINDS for difference in _value_differences(kind, a, b)),
        *negation_differences(a, b),
        *_opposites(a, b),
    )


def _have_one_pattern(a: Sequence[Fact], b: Sequence[Fact]) -> bool:
    """Say whether two texts are the same but for their values, which then answer to each other."""
    return len(a) == len(b) and all(
        one.kind is other.kind and (one.kind is not None or one.value == other.value)
        for one, other in zip(a, b, strict=True)
    )


def _value_differences(
    kind: DifferenceKind, a: Sequence[Fact], b: Sequence[Fact]
) -> Iterator[Difference]:
    a_left, b_left = _left_over(kind, a, b), _left_over(kind, b, a)
    return (_difference(kind, one, other) for one, other in zip_longest(a_left, b_left))


def _difference(kind: DifferenceKind, one: Fact | None, other: Fact | None) -> Difference:
    # `Ada` says less than `Ada Lovelace`, and nothing else.
    if one is None or (other is not None and _is_part(kind, one.value, other.value)):
        return Difference(kind, "", other.shown if other else "")
    if other is None or _is_part(kind, other.value, one.value):
        return Difference(kind, one.shown, "")
    return Difference(kind, one.shown, other.shown)


def _left_over(kind: DifferenceKind, facts: Sequence[Fact], others: Sequence[Fact]) -> list[Fact]:
    """Return the values of a kind that a text has more often than another."""
    known = Counter(fact.value for fact in others if fact.kind is kind or fact.kind is None)
    left: list[Fact] = []
    for fact in facts:
        if fact.kind is kind:
            if known[fact.value]:
                known[fact.value] -= 1
            else:
                left.append(fact)
    return left


def _is_part(kind: DifferenceKind, short: str, long: str) -> bool:
    """Say whether a value only says less: `ada` of `ada lovelace`, `2024` of `2024-03-05`."""
    if kind is DifferenceKind.NAME:
        return f" {short} " in f" {long} "
    return kind is DifferenceKind.DATE and (
        long.endswith(f"-{short}") or long.startswith(f"{short}-")
    )


def _opposites(a: Sequence[Fact], b: Sequence[Fact]) -> Iterator[Difference]:
    a_words, b_words = _words(a), _words(b)
    a_only = {word: shown for word, shown in a_words.items() if word not in b_words}
    b_only = {word: shown for word, shown in b_words.items() if word not in a_words}
    for word, shown in a_only.items():
        for opposite in english.OPPOSITE_STEMS.get(word, ()):
            if opposite in b_only:
                yield Difference(DifferenceKind.ANTONYM, shown, b_only[opposite])


def _words(facts: Sequence[Fact]) -> dict[str, str]:
    return {english.stem(fact.value): fact.shown for fact in facts if fact.kind is None}


def _differing_part(a: str, b: str) -> tuple[str, str]:
    start = _line_start(a, _common_length(a, b))
    a, b = a[start:], b[start:]
    end = _common_length(a[::-1], b[::-1])
    # The line in which they end to differ is read to its end, for what follows a value says of it.
    end = max(0, end - LINE_CHARACTERS_MAX)
    a, b = a[: len(a) - end], b[: len(b) - end]
    return a[:READ_CHARACTERS_MAX], b[:READ_CHARACTERS_MAX]


def _common_length(a: str, b: str) -> int:
    """Return how many characters two texts begin with in common, by halving."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at) + 1, at - LINE_CHARACTERS_MAX, 0)
