"""Texts to vectors: what an embedder is, and how one is chosen."""

from vestige.embedding.protocol import Embedder
from vestige.embedding.registry import (
    KNOWN_MODELS,
    KnownModel,
    choose_embedder,
    embedder_for,
    embedder_of,
    open_embedder,
)

__all__ = [
    "KNOWN_MODELS",
    "Embedder",
    "KnownModel",
    "choose_embedder",
    "embedder_for",
    "embedder_of",
    "open_embedder",
]
