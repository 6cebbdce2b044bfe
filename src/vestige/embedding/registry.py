"""The embedders that can be chosen, by name or by the signature of their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.embedding.hashing import HashingEmbedder
from vestige.embedding.minilm import MODEL_NAME, MiniLMEmbedder
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vestige.embedding.protocol import Embedder
    from vestige.models import ModelSignature


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownModel:
    """A model that can be chosen.

    Attributes:
        provider: as in `[embeddings] provider`.
        model: as in `[embeddings] model`.
        description: what it is, in one line for people.
        build: makes the embedder; cheap, the model is loaded when it is first used.
        for_tests: it is used only where it is named, whatever a store has registered.
    """

    provider: str
    model: str
    description: str
    build: Callable[[], Embedder]
    for_tests: bool = False


# A provider's first model is the one it uses when none is named.
KNOWN_MODELS: Final[tuple[KnownModel, ...]] = (
    KnownModel(
        provider="builtin",
        model=MODEL_NAME,
        description="384 dimensions, English, inside the package",
        build=MiniLMEmbedder,
    ),
    KnownModel(
        provider="hashing",
        model="hashing-64",
        description="64 dimensions, for tests: knows words, not meanings",
        build=lambda: HashingEmbedder(dimension=64, name="hashing-64"),
        for_tests=True,
    ),
    KnownModel(
        provider="hashing",
        model="hashing-384",
        description="384 dimensions, for tests: as long as the built-in model's vectors",
        build=lambda: HashingEmbedder(dimension=384, name="hashing-384"),
        for_tests=True,
    ),
)

_HINT: Final = "Correct `provider` and `model` in the [embeddings] section of vestige.toml."


def open_embedder(provider: str = "builtin", model: str | None = None) -> Embedder:
    """Make the embedder that a configuration names.

    Args:
        provider: one of the providers of `KNOWN_MODELS`.
        model: one of that provider's models; None takes the first of them.

    Raises:
        ConfigError: the provider or the model is unknown; the message lists the known ones.
        EmbeddingError: the files of the model are missing from the installation.
    """
    offered = [known for known in KNOWN_MODELS if known.provider == provider]
    if not offered:
        providers = ", ".join(dict.fromkeys(known.provider for known in KNOWN_MODELS))
        raise ConfigError(f"unknown embedding provider {provider!r}; known: {providers}", _HINT)
    if model is None:
        return offered[0].build()
    for known in offered:
        if known.model == model:
            return known.build()
    models = ", ".join(known.model for known in offered)
    raise ConfigError(
        f"the embedding provider {provider!r} has no model {model!r}; known: {models}", _HINT
    )


def embedder_for(signature: ModelSignature) -> Embedder | None:
    """Find the embedder whose vectors have this signature.

    Used where nothing is configured, so that the model a store has registered decides. Models
    for tests are left out: they must be named.

    Returns:
        None when no known model gives such vectors.

    Raises:
        EmbeddingError: the files of a model are missing from the installation.
    """
    for known in KNOWN_MODELS:
        if known.for_tests:
            continue
        embedder = known.build()
        if embedder.signature == signature:
            return embedder
    return None
