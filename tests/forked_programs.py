"""The command line for tests that run many commands: each in a process of its own, but a quick one.

Most of the time of a short command goes into importing. Here one process imports everything, and
forks for each command: the program on the path sends it arguments, environment, folder and the
three standard streams, and waits for the exit code. What a command does, reads and prints is the
same; that the installed program starts at all is for other tests to show.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Generator

TESTS: Final = Path(__file__).resolve().parent
SOURCE: Final = TESTS.parent / "src"
IMPORTED: Final = (
    "vestige.cli",
    "vestige.engine",
    "vestige.storage.postgres",
    "vestige.storage.sqlite",
    "vestige.transfer",
)
LENGTH_BYTES: Final = 8
KILLED: Final = 128 + signal.SIGKILL  # as a shell reports it
SERVE: Final = "import sys; from forked_programs import serve; serve(sys.argv[1])"
# Without `site`, and with what is built in alone, it starts in a few milliseconds.
PROGRAM: Final = """#!{python} -IS
import _socket, marshal, os, sys
mask = os.umask(0)
os.umask(mask)
told = marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ), mask))
streams = b"".join(fd.to_bytes(4, sys.byteorder) for fd in (0, 1, 2))
conn = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
conn.connect({address!r})
rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)
conn.sendmsg([len(told).to_bytes({length_bytes}, "big")], [rights])
conn.sendall(told)
code = conn.recv(1)
os._exit(code[0] if code else {killed})
"""


class Asked(NamedTuple):
    """What a program has to be run with."""

    arguments: list[str]
    folder: str
    environ: dict[str, str]
    mask: int
    streams: list[int]


class Running(NamedTuple):
    """A forked process: its id, what becomes readable when it ends, and who waits for it."""

    pid: int
    ended: int
    conn: socket.socket


@contextmanager
def forked_programs() -> Generator[Path]:
    """Give a folder for the front of `PATH`, in which `vestige` is the quick one."""
    with TemporaryDirectory(prefix="vestige-forked-") as name:
        folder = Path(name)
        address = str(folder / "socket")
        program = folder / "bin" / "vestige"
        program.parent.mkdir()
        text = PROGRAM.format(
            python=sys.executable, address=address, length_bytes=LENGTH_BYTES, killed=KILLED
        )
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
        environ = os.environ | {
            "OPENBLAS_NUM_THREADS": "1",  # a process with threads must not fork
            "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}",
        }
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE, address],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        with server:
            assert server.stdout is not None
            try:
                assert server.stdout.readline() == b"ready\n"
                yield program.parent
            finally:
                server.terminate()


def serve(address: str) -> None:
    """Import everything, and fork for each program that asks, until terminated."""
    for package in map(import_module, IMPORTED):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    gc.freeze()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(address)
    listening.listen()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listening:
                    _start(listening, selector)
                else:
                    _finish(selector, key)


def _start(listening: socket.socket, selector: selectors.BaseSelector) -> None:
    conn, _ = listening.accept()
    asked = _read(conn)
    pid = os.fork()
    if pid == 0:
        conn.close()
        listening.close()
        selector.close()
        _become(asked)
    for stream in asked.streams:
        os.close(stream)
    running = Running(pid=pid, ended=os.pidfd_open(pid), conn=conn)
    selector.register(running.ended, selectors.EVENT_READ, running)
    selector.register(conn, selectors.EVENT_READ, running)


def _finish(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Report a process that has ended, or end one whose program was ended by others."""
    running = cast("Running", key.data)
    if running.conn.fileno() < 0:
        return  # both happened at once
    if key.fileobj is running.conn:
        selector.unregister(running.conn)
        os.kill(running.pid, signal.SIGTERM)
        return
    _, status = os.waitpid(running.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        running.conn.sendall(bytes([code if code >= 0 else 128 - code]))
    with contextlib.suppress(KeyError):
        selector.unregister(running.conn)
    selector.unregister(running.ended)
    os.close(running.ended)
    running.conn.close()


def _read(conn: socket.socket) -> Asked:
    head, streams, _, _ = socket.recv_fds(conn, LENGTH_BYTES, 3)
    length = int.from_bytes(head, "big")
    with conn.makefile("rb", buffering=0) as file:
        told = b""
        while len(told) < length:
            told += file.read(length - len(told)) or b""
    arguments, folder, environ, mask = marshal.loads(told)  # noqa: S302  # from the program above
    return Asked(arguments, folder, environ, mask, streams)


def _become(asked: Asked) -> None:
    """Run the command line in this process as if it had been started with what was asked.

    Raises:
        SystemExit: always; whoever calls must not catch it, so that the interpreter ends as usual.
    """
    from vestige.cli.app import main  # noqa: PLC0415  # it is imported already

    for number, stream in enumerate(asked.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(asked.environ)
    os.umask(asked.mask)
    time.tzset()
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        # Those of the server know of their files whether one can go back in them.
        is_of_lines = name == "stderr"
        stream = open(  # noqa: SIM115  # they last as long as the process
            number, mode, 1 if is_of_lines else -1, encoding="utf-8", closefd=False
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = ["vestige", *asked.arguments]
    main()
    sys.exit()
