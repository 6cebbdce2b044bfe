"""Who uses the server: each client holds locks that the kernel takes from it when it dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from vestige.errors import StoreUnavailableError
from vestige.storage.embedded.watchdog import is_held, open_lock, try_lock

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.storage.embedded.folders import Home

# Longer than a start and a stop together may take.
START_LOCK_SECONDS: Final = 240.0
CLIENT_LOCK_SECONDS: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """The locks of one client.

    Attributes:
        file: the client's own, locked by it alone; others count such files.
        own_lock: descriptor of that file.
        shared_lock: descriptor of the lock that all clients share.
    """

    file: Path
    own_lock: int
    shared_lock: int


def lock_start(home: Home) -> int:
    """Take the lock under which clients come and go; close the descriptor to give it back.

    Raises:
        StoreUnavailableError: somebody else keeps it for too long.
    """
    return _locked(str(home.start_lock), fcntl.LOCK_EX, START_LOCK_SECONDS)


def register(home: Home) -> Client:
    """Become a client; only under the lock of `lock_start`.

    Raises:
        StoreUnavailableError: the locks cannot be taken.
    """
    shared = _locked(str(home.clients_lock), fcntl.LOCK_SH, CLIENT_LOCK_SECONDS)
    try:
        home.clients.mkdir(mode=0o700, exist_ok=True)
        for path in home.clients.iterdir():
            if not is_held(path):
                path.unlink(missing_ok=True)  # of a client that was killed
        file = home.clients / f"{uuid4()}.lock"
        own = _locked(str(file), fcntl.LOCK_EX, CLIENT_LOCK_SECONDS)
    except BaseException:
        os.close(shared)
        raise
    return Client(file=file, own_lock=own, shared_lock=shared)


def unregister(client: Client) -> None:
    """Stop being a client."""
    client.file.unlink(missing_ok=True)
    # A process that was forked from this one keeps its copies, and so stays a client.
    os.close(client.own_lock)
    os.close(client.shared_lock)


def count_clients(home: Home) -> int:
    """Return how many clients there are."""
    with suppress(FileNotFoundError):
        return sum(is_held(path) for path in home.clients.iterdir())
    return 0


def _locked(path: str, kind: int, seconds: float) -> int:
    descriptor = open_lock(path)
    if not try_lock(descriptor, kind, seconds):
        os.close(descriptor)
        raise StoreUnavailableError(
            f"another process has held {path} for more than {seconds:g} seconds",
            f"Look who has it open with `fuser -v {path}`, and end that process if it hangs.",
        )
    return descriptor
