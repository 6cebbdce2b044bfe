"""The embedder of a store's model, also after another process changed the model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from vestige.embedding.texts import signature_of
from vestige.errors import ConfigError, EmbeddingError, ModelMismatchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vestige.embedding import Embedder
    from vestige.models import ModelSignature
    from vestige.storage.protocol import MemoryStore

    OpenEmbedder: TypeAlias = Callable[[ModelSignature], Embedder]

T = TypeVar("T")


class FollowedModel:
    """What embeds for a store, replaced when the store says that its model is another one.

    A call that meets the change is made once more with the new embedder. The two are never in use
    at the same time: the store's handle is bound to one model, so a vector of the other, made
    before the change, could not be told from one of its own.

    Args:
        store: whose model is followed.
        embedder: of its model at the beginning.
        open_embedder: makes the embedder of another model; None: the change is an error.
    """

    def __init__(
        self, store: MemoryStore, embedder: Embedder, open_embedder: OpenEmbedder | None = None
    ) -> None:
        self.embedder = embedder
        self._store = store
        self._open_embedder = open_embedder
        self._is_bound = False
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._settled = asyncio.Event()
        self._settled.set()
        self._one_follower = asyncio.Lock()

    async def run(self, call: Callable[[Embedder], Awaitable[T]]) -> T:
        """Make a call with the embedder, and once more when the model changed.

        Not from within another such call: a change waits for all of them.

        Raises:
            ModelMismatchError: the model changed, and no other embedder can be opened.
            ConfigError: the new model cannot be opened; the message names both.
        """
        try:
            return await self._use(call)
        except ModelMismatchError:
            if self._open_embedder is None:
                raise
            await self._follow(self._open_embedder)
        return await self._use(call)

    async def bind(self, *, registers: bool) -> bool:
        """Bind the store to the model, so that it refuses vectors of any other.

        Args:
            registers: whether a store that has no model yet is given this one.

        Returns:
            Whether it is bound: a store that has no model and is not given one is not.

        Raises:
            ModelMismatchError: the store has another model.
        """
        if self._is_bound and not registers:
            return True
        if registers or await self._store.registered_model() is not None:
            await self._store.register_model(await signature_of(self.embedder))
            self._is_bound = True
        return self._is_bound

    async def _use(self, call: Callable[[Embedder], Awaitable[T]]) -> T:
        while not self._settled.is_set():
            await self._settled.wait()
        self._users += 1
        self._unused.clear()
        try:
            return await call(self.embedder)
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def _follow(self, open_embedder: OpenEmbedder) -> None:
        """Take the embedder of the registered model, unless another call has done so."""
        async with self._one_follower:
            old = await signature_of(self.embedder)
            new = await self._store.registered_model()
            if new is None or new == old:
                return
            self._settled.clear()
            try:
                await self._unused.wait()
                embedder = await _opened(open_embedder, old, new)
                await self._store.register_model(new)
                self.embedder = embedder
            finally:
                self._settled.set()


async def _opened(
    open_embedder: OpenEmbedder, old: ModelSignature, new: ModelSignature
) -> Embedder:
    """Return the embedder of the new model.

    Raises:
        ConfigError: it cannot be opened, or gives other vectors; the message names both models.
    """
    what = f"the model of the store changed from {old} to {new}"
    try:
        embedder = await asyncio.to_thread(open_embedder, new)
        found = await signature_of(embedder)
    except (ConfigError, EmbeddingError) as error:
        raise ConfigError(f"{what}, which cannot be opened: {error}", error.hint) from error
    if found != new:
        raise ConfigError(
            f"{what}, but what is configured under that name is {found}",
            "Correct [embeddings] in vestige.toml.",
        )
    return embedder
