"""The one typed wrapper around the SQLite driver: what it returns, and that SQL is never data."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, LiteralString, TypeAlias, cast

import apsw
import numpy as np

from vestige.storage.work import Slowest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Value, ...]
Values: TypeAlias = "Sequence[Value] | Mapping[str, Value]"

BUSY_TIMEOUT_SECONDS: Final = 30.0  # how long a statement waits for other processes
FIRST_WAIT_SECONDS: Final = 0.001
LONGEST_WAIT_SECONDS: Final = 0.032
CACHE_KIB: Final = 16_384  # of each of a store's two connections; the system caches the file, too
FTS_TOKENIZER: Final = ("porter", ["unicode61", "remove_diacritics", "2"])  # as in 0001_init


class Connection:
    """A connection to one database; used by one thread at a time."""

    def __init__(self, name: str, flags: int) -> None:
        self._apsw = apsw.Connection(name, flags=flags)
        self._apsw.set_busy_handler(_patience(BUSY_TIMEOUT_SECONDS))
        self._slowest: Slowest[Values] = Slowest(())
        self.is_open = True

    def configure(self) -> None:
        """Set what a store needs; writes nothing to a file that has it already."""
        # FULL: a commit that was acknowledged survives a loss of power.
        for pragma, value in (
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("foreign_keys", "ON"),
            ("cache_size", -CACHE_KIB),
            ("temp_store", "MEMORY"),
        ):
            self._apsw.pragma(pragma, value)  # pyright: ignore[reportUnknownMemberType]  # untyped Buffer

    def rows(self, sql: LiteralString, values: Values = ()) -> list[Row]:
        """Return all rows of a statement."""
        started = time.perf_counter()
        try:
            return cast("list[Row]", self._execute(sql, values).fetchall())  # pyright: ignore[reportUnknownMemberType]  # untyped Buffer
        finally:
            self._slowest.note(sql, values, started)

    def row(self, sql: LiteralString, values: Values = ()) -> Row | None:
        """Return the first row of a statement, None when there is none."""
        started = time.perf_counter()
        try:
            return cast("Row | None", self._execute(sql, values).fetchone())
        finally:
            self._slowest.note(sql, values, started)

    def value(self, sql: LiteralString, values: Values = ()) -> Value:
        """Return the first column of the first row, None when there is none."""
        row = self.row(sql, values)
        return None if row is None else row[0]

    def integers(self, sql: LiteralString, values: Values = ()) -> NDArray[np.int64]:
        """Return the integers of a statement that gives them as one `group_concat`.

        A third of the time that they take as rows, each of which becomes a tuple of objects.
        """
        joined = cast("str | None", self.value(sql, values))
        return np.fromstring(joined or "", dtype=np.int64, sep=",")

    def stream(self, sql: LiteralString, values: Values = ()) -> Iterator[Row]:
        """Yield the rows of a statement one by one."""
        for row in self._execute(sql, values):
            yield cast("Row", row)

    def run(self, sql: LiteralString, values: Values = ()) -> int:
        """Run a statement; return how many rows it changed, those of its triggers not counted."""
        started = time.perf_counter()
        try:
            self._execute(sql, values)
        finally:
            self._slowest.note(sql, values, started)
        return self._apsw.changes()

    def run_many(self, sql: LiteralString, rows: Iterable[Values]) -> None:
        """Run a statement once for each row of values."""
        execute = self._apsw.executemany  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # untyped Buffer
        execute(sql, rows)

    def insert(self, sql: LiteralString, values: Values = ()) -> int:
        """Run an INSERT; return the integer key of the new row."""
        self.run(sql, values)
        return self._apsw.last_insert_rowid()

    def run_script(self, script: str) -> None:
        """Run the statements of a migration file: the one text that is not a constant here."""
        for _ in self._execute(cast("LiteralString", script), ()):
            pass  # the driver stops at a row, and goes on when the next one is asked for

    @contextmanager
    def savepoint(self) -> Generator[None]:
        """Undo what the block did, and only that, when it raises."""
        with self._apsw:
            yield

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._apsw.in_transaction

    @property
    def filename(self) -> str:
        """The path of the database file."""
        return self._apsw.filename

    @property
    def state(self) -> tuple[int, int]:
        """A pair that changes when another connection or this one has changed the database."""
        return cast("int", self.value("PRAGMA data_version")), self._apsw.total_changes()

    def tokens(self, word: str) -> list[str]:
        """Return a word as the full-text index keeps it."""
        tokenize = self._apsw.fts5_tokenizer(*FTS_TOKENIZER)
        found = tokenize(word.encode(), apsw.FTS5_TOKENIZE_QUERY, None, include_offsets=False)
        return [token[0] for token in cast("list[tuple[str, ...]]", found)]

    def forget_slowest(self) -> Slowest[Values]:
        """Return the slowest statement since the last call of this, and begin anew."""
        slowest = self._slowest
        self._slowest = Slowest(())
        return slowest

    def close(self) -> None:
        """Close the connection."""
        self.is_open = False
        self._apsw.close()

    def _execute(self, sql: LiteralString, values: Values) -> apsw.Cursor:
        execute = self._apsw.execute  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # untyped Buffer
        return execute(sql, values)


def _patience(timeout_seconds: float) -> Callable[[int], bool]:
    """Return what SQLite calls while another connection holds a lock: whether to try again.

    It waits a random part of a growing time: of processes that all waited the same steps, as with
    SQLite's own timeout, the ones that came first would meet at the lock again and again.
    """
    started = 0.0

    def wait(calls_before: int) -> bool:
        nonlocal started
        if calls_before == 0:
            started = time.monotonic()
        if time.monotonic() - started > timeout_seconds:
            return False
        longest = min(FIRST_WAIT_SECONDS * 2 ** min(calls_before, 10), LONGEST_WAIT_SECONDS)
        time.sleep(random.uniform(0, longest))  # noqa: S311  # spreads waiters, guards nothing
        return True

    return wait
