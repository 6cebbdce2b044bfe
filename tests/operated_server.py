"""A PostgreSQL server as an operator has one: over TCP, with roles, passwords and pg_hba.conf.

Its programs are those of the embedded server. It is new for each use, and has no TLS.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.storage.embedded.accounts import account_for_new
from vestige.storage.embedded.binaries import find_programs

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from vestige.storage.embedded.accounts import Account

ADMINISTRATOR: Final = "postgres"
# As Debian's, with `trust` for `peer`: who runs the tests is not the system user postgres. Nobody
# gets in over TCP until a line says so.
ACCESS: Final = "local all all trust\n"
SETTINGS: Final = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = off
shared_buffers = 64MB
max_parallel_maintenance_workers = 0
lc_messages = 'C'
timezone = 'UTC'
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatedServer:
    """A server that runs.

    Attributes:
        programs: the folder of `psql` and the other programs.
        folder: where its socket is.
        data: its data folder.
        port: of 127.0.0.1, and part of the socket's name.
        account: as whom it runs.
    """

    programs: Path
    folder: Path
    data: Path
    port: int
    account: Account

    def control(self, *words: str) -> None:
        """Run `pg_ctl`, and wait until it has done what it was told."""
        run(self.account, [self.programs / "pg_ctl", *words, "--wait", "-D", self.data])


def run(account: Account, command: Sequence[str | Path]) -> None:
    done = account.run(command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@contextmanager
def operated_server() -> Generator[OperatedServer]:
    """Run a server until the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="vestige-test-"))
    folder.chmod(0o755)  # a server that root starts may run as another user
    try:
        server = _made(folder)
        server.control("start", "--log", str(server.data / "log"))
        try:
            yield server
        finally:
            server.control("stop", "--mode", "immediate")
    finally:
        shutil.rmtree(folder)


def _made(folder: Path) -> OperatedServer:
    programs = find_programs()
    account = account_for_new(folder, programs / "postgres")
    assert account is not None, "no user may run a server here"
    account.own(folder)
    data = folder / "data"
    run(
        account,
        [
            programs / "initdb",
            f"--pgdata={data}",
            f"--username={ADMINISTRATOR}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth=trust",
            "--no-sync",
        ],
    )
    port = _free_port()
    (data / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")
    with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS.format(port=port, folder=folder))
    return OperatedServer(programs=programs, folder=folder, data=data, port=port, account=account)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
