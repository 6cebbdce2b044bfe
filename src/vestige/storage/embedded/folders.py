"""Where the server of a data dir keeps its files, and who may open them."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.errors import ConfigError, StoreUnavailableError

if TYPE_CHECKING:
    from vestige.storage.embedded.accounts import Account

HOME_NAME: Final = "postgres"
PRIVATE: Final = 0o700
SYSTEM_FOLDER: Final = Path("/var/lib/vestige")
SOCKET_NAME: Final = ".s.PGSQL.5432"
# What fits into a socket address: 107 bytes on Linux, 103 on macOS.
SOCKET_PATH_MAX: Final = 103
# Connection strings separate hosts by commas, and the server's setting quotes paths.
UNSAFE_IN_A_SOCKET_PATH: Final = frozenset(",'\"\\")


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """The folder `postgres` in a data dir.

    Attributes:
        folder: holds the locks, and everything else unless `base` is another folder.
        base: holds the cluster and, where its path is short enough, the socket.
    """

    folder: Path
    base: Path

    @property
    def cluster(self) -> Path:
        return self.base / "cluster"

    @property
    def start_lock(self) -> Path:
        """Held by whoever starts, joins, leaves or stops the server."""
        return self.folder / "start.lock"

    @property
    def clients_lock(self) -> Path:
        """Shared by all clients."""
        return self.folder / "clients.lock"

    @property
    def clients(self) -> Path:
        """Has one locked file for each client, so that they can be counted."""
        return self.folder / "clients"

    @property
    def watchdog_lock(self) -> Path:
        """Held by the watchdog."""
        return self.folder / "watchdog.lock"

    @property
    def server_lock(self) -> Path:
        """Held by all processes of the server."""
        return self.folder / "server.lock"

    @property
    def start_log(self) -> Path:
        return self.folder / "start.log"

    @property
    def watchdog_log(self) -> Path:
        return self.folder / "watchdog.log"

    @property
    def log_folder(self) -> Path:
        return self.cluster / "log"

    @property
    def version_file(self) -> Path:
        return self.folder / "server-version"


def find_home(data_dir: Path) -> Home:
    """Return where the server of a data dir is or would be; nothing is created.

    Raises:
        ConfigError: the path has a line break or another control character, which would break the
            server's files.
    """
    folder = data_dir.expanduser().resolve() / HOME_NAME
    if not str(folder).isprintable():
        raise ConfigError(
            f"the path {str(folder)!r} has characters that PostgreSQL cannot handle",
            "Choose another folder with --data-dir or VESTIGE_DATA_DIR.",
        )
    with suppress(FileNotFoundError):
        return Home(folder=folder, base=Path(_location(folder).read_text(encoding="utf-8")))
    return Home(folder=folder, base=folder)


def make_home(data_dir: Path) -> Home:
    """Return the same, with the folder made; only its owner may open it."""
    home = find_home(data_dir)
    home.folder.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    home.folder.mkdir(mode=PRIVATE, exist_ok=True)
    if stat.S_IMODE(home.folder.stat().st_mode) != PRIVATE:
        home.folder.chmod(PRIVATE)
    return home


def move_base(home: Home, account: Account) -> Home:
    """Return a home whose base is a folder of the account under `/var/lib/vestige`.

    Raises:
        StoreUnavailableError: somebody else made the folder.
    """
    name = hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:16]
    base = SYSTEM_FOLDER / name
    SYSTEM_FOLDER.mkdir(mode=0o755, exist_ok=True)
    base.mkdir(mode=PRIVATE, exist_ok=True)
    account.own(base)
    if not is_private(base, account):
        raise StoreUnavailableError(
            f"the folder {base} belongs to somebody else",
            "Remove it if nothing of value is in it, and try again.",
        )
    _location(home.folder).write_text(str(base), encoding="utf-8")
    return Home(folder=home.folder, base=base)


def socket_folder(home: Home, account: Account) -> Path:
    """Return a folder of the account for the socket: beside the cluster where that is possible.

    A path that is too long for a socket gets a folder with a random name in XDG_RUNTIME_DIR or the
    temporary directory, which is used again as long as it belongs to the account alone.
    """
    beside = home.base / "socket"
    if is_socket_path(beside / SOCKET_NAME):
        beside.mkdir(mode=PRIVATE, exist_ok=True)
        account.own(beside)
        return beside
    record = home.folder / "socket-folder"
    with suppress(FileNotFoundError):
        known = Path(record.read_text(encoding="utf-8"))
        if is_private(known, account):
            return known
    made = Path(tempfile.mkdtemp(prefix="vestige-", dir=_runtime_folder(account)))
    account.own(made)
    record.write_text(str(made), encoding="utf-8")
    return made


def is_socket_path(path: Path) -> bool:
    """Say whether a socket at this path can be made and written into a connection string."""
    text = str(path)
    return len(os.fsencode(path)) <= SOCKET_PATH_MAX and not UNSAFE_IN_A_SOCKET_PATH & set(text)


def is_private(folder: Path, account: Account) -> bool:
    """Say whether this is a folder, not a link, that only the account may open."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and stat.S_IMODE(found.st_mode) == PRIVATE
        and found.st_uid == account.owner
    )


def _location(folder: Path) -> Path:
    return folder / "location"


def _runtime_folder(account: Account) -> str | None:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    # The folder at login belongs to one user; a server that runs as another cannot reach it.
    if not runtime or account.user is not None or not is_private(Path(runtime), account):
        return None
    is_short = is_socket_path(Path(runtime) / "vestige-12345678" / SOCKET_NAME)
    return runtime if is_short else None
