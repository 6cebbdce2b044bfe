"""Data dirs with a cluster in them, and clients that are processes of their own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from embedded_clients import FAST, ClientProcess, stopped
from vestige.storage.embedded import folders, start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from embedded_clients import DataDirNamed, Join, Spawn
    from vestige.storage.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def open_folder() -> Generator[Path]:
    """A folder that everybody may pass: root's server may have to run as another user."""
    folder = Path(tempfile.mkdtemp(prefix="vestige-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tmp_path(open_folder: Path) -> Path:
    """A folder of its own for each test, as pytest's, but there."""
    path = Path(tempfile.mkdtemp(dir=open_folder))
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def system_folder(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is `/var/lib/vestige` for a user who can start programs there."""
    folder = open_folder / "system"
    monkeypatch.setattr(folders, "SYSTEM_FOLDER", folder)
    return folder


@pytest.fixture(scope="session")
def postgres_folder(open_folder: Path) -> Path:
    """The files of a server that the tests hand on to each other: new ones take longer."""
    data_dir = open_folder / "first"
    data_dir.mkdir()

    async def make() -> None:
        server = await start(data_dir, settings=FAST)
        await server.close()

    asyncio.run(make())
    return data_dir / "postgres"


@pytest.fixture
async def data_dir_named(postgres_folder: Path, tmp_path: Path) -> AsyncGenerator[DataDirNamed]:
    """Make the data dir of a test, by any name; its server is stopped."""
    async with AsyncExitStack() as closing:

        def make(name: str) -> Path:
            data_dir = tmp_path / name
            data_dir.mkdir()
            lent = postgres_folder.rename(data_dir / "postgres")
            closing.callback(lent.rename, postgres_folder)
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
