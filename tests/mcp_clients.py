"""Clients for the tests of the MCP server: in memory, over standard input and output, and raw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from vestige.config import load_config
from vestige.mcp.server import build_server
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import IO

    from mcp.types import CallToolResult

    from vestige.config import Config
    from vestige.models import JsonObject, MemoryRecord

SOURCES: Final = Path(__file__).resolve().parent.parent / "src"
SERVE: Final = "from vestige.mcp.main import main; main()"
SECONDS: Final = 60  # after which a process that should have ended counts as staying for ever

HASHING: Final = {
    "VESTIGE_EMBEDDINGS_PROVIDER": "hashing",
    "VESTIGE_EMBEDDINGS_MODEL": "hashing-64",
}


def config_in(folder: Path, **environ: str) -> Config:
    """Return the configuration of a store in a folder, with the embedder for tests."""
    return load_config(None, folder, HASHING | environ)


def connected(folder: Path, **environ: str) -> Client:
    """Return a client in this process of a server for a folder."""
    return Client(build_server(config_in(folder, **environ)))


def over_stdio(folder: Path, environ: Mapping[str, str] = HASHING) -> Client:
    """Return a client that starts a server for a folder as a process of its own."""
    command = ["-c", SERVE, "--data-dir", str(folder)]
    return Client(
        StdioServerParameters(
            command=sys.executable, args=command, env={**environ, "PYTHONPATH": str(SOURCES)}
        )
    )


async def call(client: Client, tool: str, **arguments: object) -> JsonObject:
    """Call a tool that succeeds; return its structured result."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return structured(result)


async def refused(client: Client, tool: str, **arguments: object) -> dict[str, str]:
    """Call a tool that fails; return code, message and hint."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    error = cast("dict[str, str]", structured(result)["error"])
    assert text_of(result).startswith(f"{error['code']}: {error['message']}\nhint: {error['hint']}")
    return error


def structured(result: CallToolResult) -> JsonObject:
    assert result.structured_content is not None
    return cast("JsonObject", result.structured_content)


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def rows_of(answer: JsonObject) -> list[JsonObject]:
    return cast("list[JsonObject]", answer["results"])


async def stored_rows(folder: Path) -> list[MemoryRecord]:
    """Return what is in the store of a folder, past the server."""
    store = await SqliteStore.open(folder / "vestige.db")
    try:
        return await store.list_memories()
    finally:
        await store.close()


def environment_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process that has those of Vestige only as they are given."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("VESTIGE_")
    }
    # A machine that is busy with other tests says nothing of the store.
    quiet = {"VESTIGE_LOGGING_SLOW_MS": "-1"}
    return inherited | quiet | dict(environ) | {"PYTHONPATH": str(SOURCES)}


class RawServer:
    """A server as a process, spoken to line by line; what it writes is kept."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin: IO[bytes] = process.stdin
        self.stdout: IO[bytes] = process.stdout
        self.answers: list[JsonObject] = []

    def send(self, message: JsonObject) -> None:
        self.stdin.write(f"{json.dumps(message)}\n".encode())
        self.stdin.flush()

    def request(self, method: str, **parameters: object) -> JsonObject:
        """Send a request; return the answer to it."""
        self.send(request_of(method, **parameters))
        answer = cast("JsonObject", json.loads(self.stdout.readline()))
        self.answers.append(answer)
        return cast("JsonObject", answer["result"])

    def initialize(self) -> JsonObject:
        result = self.request("initialize", **INITIALIZE)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result


INITIALIZE: Final[dict[str, object]] = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "raw", "version": "1"},
}


def request_of(method: str, **parameters: object) -> JsonObject:
    return cast("JsonObject", {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})


@contextmanager
def raw_server(
    folder: Path, program: str = SERVE, environ: Mapping[str, str] = HASHING
) -> Generator[RawServer]:
    """Start a server for a folder; it is killed at the end if it is still there."""
    with subprocess.Popen(
        [sys.executable, "-c", program, "--data-dir", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment_of(environ),
    ) as process:
        try:
            yield RawServer(process)
        finally:
            process.kill()
