"""Programs that are killed with -9 in the middle of a statement, with or without their server.

The moment is the number of a statement, so it is the same on every machine; the statement itself
is under way then.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from command_line import PROGRAM, Ran, environment, process_environment
from sqlite.databases import run_sql
from vestige.config import load_config
from vestige.storage import embedded
from vestige.storage.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from command_line import CommandLine
    from vestige.storage.embedded import EmbeddedServer
    from vestige.storage.protocol import MemoryStore

    T = TypeVar("T")

TIMEOUT_SECONDS: Final = 60
UNKILLED: Final = 0
ANY: Final = ""
VICTIMS: Final = {"sqlite": ("writer",), "postgres": ("writer", "server", "both")}
SETTINGS: Final = {
    "autovacuum": "off",
    "fsync": "off",  # a kill takes nothing from the system's cache, so nothing is lost by it
    "max_parallel_maintenance_workers": "0",
    "shared_buffers": "32MB",
}
# `server` is its main process alone: the others end themselves. `both` is all that there is.
DYING: Final = """
import asyncio, atexit, os, re, signal
from pathlib import Path
moment, victim = int(os.environ["MOMENT"]), os.environ["VICTIM"]
counted = re.compile(os.environ["STATEMENT"], re.DOTALL)
seen = 0

def say_how_many():
    Path(os.environ["COUNTED"]).write_text(str(seen))

atexit.register(say_how_many)

def is_the_moment(text):
    global seen
    if not counted.search(text):
        return False
    seen += 1
    return seen == moment

def processes_of_server():
    main = int(os.environ["SERVER"])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return [main, *map(int, children)]

def die(*_):
    if victim == "server":
        os.kill(processes_of_server()[0], signal.SIGKILL)
        Path(os.environ["COUNTED"]).write_text("killed")
        return
    if victim == "both":
        for process in processes_of_server():
            os.kill(process, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""
# SQLite is interrupted after so many steps of its machine, or when the statement is done.
STEPS: Final = 50
HOOKS: Final = {
    "sqlite": f"""
from vestige.storage.sqlite import driver

def dying(real):
    def call(self, text, *args):
        if not is_the_moment(text):
            return real(self, text, *args)
        self._apsw.set_progress_handler(die, {STEPS})
        real(self, text, *args)
        die()
    return call

for name in ("_execute", "run_many"):
    setattr(driver.Connection, name, dying(getattr(driver.Connection, name)))
""",
    "postgres": """
import asyncpg

def dying(real):
    async def call(self, text, *args, **kwargs):
        if not is_the_moment(text):
            return await real(self, text, *args, **kwargs)
        under_way = asyncio.ensure_future(real(self, text, *args, **kwargs))
        await asyncio.sleep(0)  # now it is sent
        die()
        return await under_way
    return call

for name in ("execute", "executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table"):
    setattr(asyncpg.Connection, name, dying(getattr(asyncpg.Connection, name)))
""",
}


class KilledServer:
    """A private server that is started again each time it was killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._joined: list[EmbeddedServer] = []

    def url(self, database: str) -> str:
        """Return the URL of a database on the server, which runs when this returns."""
        server = asyncio.run(embedded.start(self._folder, settings=SETTINGS))
        # Before the one of before is left, so that it is stopped by nothing but kills.
        before, self._joined = self._joined, [server]
        for left in before:
            asyncio.run(left.close())
        return urlunsplit(urlsplit(server.dsn)._replace(path=f"/{database}"))

    def main_process(self) -> int:
        """Return the number of its main process."""
        process = asyncio.run(embedded.status(self._folder)).pid
        assert process is not None
        return process

    def database(self, template: str) -> str:
        """Make a database, and return its name."""
        name = f"killed_{next(self._numbers)}"
        # The server's usual way to copy keeps what a sequence has not yet logged, and a crash right
        # after it gives numbers out twice.
        how = f"TEMPLATE {template} STRATEGY file_copy"
        execute(self.url("postgres"), f"CREATE DATABASE {name} {how}")
        return name

    def stop(self) -> None:
        """Leave the server, which ends it until somebody asks for a URL."""
        left, self._joined = self._joined, []
        for server in left:
            asyncio.run(server.close())


def execute(url: str, sql: str) -> None:
    """Run a statement on a connection of its own."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()

    asyncio.run(run())


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A folder with a store in it, or with the name of a database of a server."""

    folder: Path
    backend: str
    vestige: CommandLine
    server: KilledServer | None = None
    database: str = ""

    @property
    def url(self) -> str:
        """Where the database is now: a server that was killed is started again."""
        assert self.server is not None
        return self.server.url(self.database)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a command."""
        found = environment(self.folder)
        if self.server is not None:
            found |= {
                "VESTIGE_STORAGE_BACKEND": "postgres",
                "VESTIGE_STORAGE_POSTGRES_URL": self.url,
                "VESTIGE_STORAGE_POSTGRES_ACQUIRE_TIMEOUT_SECONDS": "2",
            }
        return found

    def run(self, *arguments: str) -> Ran:
        """Run a command in this process, which nobody kills."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, value)
            return self.vestige(*arguments)

    def execute(self, sql: str) -> None:
        """Run a statement behind the back of the store."""
        if self.server is None:
            run_sql(self.folder / "vestige.db", sql)
        else:
            execute(self.url, sql)

    def ask(self, question: Callable[[MemoryStore], Awaitable[T]]) -> T:
        """Open the store as it is, ask it something, and close it."""
        names = {k: v for k, v in self.variables.items() if k.startswith("VESTIGE")}

        async def answer() -> T:
            store = await open_store(load_config(None, None, names), migrate=False)
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(answer())


@contextmanager
def a_killed_server() -> Generator[KilledServer]:
    """Make a private server that tests may kill."""
    folder = Path(tempfile.mkdtemp(prefix="vestige-test-"))
    folder.chmod(0o755)  # a server that root starts may run as another user
    server = KilledServer(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def run_until(
    place: Place,
    moment: int,
    victim: str,
    *arguments: str,
    program: str = PROGRAM,
    statement: str = ANY,
) -> tuple[Ran, int | None]:
    """Run a command until a statement of it, which kills somebody.

    Args:
        place: the store.
        moment: which statement, from 1 on; `UNKILLED` is none.
        victim: of `VICTIMS`.
        arguments: of the command.
        program: runs it.
        statement: pattern of the statements that are counted.

    Returns:
        What it printed, and how many statements it ran if all of them and nobody was killed.
    """
    counted = place.folder / "counted"
    counted.unlink(missing_ok=True)
    process = place.server.main_process() if place.server else 0
    variables = {
        **place.variables,
        "MOMENT": str(moment),
        "VICTIM": victim,
        "STATEMENT": statement,
        "COUNTED": str(counted),
        "SERVER": str(process),
    }
    ran = subprocess.run(
        [sys.executable, "-c", DYING + HOOKS[place.backend] + program, *arguments],
        capture_output=True,
        check=False,
        env=process_environment(variables),
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    said = counted.read_text(encoding="utf-8") if counted.exists() else ""
    found = int(said) if moment == UNKILLED else None
    was_killed = victim == "server" or ran.returncode == -signal.SIGKILL
    assert was_killed or moment == UNKILLED, (moment, ran.stderr)
    return Ran(code=ran.returncode, out=ran.stdout, err=ran.stderr), found
