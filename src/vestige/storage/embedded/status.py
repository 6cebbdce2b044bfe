"""What is known about the server of a data dir without starting or joining it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestige.storage.embedded.clients import count_clients
from vestige.storage.embedded.folders import find_home, unavailable
from vestige.storage.embedded.watchdog import is_held, read_postmaster

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStatus:
    """The state of a server.

    Attributes:
        is_running: a process of the server lives.
        is_watched: its watchdog lives.
        pid: of the server's main process, None when it does not run.
        version: of PostgreSQL, as `18.4`; None when it does not run.
        client_count: how many clients use it.
        cluster: where its data is; not in the data dir when PostgreSQL could not get there.
        log_folder: where it writes its log.
    """

    is_running: bool
    is_watched: bool
    pid: int | None
    version: str | None
    client_count: int
    cluster: Path
    log_folder: Path

    @property
    def is_orphaned(self) -> bool:
        """Whether it runs for nobody, and nobody will stop it; the next start adopts it."""
        return self.is_running and not self.is_watched and self.client_count == 0


async def status(data_dir: Path) -> ServerStatus:
    """Return the state of the server of a data dir; nothing is written.

    Raises:
        ConfigError: the path of the data dir cannot have a server.
        StoreUnavailableError: the server belongs to somebody else.
    """
    with unavailable(data_dir):
        return await asyncio.to_thread(_status, data_dir)


def _status(data_dir: Path) -> ServerStatus:
    home = find_home(data_dir)
    is_running = is_held(home.server_lock)
    postmaster = read_postmaster(home.cluster) if is_running else None
    version = None
    if is_running:
        with suppress(FileNotFoundError):
            version = home.version_file.read_text(encoding="utf-8").strip()
    return ServerStatus(
        is_running=is_running,
        is_watched=is_held(home.watchdog_lock),
        pid=None if postmaster is None else postmaster.pid,
        version=version,
        client_count=count_clients(home),
        cluster=home.cluster,
        log_folder=home.log_folder,
    )
