"""A private copy of a database file and its logs, so that the original is only ever read."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.errors import StoreUnavailableError
from vestige.storage.sqlite.connection import is_open_here
from vestige.storage.sqlite.schema import check_file

if TYPE_CHECKING:
    from collections.abc import Callable

LOGS: Final = ("-wal", "-journal")  # what SQLite may need beside the file; -shm is made anew
# Waits between attempts to copy a file that others write to.
WAITS_SECONDS: Final = (0.05, 0.2, 0.5, 1.0)
CHUNK_BYTES: Final = 1 << 20
COPY_NAME: Final = "source.db"


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """What tells that a file was changed: where it is, its size and when it was written."""

    device: int
    inode: int
    size: int
    modified_ns: int


def check_own_file(path: Path) -> Path:
    """Return where a store's file is; refuse what is none.

    Raises:
        StoreUnavailableError: it is not there, or something else.
    """
    try:
        original = path.resolve(strict=True)
    except OSError as error:
        raise StoreUnavailableError(
            f"there is no store at {path}", "Name the file of a store with --sqlite-path."
        ) from error
    if is_open_here(original):
        # Closing any descriptor of a file gives up all locks that this process holds on it.
        raise StoreUnavailableError(f"{path} is open in this process", "Close that store first.")
    check_file(original)
    if not original.stat().st_size:
        raise StoreUnavailableError(
            f"{path} is empty", "Name the file of a store with --sqlite-path."
        )
    return original


class Snapshot:
    """A copy of a database in a folder of mode 0700 that is deleted on close.

    Attributes:
        path: the copy.
        source: the original, for messages.
        modified_ns: when the original was last written, nanoseconds since 1970.
    """

    def __init__(self, source: Path, check: Callable[[Path], Path] = check_own_file) -> None:
        self.source = source
        self.modified_ns = 0
        self._check = check
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="vestige-copy-")
        except OSError as error:
            raise StoreUnavailableError(
                f"no temporary folder can be made for a copy of {source}: {error.strerror}",
                "Set TMPDIR to a folder that you may write to.",
            ) from error
        self.path = Path(self._folder.name) / COPY_NAME

    def take(self, *, pause: Callable[[float], object]) -> None:
        """Copy the file with its logs, as they are at one moment.

        Args:
            pause: waits that many seconds; also called with 0 now and then. May raise to end it.

        Raises:
            StoreUnavailableError: there is no such database, it cannot be read, or a process goes
                on writing to it.
        """
        original = self._check(self.source)
        for seconds in (0.0, *WAITS_SECONDS):
            pause(seconds)
            try:
                before = _states(original)
                is_whole = self._copy(original, before, pause) and _states(original) == before
            except FileNotFoundError:  # a log that a checkpoint removed, or the file itself
                continue
            except OSError as error:
                raise self._not_copied(error) from error
            if is_whole:
                self.modified_ns = max(state.modified_ns for state in before.values())
                return
        raise StoreUnavailableError(
            f"{self.source} changes while it is read: a process is writing to it",
            "End every program that uses it, then run the command again; it was not changed.",
        )

    def close(self) -> None:
        """Delete the copy; a second call does nothing."""
        self._folder.cleanup()

    def _copy(
        self, original: Path, states: dict[str, _State], pause: Callable[[float], object]
    ) -> bool:
        """Copy the files; say whether a second look found the same bytes."""
        for suffix in LOGS:
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        copies = {
            suffix: _copy(Path(f"{original}{suffix}"), Path(f"{self.path}{suffix}"), pause)
            for suffix in states
        }
        return all(
            _digest(Path(f"{original}{suffix}"), pause) == digest
            for suffix, digest in copies.items()
        )

    def _not_copied(self, error: OSError) -> StoreUnavailableError:
        folder = self.path.parent
        return StoreUnavailableError(
            f"{self.source} cannot be copied to {folder}: {error.strerror or error}",
            f"A copy needs as much space as the file and its -wal; {folder} has"
            f" {shutil.disk_usage(folder).free} bytes free. Set TMPDIR to another folder, or give"
            " yourself permission to read both files.",
        )


def _states(original: Path) -> dict[str, _State]:
    """Return the state of the database and of each log that is there, by the end of its name."""
    found = {"": _state(original)}
    for suffix in LOGS:
        with suppress(FileNotFoundError):
            found[suffix] = _state(Path(f"{original}{suffix}"))
    return found


def _state(path: Path) -> _State:
    status = path.stat()
    return _State(
        device=status.st_dev,
        inode=status.st_ino,
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


def _copy(original: Path, copy: Path, pause: Callable[[float], object]) -> bytes:
    """Copy a file; return the digest of what was copied."""
    digest = hashlib.sha256()
    with original.open("rb") as source, copy.open("wb") as target:
        while chunk := source.read(CHUNK_BYTES):
            pause(0.0)
            digest.update(chunk)
            target.write(chunk)
    return digest.digest()


def _digest(path: Path, pause: Callable[[float], object]) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            pause(0.0)
            digest.update(chunk)
    return digest.digest()
