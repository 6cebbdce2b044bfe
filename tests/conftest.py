"""The stores under test: every conformance test runs once on each backend in `BACKENDS`."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import pytest
from hypothesis import HealthCheck, settings

from factories import HASHING, ManualClock, a_signature
from postgres_server import a_store_database, leave_server
from vestige.config import load_config
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from vestige.clock import Clock
    from vestige.config import Config
    from vestige.storage.protocol import MemoryStore

# The same examples on every run and machine: a failure here must be one that others can repeat.
settings.register_profile(
    "vestige",
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("vestige")


class OpenHandle(Protocol):
    """Opens one more handle; the same name is the same store, another name another store."""

    async def __call__(self, name: str = "vestige") -> MemoryStore: ...


Backend: TypeAlias = "Callable[[Path, Clock], AbstractAsyncContextManager[OpenHandle]]"


@asynccontextmanager
async def sqlite(folder: Path, clock: Clock) -> AsyncGenerator[OpenHandle]:
    async with AsyncExitStack() as closing:

        async def open_handle(name: str = "vestige") -> MemoryStore:
            store = await SqliteStore.open(folder / f"{name}.db", clock=clock)
            closing.push_async_callback(store.close)
            return store

        yield open_handle


@asynccontextmanager
async def postgres(_: Path, clock: Clock) -> AsyncGenerator[OpenHandle]:
    async with AsyncExitStack() as closing:
        urls: dict[str, str] = {}

        async def open_handle(name: str = "vestige") -> MemoryStore:
            if name not in urls:
                urls[name] = await closing.enter_async_context(a_store_database())
            store = await PostgresStore.connect(urls[name], 4, clock=clock)
            closing.push_async_callback(store.close)
            return store

        yield open_handle


BACKENDS: Final[dict[str, Backend]] = {
    "postgres": postgres,
    "sqlite": sqlite,
}


def pytest_sessionfinish() -> None:
    leave_server()


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the backend under test."""
    return str(request.param)


@pytest.fixture
def clock() -> ManualClock:
    """The clock of all the stores of a test."""
    return ManualClock()


@pytest.fixture
async def open_handle(
    backend: str, tmp_path: Path, clock: ManualClock
) -> AsyncGenerator[OpenHandle]:
    """Open as many handles as the test needs; what it leaves open is closed."""
    async with BACKENDS[backend](tmp_path, clock) as opener:
        yield opener


@pytest.fixture
async def unbound_store(open_handle: OpenHandle) -> MemoryStore:
    """An empty store without a model."""
    return await open_handle()


@pytest.fixture
async def store(unbound_store: MemoryStore) -> MemoryStore:
    """An empty store, bound to the signature that `a_vector` fits."""
    await unbound_store.register_model(a_signature())
    return unbound_store


@pytest.fixture
async def config(backend: str, tmp_path: Path) -> AsyncGenerator[Config]:
    """The configuration of an empty store on the backend under test, and of a fast embedder."""
    if backend == "sqlite":
        yield load_config(None, tmp_path, HASHING)
        return
    async with a_store_database() as url:
        yield load_config(None, tmp_path, HASHING, store=url)
