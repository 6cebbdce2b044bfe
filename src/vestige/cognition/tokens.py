"""Cutting a text into words and into what is more than a word: numbers, versions, paths, names.

Every rule looks at one run of characters between blanks, of bounded length, so that the work grows
with the length of the text whatever the text is.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_CHARACTERS_MAX: Final = 200  # a longer run is cut: only base64 and the like is that long
# Thai, Lao, kana and Chinese characters are written without blanks between words. Whatever stands
# beside them is a token of its own, as in `端口是5432`.
UNSPACED: Final = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"

# Names that look like identifiers, but that people write in plain sentences.
BRANDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        ChatGPT DevOps DynamoDB FastAPI GitHub GitLab GraphQL IntelliJ JavaScript LangChain LaTeX
        LinkedIn MariaDB McDonald MongoDB MySQL NumPy OpenAI OpenTelemetry PayPal PostgreSQL
        PowerShell PyPI PyTorch RabbitMQ SQLAlchemy SQLite StackOverflow TensorFlow TypeScript
        WhatsApp WordPress YouTube eBay iOS iPad iPhone macOS
        """,
    )
)


class TokenKind(StrEnum):
    """What a token looks like."""

    URL = "url"
    EMAIL = "email"
    UUID = "uuid"
    DATE = "date"
    TIME = "time"
    ADDRESS = "address"
    VERSION = "version"
    PATH = "path"
    HASH = "hash"
    TICKET = "ticket"
    NUMBER = "number"
    IDENTIFIER = "identifier"
    WORD = "word"


class Token(NamedTuple):
    """A piece of a text.

    Attributes:
        kind: what it looks like.
        text: as it was written, without punctuation around it.
        start: index of its first character.
        end: index behind its last character.
    """

    kind: TokenKind
    text: str
    start: int
    end: int


_SEPARATORS: Final = r"\s,;!?()\[\]<>\"`=|“”„«»…—–、。，；：！？「」『』（）"  # noqa: RUF001  # CJK
_RUN: Final = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.\-]{{1,15}}://[^\s<>\"`]{{1,{RUN_CHARACTERS_MAX}}}"
    rf"|(?:[^{_SEPARATORS}{UNSPACED}]|(?<=\d),(?=\d)){{1,{RUN_CHARACTERS_MAX}}}|[{UNSPACED}]+"
)
_QUOTES: Final = "'\u2018\u2019"
_LEADING: Final = f"{_QUOTES}*:^"
_TRAILING: Final = f"{_QUOTES}*:.,;!?~^/\\)]"

_KINDS: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (TokenKind.URL, r"[A-Za-z][A-Za-z0-9+.\-]{1,15}://.+"),
        (TokenKind.EMAIL, r"[\w.+\-]{1,64}@[\w\-]+(?:\.[\w\-]+)+"),
        (TokenKind.UUID, r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        (
            TokenKind.DATE,
            (
                r"\d{4}-\d{1,2}(?:-\d{1,2}(?:T[\d:.]+(?:Z|[+\-]\d{2}:?\d{2})?)?)?|\d{4}/\d{1,2}/\d{1,2}"
                r"|\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})|\d{1,2}\.\d{1,2}\.\d{4}|[Qq][1-4]"
            ),
        ),
        (TokenKind.TIME, r"\d{1,2}:\d{2}(?::\d{2})?(?i:[ap]\.?m)?|\d{1,2}(?i:[ap]\.?m)"),
        (TokenKind.ADDRESS, r"\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?"),
        (
            TokenKind.VERSION,
            (
                r"[vV]\d+(?:\.\d+)*(?:[\-+.]?[A-Za-z][\w.+\-]*)?"
                r"|\d+(?:\.\d+){2,}(?:[\-+.]?[A-Za-z][\w.+\-]*)?"
                r"|\d+(?:\.\d+)+(?:-?(?:rc|alpha|beta|dev|post|a|b)\.?\d*|\.[x*]|t)|\d+\.x"
            ),
        ),
        (TokenKind.PATH, r"[A-Za-z]:[\\/][^\s:*?]+|(?:~|\.{1,2})?(?:/[\w.@%+\-{}:*~]+)+"),
        (TokenKind.TICKET, r"[A-Z][A-Z0-9]{1,9}-\d{1,7}|#\d{1,7}"),
        (
            TokenKind.NUMBER,
            (
                r"[+\-\u2212]?[$€£¥]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)"
                r"(?:[eE][+\-]?\d+)?[A-Za-zµ°%€]{0,5}"
            ),
        ),
    )
)
_HASH: Final = re.compile(r"(?=\d*[a-f])[0-9a-f]{7,64}|\d{32}|\d{40}")
_RELATIVE_PATH: Final = re.compile(r"[\w.@%+\-]+(?:/[\w.@%+\-{}*]+)+(?::\d+){0,2}")
_FLAG: Final = re.compile(r"--[A-Za-z][\w\-]*|-[A-Za-z]")
_DOTTED: Final = re.compile(r"[^\W\d]\w+(?:\.[^\W\d]\w*)*\.[^\W\d]\w+|\.[a-z]\w+")
_JOINED: Final = re.compile(r"[\w:]+(?:::|->)[\w:]+")
_HYPHENED: Final = re.compile(r"[^\W\d]\w*(?:[\-.]\w+)+")
_CAMEL: Final = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]{2}")
_PLAIN: Final = re.compile(r"[$@]?\w+")
_PIECE: Final = re.compile(
    r"\d+(?:[.,]\d+)*[A-Za-zµ°%]{0,5}|[^\W\d_]\w*(?:['\u2019\-][^\W\d_]\w*)*|_\w+"
)


def tokens_of(text: str) -> Iterator[Token]:
    """Cut a text into tokens, in the order of the text."""
    for run in _RUN.finditer(text):
        core = run[0].lstrip(_LEADING)
        start = run.end() - len(core)
        core = core.rstrip(_TRAILING)
        core = core.removesuffix("'s").removesuffix("\u2019s")
        if not core:
            continue
        kind = kind_of(core)
        if kind is not None:
            yield Token(kind, core, start, start + len(core))
        else:
            yield from _pieces(core, start)


def kind_of(run: str) -> TokenKind | None:
    """Say what a run without blanks looks like as a whole; None when it has to be cut."""
    if run.isalpha():  # most runs are words, and no pattern below is for letters alone
        is_camel = _CAMEL.search(run) is not None and run not in BRANDS
        return TokenKind.IDENTIFIER if is_camel else TokenKind.WORD
    for kind, pattern in _KINDS:
        if pattern.fullmatch(run):
            return kind
    if _HASH.fullmatch(run):
        return TokenKind.HASH
    if _is_relative_path(run):
        return TokenKind.PATH
    return TokenKind.IDENTIFIER if _is_identifier(run) else None


def _pieces(run: str, offset: int) -> Iterator[Token]:
    """Cut a run that is nothing as a whole, such as `port:5432` or `5-minute`."""
    for piece in _PIECE.finditer(run):
        kind = kind_of(piece[0]) or TokenKind.WORD
        yield Token(kind, piece[0], offset + piece.start(), offset + piece.end())


def _is_relative_path(run: str) -> bool:
    # `and/or` and `client/server` are prose, `src/main.py` and `docs/how-to/use` are not.
    if not _RELATIVE_PATH.fullmatch(run) or not any(map(str.isalpha, run)):
        return False
    return run.count("/") > 1 or "." in run.rpartition("/")[2] or run.startswith((".", "@"))


def _is_identifier(run: str) -> bool:
    name = run.removesuffix("()")
    if name != run and _PLAIN.fullmatch(name):
        return True
    if _FLAG.fullmatch(name) or _DOTTED.fullmatch(name) or _JOINED.fullmatch(name):
        return True
    has_digit = any(map(str.isdigit, name))
    if _HYPHENED.fullmatch(name):
        return has_digit or "_" in name
    return bool(_PLAIN.fullmatch(name)) and _is_plain_identifier(name, has_digit=has_digit)


def _is_plain_identifier(name: str, *, has_digit: bool) -> bool:
    if name.startswith("0x") or name[0] in "$@":
        return True
    if "_" in name:
        return any(map(str.isalpha, name))
    return has_digit and name[0].isalpha() and name.isascii()
