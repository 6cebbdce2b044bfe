"""Connections to one SQLite file: one that writes, one that reads, each on a thread of its own."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Concatenate, Final, LiteralString, ParamSpec, TypeVar

from apsw import SQLITE_OPEN_READWRITE

from vestige.errors import StoreUnavailableError
from vestige.storage.private_folders import make_private_folder
from vestige.storage.sqlite.driver import Connection
from vestige.storage.sqlite.errors import translated
from vestige.storage.sqlite.slow import SlowStatements
from vestige.storage.work import name_of
from vestige.telemetry.observing import observed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vestige.clock import Clock
    from vestige.models import ModelSignature
    from vestige.storage.sqlite.vectors import VectorIndex

P = ParamSpec("P")
T = TypeVar("T")

FILE_MODE: Final = 0o600


@dataclass(kw_only=True, slots=True)
class Session:
    """A connection, with what its store knows; the first argument of every backend function.

    Attributes:
        db: the connection to SQLite.
        clock: where the time comes from.
        signature: the model that the store's handle is bound to, None before `register_model`.
        vector_index: what this connection has read of the vector index, None before the first use.
    """

    db: Connection
    clock: Clock
    signature: ModelSignature | None = None
    vector_index: VectorIndex | None = field(default=None, repr=False)


# The files that stores of this process have open, by device and inode.
_open_files: Counter[tuple[int, int]] = Counter()


class Database:
    """The two connections of a store.

    Work is handed over as a function of a session and runs in one transaction on the connection's
    own thread, so the event loop never waits for a disk and a long write never holds up a search.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.name = f"sqlite:{path}"
        self._writer = Worker(path, clock)
        self._reader = Worker(path, clock)
        self.is_closed = False
        self._file = _identity(path)
        _open_files[self._file] += 1

    async def read(
        self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function in a transaction that sees one state of the database."""
        name = name_of(function)
        with observed("store", name, store=self.name):
            return await self._reader.run(
                lambda session: _transaction(session, "BEGIN", function, *args, **kwargs), name
            )

    async def write(
        self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function in a transaction that has the write lock from its start."""
        name = name_of(function)
        with observed("store", name, store=self.name):
            return await self._writer.run(
                lambda session: _transaction(session, "BEGIN IMMEDIATE", function, *args, **kwargs),
                name,
            )

    async def outside_transaction(self, function: Callable[[Session], T]) -> T:
        """Run a function on the writing connection without a transaction around it."""
        with observed("store", name_of(function), store=self.name):
            return await self._writer.run(function)

    def bind(self, signature: ModelSignature) -> None:
        """Let both connections know which model the handle is bound to."""
        self._writer.signature = signature
        self._reader.signature = signature

    async def close(self) -> None:
        """Close both connections, the reading one first so that the log is checkpointed."""
        if self.is_closed:
            return
        self.is_closed = True
        try:
            await self._reader.close()
            await self._writer.close()
        finally:
            _open_files[self._file] -= 1


class Worker:
    """A thread with the one connection that is used on it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.signature: ModelSignature | None = None
        self._path = path
        self._clock = clock
        self._session: Session | None = None
        self._slow = SlowStatements(f"sqlite:{path}")
        self._closed = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="vestige-sqlite")

    async def run(self, function: Callable[[Session], T], name: str = "") -> T:
        """Run a function on the thread; work that has a name is logged if it takes too long."""
        if self._closed:
            raise StoreUnavailableError(f"the store {self._path} is closed", "Open it again.")
        call = partial(self._call, function, name)
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: context.run(call)
        )

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._executor, self._disconnect)
        self._executor.shutdown(wait=False)

    def _call(self, function: Callable[[Session], T], name: str) -> T:
        with translated(str(self._path)):
            if self._session is None:
                self._session = Session(db=_connect(self._path), clock=self._clock)
            self._session.signature = self.signature
            with self._slow.timed(name, self._session, self._executor.submit):
                return function(self._session)

    def _disconnect(self) -> None:
        if self._session is not None:
            with translated(str(self._path)):
                self._session.db.close()
            self._session = None


def is_open_here(path: Path) -> bool:
    """Say whether a store of this process has the file open, whatever path it was given."""
    try:
        return _open_files[_identity(path)] > 0
    except OSError:
        return False


def prepare_file(path: Path) -> None:
    """Make the folder (mode 0700) and the file (mode 0600) of a new store.

    Raises:
        StoreUnavailableError: they cannot be made, or the file cannot be written.
    """
    try:
        make_private_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
    except OSError as error:
        raise StoreUnavailableError(
            f"{path} cannot be opened for writing: {error.strerror}",
            "Give yourself write permission there, or choose another path in [storage.sqlite].",
        ) from error


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _connect(path: Path) -> Connection:
    db = Connection(str(path), SQLITE_OPEN_READWRITE)
    db.configure()
    return db


def _transaction(
    session: Session,
    begin: LiteralString,
    function: Callable[Concatenate[Session, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    session.db.run(begin)
    try:
        result = function(session, *args, **kwargs)
        session.db.run("COMMIT")
    except BaseException:
        # SQLite ends the transaction by itself after some errors, a full disk for example.
        if session.db.in_transaction:
            session.db.run("ROLLBACK")
        raise
    return result
