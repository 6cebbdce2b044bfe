"""The one place where errors of the SQLite driver become ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import apsw

from vestige.errors import (
    BackendError,
    InvalidInputError,
    StoreError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Generator

ConstraintError = apsw.ConstraintError
CorruptError = apsw.CorruptError
# Extended result codes of a broken constraint.
FOREIGN_KEY: Final = apsw.SQLITE_CONSTRAINT_FOREIGNKEY
UNIQUE: Final = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY)

_UNAVAILABLE: Final[dict[type[apsw.Error], tuple[str, str]]] = {
    apsw.BusyError: (
        "is locked by another process",
        "Wait for the other process, or end it; `fuser FILE` shows which one it is.",
    ),
    apsw.LockedError: ("is locked by another process", "Wait for the other process, or end it."),
    apsw.ReadOnlyError: (
        "cannot be written",
        "Give yourself write permission for the file and its folder, or choose another path.",
    ),
    apsw.PermissionsError: (
        "may not be opened",
        "Give yourself permission for the file and its folder, or choose another path.",
    ),
    apsw.CantOpenError: (
        "cannot be opened",
        "Check that its folder exists and that you may write there.",
    ),
    apsw.NotADBError: (
        "is not a SQLite database, or is encrypted",
        "Choose another path in [storage.sqlite]; the file was not changed.",
    ),
    apsw.FullError: ("cannot grow: the disk is full", "Free some space; nothing was written."),
    apsw.IOError: ("cannot be read or written", "Check the disk and its file system."),
    apsw.CorruptError: (
        "is damaged",
        "Restore a backup; keep the damaged file and its -wal beside it.",
    ),
    apsw.ConnectionClosedError: ("is closed", "Open the store again."),
}


@contextmanager
def translated(location: str) -> Generator[None]:
    """Raise errors of the driver as errors of this package.

    Args:
        location: where the database is, for the message.
    """
    try:
        yield
    except ConstraintError as error:
        raise InvalidInputError("value", f"breaks a rule of the database: {error}") from error
    except apsw.Error as error:
        raise _translate(error, location) from error


def broken_constraint(error: ConstraintError) -> int:
    """Return which kind of constraint an error is about."""
    return cast("int", getattr(error, "extendedresult", 0))  # not in the driver's type hints


def _translate(error: apsw.Error, location: str) -> StoreError:
    for kind, (problem, hint) in _UNAVAILABLE.items():
        if isinstance(error, kind):
            return StoreUnavailableError(f"{location} {problem} ({error})", hint)
    return BackendError(f"{location}: {type(error).__name__}: {error}")
