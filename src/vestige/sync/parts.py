"""What reading, writing and upkeep have in common when they wait for their answers."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from types import TracebackType

    from vestige.embedding import Embedder
    from vestige.engine.engine import Engine
    from vestige.engine.parts import Actor
    from vestige.models import ModelSignature
    from vestige.sync.background import Background

R = TypeVar("R")


class SyncBase:
    """An open engine, used from any thread, and closed at the end of a `with` block.

    Args:
        background: the engine, opened on a thread of its own.
    """

    def __init__(self, background: Background[Engine]) -> None:
        self._background = background
        self._engine = background.resource

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait for the calls of other threads, and close the store; a second call does nothing.

        It is closed for what `acting_as` has returned, too.
        """
        self._background.close()

    def run(self, work: Callable[[Engine], Awaitable[R]]) -> R:
        """Do async work with the engine, on its thread, and return what it returns.

        Args:
            work: is given the async engine, as in `memory.run(lambda engine: engine.stats())`.

        Raises:
            RuntimeError: the caller is a function that the engine has called.
            StoreUnavailableError: the memory is closed.
        """
        return self._background.run(partial(work, self._engine))

    def submit(self, work: Callable[[Engine], Awaitable[R]]) -> Future[R]:
        """Start async work with the engine, on its thread; cancelling the future cancels it.

        `await asyncio.wrap_future(memory.submit(...))` waits for it in another event loop.

        Args:
            work: is given the async engine.

        Raises:
            StoreUnavailableError: the memory is closed.
        """
        return self._background.submit(partial(work, self._engine))

    def acting_as(self, actor: Actor) -> Self:
        """Return the same engine, whose changes are those of somebody else."""
        other = copy(self)
        other._engine = self._engine.acting_as(actor)  # noqa: SLF001  # its own class
        return other

    def model(self) -> ModelSignature:
        """Return the model that embeds; of a new store's remote model the server is asked.

        Raises:
            EmbeddingError: the embedder failed.
        """
        return self.run(lambda engine: engine.model())

    @property
    def actor(self) -> Actor:
        """Who the changelog says made the changes."""
        return self._engine.actor

    @property
    def embedder(self) -> Embedder:
        """What makes the vectors, of the model that the store was last seen to have."""
        return self._engine.embedder
