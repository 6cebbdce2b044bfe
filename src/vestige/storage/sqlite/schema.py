"""Applying and undoing schema steps, and recognising files that are not a store."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final, cast

from apsw import SQLITE_OPEN_READONLY, SQLITE_OPEN_URI

from vestige.errors import MigrationError, StoreUnavailableError
from vestige.storage.encoding import time_text, time_value
from vestige.storage.migrations import (
    AppliedMigration,
    MigrationStatus,
    check_ledger,
    load_migrations,
    next_step,
    statuses,
)
from vestige.storage.sqlite import registry, vectors
from vestige.storage.sqlite.driver import Connection
from vestige.storage.sqlite.errors import CorruptError, translated

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.storage.migrations import Migration
    from vestige.storage.sqlite.connection import Session

MAGIC: Final = b"SQLite format 3\x00"
# Where the header of a database file names its program, and how ours does (set in 0001_init).
APPLICATION_ID_PLACE: Final = slice(68, 72)
APPLICATION_ID: Final = b"VSTG"
HEADER_BYTES: Final = 100
VECTOR_INDEX_STEP: Final = "hnsw"

CREATE_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS vestige_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    duration_seconds REAL NOT NULL
) STRICT
"""
HAS_TABLE: Final = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
TABLE_NAMES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
READ_LEDGER: Final = (
    "SELECT version, name, checksum, applied_at, duration_seconds"
    " FROM vestige_migrations ORDER BY version"
)
RECORD_STEP: Final = (
    "INSERT INTO vestige_migrations (version, name, checksum, applied_at, duration_seconds)"
    " VALUES (?, ?, ?, ?, ?)"
)
FORGET_STEP: Final = "DELETE FROM vestige_migrations WHERE version = ?"


def check_file(path: Path) -> None:
    """Refuse a path that holds something else than a store, without touching it.

    Not to be called for a file that this process has open: closing any descriptor of a file gives
    up all locks that the process holds on it (https://sqlite.org/howtocorrupt.html, section 2.2).

    Raises:
        StoreUnavailableError: it is a folder, not a SQLite database, of another program, or of the
            Rust Vestige.
    """
    try:
        if path.is_dir():
            raise StoreUnavailableError(
                f"{path} is a folder, not a database file", "Add a file name to the path."
            )
        head = _head(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreUnavailableError(f"{path} cannot be read: {error.strerror}") from error
    if head and not head.startswith(MAGIC):
        raise StoreUnavailableError(
            f"{path} is not a SQLite database, or is encrypted",
            "Choose another path in [storage.sqlite]; the file was not changed.",
        )
    if head and head[APPLICATION_ID_PLACE] != APPLICATION_ID:
        _check_tables(path)


def pending(session: Session) -> bool:
    """Say whether a step is to be applied; refuses a ledger that this version cannot build on."""
    applied = _ledger(session)
    check_ledger(_migrations(), applied)
    if not applied:
        _check_owner(session.db.filename, _table_names(session.db))
    return next_step(_migrations(), applied, has_model=_has_model(session)) is not None


def apply_next(session: Session) -> bool:
    """Apply the next step and record it; return whether there was one.

    The ledger is read again under the write lock, so two processes that start at once take turns.
    """
    applied = _ledger(session)
    check_ledger(_migrations(), applied)
    step = next_step(_migrations(), applied, has_model=_has_model(session))
    if step is None:
        return False
    started = time.perf_counter()
    session.db.run(CREATE_LEDGER)
    session.db.run_script(step.up_sql)
    if step.name == VECTOR_INDEX_STEP:
        vectors.rebuild(session)
    session.db.run(
        RECORD_STEP,
        (
            step.version,
            step.name,
            step.checksum,
            time_text(session.clock.now()),
            time.perf_counter() - started,
        ),
    )
    return True


def revert_last(session: Session) -> MigrationStatus | None:
    """Undo the last applied step; return it, or None when there is none."""
    applied = _ledger(session)
    check_ledger(_migrations(), applied)
    if not applied:
        return None
    step = _migrations()[applied[-1].version - 1]
    session.db.run_script(step.down_sql)
    session.db.run(FORGET_STEP, (step.version,))
    return MigrationStatus(version=step.version, name=step.name, state="pending")


def apply_again(session: Session, step: Migration) -> None:
    """Undo and apply an applied step that only has indexes; its row in the ledger stays."""
    if session.db.value(vectors.HAS_INDEX):
        session.db.run_script(step.down_sql)
    session.db.run_script(step.up_sql)
    vectors.rebuild(session)


def applied_steps(session: Session) -> list[Migration]:
    """Return the applied steps as the package carries them."""
    applied = _ledger(session)
    check_ledger(_migrations(), applied)
    done = {step.version for step in applied}
    return [step for step in _migrations() if step.version in done]


def status(session: Session) -> list[MigrationStatus]:
    """Return where every step of this version stands."""
    applied = _ledger(session)
    check_ledger(_migrations(), applied)
    return statuses(_migrations(), applied, has_model=_has_model(session))


def version(session: Session) -> int:
    """Return the number of the last applied step, 0 before the first."""
    applied = _ledger(session)
    return applied[-1].version if applied else 0


def check_current(session: Session) -> None:
    """Refuse to work on a store whose tables are not there.

    Raises:
        MigrationError: a step other than those that wait for a model is not applied.
    """
    if not session.db.value(HAS_TABLE, ("knowledge_nodes",)):
        raise MigrationError("the store has no tables", "Run `vestige migrate up`.")


def _migrations() -> tuple[Migration, ...]:
    return load_migrations("vestige.storage.sqlite")


def _ledger(session: Session) -> list[AppliedMigration]:
    if not session.db.value(HAS_TABLE, ("vestige_migrations",)):
        return []
    return [
        AppliedMigration(
            version=cast("int", number),
            name=cast("str", name),
            checksum=cast("str", checksum),
            applied_at=time_value(cast("str", applied_at)),
            duration_seconds=cast("float", duration),
        )
        for number, name, checksum, applied_at, duration in session.db.rows(READ_LEDGER)
    ]


def _has_model(session: Session) -> bool:
    if not session.db.value(HAS_TABLE, ("embedding_model",)):
        return False
    return registry.registered_model(session) is not None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEADER_BYTES)


def _check_tables(path: Path) -> None:
    # Immutable: not even the -wal and -shm files of a reader appear beside the file. It is no way
    # to read a store that others may be writing to, and sees nothing of what is only in the log:
    # the tables are looked at again under a lock before the first step is applied.
    name = f"{path.absolute().as_uri()}?immutable=1"
    with (
        translated(str(path)),
        suppress(CorruptError),
        closing(Connection(name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)) as db,
    ):
        _check_owner(str(path), _table_names(db))


def _table_names(db: Connection) -> set[str]:
    return {cast("str", table) for (table,) in db.rows(TABLE_NAMES)}


def _check_owner(location: str, names: set[str]) -> None:
    """Refuse tables that this package did not make."""
    if not names or "vestige_migrations" in names:
        return
    if {"knowledge_nodes", "schema_version"} <= names:
        raise StoreUnavailableError(
            f"{location} is a database of the Rust Vestige, which this version does not open",
            "Choose another path in [storage.sqlite], then run `vestige migrate copy --from rust"
            " --sqlite-path FILE --to sqlite --reembed`. The file was not changed.",
        )
    raise StoreUnavailableError(
        f"{location} is a database of another program: it has the table {min(names)}",
        "Choose another path in [storage.sqlite]; the file was not changed.",
    )
