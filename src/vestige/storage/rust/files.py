"""Recognising a file that cannot be a database of the Rust Vestige, before it is copied."""

from __future__ import annotations

import math
from collections import Counter
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
    from pathlib import Path

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


def check_file(path: Path) -> Path:
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
