"""Files and standard streams that hold more than memory should: read by line, written whole."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from vestige.cli.output import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Generator

STANDARD: Final = "-"


class InterruptibleReader:
    """A stream whose reading ends at once with Ctrl-C, also inside an event loop.

    A running loop only notes the signal for later, and would wait for the next line to act on it.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readline(self, size: int) -> bytes:
        """Read a line, or as much of it as `size` allows."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return self._stream.readline(size)
        finally:
            signal.signal(signal.SIGINT, before)


@contextmanager
def reading(source: str) -> Generator[InterruptibleReader]:
    """Open a file, or standard input for `-`."""
    if source == STANDARD:
        if getattr(sys, "stdin", None) is None:  # closed with `<&-`
            raise UsageProblem("there is no standard input", "Name a file, or pipe one in.")
        yield InterruptibleReader(sys.stdin.buffer)
        return
    with Path(source).open("rb") as stream:
        yield InterruptibleReader(stream)


@contextmanager
def writing(target: str) -> Generator[IO[bytes]]:
    """Open a file to be written, or standard output for `-`.

    The file appears, or is replaced, when all of it is written and on the disk; until then and
    after a failure what was there is as it was. Only its owner may read a new one.
    """
    if target == STANDARD:
        if getattr(sys, "stdout", None) is None:  # closed with `>&-`
            raise UsageProblem("there is no standard output", "Name a file with --output FILE.")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(target).resolve()
    if path.exists() and not path.is_file():  # a pipe or a device cannot be replaced
        with path.open("wb") as stream:
            yield stream
        return
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
