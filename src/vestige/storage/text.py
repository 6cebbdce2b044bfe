"""The text normaliser: what the full-text indexes of all backends have in common.

A database's own tokenizer splits text at spaces and punctuation and stems words. That loses text in
scripts without spaces, emoji, the inside of identifiers and letters with accents. `search_terms`
returns what is lost as extra words, which are indexed beside the text and asked for beside the
words of a query, so that a backend's tokenizer only ever has to handle plain words.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final

from vestige.storage.stop_words import STOP_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SEARCHABLE_CHARACTERS: Final = 200_000  # a PostgreSQL tsvector holds at most 1 MB
SEARCH_TERMS_MAX_CHARACTERS: Final = 200_000
QUERY_WORDS_MAX: Final = 256  # distinct words of a query that are looked at
QUERY_PAIRS_MAX: Final = 256  # distinct pairs of them
QUERY_PHRASES_MAX: Final = 32  # distinct phrases, and as many exclusions

# Thai, Lao, Tibetan, Myanmar, Khmer, Japanese, Chinese, Korean: no spaces, or particles that are
# glued to the word they belong to.
_UNSPACED: Final = (
    r"\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    r"\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    r"\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_JSON: Final = json.JSONEncoder(ensure_ascii=False)  # made once: `json.dumps` makes one a call
_UNSPACED_RUN: Final = re.compile(f"[{_UNSPACED}]+")
_WORD: Final = re.compile(r"[^\W_]+")
# From a letter to a space or something of ASCII or of the punctuation blocks; of these words, only
# those with signs are looked at.
_WORD_AND_SIGNS: Final = re.compile(
    r"[^\W_][^\s\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u2000-\u206f\u3000-\u303f]*"
)
_CAMEL_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W_a-zA-Z0-9]+")
_CAMEL: Final = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]")
_CONNECTED: Final = re.compile(r"[^\W_][_/\\.:@#~+=-]+[^\W_]")
_SPLITTING: Final = re.compile(r"[_/\\.:@#~+=]")
_SIGNED_WORD: Final = re.compile(r"(?<!\w)([A-Za-z]\w*+)(\+\+|#)(?!\w)")  # C++, C#, F#
# Most words of most texts: nothing in them is lost, which is found out at once.
_PLAIN: Final = r"""[("'\[]*(?:[A-Za-z]?[a-z0-9]*|[A-Z0-9]+)(?:'[a-z]+)?[.,;:!?)"'\]]*"""
_NOT_PLAIN: Final = re.compile(rf"(?<!\S)(?!{_PLAIN}(?!\S))\S+")
_QUOTED: Final = re.compile(r'(?:(?<!\S)(-))?"([^"]*)"')
_EXCLUDED: Final = re.compile(r"(?<!\S)-([^\s-]\S*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """Something that must, or must not, occur as it stands.

    Attributes:
        words: plain words that follow each other.
        terms: extra words of the normaliser that all occur.
    """

    words: tuple[str, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TextQuery:
    """A query taken apart.

    Attributes:
        words: alternatives, without stop words, each once, in the order of the query.
        pairs: two of the words that stand side by side in the query, each pair once.
        phrases: all of these must occur.
        excluded: none of these may occur.
    """

    words: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    phrases: tuple[Phrase, ...]
    excluded: tuple[Phrase, ...]


def search_terms(content: str, tags: Iterable[str] = ()) -> str:
    """Return the extra words of a memory, each once, separated by spaces; often none.

    Args:
        content: any text; what lies beyond `SEARCHABLE_CHARACTERS` is not looked at.
        tags: its tags; the words of those that JSON escapes are extra words as well.
    """
    terms: list[str] = []
    length = 0
    for term in dict.fromkeys((*_tag_terms(tags), *_distinct_terms(_composed(content)))):
        length += len(term) + 1
        if length > SEARCH_TERMS_MAX_CHARACTERS:
            break
        terms.append(term)
    return " ".join(terms)


def parse_query(text: str) -> TextQuery:
    """Take a query apart; never fails, whatever the text."""
    phrases: list[Phrase] = []
    excluded: list[Phrase] = []

    def keep_quoted(match: re.Match[str]) -> str:
        (excluded if match[1] else phrases).append(_phrase(match[2]))
        return " "

    def keep_excluded(match: re.Match[str]) -> str:
        excluded.append(_phrase(match[1]))
        return " "

    text = _EXCLUDED.sub(keep_excluded, _QUOTED.sub(keep_quoted, _composed(text)))
    return TextQuery(
        words=_query_words(text),
        pairs=_query_pairs(text),
        phrases=_distinct_phrases(phrases),
        excluded=_distinct_phrases(excluded),
    )


def _tag_terms(tags: Iterable[str]) -> Iterator[str]:
    for tag in tags:
        if _JSON.encode(tag) != f'"{tag}"':
            yield from _plain_words(tag)
        yield from _distinct_terms(_composed(tag))


def _query_words(text: str) -> tuple[str, ...]:
    plain = (word for word in _plain_words(text) if word not in STOP_WORDS)
    words = dict.fromkeys(plain)
    words.update(dict.fromkeys(_distinct_terms(text, is_query=True)))
    return tuple(words)[:QUERY_WORDS_MAX]


def _query_pairs(text: str) -> tuple[tuple[str, str], ...]:
    found = (
        pair
        for pair in pairwise(_plain_words(text))
        if pair[0] != pair[1] and STOP_WORDS.isdisjoint(pair)
    )
    return tuple(islice(dict.fromkeys(found), QUERY_PAIRS_MAX))


def _distinct_phrases(phrases: Iterable[Phrase]) -> tuple[Phrase, ...]:
    found = dict.fromkeys(phrase for phrase in phrases if phrase.words or phrase.terms)
    return tuple(found)[:QUERY_PHRASES_MAX]


def _phrase(text: str) -> Phrase:
    # A connected word stands in the text as its parts do, one after the other; only what the
    # tokenizers cannot see at all is asked for as a term.
    invisible = dict.fromkeys(
        term for chunk in text.split() for term in _invisible_terms(chunk, is_query=True)
    )
    return Phrase(words=tuple(_plain_words(text)), terms=tuple(invisible))


def _composed(text: str) -> str:
    # A letter and its accent as one character: alone, the accent would end a word.
    return unicodedata.normalize("NFC", text[:SEARCHABLE_CHARACTERS])


def _plain_words(text: str) -> Iterator[str]:
    text = _UNSPACED_RUN.sub(" ", text)
    for word in _marked_words(text):
        text = text.replace(word, " ")
    for match in _WORD.finditer(text):
        yield match[0].lower()


def _distinct_terms(text: str, *, is_query: bool = False) -> Iterator[str]:
    seen: set[str] = set()
    for chunk in dict.fromkeys(_NOT_PLAIN.findall(text)):
        for term in _chunk_terms(chunk, is_query=is_query):
            if term not in seen:
                seen.add(term)
                yield term


def _chunk_terms(chunk: str, *, is_query: bool) -> Iterator[str]:
    """Yield the extra words of a text without spaces."""
    yield from _folded_words(chunk)
    yield from _invisible_terms(chunk, is_query=is_query)
    if _CONNECTED.search(chunk) or _CAMEL.search(chunk):
        yield from _identifier_terms(chunk)


def _folded_words(chunk: str) -> Iterator[str]:
    """Yield words without accents and compatibility forms, where that changes them."""
    if chunk.isascii():
        return
    is_glued = _UNSPACED_RUN.search(chunk) is not None
    for word in _plain_words(chunk):
        folded = _fold(word)
        # A tokenizer takes a word and the unspaced script beside it for one word.
        if folded != word or is_glued:
            yield from _WORD.findall(folded)


def _invisible_terms(chunk: str, *, is_query: bool) -> Iterator[str]:
    """Yield words that stand for what a tokenizer for spaced text drops or cannot split."""
    for match in _SIGNED_WORD.finditer(chunk):
        yield match[1].casefold() + _spelled(match[2])
    if chunk.isascii():
        return
    for word in _marked_words(chunk):
        yield _spelled(word)
    folded = unicodedata.normalize("NFKC", chunk)
    for run in _UNSPACED_RUN.findall(folded):
        yield from (_spelled(run[i : i + 2]) for i in range(len(run) - 1))
        # Single characters are there to be asked for alone; beside others they are noise.
        if len(run) == 1 or not is_query:
            yield from map(_spelled, run)
    for character in folded:
        if unicodedata.category(character) == "So":
            yield _spelled(character)


def _marked_words(text: str) -> Iterator[str]:
    """Yield words with signs that are no letters, as in Devanagari, longest first.

    Some tokenizers end a word at such a sign and others do not, so these words are never left to
    them.
    """
    if text.isascii():
        return
    words = dict.fromkeys(_WORD_AND_SIGNS.findall(text))
    for word in sorted(words, key=len, reverse=True):
        if any(unicodedata.category(character) in {"Mn", "Mc"} for character in word):
            yield word


def _identifier_terms(chunk: str) -> Iterator[str]:
    """Yield the parts of an identifier, a path or a version, and the whole of it as one word."""
    words = _WORD.findall(_UNSPACED_RUN.sub(" ", chunk))
    if _SPLITTING.search(chunk):
        yield from (word.casefold() for word in words)
    for word in words:
        if _CAMEL.search(word):
            yield from (part.casefold() for part in _CAMEL_PART.findall(word))
    if len(words) > 1:
        yield "".join(words).casefold()


def _spelled(text: str) -> str:
    # ASCII, so that every tokenizer sees a word; the last letter keeps stemmers away.
    return "".join(f"x{ord(character):x}" for character in text) + "q"


def _fold(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
