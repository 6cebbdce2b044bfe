"""A private copy of a database file and its logs, so that the original is only ever read."""

from __future__ import annotations

import hashlib
import math
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.errors import StoreUnavailableError
from vestige.storage.sqlite.connection import is_open_here
from vestige.storage.sqlite.schema import (
    APPLICATION_ID,
    APPLICATION_ID_PLACE,
    HEADER_BYTES,
    MAGIC,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LOGS: Final = ("-wal", "-journal")  # what SQLite may need beside the file; -shm is made anew
# Waits between attempts to copy a file that others write to.
WAITS_SECONDS: Final = (0.05, 0.2, 0.5, 1.0)
CHUNK_BYTES: Final = 1 << 20
COPY_NAME: Final = "source.db"

# SQLCipher encrypts whole pages, the header included, so its files look like chance: a page of
# 4096 random bytes has 7.95 bits of entropy a byte, and text or machine code less than 7.
CIPHER_PAGE_BYTES: Final = 1024
CIPHER_SAMPLE_BYTES: Final = 4096
CIPHER_ENTROPY_BITS: Final = 7.8  # for a sample of 4096 bytes
# Formats that are as random inside, and begin with something that names them.
PACKED_FORMATS: Final = (
    b"PK",
    b"\x1f\x8b",
    b"\xfd7zXZ",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"7z",
    b"\x89PNG",
)

OWN_STORE_HINT: Final = (
    "Read it with `--from sqlite` instead of `--from rust`; the file was not changed."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """What tells that a file was changed: where it is, its size and when it was written."""

    device: int
    inode: int
    size: int
    modified_ns: int


class Snapshot:
    """A copy of a database in a folder of mode 0700 that is deleted on close.

    Attributes:
        path: the copy.
        source: the original, for messages.
        modified_ns: when the original was last written, nanoseconds since 1970.
    """

    def __init__(self, source: Path) -> None:
        self.source = source
        self.modified_ns = 0
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="vestige-rust-")
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
        original = _checked(self.source)
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
            "End the Rust Vestige and every client that started it, then run the command again;"
            " the file was not changed.",
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


def _checked(path: Path) -> Path:
    """Return where the file is; refuse what cannot be a database of the Rust Vestige."""
    try:
        original = path.resolve(strict=True)
        _check_kind(path, original)
        if is_open_here(original):
            # Closing any descriptor of a file gives up all locks that this process holds on it.
            raise StoreUnavailableError(
                f"{path} is open as a store of this process", OWN_STORE_HINT
            )
        with original.open("rb") as file:
            head = file.read(CIPHER_SAMPLE_BYTES)
        _check_head(path, head, original.stat().st_size)
    except FileNotFoundError as error:
        raise StoreUnavailableError(
            f"{path} does not exist", "Give the path of a vestige.db of the Rust Vestige."
        ) from error
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        raise StoreUnavailableError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}",
            "Give yourself permission to read the file and to enter its folder.",
        ) from error
    return original


def _check_kind(path: Path, original: Path) -> None:
    if original.is_dir():
        raise StoreUnavailableError(
            f"{path} is a folder, not a database file",
            f"Add the name of the file, often {path / 'vestige.db'}.",
        )
    if not original.is_file():
        raise StoreUnavailableError(
            f"{path} is not a regular file", "Give the path of a vestige.db."
        )


def _check_head(path: Path, head: bytes, size: int) -> None:
    if not head:
        raise StoreUnavailableError(f"{path} is empty", "Give the path of a vestige.db.")
    if not head.startswith(MAGIC):
        if _looks_encrypted(head, size):
            raise StoreUnavailableError(
                f"{path} is encrypted (SQLCipher): nothing of it can be read without its key",
                "Decrypt it first with the Rust program's own export, or with `sqlcipher`:"
                " PRAGMA key = '...'; ATTACH 'plain.db' AS plain KEY '';"
                " SELECT sqlcipher_export('plain'); then import plain.db.",
            )
        raise StoreUnavailableError(
            f"{path} is not a SQLite database",
            "Give the path of a vestige.db; the file was not changed.",
        )
    if len(head) < HEADER_BYTES:
        raise StoreUnavailableError(
            f"{path} is damaged: it ends within its header", "Restore a backup of it."
        )
    if head[APPLICATION_ID_PLACE] == APPLICATION_ID:
        raise StoreUnavailableError(f"{path} is a store of this program already", OWN_STORE_HINT)


def _looks_encrypted(head: bytes, size: int) -> bool:
    if len(head) < CIPHER_PAGE_BYTES or size % CIPHER_PAGE_BYTES:
        return False
    # Of fewer bytes even chance has less entropy: at most log2 of their number.
    missing = math.log2(CIPHER_SAMPLE_BYTES / len(head)) * 0.1
    return not head.startswith(PACKED_FORMATS) and _entropy(head) > CIPHER_ENTROPY_BITS - missing


def _entropy(data: bytes) -> float:
    """Return Shannon's entropy in bits a byte, 0 to 8."""
    shares = [count / len(data) for count in Counter(data).values()]
    return -sum(share * math.log2(share) for share in shares)


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
