"""Disks that fill up, and how much of a fault a run is to see.

`make test` runs these tests in their short form, `make test-faults` in the long one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

FILLING: Final = bytes(64 * 1024)
IS_LONG: Final = os.environ.get("VESTIGE_TEST_FAULTS") == "long"


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallDisk:
    """A file system of its own, in memory."""

    path: Path

    def fill(self, *, left: int) -> None:
        """Take all room but so many bytes, whatever others write meanwhile."""
        with self._ballast.open("wb", buffering=0) as ballast:
            with suppress(OSError):
                while ballast.write(FILLING):
                    pass
            ballast.truncate(ballast.tell() - left)

    def make_room(self) -> None:
        """Give the room back."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"


@contextmanager
def small_disk(megabytes: int) -> Generator[SmallDisk]:
    """Mount a small file system; a test that may not is skipped."""
    folder = Path(tempfile.mkdtemp(prefix="vestige-test-"))
    folder.chmod(0o755)  # a server that root starts may run as another user
    options = f"size={megabytes}m,mode=755"
    mount = shutil.which("mount")
    try:
        done = subprocess.run(
            [mount or "mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            pytest.skip(f"mounting a small disk is not permitted: {done.stderr.strip()}")
        try:
            yield SmallDisk(path=folder)
        finally:
            subprocess.run([shutil.which("umount") or "umount", "--lazy", folder], check=True)
    finally:
        folder.rmdir()
