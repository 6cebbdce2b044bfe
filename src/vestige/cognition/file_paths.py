"""How near two paths are, by their texts alone: the same file, the same folder, or neither."""

from __future__ import annotations

import posixpath
import re
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_DRIVE: Final = re.compile(r"[A-Za-z]:/")


class Nearness(IntEnum):
    """How near the files of a memory are to those that somebody works on; more is nearer."""

    NONE = 0
    FOLDER = 1
    FILE = 2


def nearest(files: Iterable[str], wanted: Iterable[str]) -> Nearness:
    """Return how near the nearest two of some files and those that are wanted are.

    An absolute path is the same file as a relative one that it ends with: programs name the files
    of a codebase from its root, editors from that of the disk. A path that names a folder is in
    the same folder as the files directly inside of it.

    Args:
        files: paths with slashes or backslashes, as they were given.
        wanted: likewise.
    """
    known = [_normal(path) for path in files]
    asked = [_normal(path) for path in wanted]
    return max((_nearness(one, other) for one in known for other in asked), default=Nearness.NONE)


def _normal(path: str) -> str:
    normal = posixpath.normpath(path.strip().replace("\\", "/"))
    return "" if normal == "." else normal


def _nearness(one: str, other: str) -> Nearness:
    if _is_same(one, other):
        return Nearness.FILE
    folder, other_folder = posixpath.dirname(one), posixpath.dirname(other)
    if (
        _is_same(folder, other_folder)
        or (folder and _is_same(folder, other))
        or (other_folder and _is_same(one, other_folder))
    ):
        return Nearness.FOLDER
    return Nearness.NONE


def _is_same(one: str, other: str) -> bool:
    """Say whether two normal paths name the same place; "" is the root of a codebase."""
    if one == other:
        return True
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return (
        _is_absolute(longer)
        and not _is_absolute(shorter)
        and shorter != ""
        and longer.endswith(f"/{shorter}")
    )


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or _DRIVE.match(path) is not None
