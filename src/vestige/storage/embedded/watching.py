"""Starting the watchdog, and with it the server."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from vestige.errors import StoreUnavailableError
from vestige.storage.embedded.accounts import environment
from vestige.storage.embedded.cluster import last_lines, log_tail
from vestige.storage.embedded.watchdog import READY, Orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.storage.embedded.accounts import Account
    from vestige.storage.embedded.folders import Home

PROGRAM: Final = Path(__file__).with_name("watchdog.py")
START_SECONDS: Final = 120.0  # the server may have to recover from a crash
ANSWER_SECONDS: Final = START_SECONDS + 30.0


def watch(home: Home, account: Account, command: Sequence[str], start_lock: int) -> None:
    """Start a watchdog, and return when the server accepts connections.

    Args:
        home: of the server.
        account: as whom the server runs.
        command: starts the server; empty when it runs already.
        start_lock: descriptor of the lock that the caller holds; the watchdog keeps it, too, until
            the server is ready.

    Raises:
        StoreUnavailableError: the server does not start; quotes the end of its log.
    """
    orders = Orders(
        cluster=str(home.cluster),
        start_lock=str(home.start_lock),
        clients_lock=str(home.clients_lock),
        watchdog_lock=str(home.watchdog_lock),
        server_lock=str(home.server_lock),
        command=list(command),
        user=account.user,
        group=account.group,
        log=str(home.start_log),
        socket_record=str(home.socket_record),
        start_seconds=START_SECONDS,
        inherited_lock=start_lock,
    )
    outcome = _outcome(orders, home.watchdog_log)
    if outcome != READY:
        raise StoreUnavailableError(
            f"the embedded server of {home.folder} does not start: {outcome}\n{log_tail(home)}",
            f"Read the logs in {home.log_folder}, and check that there is space on the disk.",
        )


def _outcome(orders: Orders, errors: Path) -> str:
    with (
        errors.open("wb") as error_file,
        subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-I", "-S", str(PROGRAM), json.dumps(asdict(orders))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=error_file,
            cwd="/",
            env=environment(),
            start_new_session=True,  # it outlives this process and its terminal
            pass_fds=[orders.inherited_lock],
            umask=0o077,
        ) as process,
    ):
        outcome = _read(process.stdout) if process.stdout is not None else ""
    if outcome:
        return outcome
    said = last_lines(errors.read_text(encoding="utf-8", errors="replace"))
    return f"its watchdog failed: {said}" if said else "its watchdog was killed"


def _read(answer: IO[bytes]) -> str:
    parts: list[bytes] = []
    while select.select([answer], [], [], ANSWER_SECONDS)[0]:
        part = os.read(answer.fileno(), 65536)
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode(errors="replace")
