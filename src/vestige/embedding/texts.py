"""Texts to the vectors of a memory, off the event loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    return await asyncio.to_thread(_embed, embedder, text)


async def embed_query(embedder: Embedder, text: str) -> Vector:
    """Embed a text to search with: float32 of shape (dimension,).

    Raises:
        EmbeddingError: the embedder failed.
    """
    vectors = await asyncio.to_thread(embedder.embed_query, text)
    return vectors[0]


def _embed(embedder: Embedder, text: str) -> TextVectors:
    from vestige.embedding.unit_rows import unit_rows  # noqa: PLC0415  # imports numpy

    pieces = embedder.split(text)
    vectors = embedder.embed_documents(pieces)
    if len(pieces) == 1:
        return TextVectors(embedding=vectors[0], windows=(), is_complete=True)
    return TextVectors(
        embedding=unit_rows(vectors.mean(axis=0, dtype="f8", keepdims=True), origin="the model")[0],
        windows=tuple(vectors),
        # Windows overlap, so together they are longer than a text they cover.
        is_complete=sum(map(len, pieces)) >= len(text),
    )
