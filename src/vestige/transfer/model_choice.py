"""The new model of a store: which one is meant, its embedder, and what configures it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestige.embedding.registry import DEFAULT_PROVIDER, KNOWN_MODELS, OPEN_PROVIDERS, open_embedder
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from vestige.config import EmbeddingsSettings
    from vestige.embedding import Embedder


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChoice:
    """A model as `[embeddings]` names it.

    Attributes:
        provider: whose it is.
        model: its name there.
        dimension: asked of a server that lets one choose, None for the model's own.
    """

    provider: str
    model: str
    dimension: int | None = None

    def values(self, settings: EmbeddingsSettings) -> dict[str, str | int | None]:
        """Return what [embeddings] has to say; None is what it must not."""
        is_remote = self.provider == "openai"
        return {
            "provider": self.provider,
            "model": self.model,
            "dimension": self.dimension,
            "base_url": settings.base_url if is_remote else None,
        }

    def is_configured(self, settings: EmbeddingsSettings) -> bool:
        """Say whether the settings name this model, or leave it to the store to name it."""
        if self.provider == DEFAULT_PROVIDER and not settings.is_given:
            return settings.base_url is None and settings.dimension is None
        named = (settings.provider or DEFAULT_PROVIDER, settings.model, settings.dimension)
        return named == (self.provider, self.model, self.dimension)

    def open(self, settings: EmbeddingsSettings) -> Embedder:
        """Make the embedder, with the server and key of the settings where it needs them.

        Raises:
            ConfigError: the provider or the model is unknown, or something it needs is missing.
        """
        is_remote = self.provider == "openai"
        key = settings.api_key if is_remote else None
        return open_embedder(
            self.provider,
            self.model,
            base_url=settings.base_url if is_remote else None,
            api_key=None if key is None else key.get_secret_value(),
            dimension=self.dimension,
        )


def choose_model(
    settings: EmbeddingsSettings, model: str, provider: str | None, dimension: int | None
) -> ModelChoice:
    """Return the model that is meant.

    Args:
        settings: the section [embeddings], whose provider is taken where nothing else says it.
        model: its name, or `PROVIDER:NAME`, as signatures have it.
        provider: whose it is; None where the name says it.
        dimension: how long its vectors are to be.

    Raises:
        ConfigError: nothing says whose model it is; the message lists the known ones.
    """
    prefix, _, rest = model.partition(":")
    if provider is None and rest and prefix in OPEN_PROVIDERS:
        provider = prefix
    if rest and prefix == provider:
        model = rest
    if provider is None:
        provider = _provider_of(model, settings)
    return ModelChoice(
        provider=provider, model=model, dimension=dimension if provider == "openai" else None
    )


def _provider_of(model: str, settings: EmbeddingsSettings) -> str:
    for known in KNOWN_MODELS:
        if known.model == model:
            return known.provider
    if settings.provider in OPEN_PROVIDERS:
        return settings.provider
    names = ", ".join(known.model for known in KNOWN_MODELS)
    others = " or ".join(OPEN_PROVIDERS)
    raise ConfigError(
        f"no known model is called {model!r}; known: {names}",
        f"Correct --model, or say whose it is with --provider {others}.",
    )
