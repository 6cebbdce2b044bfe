"""Reading a text as a row of facts: words, and the values that must not be confused.

A value is brought to one form, so that `5 March 2024` is `2024-03-05` and `30 seconds` is `30 s`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from vestige.cognition import english
from vestige.cognition.tokens import BRANDS, Token, TokenKind, tokens_of

NAME_WORDS_MAX: Final = 4
ACRONYM_CHARACTERS_MAX: Final = 5  # AWS is a name, IMPORTANT is shouted


class DifferenceKind(StrEnum):
    """What two texts can differ in although they are about the same."""

    NUMBER = "number"
    VERSION = "version"
    DATE = "date"  # and times of day
    NAME = "name"
    IDENTIFIER = "identifier"  # and paths, addresses, hashes
    NEGATION = "negation"
    ANTONYM = "antonym"


class Fact(NamedTuple):
    """One step of a text.

    Attributes:
        kind: what kind of value it is; None for an ordinary word.
        value: in the form in which equal things are equal.
        shown: as it was written.
        sentence: number of the sentence or line that it stands in.
    """

    kind: DifferenceKind | None
    value: str
    shown: str
    sentence: int


class Difference(NamedTuple):
    """What two texts differ in.

    Attributes:
        kind: what kind of value it is.
        a: what the one text says, as it was written; empty when it says nothing of the kind.
        b: what the other says.
    """

    kind: DifferenceKind
    a: str
    b: str

    @property
    def is_replacement(self) -> bool:
        """Both texts say something; otherwise one only says more than the other."""
        return bool(self.a and self.b)


_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_DAY: Final = re.compile(r"(0?[1-9]|[12]\d|3[01])(?:[snrt][tdh])?")
_NUMBER: Final = re.compile(r"([+\-\u2212]?)([$€£¥]?)([\d.,]+(?:[eE][+\-]?\d+)?)([A-Za-zµ°%€]*)")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NUMERIC_DATE: Final = re.compile(r"(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2}))?(.*)", re.DOTALL)
_TIME: Final = re.compile(
    r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*(?:([ap])\.?m\.?)?", re.IGNORECASE
)
_SENTENCE_END: Final = re.compile(r"[.!?\r\n]")
_PLAIN_KINDS: Final = {
    TokenKind.VERSION: DifferenceKind.VERSION,
    TokenKind.DATE: DifferenceKind.DATE,
    TokenKind.TIME: DifferenceKind.DATE,
}


def facts_of(text: str) -> list[Fact]:
    """Read a text from its beginning to its end."""
    return _Reader(text).read()


class _Reader:
    """The tokens of a text and how far they were read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(tokens_of(text))
        self._at = 0
        self._sentence = 0

    def read(self) -> list[Fact]:
        facts: list[Fact] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if _SENTENCE_END.search(self._gap(self._at) or ""):
                self._sentence += 1
            if token.kind is TokenKind.WORD:
                facts.append(self._word(token))
            elif token.kind is TokenKind.NUMBER:
                facts.append(self._number(token))
            else:
                facts.append(self._take(1, *_value(token)))
        return facts

    def _word(self, token: Token) -> Fact:
        word = token.text.lower()
        day = self._month(token, word) or self._day(token, word)
        if day is not None:
            return day
        if word.endswith(english.CONTRACTED_NOT) or word in english.NEGATIONS:
            return self._take(1, DifferenceKind.NEGATION, "not")
        if word in english.NUMBER_WORDS:
            return self._counted(english.NUMBER_WORDS[word])
        if self._is_name(self._at):
            return self._name()
        return self._take(1, None, word)

    def _number(self, token: Token) -> Fact:
        following = self._token(1)
        day = _DAY.fullmatch(token.text)
        if day is not None and following is not None:
            month = english.MONTHS.get(following.text.lower())
            width = 1
            if following.text == "of" and (beyond := self._token(2)) is not None:
                month, width = english.MONTHS.get(beyond.text.lower()), 2
            if month is not None:
                return self._dated(width + 1, month, int(day[1]))
        if following is not None and following.text.lower() in {"am", "pm"}:
            return self._take(2, DifferenceKind.DATE, _time(f"{token.text}{following.text}"))
        before = self._token(-1)
        word_before = "" if before is None else before.text
        is_dated = word_before.lower() in english.BEFORE_A_YEAR or (
            word_before.lower() in english.MONTHS
        )
        if is_dated and _YEAR.fullmatch(token.text):
            return self._take(1, DifferenceKind.DATE, token.text)
        is_after_name = word_before[:1].isupper() and word_before.lower() not in (
            english.FUNCTION_WORDS
        )
        if "." in token.text and (is_after_name or word_before.lower() in {"version", "release"}):
            return self._take(1, DifferenceKind.VERSION, token.text)
        return self._counted(token.text)

    def _counted(self, number: str) -> Fact:
        match = _NUMBER.fullmatch(number)
        if match is None:
            return self._take(1, DifferenceKind.NUMBER, number.lower())
        sign, currency, digits, suffix = match.groups()
        digits = digits.replace(",", "") if _THOUSANDS.fullmatch(digits) else digits
        following = self._token(1)
        unit, width = english.UNITS.get(currency or suffix, (currency or suffix).lower()), 1
        if not unit and following is not None and following.text.lower() in english.UNITS:
            unit, width = english.UNITS[following.text.lower()], 2
        sign = sign.replace("\u2212", "-").replace("+", "")
        return self._take(width, DifferenceKind.NUMBER, f"{sign}{digits} {unit}".rstrip())

    def _day(self, token: Token, word: str) -> Fact | None:
        day = english.WEEKDAYS.get(word, word if word in english.DAY_WORDS else None)
        # Sun and Sat are days, sun and sat are not.
        if day is None or (word != day and not word.startswith(day) and token.text[0].islower()):
            return None
        return self._take(1, DifferenceKind.DATE, day)

    def _month(self, token: Token, word: str) -> Fact | None:
        month = english.MONTHS.get(word)
        if month is None or token.text[0].islower():  # may and march are words
            return None
        following = self._token(1)
        text = "" if following is None else following.text
        if (day := _DAY.fullmatch(text)) is not None:
            return self._dated(2, month, int(day[1]))
        if token.text == "May" and not _YEAR.fullmatch(text) and self._starts_sentence(self._at):
            return None
        return self._dated(1, month, None)

    def _dated(self, width: int, month: int, day: int | None) -> Fact:
        value = f"{month:02}" if day is None else f"{month:02}-{day:02}"
        year = self._token(width)
        if year is not None and _YEAR.fullmatch(year.text):
            return self._take(width + 1, DifferenceKind.DATE, f"{year.text}-{value}")
        return self._take(width, DifferenceKind.DATE, value)

    def _name(self) -> Fact:
        width = 1
        while (
            width < NAME_WORDS_MAX
            and _is_blank(self._gap(self._at + width))
            and self._is_name(self._at + width)
        ):
            width += 1
        words = [token.text for token in self._tokens[self._at : self._at + width]]
        return self._take(width, DifferenceKind.NAME, " ".join(words).casefold())

    def _is_name(self, at: int) -> bool:
        token = self._tokens[at]
        word = token.text
        if token.kind is not TokenKind.WORD or len(word) == 1:
            return False
        if word in BRANDS:
            return True
        if not word[0].isupper() or not word.isalpha() or word.lower() in english.NO_NAMES:
            return False
        if word.isupper():
            return len(word) <= ACRONYM_CHARACTERS_MAX
        return not self._starts_sentence(at) or self._is_followed_like_a_name(at)

    def _is_followed_like_a_name(self, at: int) -> bool:
        if self._text[self._tokens[at].end :][:2] in {"'s", "\u2019s"}:
            return True
        if not _is_blank(self._gap(at + 1)):
            return ":" in (self._gap(at) or "")  # Owner: Alice
        following = self._tokens[at + 1].text
        if following == "and" and at + 2 < len(self._tokens):
            following = self._tokens[at + 2].text
            return following[0].isupper()
        if following[0].isupper() and _is_blank(self._gap(at + 2)):  # Ada Lovelace wrote
            following = self._tokens[at + 2].text
        return following in english.NAME_FOLLOWERS

    def _starts_sentence(self, at: int) -> bool:
        gap = self._gap(at)
        return gap is None or ":" in gap or _SENTENCE_END.search(gap) is not None

    def _gap(self, at: int) -> str | None:
        """Return what stands before a token; None at the beginning and behind the end."""
        if not 0 < at < len(self._tokens):
            return None
        return self._text[self._tokens[at - 1].end : self._tokens[at].start]

    def _token(self, offset: int) -> Token | None:
        at = self._at + offset
        return self._tokens[at] if 0 <= at < len(self._tokens) else None

    def _take(self, width: int, kind: DifferenceKind | None, value: str) -> Fact:
        first, last = self._tokens[self._at], self._tokens[self._at + width - 1]
        self._at += width
        return Fact(kind, value, self._text[first.start : last.end], self._sentence)


def _is_blank(gap: str | None) -> bool:
    return gap is not None and not gap.strip(" \t")


def _value(token: Token) -> tuple[DifferenceKind, str]:
    kind = _PLAIN_KINDS.get(token.kind, DifferenceKind.IDENTIFIER)
    value = token.text
    if token.kind is TokenKind.DATE:
        value = _date(value)
    elif token.kind is TokenKind.TIME:
        value = _time(value)
    elif token.kind is TokenKind.VERSION:
        value = value.removeprefix("v").removeprefix("V")
    return kind, value


def _date(text: str) -> str:
    match = _NUMERIC_DATE.fullmatch(text)
    if match is None:
        return text.upper()
    year, month, day, rest = match.groups()
    return f"{year}-{month:0>2}" + (f"-{day:0>2}" if day else "") + rest


def _time(text: str) -> str:
    match = _TIME.fullmatch(text)
    if match is None:
        return text.lower()
    hours, minutes, seconds, half = match.groups()
    hour = int(hours)
    if half:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return f"{hour:02}:{minutes or '00'}" + (f":{seconds}" if seconds else "")
