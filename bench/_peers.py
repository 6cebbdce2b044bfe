"""Memory systems in processes of their own, and the PostgreSQL server that some of them share."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from vestige.storage import embedded

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator, Sequence

HERE: Final = Path(__file__).resolve().parent
CHILD: Final = HERE / "peers" / "child.py"
SOURCES: Final = HERE.parent / "src"
LONGEST_LINE: Final = 1 << 28
KIB: Final = 1024
# The same for all; a commit is on the disk when it returns, which is PostgreSQL's own default.
SERVER_SETTINGS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "4GB",
    "effective_cache_size": "8GB",
}
SESSIONS: Final = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """A memory system: its adapter, its environment (None is this one), and where it stores."""

    name: str
    adapter: str
    environment: str | None
    is_server: bool = False


SYSTEMS: Final = (
    System(name="Vestige, SQLite", adapter="vestige_sqlite", environment=None),
    System(
        name="Vestige, PostgreSQL", adapter="vestige_postgres", environment=None, is_server=True
    ),
    System(name="chromadb", adapter="chroma", environment="chroma"),
    System(name="lancedb", adapter="lance", environment="lance"),
    System(name="langchain-postgres", adapter="langchain", environment="langchain", is_server=True),
    System(name="langgraph", adapter="langgraph", environment="langgraph", is_server=True),
    System(name="mem0", adapter="mem0", environment="mem0"),
    System(
        name="mcp-memory-service", adapter="mcp_memory_service", environment="mcp_memory_service"
    ),
)


class PeerProcess:
    """A process that holds one system open."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self._process = process

    async def ask(self, do: str, **values: Any) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            SystemExit: the process ended; its log says why.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"do": do, **values}).encode() + b"\n")
        await stdin.drain()
        line = await stdout.readline()
        if not line:
            raise PeerFailedError(self.name, do)
        return cast("dict[str, Any]", json.loads(line))

    async def end(self) -> None:
        """Close the system and wait for its process."""
        await self.ask("close")
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def kill(self) -> None:
        """End a process that is still there."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class PeerFailedError(Exception):
    """A process ended instead of answering; its log says why."""


@asynccontextmanager
async def a_peer(
    system: System,
    environments: Path,
    data: Path,
    log: Path,
    *,
    before: Sequence[str] = (),
) -> AsyncGenerator[PeerProcess]:
    """Run a process for a system; `before` is a command that runs it, like strace."""
    python = (
        Path(sys.executable)
        if system.environment is None
        else environments / system.environment / "bin" / "python"
    )
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *before,
            str(python),
            str(CHILD),
            system.adapter,
            str(data),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=_environment(system, log.parent),
            limit=LONGEST_LINE,
        )
    peer = PeerProcess(system.name, process)
    try:
        yield peer
    finally:
        await peer.kill()


def _environment(system: System, home: Path) -> dict[str, str]:
    """Return the variables of a process; what it writes into a home stays out of the real one."""
    variables = os.environ | {"HOME": str(home)}
    if system.environment is None:
        return variables | {"PYTHONPATH": str(SOURCES)}
    variables.pop("PYTHONPATH", None)
    return variables


def is_installed(system: System, environments: Path) -> bool:
    """Say whether the environment of a system has been made."""
    return system.environment is None or (environments / system.environment / "bin").exists()


class Server:
    """The private server; each system has a database of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    async def make(self, database: str) -> str:
        """Make a database anew and return its URL."""
        await self.drop(database)
        await self._run(self.url, f'CREATE DATABASE "{database}"')
        return self.url_of(database)

    async def drop(self, database: str) -> None:
        await self._run(self.url, f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    async def settle(self, database: str) -> None:
        """Do what autovacuum would do some time after a load."""
        await self._run(self.url_of(database), "VACUUM ANALYZE")
        await self._run(self.url_of(database), "CHECKPOINT")

    async def size(self, database: str) -> int:
        connection = await asyncpg.connect(self.url)
        try:
            return cast(
                "int", await connection.fetchval("SELECT pg_database_size($1::name)", database)
            )
        finally:
            await connection.close()

    async def sessions_memory(self, database: str) -> dict[str, int]:
        """Return the private bytes of the sessions of a database, and how many there are."""
        connection = await asyncpg.connect(self.url)
        try:
            processes = [pid for (pid,) in await connection.fetch(SESSIONS, database)]
        finally:
            await connection.close()
        return {
            "sessions": len(processes),
            "anonymous": sum(anonymous_memory(pid) for pid in processes),
        }

    async def _run(self, url: str, sql: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql, timeout=600)
        finally:
            await connection.close()


@asynccontextmanager
async def a_server(folder: Path) -> AsyncGenerator[Server]:
    """Run a private server in a folder."""
    server = await embedded.start(folder, settings=SERVER_SETTINGS)
    try:
        yield Server(server.dsn)
    finally:
        await server.close()


def anonymous_memory(pid: int) -> int:
    """Return the bytes of a process that are neither of files nor shared (Linux)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return KIB * sizes["Anonymous"]


def size_of(folder: Path) -> int:
    """Return the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
