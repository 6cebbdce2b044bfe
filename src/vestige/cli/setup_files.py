"""Files that are replaced in one step, with a copy of the former one beside them."""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING, Final

from vestige.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

OWNER_ONLY: Final = 0o600
AS_USUAL: Final = 0o666  # less what the umask takes away


def read_bytes(path: Path) -> bytes | None:
    """Return the bytes of a file, None when it is not there.

    Raises:
        ConfigError: it is a folder, a pipe or a device.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{path} is no file", "Move it away; nothing was changed.")
    return path.read_bytes()


def keep_copy(path: Path, data: bytes) -> Path:
    """Write a copy beside a file, under a name that is not taken, and return its path."""
    mode = need_writable(path)
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.backup{number if number > 1 else ''}")
        try:
            _write(backup, data, mode)
        except FileExistsError:
            number += 1
        else:
            return backup


def replace_file(path: Path, data: bytes) -> None:
    """Give a file other bytes in one step, or make it; its permissions stay.

    Raises:
        ConfigError: it is read-only.
    """
    mode = need_writable(path) if path.exists() else None
    new = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    _write(new, data, mode)
    try:
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def need_writable(path: Path) -> int:
    """Return the permissions of a file.

    Raises:
        ConfigError: nobody may write it, so whoever made it so would not want it replaced.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            f"file {path} is read-only",
            "Make it writable, or edit what it is made from; nothing was changed.",
        )
    return mode


def backups_of(path: Path) -> list[Path]:
    """Return the copies that are kept beside a file, the newest first."""
    numbered = ((_number(other, path), other) for other in path.parent.iterdir())
    return [other for number, other in sorted(numbered, reverse=True) if number]


def _write(path: Path, data: bytes, mode: int | None) -> None:
    """Make a file that is on the disk when this returns, whole or not at all.

    Until it has its permissions, nobody but its owner can read it.

    Args:
        path: its name, which must not be taken.
        data: what it holds.
        mode: its permissions, None for those of any new file.
    """
    handle = os.open(
        path,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
        AS_USUAL if mode is None else OWNER_ONLY,
    )
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if mode is not None:
            path.chmod(mode)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _number(path: Path, original: Path) -> int:
    """Return 1 for `NAME.backup`, 2 for `NAME.backup2` and so on, 0 for anything else."""
    prefix = f"{original.name}.backup"
    rest = path.name.removeprefix(prefix)
    if not path.name.startswith(prefix) or (rest and not rest.isdecimal()):
        return 0
    return int(rest or 1)
