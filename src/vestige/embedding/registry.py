"""The embedders that can be chosen, by name or by the signature of their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.embedding.hashing import HashingEmbedder
from vestige.embedding.minilm import MODEL_NAME, MiniLMEmbedder
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vestige.config import EmbeddingsSettings
    from vestige.embedding.protocol import Embedder
    from vestige.models import ModelSignature


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownModel:
    """A model that comes with the package.

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

# Providers whose models are listed elsewhere: by the server, by the installed fastembed.
OPEN_PROVIDERS: Final = ("fastembed", "openai")

DEFAULT_PROVIDER: Final = "builtin"

_OPENAI_HINT: Final = (
    'Write under [embeddings] for example provider = "openai", model = "nomic-embed-text", '
    'base_url = "http://localhost:11434/v1", and an api_key if the server wants one.'
)
_FASTEMBED_HINT: Final = (
    'Write under [embeddings] for example model = "BAAI/bge-small-en-v1.5", or the path of a '
    "folder that is called like a model."
)
_HINT: Final = "Correct `provider` and `model` in the [embeddings] section of vestige.toml."


def choose_embedder(
    settings: EmbeddingsSettings, registered: ModelSignature | None = None
) -> Embedder:
    """Make the embedder for a store: the configured one, else the one of the store's vectors.

    Whether a configured one fits the store is for the caller to compare.

    Args:
        settings: the section [embeddings].
        registered: the model of the store, None when it has none yet.

    Raises:
        ConfigError: the settings name no model that can be used, or they name none and the
            model of the store has to be named.
        EmbeddingError: the files of the built-in model are missing from the installation.
    """
    if registered is None or settings.is_given or settings.base_url or settings.dimension:
        return open_embedder(
            settings.provider or DEFAULT_PROVIDER,
            settings.model,
            base_url=settings.base_url,
            api_key=None if settings.api_key is None else settings.api_key.get_secret_value(),
            dimension=settings.dimension,
            registered=registered,
        )
    embedder = embedder_for(registered)
    if embedder is None:
        raise ConfigError(
            f"the store holds vectors of {registered}, and no model is configured",
            _how_to_configure(registered),
        )
    return embedder


def embedder_of(settings: EmbeddingsSettings, signature: ModelSignature) -> Embedder:
    """Make the embedder of the model that a store changed to while it was open.

    Its name decides, and not what the settings name; a server's address and key are theirs.

    Args:
        settings: the section [embeddings].
        signature: of the model; whether the vectors are the same is for the caller to compare.

    Raises:
        ConfigError: no known model is called so, or something it needs is missing.
        EmbeddingError: the files of a model are missing from the installation.
    """
    for known in KNOWN_MODELS:
        if known.model == signature.name and known.provider in (settings.provider, _chosen(known)):
            return known.build()
    provider, _, model = signature.name.partition(":")
    if provider not in OPEN_PROVIDERS:
        raise ConfigError(f"no known model is called {signature.name!r}", _HINT)
    is_remote = provider == "openai"
    has_length = is_remote and settings.dimension == signature.dimension
    return open_embedder(
        provider,
        model,
        base_url=settings.base_url if is_remote else None,
        api_key=None if settings.api_key is None else settings.api_key.get_secret_value(),
        dimension=signature.dimension if has_length else None,
        registered=signature,
    )


def open_embedder(
    provider: str = DEFAULT_PROVIDER,
    model: str | None = None,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    dimension: int | None = None,
    registered: ModelSignature | None = None,
) -> Embedder:
    """Make the embedder of a provider.

    Args:
        provider: one of the providers of `KNOWN_MODELS` or of `OPEN_PROVIDERS`.
        model: one of that provider's models; None takes the first of `KNOWN_MODELS`.
        base_url: where the server of `openai` answers.
        api_key: the key for that server; other providers have no use for it.
        dimension: the length of vectors to ask that server for.
        registered: the model of the store, which spares that server a question.

    Raises:
        ConfigError: the provider or the model is unknown; the message lists the known ones. Or
            something is missing, or given to a provider that cannot follow it.
        EmbeddingError: the files of the built-in model are missing from the installation.
    """
    if provider == "openai":
        if model is None or base_url is None:
            missing = "model" if model is None else "base_url"
            raise ConfigError(f"the embedding provider 'openai' needs a {missing}", _OPENAI_HINT)
        from vestige.embedding.openai import OpenAIEmbedder  # noqa: PLC0415  # every start waits

        return OpenAIEmbedder(
            model=model,
            base_url=base_url,
            api_key=api_key,
            dimension=dimension,
            registered=registered,
        )
    for name, value in (("base_url", base_url), ("dimension", dimension)):
        if value is not None:
            raise ConfigError(
                f"embeddings.{name} is given, but the embedding provider is {provider!r}",
                f'Remove `{name}` from [embeddings], or write provider = "openai".',
            )
    if provider == "fastembed":
        if model is None:
            raise ConfigError("the embedding provider 'fastembed' needs a model", _FASTEMBED_HINT)
        from vestige.embedding.fastembed import (  # noqa: PLC0415  # every start waits
            FastEmbedEmbedder,
        )

        return FastEmbedEmbedder(model)
    return _known_model(provider, model).build()


def embedder_for(signature: ModelSignature) -> Embedder | None:
    """Find the embedder whose vectors have this signature.

    Used where nothing is configured, so that the model a store has registered decides. Models
    for tests are left out: they must be named. So are those of `OPEN_PROVIDERS`: a signature
    tells neither the server nor the folder.

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


def _chosen(known: KnownModel) -> str | None:
    """Return the provider of a model that may be used unnamed; None for one that is for tests."""
    return None if known.for_tests else known.provider


def _known_model(provider: str, model: str | None) -> KnownModel:
    offered = [known for known in KNOWN_MODELS if known.provider == provider]
    if not offered:
        providers = dict.fromkeys([*(known.provider for known in KNOWN_MODELS), *OPEN_PROVIDERS])
        raise ConfigError(
            f"unknown embedding provider {provider!r}; known: {', '.join(providers)}", _HINT
        )
    if model is None:
        return offered[0]
    for known in offered:
        if known.model == model:
            return known
    models = ", ".join(known.model for known in offered)
    raise ConfigError(
        f"the embedding provider {provider!r} has no model {model!r}; known: {models}", _HINT
    )


def _how_to_configure(registered: ModelSignature) -> str:
    provider, _, model = registered.name.partition(":")
    if provider not in OPEN_PROVIDERS:
        return "Name its provider and model in [embeddings] of vestige.toml."
    also = " and the `base_url` of its server" if provider == "openai" else ""
    return (
        f'Write provider = "{provider}", model = "{model}"{also} under [embeddings] '
        "in vestige.toml."
    )
