"""Data dirs with a cluster in them, and clients that are processes of their own."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING

import pytest

from embedded_clients import FAST, ClientProcess
from vestige.storage.embedded import start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from embedded_clients import Join, Spawn
    from vestige.storage.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster to copy: faster than making one for each test."""
    data_dir = tmp_path_factory.mktemp("template")

    async def make() -> None:
        server = await start(data_dir, settings=FAST)
        await server.close()

    asyncio.run(make())
    return data_dir / "postgres" / "cluster"


@pytest.fixture
def data_dir(cluster: Path, tmp_path: Path) -> Path:
    """A data dir whose server is stopped."""
    folder = tmp_path / "data"
    (folder / "postgres").mkdir(parents=True, mode=0o700)
    shutil.copytree(cluster, folder / "postgres" / "cluster")
    return folder


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
