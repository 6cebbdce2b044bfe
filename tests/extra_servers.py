"""Running the servers that Debian's packages bring."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path


def environment(packages: Path) -> dict[str, str]:
    return {**os.environ, "LD_LIBRARY_PATH": str(packages / "usr/lib/x86_64-linux-gnu")}


def as_a_user(command: Sequence[str]) -> list[str]:
    """Return a command that runs without the name of root, which servers refuse to run as."""
    if os.geteuid() == 0:
        return ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]
    return list(command)


@contextmanager
def running(command: Sequence[str], packages: Path, socket: Path) -> Generator[None]:
    """Run a server until the end of the block; it is ready when its socket is there."""
    with subprocess.Popen(
        as_a_user(command),
        env=environment(packages),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            while not socket.exists():
                assert process.poll() is None, f"{command[0]} ended at once"
            yield
        finally:
            process.terminate()
