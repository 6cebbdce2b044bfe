"""Joining the server of a data dir, which is started when it does not run, and leaving it."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from vestige.errors import StoreUnavailableError
from vestige.storage.embedded import clients, cluster
from vestige.storage.embedded.accounts import (
    HINT_FOR_ROOT,
    Account,
    account_for_new,
    account_of,
    unprivileged,
)
from vestige.storage.embedded.binaries import find_programs
from vestige.storage.embedded.folders import Home, base_for, make_home, socket_folder, unavailable
from vestige.storage.embedded.readiness import has_database, wait_until_settled
from vestige.storage.embedded.watchdog import (
    FAST_STOP_SECONDS,
    IMMEDIATE_STOP_SECONDS,
    POLL_SECONDS,
    is_held,
)
from vestige.storage.embedded.watching import watch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STARTS: Final = 3  # a server that was killed is started anew, one that ends each time is not
STOP_SECONDS: Final = FAST_STOP_SECONDS + IMMEDIATE_STOP_SECONDS


class EmbeddedServer:
    """A running server that this process is a client of, until `close`.

    Attributes:
        dsn: connects asyncpg or psql to the database, over a socket that is private to the user.
    """

    def __init__(self, dsn: str, home: Home, client: clients.Client) -> None:
        self.dsn = dsn
        self._home = home
        self._client: clients.Client | None = client

    async def close(self) -> None:
        """Leave the server; the last client waits until it has stopped. Again: nothing happens.

        Raises:
            StoreUnavailableError: another process keeps the locks; the server is left all the same.
        """
        client, self._client = self._client, None
        if client is not None:
            await asyncio.shield(asyncio.to_thread(_leave, self._home, client))


async def start(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedServer:
    """Join the server of a data dir; it is made and started if need be.

    Args:
        data_dir: the server's files are in its folder `postgres`.
        settings: PostgreSQL's settings, added to or instead of the usual ones. They count for the
            process that starts the server, not for one that joins it.

    Raises:
        ConfigError: the extra is not installed, or a setting cannot be chosen.
        MigrationError: the data is of another major version of PostgreSQL.
        StoreUnavailableError: the server does not start; quotes the end of its log.
    """
    joining = asyncio.ensure_future(asyncio.to_thread(_join, data_dir, dict(settings or {})))
    try:
        return await asyncio.shield(joining)
    except asyncio.CancelledError:
        # The thread goes on, and nobody but this knows the server that it joins.
        joining.add_done_callback(_leave_unwanted)
        raise


def _leave_unwanted(joining: asyncio.Future[EmbeddedServer]) -> None:
    if not joining.cancelled() and joining.exception() is None:
        server = joining.result()
        closing = joining.get_loop().create_task(server.close())
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)


_closing: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


def _join(data_dir: Path, settings: Mapping[str, str]) -> EmbeddedServer:
    programs = find_programs()
    cluster.check_settings(settings)
    with unavailable(data_dir):
        home = make_home(data_dir)
        start_lock = clients.lock_start(home)
        try:
            client = clients.register(home)
            try:
                return _serve(home, programs, settings, client, start_lock)
            except BaseException:
                clients.unregister(client)
                raise
        finally:
            # Closing is not unlocking: a watchdog that is still starting keeps its copy.
            os.close(start_lock)


def _serve(
    home: Home,
    programs: Path,
    settings: Mapping[str, str],
    client: clients.Client,
    start_lock: int,
) -> EmbeddedServer:
    for _ in range(STARTS):
        found = wait_until_settled(home)
        if found is None:
            home = _start(home, programs, settings, start_lock)
            found = wait_until_settled(home)
        elif not is_held(home.watchdog_lock):
            watch(home, Account(), [], start_lock)
        if found is not None and has_database(home, found, programs):
            host = quote(found.socket_folder, safe="/")
            dsn = f"postgresql://{cluster.USER}@/{cluster.DATABASE}?host={host}&port={found.port}"
            return EmbeddedServer(dsn, home, client)
    raise StoreUnavailableError(
        f"the embedded server of {home.folder} ended {STARTS} times before it could be used:"
        f" {cluster.log_tail(home)}",
        f"Read the logs in {home.log_folder}, and look what ends its processes.",
    )


def _start(home: Home, programs: Path, settings: Mapping[str, str], start_lock: int) -> Home:
    home, account = _prepare(home, programs, settings, start_lock)
    folder = socket_folder(home, account)
    cluster.clear_traces(home, folder)
    cluster.write_settings(home, account, folder, settings)
    watch(home, account, cluster.server_command(home, account, programs), start_lock)
    version = Account().run([programs / "postgres", "--version"]).stdout
    home.version_file.write_text(version.rpartition(") ")[2], encoding="utf-8")
    return home


def _prepare(
    home: Home, programs: Path, settings: Mapping[str, str], start_lock: int
) -> tuple[Home, Account]:
    """Return a home that has a cluster, and the account that it belongs to."""
    postgres = programs / "postgres"
    if home.cluster.exists():
        cluster.check_cluster(home)
        return home, account_of(home.cluster, postgres)
    account = account_for_new(home.folder.parent, postgres)
    is_reachable = account is not None
    account = account or unprivileged(postgres)
    if account is None:
        raise StoreUnavailableError(
            f"PostgreSQL does not run as root, and no other user may run {postgres}",
            HINT_FOR_ROOT,
        )
    home = base_for(home, account, is_reachable=is_reachable)
    # Whoever turns fsync off does not care what a power cut leaves of a new cluster either.
    sync = settings.get("fsync") != "off"
    cluster.make_cluster(home, account, programs, start_lock=start_lock, sync=sync)
    return home, account


def _leave(home: Home, client: clients.Client) -> None:
    try:
        start_lock = clients.lock_start(home)
    except BaseException:
        clients.unregister(client)
        raise
    try:
        if is_held(home.server_lock) and not is_held(home.watchdog_lock):
            watch(home, Account(), [], start_lock)  # somebody has killed the first one
    finally:
        clients.unregister(client)
        os.close(start_lock)
    deadline = time.monotonic() + STOP_SECONDS
    # The watchdog stops the server when no client is left, unless one comes before it does.
    while (is_held(home.server_lock) or is_held(home.watchdog_lock)) and not clients.count_clients(
        home
    ):
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_SECONDS)
