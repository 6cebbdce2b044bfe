"""The database of the Rust Vestige as a source of rows: read whole, and never touched."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from vestige.errors import StoreUnavailableError
from vestige.storage.limits import check_page
from vestige.storage.rust.connection import Reader, Worker
from vestige.storage.rust.contents import Contents
from vestige.storage.rust.files import check_file
from vestige.storage.rust.values import EPOCH
from vestige.storage.sqlite.snapshot import Snapshot

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from vestige.clock import Clock
    from vestige.models import ModelSignature, TransferPage, TransferTable
    from vestige.storage.rust.findings import SourceReport


class RustSource:
    """A file of the Rust Vestige, read in a private copy; made by `open`.

    It gives out what a store gives out when it is moved, with the same methods. Every row is within
    the limits of a store and belongs to the local user.
    """

    def __init__(
        self, worker: Worker, snapshot: Snapshot, reader: Reader, contents: Contents
    ) -> None:
        self._worker = worker
        self._snapshot = snapshot
        self._reader = reader
        self._contents = contents

    @classmethod
    async def open(cls, path: Path, *, clock: Clock) -> RustSource:
        """Copy a file with its un-checkpointed log, and see what it holds.

        Args:
            path: the file, often `vestige.db`; it stays as it is, byte for byte.
            clock: tells the latest time that a row can be of.

        Raises:
            StoreUnavailableError: there is no such file, it is not SQLite, encrypted, damaged, a
                store of this program, or of another one, or a process goes on writing to it.
        """
        worker = Worker(str(path))
        opening = _Opening(path, clock)
        task = asyncio.ensure_future(worker.run(opening.run))
        try:
            snapshot, reader, contents = await asyncio.shield(task)
        except BaseException:
            # Also when the caller gives up: the thread must end before its folder can be deleted.
            opening.stop()
            await worker.close(opening.undo)
            await asyncio.wait([task])
            task.exception()  # has been raised, or nobody waits for it any more
            raise
        return cls(worker, snapshot, reader, contents)

    async def registered_model(self) -> ModelSignature | None:
        """Return the model that most of the file's vectors are of, None without any vector.

        Its name and dimension are what the file says. Its hash is that of no embedder: who made
        the vectors is known by name only.
        """
        return await self._worker.run(lambda: self._contents.model)

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        """Return one page of a table; rows that cannot go are not in it but in the report.

        A page may hold fewer rows than `limit`, or none, and still have a next one.

        Args:
            table: what to read.
            after: `next_after` of the previous page.
            limit: rows of the file per page, 1 to 1000.

        Raises:
            StoreUnavailableError: the file is damaged, or the source is closed.
        """
        check_page(limit)
        return await self._worker.run(lambda: self._contents.page(table, after, limit))

    async def counts(self) -> dict[TransferTable, int]:
        """Return how many rows will be read for each table: each is exported, or is a failure."""
        return await self._worker.run(self._contents.counts)

    def report(self) -> SourceReport:
        """Return what was found so far; complete when all tables were read."""
        return self._contents.report()

    async def close(self) -> None:
        """Delete the copy; a second call does nothing."""
        await self._worker.close(lambda: _close(self._reader, self._snapshot))


class _Opening:
    """The steps of opening a file, which another thread may ask to end."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._is_stopped = threading.Event()
        self._snapshot: Snapshot | None = None
        self._reader: Reader | None = None

    def run(self) -> tuple[Snapshot, Reader, Contents]:
        self._snapshot = snapshot = Snapshot(self._path, check_file)
        snapshot.take(pause=self._pause)
        self._reader = reader = Reader(snapshot.path, str(self._path))
        reader.prepare()
        return snapshot, reader, Contents(reader, self._path, self._last_resort(snapshot))

    def stop(self) -> None:
        self._is_stopped.set()

    def undo(self) -> None:
        _close(self._reader, self._snapshot)

    def _pause(self, seconds: float) -> None:
        if self._is_stopped.wait(seconds):
            raise StoreUnavailableError(f"reading {self._path} was given up")

    def _last_resort(self, snapshot: Snapshot) -> datetime:
        # The same in every run while the file is, so that a second copy finds the same row.
        modified_at = EPOCH + timedelta(microseconds=snapshot.modified_ns // 1_000)
        return min(modified_at, self._clock.now())


def _close(reader: Reader | None, snapshot: Snapshot | None) -> None:
    try:
        if reader is not None:
            reader.close()
    finally:
        if snapshot is not None:
            snapshot.close()
