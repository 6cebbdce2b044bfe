from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from vestige.embedding import sentence_encoder
from vestige.embedding.minilm import (
    DIMENSION,
    MODEL_FOLDER,
    OVERLAP_TOKENS,
    WINDOW_TOKENS,
    MiniLMEmbedder,
)
from vestige.embedding.sentence_encoder import SentenceEncoder
from vestige.embedding.windows import MAX_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable

EMBEDDER = MiniLMEmbedder()

# What splits, joins, shifts or vanishes in the tokenizer.
PIECES = (
    *("unbelievably ", "antidisestablishmentarianism ", "don't ", "a", " ", "\n\n", "\t"),
    *("\u4e2d", "\u6587", "\u3002", "\ud55c\uae00", "\u3053\u3093", "\u0e2a\u0e27", "\U0001f600 "),
    *("[SEP]", "[CLS", "]", "[", "!!!", "\u2014", "...", "#", "##ing", "_", "'"),
    *(
        "e\u0301",
        "\u0301",
        "\u200d",
        "\u202e",
        "\u0130",
        "\u00df",
        "\ufb01",
        "\x00",
        "\x1c",
        "\ufffd",
    ),
)
MIXED_TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=500).map("".join)


@pytest.fixture(scope="module")
def count_tokens() -> Callable[[str], int]:
    tokenizer = Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(
        network=MODEL_FOLDER / "model.onnx",
        tokenizer=MODEL_FOLDER / "tokenizer.json",
        max_tokens=WINDOW_TOKENS,
        dimension=DIMENSION,
    )


def covered_characters(text: str, windows: list[str]) -> int:
    """Lay the windows over the text in order and return how far they cover it without a gap."""
    start = covered = 0
    for window in windows:
        start = text.rindex(window, start, covered + len(window))
        covered = start + len(window)
    return covered


@settings(deadline=None, max_examples=60)
@given(text=MIXED_TEXTS)
def test_windows_cover_the_text_in_order_and_fit_the_model(
    count_tokens: Callable[[str], int], text: str
) -> None:
    windows = EMBEDDER.split(text)
    assert covered_characters(text, windows) == len(text)
    assert max(map(count_tokens, windows)) <= WINDOW_TOKENS
    assert len(windows) <= MAX_WINDOWS
    if count_tokens(text) <= WINDOW_TOKENS:
        assert windows == [text]


@settings(deadline=None, max_examples=200)
@given(text=MIXED_TEXTS)
def test_a_text_tokenized_in_pieces_has_the_tokens_of_the_whole(
    encoder: SentenceEncoder, text: str
) -> None:
    whole = encoder.find_words(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentence_encoder, "_PIECE_CHARACTERS", 4)
        assert encoder.find_words(text) == whole


def test_words_are_not_cut() -> None:
    words = ["unbelievably", "straightforward", "antidisestablishmentarianism"] * 100
    for window in EMBEDDER.split(" ".join(words)):
        assert set(window.split()) <= set(words)


def test_neighbours_share_the_words_that_the_overlap_holds(
    count_tokens: Callable[[str], int],
) -> None:
    first, second = EMBEDDER.split(" ".join(str(number) for number in range(100, 500)))[:2]
    shared = [word for word in second.split() if word in first.split()]
    assert shared == first.split()[-len(shared) :]
    # A number here is one token or two.
    assert OVERLAP_TOKENS - 1 <= count_tokens(" ".join(shared)) <= OVERLAP_TOKENS


def test_a_megabyte_has_the_first_and_the_last_window_and_no_more_than_the_bound() -> None:
    text = "first " + "lorem ipsum dolor " * 55_000 + "last"
    windows = EMBEDDER.split(text)
    assert len(windows) == MAX_WINDOWS
    assert windows[0].startswith("first")
    assert windows[-1].endswith("last")
