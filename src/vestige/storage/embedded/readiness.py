"""Whether the server of a data dir is ready, and has the database that clients use."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

from vestige.errors import StoreUnavailableError
from vestige.storage.embedded import cluster
from vestige.storage.embedded.accounts import Account
from vestige.storage.embedded.watchdog import (
    POLL_SECONDS,
    READY,
    Postmaster,
    is_held,
    read_postmaster,
)
from vestige.storage.embedded.watching import START_SECONDS

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from vestige.storage.embedded.folders import Home

ANSWER_SECONDS: Final = 5.0
# PostgreSQL's protocol, message SSLRequest: its length and code; any server answers with a byte.
ENCRYPTION_REQUEST: Final = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
# A server recovers from the crash of one of its processes without ending, and lets nobody in then.
RECOVERY_SECONDS: Final = 30.0
REFUSED: Final = 2  # exit code of psql: no connection


def wait_until_settled(home: Home) -> Postmaster | None:
    """Return the server when it is ready, None when not a process of it is left.

    Anything in between passes: a server that starts, that somebody stops, or whose main process
    was killed. One that was killed just now may still have given its last answer, so a server that
    is returned here may be gone.

    Raises:
        StoreUnavailableError: it does not pass.
    """
    deadline = time.monotonic() + START_SECONDS
    while is_held(home.server_lock):
        found = _ready(home)
        if found is not None:
            return found
        if time.monotonic() >= deadline:
            raise StoreUnavailableError(
                f"the server of {home.cluster} neither starts nor ends: {cluster.log_tail(home)}",
                "End its processes, and try again.",
            )
        time.sleep(POLL_SECONDS)
    return None


def has_database(home: Home, postmaster: Postmaster, programs: Path) -> bool:
    """Say whether the database is there, made if need be: in a new cluster, or after a kill.

    Returns:
        False when the server has ended meanwhile, or is about to.

    Raises:
        StoreUnavailableError: the server is ready, but refuses; quotes what it says.
    """
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        asked = _find_or_make_database(postmaster, programs)
        if asked.returncode == 0:
            return True
        if not is_held(home.server_lock) or _ready(home) is None:
            return False
        if asked.returncode != REFUSED or time.monotonic() >= deadline:
            raise StoreUnavailableError(
                f"the database {cluster.DATABASE} can neither be found nor made:"
                f" {cluster.last_lines(asked.stderr)}"
            )
        time.sleep(POLL_SECONDS)


def _find_or_make_database(
    postmaster: Postmaster, programs: Path
) -> subprocess.CompletedProcess[str]:
    """Return the program that failed, or the last one."""
    place = [f"--host={postmaster.socket_folder}", f"--port={postmaster.port}"]
    login = [*place, f"--username={cluster.USER}", "--no-password"]
    listing = ["--no-psqlrc", "--list", "--tuples-only", "--no-align"]
    listed = Account().run([programs / "psql", *listing, *login, "postgres"])
    is_there = any(line.startswith(f"{cluster.DATABASE}|") for line in listed.stdout.splitlines())
    if is_there or listed.returncode != 0:
        return listed
    return Account().run([programs / "createdb", *login, cluster.DATABASE])


def _ready(home: Home) -> Postmaster | None:
    found = read_postmaster(home.cluster)
    return found if found is not None and found.state == READY and _answers(found) else None


def _answers(postmaster: Postmaster) -> bool:
    # The number of the process would not do: another may have got it, and a server in another
    # container has none here. Nor would a connection: the system accepts it for a dying server.
    with socket.socket(socket.AF_UNIX) as attempt:
        attempt.settimeout(ANSWER_SECONDS)
        try:
            attempt.connect(f"{postmaster.socket_folder}/.s.PGSQL.{postmaster.port}")
            attempt.sendall(ENCRYPTION_REQUEST)
            return bool(attempt.recv(1))
        except OSError:
            return False
