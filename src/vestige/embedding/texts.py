"""Texts to the vectors of a memory, off the event loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from vestige.errors import EmbeddingError
from vestige.telemetry.observing import observed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from vestige.embedding.protocol import Embedder
    from vestige.models import ModelSignature, Vector


@dataclass(frozen=True, kw_only=True, slots=True)
class TextVectors:
    """The vectors of one text.

    Attributes:
        embedding: of the whole text: float32 of shape (dimension,), of length 1.
        windows: one vector per window; empty when the model reads the text at once.
        is_complete: whether the windows leave nothing of the text out.
    """

    embedding: Vector
    windows: tuple[Vector, ...]
    is_complete: bool


async def signature_of(embedder: Embedder) -> ModelSignature:
    """Return what decides the embedder's vectors; it may have to ask a server or read files.

    Raises:
        EmbeddingError: the embedder failed.
    """
    return await asyncio.to_thread(getattr, embedder, "signature")


async def embed_text(embedder: Embedder, text: str) -> TextVectors:
    """Embed a text to be stored: one vector per window and their mean.

    Raises:
        EmbeddingError: the embedder failed.
    """
    (vectors,) = await embed_texts(embedder, [text])
    return vectors


async def embed_texts(embedder: Embedder, texts: Sequence[str]) -> list[TextVectors]:
    """Embed texts to be stored, given to the embedder at once.

    Raises:
        EmbeddingError: the embedder failed, for one of them or for all.
    """
    with observed("embedding", "documents") as observation:
        observation.counts["texts"] = len(texts)
        return await asyncio.to_thread(embed_now, embedder, texts)


async def embed_query(embedder: Embedder, text: str) -> Vector:
    """Embed a text to search with: float32 of shape (dimension,).

    Raises:
        EmbeddingError: the embedder failed.
    """
    with observed("embedding", "query") as observation:
        observation.counts["texts"] = 1
        vectors = await asyncio.to_thread(embedder.embed_query, text)
    return vectors[0]


def embed_now(embedder: Embedder, texts: Sequence[str]) -> list[TextVectors]:
    """Do what `embed_texts` does on the calling thread, which waits for it."""
    pieces = [embedder.split(text) for text in texts]
    vectors = embedder.embed_documents([piece for windows in pieces for piece in windows])
    ends = list(accumulate(map(len, pieces)))
    if len(vectors) != ends[-1]:
        raise EmbeddingError(f"the model returned {len(vectors)} vectors for {ends[-1]} texts")
    return [
        _of_text(text, windows, vectors[end - len(windows) : end])
        for text, windows, end in zip(texts, pieces, ends, strict=True)
    ]


def _of_text(text: str, pieces: Sequence[str], vectors: NDArray[np.float32]) -> TextVectors:
    from vestige.embedding.unit_rows import unit_rows  # noqa: PLC0415  # imports numpy

    if len(pieces) == 1:
        return TextVectors(embedding=vectors[0], windows=(), is_complete=True)
    return TextVectors(
        embedding=unit_rows(vectors.mean(axis=0, dtype="f8", keepdims=True), origin="the model")[0],
        windows=tuple(vectors),
        # Windows overlap, so together they are longer than a text they cover.
        is_complete=sum(map(len, pieces)) >= len(text),
    )
