"""The stores and pools that are open in this process, for whoever wants to measure them."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

from vestige.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from concurrent.futures import Future

    from vestige.models import StoreStats

KEPT_SECONDS: Final = 60.0  # how old counts may be: they read whole tables
RETRY_SECONDS: Final = 10.0  # after the store could not be asked
WAIT_SECONDS: Final = 2.0  # how long whoever asks waits for counts; then the old ones have to do


class PoolState(Protocol):
    """How many connections there are: open, of these idle, and at most."""

    @property
    def size(self) -> int: ...
    @property
    def idle(self) -> int: ...
    @property
    def limit(self) -> int: ...


class PoolOwner(Protocol):
    """What has a pool of connections."""

    @property
    def name(self) -> str: ...
    def pool_state(self) -> PoolState: ...


class WatchedStore:
    """An open store whose counts may be asked for from any thread, as often as one likes.

    Args:
        name: the backend and the place of its data, without a password.
        read: asks the store for its counts, on its event loop.
    """

    def __init__(self, name: str, read: Callable[[], Awaitable[StoreStats]]) -> None:
        self.name = name
        self._read = read
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._asking: Future[None] | None = None
        self._ask_again_at = 0.0
        self._stats: StoreStats | None = None

    def stats(self) -> StoreStats | None:
        """Return counts that are a minute old at most; None while the store cannot be asked."""
        with self._lock:
            is_old = time.monotonic() >= self._ask_again_at
            if is_old and self._asking is None and not self._loop.is_closed():
                self._asking = asyncio.run_coroutine_threadsafe(self._ask(), self._loop)
            asking = self._asking
        # The loop itself must not wait for what it has still to do.
        if asking is not None and not _is_running(self._loop):
            with suppress(TimeoutError, CancelledError):
                asking.result(WAIT_SECONDS)
        return self._stats

    async def _ask(self) -> None:
        kept_seconds = RETRY_SECONDS
        try:
            self._stats = await self._read()
            kept_seconds = KEPT_SECONDS
        except StoreError:
            self._stats = None
        finally:
            with self._lock:
                self._ask_again_at = time.monotonic() + kept_seconds
                self._asking = None


stores: Final[set[WatchedStore]] = set()
_pools: Final[WeakSet[PoolOwner]] = WeakSet()
_pools_lock: Final = Lock()  # a set must not grow while another thread goes through it


@contextmanager
def watched_store(name: str, read: Callable[[], Awaitable[StoreStats]]) -> Generator[None]:
    """Let a store be measured while the block runs; see `WatchedStore`."""
    store = WatchedStore(name, read)
    stores.add(store)
    try:
        yield
    finally:
        stores.discard(store)


def watch_pool(pool: PoolOwner) -> None:
    """Let a pool be measured until it is closed, or nobody has it any more."""
    with _pools_lock:
        _pools.add(pool)


def forget_pool(pool: PoolOwner) -> None:
    """Measure a pool no more; one that was not measured is none either."""
    with _pools_lock:
        _pools.discard(pool)


def watched_pools() -> list[PoolOwner]:
    """Return the pools that are open."""
    with _pools_lock:
        return list(_pools)


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
