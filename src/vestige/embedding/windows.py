"""Cutting a long text into overlapping windows at the borders of its words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A window is one stored vector. 128 of them hold about 28,000 tokens, some 20,000 English words.
MAX_WINDOWS: Final = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Where the words of a text are, in characters and in tokens.

    Attributes:
        starts: index of each word's first character, ascending.
        first_tokens: index of each word's first token, strictly ascending from 0.
        token_count: number of tokens of the whole text.
    """

    starts: Sequence[int]
    first_tokens: Sequence[int]
    token_count: int


def cut_windows(text: str, words: Words, *, window_tokens: int, overlap_tokens: int) -> list[str]:
    """Cut a text into windows that share as many whole words as the overlap holds.

    Args:
        text: the text that `words` describes.
        words: its words; a word is never cut.
        window_tokens: most tokens of a window; a longer word is a window of its own.
        overlap_tokens: most tokens that two neighbours share, less than `window_tokens`.

    Returns:
        `[text]` when it fits. Otherwise slices of the text in order, which together hold every
        character; where there would be more than `MAX_WINDOWS`, that many of them, evenly
        spread, the first and the last included.
    """
    if words.token_count <= window_tokens:
        return [text]
    # Whatever stands before a word belongs to the window that ends there, so nothing is lost.
    char_borders = [0, *words.starts[1:], len(text)]
    token_borders = [*words.first_tokens, words.token_count]
    ranges = list(_word_ranges(token_borders, window_tokens, overlap_tokens))
    return [text[char_borders[first] : char_borders[end]] for first, end in _spread(ranges)]


def _word_ranges(borders: list[int], window: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Yield [first, end) of each window in words; borders[i] is where word i starts in tokens."""
    word_count = len(borders) - 1
    first = end = 0
    while end < word_count:
        end = max(bisect_right(borders, borders[first] + window) - 1, first + 1)
        yield first, end
        # A word longer than the rest of the window must not bring the same window again.
        first = max(bisect_left(borders, borders[end] - overlap), first + 1)


def _spread(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    last = len(ranges) - 1
    if last < MAX_WINDOWS:
        return ranges
    return [ranges[i * last // (MAX_WINDOWS - 1)] for i in range(MAX_WINDOWS)]
