"""Vectors as arrays, bytes and bits, the same for every backend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from vestige.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from vestige.models import Vector

FLOAT32: Final = np.dtype("<f4")  # little-endian, 4 bytes


def check_vector(field: str, value: object) -> None:
    """Refuse what is not a non-zero, finite float32 vector of one dimension."""
    if not isinstance(value, np.ndarray):
        raise InvalidInputError(field, f"must be a float32 array, not {type(value).__name__}")
    array = cast("NDArray[np.generic]", value)
    if array.dtype != np.float32 or array.ndim != 1:
        raise InvalidInputError(
            field,
            f"must be float32 of one dimension, not {array.dtype} of shape {array.shape}",
        )
    vector = cast("Vector", array)
    if vector.size == 0:
        raise InvalidInputError(field, "must not be empty")
    # Half of the time of the checks below, and enough for nearly every vector.
    with np.errstate(over="ignore", invalid="ignore"):
        if 0 < float(np.dot(vector, vector)) < math.inf:
            return
    if not bool(np.isfinite(vector).all()):
        raise InvalidInputError(field, "holds a value that is not finite (NaN or infinity)")
    if not bool(vector.any()):
        # The angle to a zero vector is undefined, so it could never be found.
        raise InvalidInputError(field, "is all zeros and has no direction")


def dimension_of(vector: Vector) -> int:
    """Return the length of a vector."""
    return int(vector.shape[0])


def vector_bytes(vector: Vector) -> bytes:
    """Return a vector as little-endian float32 bytes."""
    return vector.astype(FLOAT32, copy=False).tobytes()


def vector_of(data: bytes) -> Vector:
    """Return the vector of bytes written by `vector_bytes`, read-only."""
    return np.frombuffer(data, dtype=FLOAT32)


def matrix_of(rows: Sequence[bytes]) -> NDArray[np.float32]:
    """Return vectors of one dimension as a matrix of shape (n, dimension), read-only."""
    return np.frombuffer(b"".join(rows), dtype=FLOAT32).reshape(len(rows), -1)


def unit(vector: Vector) -> Vector:
    """Return the vector scaled to length 1, computed in float64 so that it cannot overflow."""
    wide = vector.astype(np.float64)
    wide /= np.abs(wide).max()
    return (wide / np.linalg.norm(wide)).astype(np.float32)


def cosine_similarities(matrix: NDArray[np.float32], query: Vector) -> NDArray[np.float64]:
    """Return the cosine similarity, -1 to 1, of every row of a matrix to a query vector.

    Args:
        matrix: float32 of shape (n, dimension), no zero rows.
        query: float32 of shape (dimension,), not zero.
    """
    # Summed in float64, where squares of very small float32 values do not vanish. Not a matrix
    # product: BLAS may round equal rows differently, and equal vectors must tie.
    wide = query.astype(np.float64)
    products = np.einsum("ij,j->i", matrix, wide)
    norms = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
    return np.clip(products / (norms * np.linalg.norm(wide)), -1.0, 1.0)
