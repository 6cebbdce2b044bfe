"""What the PostgreSQL driver reports, as the errors of this package."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg
from asyncpg import exceptions as reported

from vestige.errors import (
    BackendError,
    InvalidInputError,
    MigrationError,
    StoreUnavailableError,
    TableBusyError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from vestige.errors import StoreError

ConstraintError = reported.IntegrityConstraintViolationError
PrivilegeError = reported.InsufficientPrivilegeError
UniqueError = reported.UniqueViolationError
ForeignKeyError = reported.ForeignKeyViolationError
ProtocolError = reported.InternalClientError  # the driver is out of step with the server
DuplicateObjectError = reported.DuplicateTableError  # a table or index of that name is there
StartingError = reported.CannotConnectNowError
UnsupportedParameterError = reported.ProtocolViolationError  # what PgBouncer answers to a setting

# Another try may succeed: the transaction was undone because of others that ran beside it, or a
# prepared statement no longer fits a schema that they changed.
CONFLICTS: Final = (
    reported.SerializationError,
    reported.DeadlockDetectedError,
    reported.InvalidCachedStatementError,
    reported.OutdatedSchemaCacheError,
)
# The connection is gone, or is about to go.
LOST: Final = (
    reported.PostgresConnectionError,
    reported.ConnectionDoesNotExistError,
    reported.AdminShutdownError,
    reported.CrashShutdownError,
    reported.CannotConnectNowError,
    OSError,
)

# A value that the database does not take; the rest of a transaction can go on after a savepoint.
REFUSED: Final = (
    ConstraintError,
    reported.DataError,
    reported.ProgramLimitExceededError,
)

SERVER_LINE: Final = re.compile(r"\n(?:DETAIL|HINT):\s*")

_UNAVAILABLE: Final[dict[type[Exception], tuple[str, str]]] = {
    reported.InvalidPasswordError: (
        "refuses the password",
        (
            "Correct the password in [storage.postgres] url, in the variable it names or in"
            " ~/.pgpass, which is ignored unless only you may read it (`chmod 600 ~/.pgpass`)."
        ),
    ),
    reported.InvalidAuthorizationSpecificationError: (
        "refuses the user",
        "Check the user in [storage.postgres] url, and pg_hba.conf on the server.",
    ),
    reported.InvalidCatalogNameError: (
        "has no such database",
        "Create it on the server with `createdb NAME`, or correct [storage.postgres] url.",
    ),
    reported.TooManyConnectionsError: (
        "has no connection left for this user",
        "Lower max_connections in [storage.postgres] on the clients, or raise the server's limit.",
    ),
    reported.CannotConnectNowError: (
        "is starting up or shutting down",
        "Try again in a moment; the server's log says how far it is.",
    ),
    reported.ReadOnlySQLTransactionError: (
        "only reads: it is a standby, or default_transaction_read_only is set",
        "Point [storage.postgres] url at the primary server.",
    ),
    reported.InsufficientPrivilegeError: (
        "refuses what this role has no right to",
        (
            "Ask the administrator for `GRANT USAGE, CREATE ON SCHEMA public TO` this role, or let"
            " it own the database."
        ),
    ),
    reported.DiskFullError: (
        "cannot write: its disk is full",
        "Free some space on the server; nothing was written.",
    ),
    reported.DataCorruptedError: (
        "is damaged",
        (
            "Restore a backup into another database, and have the disk of the server looked at; if"
            " what is named is an index only, `REINDEX INDEX` mends it."
        ),
    ),
    reported.IndexCorruptedError: (
        "has a damaged index",
        "Build it anew with `REINDEX INDEX`, and have the disk of the server looked at.",
    ),
    reported.OutOfMemoryError: (
        "is out of memory",
        "Lower work_mem and maintenance_work_mem, or max_connections.",
    ),
}


@contextmanager
def translated(location: str) -> Generator[None]:
    """Raise errors of the driver as errors of this package.

    Args:
        location: which server and database, without a password, for the message.
    """
    try:
        yield
    except ConstraintError as error:
        raise InvalidInputError("value", f"breaks a rule of the database: {said(error)}") from error
    except asyncpg.PostgresError as error:
        raise _translate(error, location) from error
    except asyncpg.InterfaceError as error:
        raise _misused(error, location) from error
    except OSError as error:
        raise unreachable(location, error) from error


def said(error: Exception) -> str:
    """Return what the server said on one line; it gives detail and hint a line of their own."""
    return SERVER_LINE.sub("; ", str(error))


def unreachable(location: str, error: Exception) -> StoreUnavailableError:
    """Return the error of a server that cannot be reached, or no longer."""
    reason = str(error) or type(error).__name__
    return StoreUnavailableError(
        f"{location} cannot be reached: {reason}",
        "Check that the server runs, and host and port in [storage.postgres] url.",
    )


def _wrong_schema(location: str, error: Exception) -> StoreError:
    return MigrationError(
        f"{location} is not the schema of this version: {said(error)}", "Run `vestige migrate up`."
    )


def _ended(location: str, error: Exception) -> StoreError:
    return BackendError(
        f"{location} ended the statement: {said(error)}",
        "Raise statement_timeout_seconds in [storage.postgres], or look for what blocks it in"
        " pg_stat_activity.",
    )


def _busy(location: str, error: Exception) -> StoreError:
    return TableBusyError(f"{location}: others use a table all the time ({said(error)})")


def _undone(location: str, error: Exception) -> StoreError:
    return BackendError(
        f"{location}: others changed the same rows again and again ({said(error)})",
        "Try again; nothing was changed.",
    )


def _refused(_: str, error: Exception) -> StoreError:
    return InvalidInputError("value", f"the database refuses it: {said(error)}")


_OTHERS: Final[
    tuple[tuple[tuple[type[Exception], ...], Callable[[str, Exception], StoreError]], ...]
] = (
    ((reported.UndefinedTableError, reported.UndefinedColumnError), _wrong_schema),
    ((reported.LockNotAvailableError,), _busy),
    ((reported.QueryCanceledError,), _ended),
    (CONFLICTS, _undone),
    (REFUSED, _refused),
    (LOST, unreachable),
)


def _translate(error: asyncpg.PostgresError, location: str) -> StoreError:
    for kind, (problem, hint) in _UNAVAILABLE.items():
        if isinstance(error, kind):
            return StoreUnavailableError(f"{location} {problem} ({said(error)})", hint)
    for kinds, make in _OTHERS:
        if isinstance(error, kinds):
            return make(location, error)
    return BackendError(f"{location}: {type(error).__name__} {error.sqlstate}: {said(error)}")


def _misused(error: asyncpg.InterfaceError, location: str) -> StoreError:
    if isinstance(error, reported.ClientConfigurationError):
        return StoreUnavailableError(
            f"{location}: {said(error)}", "Correct the url in [storage.postgres]."
        )
    return unreachable(location, error)
