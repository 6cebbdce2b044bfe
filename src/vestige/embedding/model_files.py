"""The files of a bundled model: what they should be, and whether they are."""

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

_LINE: Final = re.compile(r"(?P<checksum>[0-9a-f]{64})  (?P<name>\S+)")
_HINT: Final = "Install the package again: `pip install --force-reinstall --no-deps vestige`."


def read_checksums(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Read what the folder's SHA256SUMS records for some of its files.

    Returns:
        64 hexadecimal digits per name, in the order of `names`.

    Raises:
        EmbeddingError: the list cannot be read or does not name one of the files.
    """
    with _opened(folder / CHECKSUMS) as file:
        listed = file.read().decode("utf-8", "replace")
    recorded = {match["name"]: match["checksum"] for match in _LINE.finditer(listed)}
    for name in names:
        if name not in recorded:
            raise EmbeddingError(f"{folder / CHECKSUMS} records no checksum of {name}", _HINT)
    return {name: recorded[name] for name in names}


def verify(path: Path, checksum: str) -> None:
    """Make sure that a file's bytes are the recorded ones.

    Raises:
        EmbeddingError: the file cannot be read or its sha256 is another one.
    """
    with _opened(path) as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != checksum:
        raise EmbeddingError(f"{path} was changed: its sha256 is {found}, not {checksum}", _HINT)


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise EmbeddingError(f"cannot read {path}: {error.strerror}", _HINT) from error
