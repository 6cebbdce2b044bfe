"""The memory that the tools work on, opened when the first of them needs it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.engine.engine import Engine

# A write may wait half a minute for another process; clients kill a server that lingers for two
# seconds.
CLOSING_SECONDS: Final = 1.5


class MemoryHandle:
    """A configured memory that costs nothing until a tool uses it.

    A client waits for `initialize` before it shows anything, so neither the store nor the libraries
    that it and the model need are loaded before.

    Attributes:
        config: which store and model.
        session_id: tells the memories of this run from those of others.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.session_id = str(uuid4())
        self._resources = AsyncExitStack()
        self._opening: asyncio.Task[Engine] | None = None
        self._is_closed = False

    @property
    def store_name(self) -> str:
        """The backend and the place of its data, without a password."""
        return self.config.store_name

    async def engine(self) -> Engine:
        """Return the open engine; after a failure, the next call tries again.

        Raises:
            VestigeError: the store or the model cannot be used.
        """
        # A task of its own, so that calls at the same time open one store, and a client that
        # cancels its call does not leave a half-open one behind.
        if self._opening is None or _has_failed(self._opening):
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Close the store once the work that it has begun is done, or has had its time."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                if self._opening is not None:
                    await asyncio.wait({self._opening})
                await self._resources.aclose()

    async def _open(self) -> Engine:
        from vestige.engine.opening import open_engine  # noqa: PLC0415  # costs .3 s

        return await self._resources.enter_async_context(open_engine(self.config))


def _has_failed(task: asyncio.Task[Engine]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
