"""The files of a model: what they should be, and whether they are."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from vestige.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedReader
    from pathlib import Path

CHECKSUMS: Final = "SHA256SUMS"

_LINE: Final = re.compile(r"(?P<checksum>[0-9a-f]{64}) [ *](?:\./)?(?P<name>\S+)")
_HINT: Final = "Install the package again: `pip install --force-reinstall --no-deps vestige`."


def read_checksums(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Read what the folder's SHA256SUMS records for some of its files.

    Returns:
        64 hexadecimal digits per name, in the order of `names`.

    Raises:
        EmbeddingError: the list cannot be read or does not name one of the files.
    """
    recorded = _recorded(folder, _HINT)
    for name in names:
        if name not in recorded:
            raise EmbeddingError(f"{folder / CHECKSUMS} records no checksum of {name}", _HINT)
    return {name: recorded[name] for name in names}


def find_checksums(
    folder: Path, *, required: Sequence[str], optional: Sequence[str], hint: str
) -> dict[str, str]:
    """Return what the folder's files should be, or what they are where nothing says it.

    Args:
        folder: a folder of somebody else, with or without SHA256SUMS.
        required: files that must be there.
        optional: files that count when they are there or recorded.
        hint: the next action when something is wrong.

    Returns:
        64 hexadecimal digits per name: recorded in SHA256SUMS if they are, else computed.

    Raises:
        EmbeddingError: a required file is neither recorded nor to be read.
    """
    recorded = _recorded(folder, hint) if (folder / CHECKSUMS).exists() else {}
    names = [*required, *(name for name in optional if (folder / name).exists())]
    return {
        name: recorded[name] if name in recorded else _checksum(folder / name, hint)
        for name in dict.fromkeys([*names, *(name for name in optional if name in recorded)])
    }


def verify(path: Path, checksum: str, *, hint: str = _HINT) -> None:
    """Make sure that a file's bytes are the recorded ones.

    Raises:
        EmbeddingError: the file cannot be read or its sha256 is another one.
    """
    found = _checksum(path, hint)
    if found != checksum:
        raise EmbeddingError(f"{path} was changed: its sha256 is {found}, not {checksum}", hint)


def _recorded(folder: Path, hint: str) -> dict[str, str]:
    with _opened(folder / CHECKSUMS, hint) as file:
        listed = file.read().decode("utf-8", "replace")
    return {match["name"]: match["checksum"] for match in _LINE.finditer(listed)}


def _checksum(path: Path, hint: str) -> str:
    with _opened(path, hint) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(path: Path, hint: str) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise EmbeddingError(f"cannot read {path}: {error.strerror}", hint) from error
