from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import CommandLine
from postgres_server import a_database, server_url

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@pytest.fixture
def vestige(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="session")
def server() -> str:
    """The server for tests, found before a test's own command line hides what names it."""
    return server_url()


@pytest.fixture(params=["sqlite", "postgres"])
async def variables(
    request: pytest.FixtureRequest,
    server: str,
    vestige: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[dict[str, str]]:
    """The environment of commands on a backend, which they have in this process, too."""
    assert server
    if request.param == "sqlite":
        yield vestige.environ
        return
    async with a_database() as url:
        storage = {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}
        for name, value in storage.items():
            monkeypatch.setenv(name, value)
        yield {**vestige.environ, **storage}
