"""What a person means letter by letter in a question: quoted words, paths, identifiers."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from vestige.cognition.tokens import UNSPACED, TokenKind, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vestige.cognition.tokens import Token

QUERY_CHARACTERS_MAX: Final = 10_000  # nobody asks more than that; a pasted file is not a question
QUOTED_CHARACTERS_MAX: Final = 200
LITERALS_MAX: Final = 32


class LiteralKind(StrEnum):
    """What a literal looks like."""

    QUOTED = "quoted"
    UUID = "uuid"
    URL = "url"
    EMAIL = "email"
    PATH = "path"
    ADDRESS = "address"
    HASH = "hash"
    VERSION = "version"
    TICKET = "ticket"
    IDENTIFIER = "identifier"


class Literal(NamedTuple):
    """Something that a person means letter by letter.

    Attributes:
        kind: what it looks like.
        value: what a text has to hold; without the quotes, and without the `v` of a version.
    """

    kind: LiteralKind
    value: str


# A quote opens behind a blank or a bracket and closes before one, so that an apostrophe does not.
_QUOTED: Final = re.compile(
    "|".join(
        rf"(?<![\w{opening}{closing}]){opening}"
        rf"([^{opening}{closing}\n]{{1,{QUOTED_CHARACTERS_MAX}}})[{closing}](?!\w)"
        for opening, closing in (
            ('"', '"'),
            ("'", "'"),
            ("`", "`"),
            ("\u201c", "\u201d"),  # English
            ("\u201e", "\u201c\u201d"),  # German
            ("\u2018", "\u2019"),
            ("\u00ab", "\u00bb"),  # French
            ("\u300c", "\u300d"),  # Japanese
        )
    )
)
_LINE_OF_A_FILE: Final = re.compile(r"(?::\d+)+$")
_IGNORES_CASE: Final = frozenset(
    {LiteralKind.QUOTED, LiteralKind.UUID, LiteralKind.EMAIL, LiteralKind.HASH}
)
_KINDS: Final = {
    TokenKind(kind.value): kind for kind in LiteralKind if kind is not LiteralKind.QUOTED
}
# What may not stand beside a literal: the letters of scripts that separate words by blanks.
_LETTER: Final = rf"[^\W{UNSPACED}]"
# By kind: what must not stand before it and behind it, beside letters and digits.
_BOUNDARIES: Final = {
    LiteralKind.VERSION: (r"(?<!\d\.)v?", r"(?!\.\d|[\-+]\w)"),  # 1.2.3 is not in 1.2.3.4
    LiteralKind.ADDRESS: (r"(?<!\d\.)", r"(?!\.\d)"),
    LiteralKind.TICKET: ("", r"(?!-\d)"),
    LiteralKind.UUID: ("(?<!-)", "(?!-)"),
    LiteralKind.PATH: (r"(?<![\w.]-)", r"(?!-\w|\.\w)"),  # src/a is not in src/a.py
    LiteralKind.IDENTIFIER: ("", r"(?!-\d)"),
}


def literals(query: str) -> tuple[Literal, ...]:
    """Return what a person means literally, in the order of the question, each once.

    Plain words, numbers, dates and times are none. Only the first 10,000 characters are read, and
    at most 32 literals are returned.
    """
    query = query[:QUERY_CHARACTERS_MAX]
    found: dict[Literal, None] = {}
    end = 0
    for quoted in _QUOTED.finditer(query):
        found |= dict.fromkeys(_unquoted(query[end : quoted.start()]))
        value = next(group for group in quoted.groups() if group is not None).strip()
        if any(map(str.isalnum, value)):
            found[Literal(LiteralKind.QUOTED, value)] = None
        end = quoted.end()
    found |= dict.fromkeys(_unquoted(query[end:]))
    return tuple(found)[:LITERALS_MAX]


def matches(literal: Literal, text: str) -> bool:
    """Say whether a text holds a literal as a whole: `ERR_4` is not in `ERR_42`.

    Case counts in paths, identifiers, versions and tickets, and not in the rest.
    """
    if literal.kind not in _IGNORES_CASE and literal.value not in text:
        return False  # most texts end here, which is much faster than the pattern
    return _pattern(literal).search(text) is not None


def _unquoted(text: str) -> Iterator[Literal]:
    for token in tokens_of(text):
        if token.kind in _KINDS:
            yield Literal(_KINDS[token.kind], _value(token))


def _value(token: Token) -> str:
    if token.kind is TokenKind.VERSION:
        return token.text.removeprefix("v").removeprefix("V")
    if token.kind is TokenKind.PATH:
        return _LINE_OF_A_FILE.sub("", token.text.removeprefix("./"))
    return token.text.removesuffix("()")


@lru_cache(maxsize=256)
def _pattern(literal: Literal) -> re.Pattern[str]:
    before, behind = _BOUNDARIES.get(literal.kind, ("", ""))
    value = re.escape(literal.value)
    if literal.kind is LiteralKind.QUOTED:
        value = r"\s+".join(map(re.escape, literal.value.split()))
    first, last = literal.value[0], literal.value[-1]
    pattern = (
        (rf"(?<!{_LETTER})" if re.match(_LETTER, first) else "")
        + before
        + value
        + (rf"(?!{_LETTER})" if re.match(_LETTER, last) else "")
        + behind
    )
    return re.compile(pattern, re.IGNORECASE if literal.kind in _IGNORES_CASE else 0)
