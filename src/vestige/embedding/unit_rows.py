"""Vectors that somebody else computed: checked, and brought to length 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vestige.errors import EmbeddingError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def unit_rows(
    vectors: NDArray[np.float64], *, origin: str, fallback: bool = False
) -> NDArray[np.float32]:
    """Scale each row to length 1.

    Args:
        vectors: shape (n, dimension), n of 0 or more.
        origin: who computed them, for messages.
        fallback: give a zero vector the first axis as its direction instead of failing: for
            models in which a text without a known word has no direction.

    Returns:
        float32 of the same shape.

    Raises:
        EmbeddingError: a row holds NaN or infinity, is too long to be measured, or is zero.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unmeasured = np.flatnonzero(~np.isfinite(lengths[:, 0]))
    if unmeasured.size:
        raise EmbeddingError(
            f"{origin} gave NaN or infinity in vector {unmeasured[0] + 1} of {len(vectors)}",
            "The model is broken or overloaded there: try another model in [embeddings].",
        )
    zeros = np.flatnonzero(lengths[:, 0] == 0)
    if zeros.size and not fallback:
        raise EmbeddingError(
            f"{origin} gave only zeros in vector {zeros[0] + 1} of {len(vectors)}",
            "A zero vector is near nothing: try another model in [embeddings].",
        )
    if zeros.size:
        vectors = vectors.copy()
        vectors[zeros, 0] = 1.0
        lengths[zeros] = 1.0
    return (vectors / lengths).astype(np.float32)
