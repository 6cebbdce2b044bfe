"""The operator of a page: does what its blocks say, one after the other, on a server of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from operated_server import ADMINISTRATOR
from page_steps import prints_as_shown
from pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from operated_server import OperatedServer
    from page_steps import Step

SCRIPTS: Final = Path(sys.executable).parent
SQL_HEAD: Final = re.compile(r"-- as (?P<role>\w+) in (?P<database>\w+)\n")
PSQL: Final = ("psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1")
SECONDS: Final = 120  # for one block
# What the tests themselves run under is not for the programs that they start.
FOREIGN: Final = ("VESTIGE_", "COVERAGE_", "COV_", "XDG_", "PG", "CLAUDE_", "CODEX_")

State: TypeAlias = "Callable[[Operator], Callable[[], object] | None]"


@dataclass(kw_only=True)
class Operator:
    """Somebody with a server, a client and a home directory.

    Attributes:
        server: that the page is about.
        home: the only folder that is written to.
        states: brings about what a block begins with, by its mark `given`; what it returns undoes
            that afterwards.
        models_url: where a server of embedding models answers.
        programs: the folder in which `vestige` is found.
        sessions: what is closed at the end.
    """

    server: OperatedServer
    home: Path
    states: Mapping[str, State]
    models_url: str = ""
    programs: Path = SCRIPTS
    sessions: ExitStack = field(default_factory=ExitStack)

    @property
    def names(self) -> dict[str, str]:
        """What the page calls things, and what they are called here, the longest first."""
        return {
            "db.example:5432": f"127.0.0.1:{self.server.port}",
            "db.example": "127.0.0.1",
            "127.0.0.1:5433": f"127.0.0.1:{self.server.port}",
            "10.0.0.0/24": "127.0.0.1/32",
            # The server of the test has no TLS.
            "hostssl": "host",
            "?sslmode=require": "",
            "http://models.example:11434/v1": self.models_url,
            "/mnt/backup": f"{self.home}/backup",
            "/home/operator": str(self.home),
            # Nobody waits: what began before now has lasted for long.
            "interval '5 seconds'": "interval '0 seconds'",
            "interval '5 minutes'": "interval '0 seconds'",
        }

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a shell on the server, which a client's commands say more than."""
        folders = (self.home / "bin", self.server.programs, self.programs, SCRIPTS)
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)
        }
        return inherited | {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
            "PGHOST": str(self.server.folder),
            "PGPORT": str(self.server.port),
            "PYTHONPATH": str(ROOT / "src"),
        }

    def localized(self, text: str) -> str:
        """Return a text of the page with the names of this server."""
        for name, here in self.names.items():
            text = text.replace(name, here)
        return text

    def follow(self, steps: list[Step]) -> list[str]:
        """Run the blocks that are to be run, and check what comes of each; return the outputs."""
        with self.sessions:
            return [self._follow(step) for step in steps if step.is_run]

    def _follow(self, step: Step) -> str:
        given = step.marks.get("given")
        undo = self.states[given](self) if given else None
        code, printed = self.do(step)
        assert code == int(step.marks.get("exits", "0")), f"{step}\n{step.text}\n{printed}"
        if step.prints is not None and not step.is_example:
            shown = self.localized(step.prints)
            is_same = prints_as_shown(shown, printed)
            assert is_same, f"{step}\n{step.text}\n{shown}\nbut:\n{printed}"
        if undo is not None:
            undo()
        return printed

    def do(self, step: Step) -> tuple[int, str]:
        """Run a block; return its exit code and what it printed."""
        text = self.localized(step.text)
        if step.language == "bash":
            return self.run(["bash", "-euo", "pipefail", "-c", text])
        head = SQL_HEAD.match(text)
        assert head, f"{step} does not say as whom it is run, and where"
        return self.run(self.psql(head["role"], head["database"]), text)

    def psql(self, role: str, database: str) -> list[str]:
        """Return the command that reads SQL; only the administrator is on the server."""
        host = [] if role == ADMINISTRATOR else ["--host", "127.0.0.1"]
        return [*PSQL, *host, "--username", role, "--dbname", database]

    def administer(self, sql: str, database: str = "postgres") -> str:
        """Run SQL as the administrator; return the values, without decoration."""
        command = [*self.psql(ADMINISTRATOR, database), "--no-align", "--tuples-only", "--quiet"]
        code, printed = self.run(command, sql)
        assert code == 0, printed
        return printed.strip()

    def run(self, command: list[str], given: str = "", **environ: str) -> tuple[int, str]:
        """Run a program in the home directory; return its exit code and what it printed."""
        done = subprocess.run(
            command,
            check=False,
            cwd=self.home,
            env=self.environ | environ,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        return done.returncode, done.stdout

    def leave_open(self, role: str, database: str, sql: str, name: str) -> None:
        """Begin a session that runs SQL, and is still there when the next block is run."""
        session = subprocess.Popen(
            self.psql(role, database),
            cwd=self.home,
            env=self.environ | {"PGAPPNAME": name},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.sessions.callback(session.communicate)
        assert session.stdin is not None
        session.stdin.write(sql)
        session.stdin.flush()
