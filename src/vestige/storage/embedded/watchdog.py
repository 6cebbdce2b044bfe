"""The process that starts the server, waits for its last client to go, and stops it.

It is run as a file, without the site packages, so that it is small and starts at once; that is why
it imports nothing but the standard library, and why what both sides need to know about a lock or
about `postmaster.pid` stands here.

Nobody else ever stops the server. Clients hold a shared lock that the kernel takes from them when
they die; whoever gets it exclusively knows that there are none.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 0.01
FAST_STOP_SECONDS: Final = 60.0
IMMEDIATE_STOP_SECONDS: Final = 10.0
SERVER_LOCK_SECONDS: Final = 5.0
WATCHDOG_LOCK_SECONDS: Final = 0.2  # so long nobody only looks whether it is held
READY: Final = "ready"
POSTMASTER_LINES: Final = 8  # of a complete `postmaster.pid`; the last one is the state


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    """What a watchdog is told, as JSON on its command line.

    Attributes:
        cluster: the data folder of the server.
        start_lock, clients_lock, watchdog_lock, server_lock: the files that are locked.
        command: starts the server in the foreground; empty when it runs already.
        user, group: as whom the server runs, None for as whom this process runs.
        log: receives what the server writes before it has a log of its own.
        socket_record: names the folder of the socket if that is a temporary one.
        start_seconds: how long the server may take until it accepts connections.
        inherited_lock: descriptor of `start_lock`, which the starter holds too.
    """

    cluster: str
    start_lock: str
    clients_lock: str
    watchdog_lock: str
    server_lock: str
    command: list[str]
    user: int | None
    group: int | None
    log: str
    socket_record: str
    start_seconds: float
    inherited_lock: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Postmaster:
    """What a running server has written about itself."""

    pid: int
    socket_folder: str
    port: int
    state: str


def main() -> None:
    """Follow the orders, telling on standard output how the start went."""
    orders = Orders(**json.loads(sys.argv[1]))
    if os.fork():
        os._exit(0)  # the starter is not its parent, so that it need not wait for its end
    os.set_inheritable(orders.inherited_lock, False)  # noqa: FBT003  # os takes it by position only
    watching = open_lock(orders.watchdog_lock)
    # Another watchdog may outlive its server; then the two wait side by side, which does no harm.
    if try_lock(watching, fcntl.LOCK_EX, WATCHDOG_LOCK_SECONDS):
        os.ftruncate(watching, 0)
        os.write(watching, f"{os.getpid()}\n".encode())  # for people who look
    failure = start_server(orders) if orders.command else ""
    tell(failure or READY)
    # Only now, so that whoever comes meanwhile finds a server that is ready or none at all, even
    # when the starter is killed.
    os.close(orders.inherited_lock)
    if not failure:
        stop_after_the_last_client(orders)


def open_lock(path: str) -> int:
    """Open a lock file, made when it is missing; only its user may open it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, kind: int, seconds: float) -> bool:
    """Take a lock, shared or exclusive, and say whether that succeeded in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True


def is_held(path: str | Path) -> bool:
    """Say whether somebody holds a lock exclusively.

    To look is to share it for a moment, so whoever wants it exclusively tries more than once.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, fcntl.LOCK_SH, 0)
    finally:
        os.close(descriptor)


def read_postmaster(cluster: str | Path) -> Postmaster | None:
    """Return what `postmaster.pid` says, None when it is missing or not complete yet."""
    try:
        lines = (Path(cluster) / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        if len(lines) < POSTMASTER_LINES:
            return None
        return Postmaster(
            pid=int(lines[0]),
            port=int(lines[3]),
            socket_folder=lines[4].strip(),
            state=lines[7].strip(),
        )
    except (FileNotFoundError, ValueError):
        return None


def works_in(pid: int, folder: str | Path) -> bool:
    """Say whether a process has its working directory in a folder, as a server has in its cluster.

    After a crash the number in `postmaster.pid` may be that of any other process. Where the system
    does not tell working directories, a process that lives is taken for the server.
    """
    try:
        if Path("/proc/self/cwd").exists():
            return Path(f"/proc/{pid}/cwd").samefile(folder)
        os.kill(pid, 0)
    except PermissionError:
        return True  # it lives
    except OSError:
        return False
    return True


def start_server(orders: Orders) -> str:
    """Start the server and wait until it accepts connections; return what went wrong, if anything.

    The server and all its processes inherit `server_lock`, so the lock says whether any of them
    is left, whatever is written in `postmaster.pid`.
    """
    lock = open_lock(orders.server_lock)
    try:
        if not try_lock(lock, fcntl.LOCK_EX, SERVER_LOCK_SECONDS):
            return "an earlier server has not ended"
        with Path(orders.log).open("wb") as log:
            server = subprocess.Popen(  # noqa: S603  # the command is made by this package
                orders.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=orders.user,
                group=orders.group,
                extra_groups=None if orders.user is None else [],
                start_new_session=True,  # an interrupt on the terminal is not for the server
                pass_fds=[lock],
                umask=0o077,
            )
    except OSError as error:
        return f"{orders.command[0]}: {error}"
    finally:
        os.close(lock)

    def reap(_number: int, _frame: object) -> None:
        server.poll()

    # A server that crashed must not stay in the table of processes until this one ends.
    signal.signal(signal.SIGCHLD, reap)
    return wait_until_ready(server, orders)


def wait_until_ready(server: subprocess.Popen[bytes], orders: Orders) -> str:
    """Return what went wrong, if anything."""
    deadline = time.monotonic() + orders.start_seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            return f"it ended with exit code {server.returncode}"
        found = read_postmaster(orders.cluster)
        if found is not None and found.pid == server.pid and found.state == READY:
            return ""
        time.sleep(POLL_SECONDS)
    stop_server(orders)
    return f"it was not ready after {orders.start_seconds:g} seconds"


def tell(outcome: str) -> None:
    """Write the outcome for the starter, who may be dead, and let go of its pipe."""
    with suppress(BrokenPipeError):
        os.write(1, outcome.encode())
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.close(nothing)


def stop_after_the_last_client(orders: Orders) -> None:
    """Wait until no client is left, and stop the server unless a new one came in between."""
    clients, starting = open_lock(orders.clients_lock), open_lock(orders.start_lock)
    while True:
        fcntl.flock(clients, fcntl.LOCK_EX)
        # The locks are taken in the order in which clients take them, or the two would wait for
        # each other.
        fcntl.flock(clients, fcntl.LOCK_UN)
        fcntl.flock(starting, fcntl.LOCK_EX)
        if try_lock(clients, fcntl.LOCK_EX, 0):
            break
        fcntl.flock(starting, fcntl.LOCK_UN)
    stop_server(orders)


def stop_server(orders: Orders) -> None:
    """Stop the server: without waiting for sessions, and without a checkpoint if that hangs."""
    for number, seconds in (
        (signal.SIGINT, FAST_STOP_SECONDS),
        (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS),
    ):
        found = read_postmaster(orders.cluster)
        if found is not None and works_in(found.pid, orders.cluster):
            with suppress(ProcessLookupError):
                os.kill(found.pid, number)
        deadline = time.monotonic() + seconds
        while is_held(orders.server_lock):
            if time.monotonic() >= deadline:
                break
            time.sleep(POLL_SECONDS)
        else:
            with suppress(ChildProcessError):
                os.waitpid(-1, 0)
            remove_socket_folder(Path(orders.socket_record))
            return


def remove_socket_folder(record: Path) -> None:
    """Remove a temporary folder of the socket, unless a crash left something in it."""
    with suppress(OSError):
        Path(record.read_text(encoding="utf-8")).rmdir()
        record.unlink()


if __name__ == "__main__":
    main()
