"""Finding keys and tokens in a text, and taking them out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.cognition.secret_formats import (
    PLACEHOLDER,
    PRIVATE_KEY_KIND,
    PRIVATE_KEY_MARKER,
    secret_formats,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vestige.cognition.secret_formats import SecretFormat

SHORTEST_SECRET: Final = 8  # characters of a text that are too few for any format
PRIVATE_KEY_MAX_CHARACTERS: Final = 65_536  # of its text, from the first line to the last one

_KEY_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY: Final = re.compile(r"[A-Za-z0-9+/]{32}")
_KEY_REST: Final = re.compile(r"[A-Za-z0-9+/=]{16,}+")


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretSpan:
    """A secret in a text: what it is, and the characters `start` to `end` (exclusive)."""

    kind: str
    start: int
    end: int


def find_secrets(text: str) -> list[SecretSpan]:
    """Return the secrets of a text in their order; no two of them overlap.

    Takes a time that is proportional to the length, whatever the text is.
    """
    if len(text) < SHORTEST_SECRET:
        return []
    found = [*_private_keys(text)]
    for secret_format in secret_formats():
        if secret_format.marker in text:
            found += _matches(text, secret_format)
    # Of two that overlap the one that starts first, and of those the longest; the table's first.
    found.sort(key=lambda span: (span.start, -span.end))
    apart: list[SecretSpan] = []
    for span in found:
        if not apart or span.start >= apart[-1].end:
            apart.append(span)
    return apart


def without_secrets(text: str, spans: Sequence[SecretSpan]) -> str:
    """Return a text with `[GitHub token removed]` and the like in the place of its secrets."""
    parts: list[str] = []
    done = 0
    for span in spans:
        parts += [text[done : span.start], f"[{span.kind} removed]"]
        done = span.end
    return "".join([*parts, text[done:]])


def _matches(text: str, secret_format: SecretFormat) -> Iterator[SecretSpan]:
    has_group = "secret" in secret_format.pattern.groupindex
    for match in secret_format.pattern.finditer(text):
        start, end = match.span("secret" if has_group else 0)
        if secret_format.may_be_placeholder and PLACEHOLDER.match(text, start, end):
            continue
        yield SecretSpan(kind=secret_format.kind, start=start, end=end)


def _private_keys(text: str) -> Iterator[SecretSpan]:
    """Yield private keys in PEM form; the first line alone, as prose names it, is none."""
    if PRIVATE_KEY_MARKER not in text:
        return
    begins = [*_KEY_BEGIN.finditer(text)]
    for begin, following in zip(begins, [*begins[1:], None], strict=True):
        # No further than the next key, so that each character is looked at once.
        limit = min(
            len(text) if following is None else following.start(),
            begin.end() + PRIVATE_KEY_MAX_CHARACTERS,
        )
        last = _KEY_END.search(text, begin.end(), limit)
        stop = limit if last is None else last.start()
        if _KEY_BODY.search(text, begin.end(), stop) is None:
            continue
        if last is not None:
            end = last.end()
        else:  # cut off: all that may belong to it
            end = max(match.end() for match in _KEY_REST.finditer(text, begin.end(), limit))
        yield SecretSpan(kind=PRIVATE_KEY_KIND, start=begin.start(), end=end)
