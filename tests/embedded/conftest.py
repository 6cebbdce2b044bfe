"""Data dirs with a cluster in them, and clients that are processes of their own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING

import pytest

from embedded_clients import FAST, ClientProcess, stopped
from vestige.storage.embedded import start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from embedded_clients import DataDirNamed, Join, Spawn
    from vestige.storage.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cluster that the tests hand on to each other: making or copying one takes longer."""
    data_dir = tmp_path_factory.mktemp("first")

    async def make() -> None:
        server = await start(data_dir, settings=FAST)
        await server.close()

    asyncio.run(make())
    return data_dir / "postgres" / "cluster"


@pytest.fixture
async def data_dir_named(cluster: Path, tmp_path: Path) -> AsyncGenerator[DataDirNamed]:
    """Make the data dir of a test, by any name; its server is stopped."""
    async with AsyncExitStack() as closing:

        def make(name: str) -> Path:
            data_dir = tmp_path / name
            (data_dir / "postgres").mkdir(parents=True, mode=0o700)
            lent = cluster.rename(data_dir / "postgres" / "cluster")
            closing.callback(lent.rename, cluster)
            closing.push_async_callback(stopped, data_dir)
            return data_dir

        yield make


@pytest.fixture
async def data_dir(data_dir_named: DataDirNamed) -> Path:
    """A data dir whose server is stopped."""
    return data_dir_named("data")


@pytest.fixture
async def join() -> AsyncGenerator[Join]:
    async with AsyncExitStack() as closing:

        async def join(data_dir: Path) -> EmbeddedServer:
            server = await start(data_dir, settings=FAST)
            closing.push_async_callback(server.close)
            return server

        yield join


@pytest.fixture
def spawn() -> Generator[Spawn]:
    with ExitStack() as ending:

        def spawn(data_dir: Path, prelude: str = "") -> ClientProcess:
            client = ClientProcess(data_dir, prelude)
            ending.callback(client.kill)
            return client

        yield spawn
