"""A reading connection to the private copy, on a thread of its own.

The standard library's driver, not the one of the SQLite backend: that one cannot return a text
that is not UTF-8, and such a text must not make its whole row unreadable.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, LiteralString, TypeAlias, TypeVar, cast

from vestige.errors import BackendError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

T = TypeVar("T")

# A text may hold surrogates: each stands for a byte that was not UTF-8.
Cell: TypeAlias = int | float | str | bytes | None
Cells: TypeAlias = tuple[Cell, ...]

# The largest row that is read. A memory has at most 1 MB of text; whatever is far beyond is no
# memory, and must not fill the machine's own.
ROW_MAX_BYTES: Final = 4_000_000
CACHE_KIB: Final = 16_384

DAMAGED_HINT: Final = (
    "Copy what is readable into a new file, `sqlite3 FILE .recover | sqlite3 NEW`, and import that;"
    " the file was not changed."
)


class Reader:
    """A connection to the copy; used by one thread at a time."""

    def __init__(self, path: Path, location: str) -> None:
        self._location = location
        with self.translated():
            self._db = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._db.text_factory = _text
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, ROW_MAX_BYTES)

    def prepare(self) -> None:
        """Set what reading a file of unknown origin needs."""
        # A schema that was made to do harm may not call functions; a page that is broken is an
        # error at once and not a wrong row.
        for pragma in (
            "PRAGMA trusted_schema = OFF",
            "PRAGMA cell_size_check = ON",
            f"PRAGMA cache_size = -{CACHE_KIB}",
        ):
            self.run(cast("LiteralString", pragma))

    def rows(self, sql: LiteralString, values: Sequence[Cell] = ()) -> list[Cells]:
        """Return all rows of a statement."""
        with self.translated():
            return cast("list[Cells]", self._db.execute(sql, values).fetchall())

    def value(self, sql: LiteralString, values: Sequence[Cell] = ()) -> Cell:
        """Return the first column of the first row, None when there is none."""
        with self.translated():
            row = cast("Cells | None", self._db.execute(sql, values).fetchone())
        return None if row is None else row[0]

    def stream(self, sql: LiteralString, values: Sequence[Cell] = ()) -> Iterator[Cells]:
        """Yield the rows of a statement one by one."""
        with self.translated():
            for row in self._db.execute(sql, values):
                yield cast("Cells", row)

    def run(self, sql: LiteralString, values: Sequence[Cell] = ()) -> None:
        """Run a statement that returns nothing."""
        with self.translated():
            self._db.execute(sql, values).close()

    def count(self, table: str) -> int:
        """Return how many rows a table has, whatever its name."""
        # The one place where a name out of the file stands in SQL: tables that no version of this
        # program knows are counted too. Quoted as SQLite quotes names.
        name = table.replace('"', '""')
        sql = f'SELECT count(*) FROM "{name}"'  # noqa: S608  # as said above
        return cast("int", self.value(cast("LiteralString", sql)))

    @contextmanager
    def translated(self) -> Generator[None]:
        """Raise errors of the driver as errors of this package."""
        try:
            yield
        except sqlite3.Error as error:
            raise _translate(error, self._location) from error
        except UnicodeEncodeError as error:  # the name of a table
            raise StoreUnavailableError(
                f"{self._location} has a table whose name is not text", DAMAGED_HINT
            ) from error

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


class Worker:
    """The thread on which everything that waits for a disk happens."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="vestige-rust")
        self._is_closed = False

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function on the thread."""
        if self._is_closed:
            raise StoreUnavailableError(f"the source {self._location} is closed", "Open it again.")
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def close(self, last: Callable[[], None]) -> None:
        """Run a last function on the thread and end it; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, last)
        finally:
            self._executor.shutdown(wait=False)


def is_of_one_row(error: BaseException | None) -> bool:
    """Say whether a driver's error may be about one row only, so that others can be read."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and _primary(code) in {sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CORRUPT}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _primary(code: int) -> int:
    return code & 0xFF  # the rest of an extended code says more about the same


def _translate(error: sqlite3.Error, location: str) -> StoreUnavailableError | BackendError:
    match _primary(getattr(error, "sqlite_errorcode", 0)):
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreUnavailableError(f"{location} is damaged ({error})", DAMAGED_HINT)
        case sqlite3.SQLITE_TOOBIG:
            return StoreUnavailableError(
                f"{location} has a value of more than {ROW_MAX_BYTES} bytes", DAMAGED_HINT
            )
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
            return StoreUnavailableError(
                f"the copy of {location} cannot be read or written ({error})",
                "Free some space for temporary files, or set TMPDIR to another folder.",
            )
        case _:
            return BackendError(f"{location}: {type(error).__name__}: {error}")
