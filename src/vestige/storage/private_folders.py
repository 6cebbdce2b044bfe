"""Folders that only their owner may open, whatever the umask is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FOLDER_MODE: Final = 0o700


def make_private_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing; what is there keeps its mode.

    `mkdir(parents=True)` alone would give those above it the mode that the umask leaves, and who
    may write there can put another folder in the place of this one.

    Raises:
        OSError: it cannot be made, or is no folder.
    """
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)
