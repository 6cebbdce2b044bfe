from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from vestige.embedding.windows import MAX_WINDOWS, Words, cut_windows

WINDOW = 10
OVERLAP = 3


def words_of(token_counts: list[int]) -> tuple[str, Words]:
    """Build a text of numbered words that have the given numbers of tokens."""
    pieces = [f"{position} " for position in range(len(token_counts))]
    starts = list(accumulate((len(piece) for piece in pieces), initial=0))
    tokens = list(accumulate(token_counts, initial=0))
    words = Words(starts=starts[:-1], first_tokens=tokens[:-1], token_count=tokens[-1])
    return "".join(pieces), words


def cut(token_counts: list[int]) -> list[list[int]]:
    """Cut such a text and return the numbers of the words in each window."""
    text, words = words_of(token_counts)
    windows = cut_windows(text, words, window_tokens=WINDOW, overlap_tokens=OVERLAP)
    return [[int(word) for word in window.split()] for window in windows]


def test_a_text_that_fits_exactly_is_one_window() -> None:
    assert cut([1] * WINDOW) == [list(range(WINDOW))]


def test_neighbours_share_as_many_words_as_the_overlap_holds() -> None:
    assert cut([1] * 12) == [list(range(10)), list(range(7, 12))]
    assert cut([2] * 7) == [[0, 1, 2, 3, 4], [4, 5, 6]]


def test_a_word_longer_than_a_window_is_a_window_of_its_own() -> None:
    assert cut([1, 50, 1]) == [[0], [1], [2]]


def test_characters_before_the_first_word_and_after_the_last_are_kept() -> None:
    text = "  a b  "
    words = Words(starts=[2, 4], first_tokens=[0, 1], token_count=2)
    assert cut_windows(text, words, window_tokens=1, overlap_tokens=0) == ["  a ", "b  "]


def test_beyond_the_bound_windows_are_evenly_spread_from_the_first_to_the_last() -> None:
    starts = [window[0] for window in cut([1] * 7000)]
    assert len(starts) == MAX_WINDOWS
    assert starts[0] == 0
    assert cut([1] * 7000)[-1][-1] == 6999
    steps = {after - before for before, after in pairwise(starts)}
    assert max(steps) - min(steps) == WINDOW - OVERLAP


@given(st.lists(st.integers(min_value=1, max_value=14), min_size=1, max_size=120))
def test_windows_hold_every_word_in_order_and_fit(token_counts: list[int]) -> None:
    windows = cut(token_counts)
    assert windows[0][0] == 0
    assert windows[-1][-1] == len(token_counts) - 1
    for window in windows:
        assert window == list(range(window[0], window[-1] + 1))
        assert len(window) == 1 or sum(token_counts[word] for word in window) <= WINDOW
    for before, after in pairwise(windows):
        assert before[0] < after[0] <= before[-1] + 1
        assert sum(token_counts[word] for word in before if word >= after[0]) <= OVERLAP
