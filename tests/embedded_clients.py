"""What the tests of the embedded server share: clients in other processes, and waits on locks."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import asyncpg

from vestige.storage.embedded.binaries import find_programs
from vestige.storage.embedded.folders import find_home
from vestige.storage.embedded.watchdog import is_held, open_lock

if TYPE_CHECKING:
    from vestige.storage.embedded import EmbeddedServer

FAST: Final = {"fsync": "off"}
SOURCE: Final = Path(__file__).resolve().parent.parent / "src"
PROGRAM: Final = """
import asyncio, json, sys
from pathlib import Path
from vestige.storage.embedded import start, status

async def main():
    data_dir = Path(sys.argv[1])
    server = await start(data_dir, settings={"fsync": "off"})
    print(json.dumps({"pid": (await status(data_dir)).pid, "dsn": server.dsn}), flush=True)
    sys.stdin.readline()
    await server.close()

asyncio.run(main())
"""


class DataDirNamed(Protocol):
    """Makes a data dir with a name."""

    def __call__(self, name: str) -> Path: ...


class Join(Protocol):
    """Joins the server of a data dir from this process, until the end of the test at the latest."""

    async def __call__(self, data_dir: Path) -> EmbeddedServer: ...


class Spawn(Protocol):
    """Joins the server of a data dir from another process."""

    def __call__(self, data_dir: Path, prelude: str = "") -> ClientProcess: ...


class ClientProcess:
    """Another process that joins a server and leaves it when it is told to."""

    def __init__(self, data_dir: Path, prelude: str) -> None:
        found = os.pathsep.join([str(SOURCE), *filter(None, sys.path)])
        self._process = subprocess.Popen(
            [sys.executable, "-c", prelude + PROGRAM, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": found},
            text=True,
        )

    async def server_pid(self) -> int:
        """Wait until it has joined."""
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        pid: int = json.loads(line)["pid"]
        return pid

    async def leave(self) -> None:
        """Let it leave the server and end."""
        await asyncio.to_thread(self._process.communicate, "\n")
        assert self._process.returncode == 0

    def kill(self) -> None:
        """End it at once, without a chance to clean up."""
        self._process.kill()
        self._process.communicate()


class PausedProgram:
    """PostgreSQL's programs, one of which stops at its beginning until it is told to go on."""

    def __init__(self, folder: Path, name: str, before: str, after: str) -> None:
        programs = folder / "programs"
        programs.mkdir()
        for path in find_programs().iterdir():
            (programs / path.name).symlink_to(path)
        self._began, self._may_go_on = folder / "began", folder / "may-go-on"
        for fifo in (self._began, self._may_go_on):
            os.mkfifo(fifo)
            fifo.chmod(0o666)  # whoever runs the program
        (programs / name).unlink()
        (programs / name).write_text(
            f"#!/bin/sh\n{before}\n: >{self._began}\nread -r _ <{self._may_go_on}\n{after}\n",
            encoding="utf-8",
        )
        (programs / name).chmod(0o755)
        self.prelude = (
            "from pathlib import Path\n"
            "from vestige.storage.embedded import server\n"
            f"server.find_programs = lambda: Path({str(programs)!r})\n"
        )

    async def began(self) -> None:
        """Wait until the program runs."""
        await asyncio.to_thread(self._began.read_bytes)

    async def go_on(self) -> None:
        await asyncio.to_thread(self._may_go_on.write_bytes, b"\n")


async def released(lock: Path) -> None:
    """Wait until nobody holds a lock; the test's time limit is the only bound."""

    def wait() -> None:
        descriptor = open_lock(str(lock))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.close(descriptor)

    await asyncio.to_thread(wait)


async def held(lock: Path) -> None:
    """Wait until somebody holds a lock; the kernel has no event for it."""

    def wait() -> None:
        while not is_held(lock):
            os.sched_yield()

    await asyncio.to_thread(wait)


async def stopped(data_dir: Path) -> None:
    """Wait until no process of the server is left, and nobody watches over it."""
    home = find_home(data_dir)
    await released(home.server_lock)
    await released(home.watchdog_lock)


def watchdog_pid(data_dir: Path) -> int:
    return int(find_home(data_dir).watchdog_lock.read_text(encoding="utf-8"))


async def ask(dsn: str, query: str) -> object:
    """Return the one value that a query gives."""
    conn = await asyncpg.connect(dsn)
    try:
        value: object = await conn.fetchval(query)
    finally:
        await conn.close()
    return value
