"""An event loop on a thread of its own, for callers that have none or must not use theirs."""

from __future__ import annotations

import asyncio
import threading
import warnings
import weakref
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from vestige.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")
R = TypeVar("R")

THREAD_NAME: Final = "vestige"


class Background(Generic[T]):
    """Something async that is opened, used and closed on a thread of its own.

    Any thread may ask it for work, also one on which an event loop runs. The thread is a daemon, so
    that a program ends which has forgotten to close it.

    Args:
        resource: opened at once, and closed by `close`.
    """

    def __init__(self, resource: AbstractAsyncContextManager[T]) -> None:
        self._running = _Running()
        self._lock = threading.Lock()
        self._closing: Future[None] | None = None
        self._abandoned = weakref.finalize(self, _abandon, self._running)
        self._abandoned.atexit = False  # by then no thread can be given work any more
        try:
            self.resource = self.run(lambda: self._running.exits.enter_async_context(resource))
        except BaseException:
            self.close()
            raise

    def submit(self, work: Callable[[], Awaitable[R]]) -> Future[R]:
        """Start work on the thread; cancelling its future cancels it.

        Raises:
            StoreUnavailableError: it is closed, or was opened by a process that has forked.
        """
        with self._lock:
            if self._closing is not None:
                raise StoreUnavailableError("the memory is closed", "Open it again.")
            if not self._running.thread.is_alive():
                raise StoreUnavailableError(
                    "the memory was opened in another process", "Open it in this one."
                )
            return asyncio.run_coroutine_threadsafe(
                _counted(self._running.calls, work), self._running.loop
            )

    def run(self, work: Callable[[], Awaitable[R]]) -> R:
        """Do work on the thread and wait for it.

        Raises:
            RuntimeError: the caller is on that thread, and would wait for itself.
            StoreUnavailableError: as for `submit`.
        """
        self._refuse_own_thread()
        call = _Call(work)
        try:
            return self.submit(call.run).result()
        except BaseException:
            # What Ctrl-C has interrupted must not go on unseen. It may come before there is a
            # future to cancel. Where the loop is closed, nothing is left to be cancelled.
            with suppress(RuntimeError):
                self._running.loop.call_soon_threadsafe(call.cancel)
            raise

    def close(self) -> None:
        """Let the work that was begun end, close what was opened, and end the thread.

        A second call, and one in a process that was forked, does nothing.
        """
        self._refuse_own_thread()
        with self._lock:
            if self._closing is None and self._running.thread.is_alive():
                self._abandoned.detach()
                self._closing = asyncio.run_coroutine_threadsafe(
                    self._running.end(), self._running.loop
                )
        if self._closing is not None:
            self._closing.result()
            self._running.thread.join()

    def _refuse_own_thread(self) -> None:
        if threading.current_thread() is self._running.thread:
            raise RuntimeError(
                "a function that the memory calls must not call the memory: it would wait for"
                " itself; use an async engine there"
            )


class _Call(Generic[R]):
    """Work that can be cancelled before it has begun, and when it has ended."""

    def __init__(self, work: Callable[[], Awaitable[R]]) -> None:
        self._work = work
        self._task: asyncio.Task[object] | None = None
        self._is_cancelled = False

    async def run(self) -> R:
        self._task = asyncio.current_task()
        if self._is_cancelled:
            raise asyncio.CancelledError
        return await self._work()

    def cancel(self) -> None:
        self._is_cancelled = True
        if self._task is not None:
            self._task.cancel()


class _Running:
    """The thread and what is on it; apart from its owner, which can so be seen to be forgotten."""

    def __init__(self) -> None:
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self.thread = threading.Thread(
            target=asyncio.run, args=(_serve(started),), name=THREAD_NAME, daemon=True
        )
        self.thread.start()
        self.loop, self._ended = started.result()
        self.exits = AsyncExitStack()
        self.calls: set[asyncio.Task[object]] = set()

    async def end(self) -> None:
        """Wait for the calls, close what is open, and let the thread end."""
        try:
            if self.calls:
                await asyncio.wait(self.calls)
            await self.exits.aclose()
        finally:
            self._ended.set()


async def _serve(started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    ended = asyncio.Event()
    started.set_result((asyncio.get_running_loop(), ended))
    await ended.wait()


async def _counted(calls: set[asyncio.Task[object]], work: Callable[[], Awaitable[R]]) -> R:
    task = cast("asyncio.Task[object]", asyncio.current_task())
    calls.add(task)
    task.add_done_callback(calls.discard)
    return await work()


def _abandon(running: _Running) -> None:
    if running.thread.is_alive():
        asyncio.run_coroutine_threadsafe(running.end(), running.loop)
        # Last, because a filter may make an error of it.
        warnings.warn("a memory was never closed", ResourceWarning, stacklevel=2)
