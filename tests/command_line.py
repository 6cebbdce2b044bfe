"""Running the command line in tests: in this process, in one of its own, and on a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from vestige.cli import app

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

SOURCE: Final = Path(__file__).resolve().parent.parent / "src"
PROGRAM: Final = "from vestige.cli.app import main; main()"
# A job in the background of a script inherits that interrupts are ignored, and so would its tests.
INTERRUPTIBLE: Final = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
{PROGRAM}
"""
TIMEOUT_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """Its standard output as the JSON object that it has to be."""
        assert self.out.count("\n") == 1
        assert self.out.endswith("\n")
        return cast("dict[str, object]", json.loads(self.out))

    def items(self, key: str) -> list[dict[str, object]]:
        """The list of objects under a key of its JSON."""
        return cast("list[dict[str, object]]", self.json[key])


class CommandLine:
    """Runs commands in this process, on a store of its own with a fast embedder."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.environ = environment(folder)
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in os.environ:
            if name.startswith("VESTIGE_") and not name.startswith("VESTIGE_TEST_"):
                monkeypatch.delenv(name)
        for name, value in self.environ.items():
            monkeypatch.setenv(name, value)

    @property
    def store(self) -> Path:
        """The file of the store."""
        return self.folder / "vestige.db"

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ran:
        """Run a command as `main` does, its exit code included."""
        self._monkeypatch.setattr(sys, "argv", ["vestige", *arguments])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = 0
        try:
            app.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = self._capsys.readouterr()
        return Ran(code=code, out=out, err=err)

    def remembered(self, *arguments: str) -> str:
        """Store a text and return its id."""
        ran = self("remember", "--json", *arguments)
        assert ran.code == 0, ran.err
        return str(ran.json["id"])


def environment(folder: Path) -> dict[str, str]:
    """Return variables that keep a command away from everything outside of a folder."""
    return {
        "HOME": str(folder),
        "VESTIGE_DATA_DIR": str(folder),
        "VESTIGE_EMBEDDINGS_PROVIDER": "hashing",
        "VESTIGE_EMBEDDINGS_MODEL": "hashing-64",
        # A machine that is busy with other tests says nothing of the store.
        "VESTIGE_LOGGING_SLOW_MS": "-1",
    }


def process_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}}
    return {**kept, "PYTHONPATH": str(SOURCE), **variables}


def run_process(
    variables: Mapping[str, str], *arguments: str, stdin: bytes = b"", program: str = PROGRAM
) -> Ran:
    """Run a command in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        check=False,
        env=process_environment(variables),
        input=stdin,
        timeout=TIMEOUT_SECONDS,
    )
    return Ran(code=ran.returncode, out=ran.stdout.decode(), err=ran.stderr.decode())


def run_on_terminal(variables: Mapping[str, str], *arguments: str, typed: bytes = b"") -> Ran:
    """Run a command with a terminal as all three of its streams."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=process_environment({"TERM": "xterm", "COLUMNS": "80", **variables}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, typed)
        shown = _read_to_the_end(ours)
        code = process.wait(timeout=TIMEOUT_SECONDS)
    os.close(ours)
    return Ran(code=code, out=shown.decode(), err="")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def is_two_lines(text: str) -> bool:
    """Say whether standard error is one error: what is wrong, and what to do about it."""
    lines = text.splitlines()
    return len(lines) == 2 and lines[0].startswith("error: ") and lines[1].startswith("hint: ")


def _read_to_the_end(descriptor: int) -> bytes:
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the other side has closed
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)
