"""Where the server of a data dir keeps its files, and who may open them."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.errors import ConfigError, StoreUnavailableError
from vestige.storage.private_folders import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Generator

    from vestige.storage.embedded.accounts import Account

HOME_NAME: Final = "postgres"
PRIVATE: Final = 0o700
PASSABLE: Final = 0o711  # others get to what is theirs, and see nothing
SYSTEM_FOLDER: Final = Path("/var/lib/vestige")
SOCKET_NAME: Final = ".s.PGSQL.5432"
SOCKET_PREFIX: Final = "vestige-"
# What fits into a socket address: 107 bytes on Linux, 103 on macOS.
SOCKET_PATH_MAX: Final = 103
# Connection strings separate hosts by commas, and the server's setting quotes paths.
UNSAFE_IN_A_SOCKET_PATH: Final = frozenset(",'\"\\")


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """The folder `postgres` in a data dir.

    Attributes:
        folder: belongs to this user, and holds the locks.
        base: belongs to whom the server runs as, and holds the cluster and, where its path is short
            enough, the socket. The same folder unless the server runs as another user.
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
    def socket_record(self) -> Path:
        """Names the folder of the socket when that is not beside the cluster."""
        return self.folder / "socket-folder"

    @property
    def version_file(self) -> Path:
        return self.folder / "server-version"


def find_home(data_dir: Path) -> Home:
    """Return where the server of a data dir is or would be; nothing is created.

    Raises:
        ConfigError: the path has a line break or another control character, which would break the
            server's files.
    """
    folder = (data_dir.expanduser() / HOME_NAME).resolve()
    if not str(folder).isprintable():
        raise ConfigError(
            f"the path {str(folder)!r} has characters that PostgreSQL cannot handle",
            "Choose another folder with --data-dir or VESTIGE_DATA_DIR.",
        )
    with suppress(FileNotFoundError):
        return Home(folder=folder, base=folder / _location(folder).read_text(encoding="utf-8"))
    return Home(folder=folder, base=folder)


def make_home(data_dir: Path) -> Home:
    """Return the same, with the folder made; only its owner may read it.

    Raises:
        StoreUnavailableError: the folder belongs to somebody else.
    """
    home = find_home(data_dir)
    make_private_folder(home.folder)
    found = home.folder.stat()
    if found.st_uid != os.geteuid():
        raise StoreUnavailableError(
            f"{home.folder} belongs to user {found.st_uid}, this process is {os.geteuid()}",
            "Use another data dir, or run the command as the user who made this one.",
        )
    if stat.S_IMODE(found.st_mode) & ~PASSABLE:
        home.folder.chmod(PASSABLE if home.base.parent == home.folder else PRIVATE)
    return home


def base_for(home: Home, account: Account, *, is_reachable: bool) -> Home:
    """Return a home whose base belongs to an account.

    Args:
        home: where the base would be by default.
        account: as whom the server runs.
        is_reachable: the account can get into the data dir. Otherwise the base is made under
            `/var/lib/vestige`, for no folder is opened to others that was not open before.

    Raises:
        StoreUnavailableError: somebody else made the folder.
    """
    if account.user is None:
        _location(home.folder).unlink(missing_ok=True)  # of an attempt that failed
        return Home(folder=home.folder, base=home.folder)
    if is_reachable:
        home.folder.chmod(PASSABLE)
        base = home.folder / "server"
    else:
        name = hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:16]
        SYSTEM_FOLDER.mkdir(mode=0o755, exist_ok=True)
        base = SYSTEM_FOLDER / name
    base.mkdir(mode=PRIVATE, exist_ok=True)
    account.own(base)
    if not is_private(base, account):
        raise StoreUnavailableError(
            f"the folder {base} belongs to somebody else",
            "Remove it if nothing of value is in it, and try again.",
        )
    # Relative where it can be, so that the data dir may be moved.
    _location(home.folder).write_text("server" if is_reachable else str(base), encoding="utf-8")
    return Home(folder=home.folder, base=base)


def socket_folder(home: Home, account: Account) -> Path:
    """Return a folder of the account for the socket: beside the cluster where that is possible.

    A path that is too long for a socket gets a folder with a random name in XDG_RUNTIME_DIR or the
    temporary directory. The watchdog removes it, or it is used again if it belongs to the account
    alone.

    Raises:
        StoreUnavailableError: those paths are too long as well.
    """
    beside = home.base / "socket"
    if is_socket_path(beside / SOCKET_NAME):
        beside.mkdir(mode=PRIVATE, exist_ok=True)
        account.own(beside)
        return beside
    record = home.socket_record
    with suppress(FileNotFoundError):
        known = Path(record.read_text(encoding="utf-8"))
        if is_private(known, account):
            return known
    made = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=_short_folder(account)))
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


@contextmanager
def unavailable(data_dir: Path) -> Generator[None]:
    """Report what the system refuses as a server that cannot be used."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(
            f"the embedded server of {data_dir} cannot be used: {error}"
        ) from error


def _location(folder: Path) -> Path:
    return folder / "location"


def _short_folder(account: Account) -> Path:
    folders = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108  # for mkdtemp
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    # The folder of a login belongs to one user; a server that runs as another cannot reach it.
    if account.user is None and is_private(runtime, account):
        folders.insert(0, runtime)
    for folder in folders:
        if is_socket_path(folder / f"{SOCKET_PREFIX}12345678" / SOCKET_NAME):
            return folder
    raise StoreUnavailableError(
        f"no path for a socket is short enough: {', '.join(map(str, folders))}",
        "Set TMPDIR to a folder with a short path.",
    )
