"""How near files are to those that somebody works on, by their paths alone."""

from __future__ import annotations

import posixpath
import re
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DRIVE: Final = re.compile(r"[A-Za-z]:/")


class Nearness(IntEnum):
    """How near the files of a memory are to those that somebody works on; more is nearer."""

    NONE = 0
    FOLDER = 1
    FILE = 2


class Surroundings:
    """Some files and the folders around them, to which others can be compared quickly.

    An absolute path is the same file as a relative one that it ends with: programs name the files
    of a codebase from its root, editors from that of the disk. A path that names a folder is in
    the same folder as the files directly inside of it.

    Args:
        paths: with slashes or backslashes, as they were given.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        normal = [_normal(path) for path in paths]
        self._files = _Places(normal)
        self._folders = _Places(posixpath.dirname(path) for path in normal)

    def nearness(self, paths: Iterable[str]) -> Nearness:
        """Return how near the nearest of some paths is."""
        return max((self._nearness(_normal(path)) for path in paths), default=Nearness.NONE)

    def _nearness(self, path: str) -> Nearness:
        if self._files.has(path):
            return Nearness.FILE
        folder = posixpath.dirname(path)
        is_beside = self._folders.has(folder)
        is_inside = folder != "" and self._files.has(folder)
        is_around = path != "" and self._folders.has(path)
        return Nearness.FOLDER if is_beside or is_inside or is_around else Nearness.NONE


class _Places:
    """Normal paths, and what the absolute ones of them end with; "" is the root of a codebase."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = set(paths)
        self._ends = {end for path in self._paths for end in _relative_ends(path)}

    def has(self, path: str) -> bool:
        return (
            path in self._paths
            or path in self._ends
            or any(end in self._paths for end in _relative_ends(path))
        )


def _normal(path: str) -> str:
    normal = posixpath.normpath(path.strip().replace("\\", "/"))
    return "" if normal == "." else normal


def _relative_ends(path: str) -> Iterator[str]:
    """Yield the relative paths that an absolute one ends with, the longest first."""
    if path.startswith("/") or _DRIVE.match(path):
        parts = [part for part in path.split("/") if part]
        first = 0 if path.startswith("/") else 1
        for start in range(first, len(parts)):
            yield "/".join(parts[start:])
