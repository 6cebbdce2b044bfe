from __future__ import annotations

import numpy as np
import pytest

from vestige.embedding.hashing import OVERLAP_WORDS, WINDOW_WORDS, HashingEmbedder

FIRST_COMPONENTS = [0.0, 0.0, 0.0, 0.5345225]


def test_vectors_are_float32_of_unit_length() -> None:
    vectors = HashingEmbedder(dimension=16).embed_documents(["one", "two three", "", " ", "\ud800"])
    assert vectors.shape == (5, 16)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5), abs=1e-6)


def test_no_texts_give_an_empty_matrix() -> None:
    assert HashingEmbedder().embed_documents([]).shape == (0, 64)


def test_a_vector_is_the_same_in_every_process() -> None:
    vector = HashingEmbedder().embed_query("The cat sat")[0]
    assert vector[:4] == pytest.approx(FIRST_COMPONENTS, abs=1e-6)


def test_a_text_without_words_gives_the_first_unit_vector() -> None:
    assert HashingEmbedder(dimension=3).embed_query("...").tolist() == [[1.0, 0.0, 0.0]]


def test_shared_words_and_parts_of_words_bring_texts_closer() -> None:
    embedder = HashingEmbedder(dimension=384)
    cat, same, plural, other = embedder.embed_documents(
        ["the cat sat", "The CAT sat!", "the cats sat", "quarterly revenue"]
    )
    assert cat @ same == pytest.approx(1.0, abs=1e-6)
    assert cat @ other < cat @ plural < cat @ same


def test_another_name_of_the_same_dimension_gives_other_vectors_and_another_signature() -> None:
    first, second = HashingEmbedder(name="first"), HashingEmbedder(name="second")
    assert first.signature.dimension == second.signature.dimension
    assert first.signature.hash != second.signature.hash
    assert not np.array_equal(first.embed_query("the cat"), second.embed_query("the cat"))


def test_long_texts_are_split_by_words_with_an_overlap() -> None:
    text = " ".join(f"w{position}" for position in range(WINDOW_WORDS + 1))
    first, second = HashingEmbedder().split(text)
    assert len(first.split()) == WINDOW_WORDS
    assert second.split() == text.split()[WINDOW_WORDS - OVERLAP_WORDS :]


@pytest.mark.parametrize("text", ["", " \n", "short", "w " * WINDOW_WORDS])
def test_a_text_that_fits_is_returned_as_it_is(text: str) -> None:
    assert HashingEmbedder().split(text) == [text]


def test_a_dimension_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="0"):
        HashingEmbedder(dimension=0)
