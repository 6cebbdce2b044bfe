"""Applying and undoing schema steps, and recognising servers that cannot hold a store."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final, cast

import asyncpg
from asyncpg import exceptions as reported

from vestige.errors import ConfigError, MigrationError, StoreUnavailableError
from vestige.storage.migrations import (
    AppliedMigration,
    MigrationStatus,
    check_ledger,
    load_migrations,
    next_step,
    statuses,
)
from vestige.storage.postgres import registry
from vestige.storage.postgres.errors import PrivilegeError, said

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.storage.migrations import Migration
    from vestige.storage.postgres.connection import Session

SERVER_VERSION_MIN: Final = 16
SERVER_MAJOR: Final = re.compile(r"\d+")
VECTOR_VERSION_MIN: Final = (0, 8)
# All processes that bring a schema up to date take turns at this lock.
MIGRATION_LOCK: Final = 7235419283650471
TABLES: Final = (
    "embedding_model",
    "domains",
    "users",
    "groups",
    "group_memberships",
    "knowledge_nodes",
    "memory_windows",
    "scheduling",
    "edges",
    "review_events",
    "reembedding",
    "reembedding_queue",
    "spare_windows",
    "intentions",
    "fsrs_weights",
    "changelog",
    "tombstones",
    "vestige_migrations",
)

CREATE_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS vestige_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL,
    duration_seconds double precision NOT NULL
)
"""
HAS_TABLE: Final = "SELECT to_regclass($1) IS NOT NULL"
READ_LEDGER: Final = (
    "SELECT version, name, checksum, applied_at, duration_seconds"
    " FROM vestige_migrations ORDER BY version"
)
RECORD_STEP: Final = (
    "INSERT INTO vestige_migrations (version, name, checksum, applied_at, duration_seconds)"
    " VALUES ($1, $2, $3, $4, $5)"
)
FORGET_STEP: Final = "DELETE FROM vestige_migrations WHERE version = $1"
LOCK: Final = "SELECT pg_advisory_xact_lock($1)"
# Building an index may take longer than any statement of daily use.
UNBOUNDED: Final = "SET LOCAL statement_timeout = 0"
# The function is made by the step of the vector index.
HAS_INDEX_BUILDER: Final = "SELECT to_regproc('vestige_build_vector_index') IS NOT NULL"
BUILD_VECTOR_INDEX: Final = "SELECT vestige_build_vector_index()"
DROP_VECTOR_INDEX: Final = (
    "DROP INDEX IF EXISTS idx_knowledge_nodes_embedding_hnsw, idx_memory_windows_embedding_hnsw"
)
VECTOR_INDEX_STEP: Final = "hnsw"
# The columns are written anew without vectors, which one UPDATE of all rows would leave twice as
# large; the step of the vector index then makes the rest for the new dimension.
FORGET_VECTORS: Final = """
DROP FUNCTION vestige_build_vector_index;
DROP INDEX IF EXISTS idx_knowledge_nodes_embedding_hnsw, idx_memory_windows_embedding_hnsw;
TRUNCATE memory_windows;
ALTER TABLE memory_windows ALTER COLUMN embedding TYPE vector({dimension});
ALTER TABLE knowledge_nodes
    ALTER COLUMN embedding TYPE vector({dimension}) USING NULL::vector({dimension});
ALTER TABLE domains
    ALTER COLUMN centroid TYPE vector({dimension}) USING NULL::vector({dimension});
"""
SERVER_VERSION: Final = "SHOW server_version"
VECTOR_VERSION: Final = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
VECTOR_OFFERED: Final = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
TEXT_SEARCH_NAMES: Final = "SELECT cfgname FROM pg_ts_config ORDER BY cfgname"
RECORDED_TEXT_SEARCH: Final = "SELECT vestige_text_search()::text"


async def pending(session: Session) -> bool:
    """Say whether a step is to be applied; refuses what this version cannot build on.

    Raises:
        StoreUnavailableError: the server or its vector extension is too old, or the tables are of
            another program.
        MigrationError: the ledger does not fit.
    """
    await _check_server(session)
    applied = await _ledger(session)
    check_ledger(_migrations(), applied)
    if not applied and await session.db.value(HAS_TABLE, ("knowledge_nodes",)):
        raise StoreUnavailableError(
            f"{session.location} has a table knowledge_nodes that this package did not make",
            "Use another database, or another schema in the search_path of the role.",
        )
    has_model = await _has_model(session)
    return next_step(_migrations(), applied, has_model=has_model) is not None


async def apply_next(session: Session) -> bool:
    """Apply the next step and record it; return whether there was one.

    The ledger is read again under a lock, so two processes that start at once take turns.
    """
    await session.db.run(LOCK, (MIGRATION_LOCK,))
    applied = await _ledger(session)
    check_ledger(_migrations(), applied)
    step = next_step(_migrations(), applied, has_model=await _has_model(session))
    if step is None:
        return False
    started = time.perf_counter()
    await session.db.run(UNBOUNDED)
    try:
        await session.db.run(CREATE_LEDGER)
        await session.db.run_script(await _filled(session, step))
    except asyncpg.PostgresError as error:
        raise _refused(session, step, error) from error
    await session.db.run(
        RECORD_STEP,
        (
            step.version,
            step.name,
            step.checksum,
            session.clock.now(),
            time.perf_counter() - started,
        ),
    )
    return True


async def revert_last(session: Session) -> MigrationStatus | None:
    """Undo the last applied step; return it, or None when there is none."""
    await session.db.run(LOCK, (MIGRATION_LOCK,))
    applied = await _ledger(session)
    check_ledger(_migrations(), applied)
    if not applied:
        return None
    step = _migrations()[applied[-1].version - 1]
    await session.db.run(UNBOUNDED)
    await session.db.run_script(step.down_sql)
    await session.db.run(FORGET_STEP, (step.version,))
    return MigrationStatus(version=step.version, name=step.name, state="pending")


async def apply_again(session: Session, step: Migration) -> None:
    """Undo and apply an applied step that only has indexes; its row in the ledger stays."""
    await session.db.run_script(step.down_sql)
    await session.db.run_script(await _filled(session, step))


async def applied_steps(session: Session) -> list[Migration]:
    """Return the applied steps as the package carries them."""
    applied = await _ledger(session)
    check_ledger(_migrations(), applied)
    done = {step.version for step in applied}
    return [step for step in _migrations() if step.version in done]


async def drop_vector_index(session: Session) -> bool:
    """Drop the vector index; return whether the step that made it was applied."""
    if not await session.db.value(HAS_INDEX_BUILDER):
        return False
    await session.db.run(DROP_VECTOR_INDEX)
    return True


async def forget_vectors(session: Session, *, keeps_index: bool) -> None:
    """Take all vectors away, and give their columns the dimension of the registered model.

    The step of the vector index is applied; where it is not kept, there is no index afterwards.
    """
    (step,) = [step for step in _migrations() if step.name == VECTOR_INDEX_STEP]
    for text in (FORGET_VECTORS, step.up_sql):
        await session.db.run_script(await _with_dimension(session, text))
    if not keeps_index:
        await session.db.run(DROP_VECTOR_INDEX)


async def build_vector_index(session: Session) -> None:
    """Build the vector index if it is missing and its step is applied."""
    if await session.db.value(HAS_INDEX_BUILDER):
        await session.db.run(UNBOUNDED)
        await session.db.run(BUILD_VECTOR_INDEX)


async def status(session: Session) -> list[MigrationStatus]:
    """Return where every step of this version stands."""
    applied = await _ledger(session)
    check_ledger(_migrations(), applied)
    return statuses(_migrations(), applied, has_model=await _has_model(session))


async def version(session: Session) -> int:
    """Return the number of the last applied step, 0 before the first."""
    applied = await _ledger(session)
    return applied[-1].version if applied else 0


async def check_current(session: Session) -> None:
    """Refuse to work on a store whose tables are not there.

    Raises:
        MigrationError: a step other than those that wait for a model is not applied.
    """
    if not await session.db.value(HAS_TABLE, ("knowledge_nodes",)):
        raise MigrationError("the store has no tables", "Run `vestige migrate up`.")


async def check_text_search(session: Session) -> None:
    """Refuse a text search configuration that is not the one the store was made with.

    Raises:
        ConfigError: names both.
    """
    recorded = cast("str", await session.db.value(RECORDED_TEXT_SEARCH))
    wanted = session.options.text_search
    if wanted is not None and recorded != wanted:
        raise ConfigError(
            f"{session.location} was made with text_search = {recorded!r}, not {wanted!r}",
            f'Write text_search = "{recorded}" in [storage.postgres], or leave it out.',
        )


def check_server_version(location: str, version: str) -> None:
    """Refuse a server that is too old.

    Args:
        location: server and database, for the message.
        version: as `SHOW server_version` says it: "18.4 (Debian ...)".
    """
    if int(SERVER_MAJOR.findall(version)[0]) < SERVER_VERSION_MIN:
        raise StoreUnavailableError(
            f"{location} is PostgreSQL {version}, and {SERVER_VERSION_MIN} or newer is needed",
            "Upgrade the server with pg_upgrade, or dump and restore into a newer one.",
        )


def check_vector_version(location: str, version: str) -> None:
    """Refuse an extension that is too old.

    Args:
        location: server and database, for the message.
        version: of pgvector, "0.8.5".
    """
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < VECTOR_VERSION_MIN:
        raise StoreUnavailableError(
            f"{location} has pgvector {version}, and 0.8 or newer is needed",
            "Install a newer pgvector on the server, then run `ALTER EXTENSION vector UPDATE` in"
            " this database.",
        )


async def _check_server(session: Session) -> None:
    server = await session.db.value(SERVER_VERSION)
    check_server_version(session.location, cast("str", server))
    vector = await session.db.value(VECTOR_VERSION)
    if vector is None:
        vector = await session.db.value(VECTOR_OFFERED)
    if vector is None:
        raise StoreUnavailableError(
            f"{session.location} does not offer the extension vector (pgvector)",
            "Install pgvector 0.8 or newer on the server, on Debian"
            " `apt install postgresql-18-pgvector`.",
        )
    check_vector_version(session.location, cast("str", vector))


def _migrations() -> tuple[Migration, ...]:
    return load_migrations("vestige.storage.postgres")


async def _ledger(session: Session) -> list[AppliedMigration]:
    if not await session.db.value(HAS_TABLE, ("vestige_migrations",)):
        return []
    return [
        AppliedMigration(
            version=cast("int", number),
            name=cast("str", name),
            checksum=cast("str", checksum),
            applied_at=cast("datetime", applied_at),
            duration_seconds=cast("float", duration),
        )
        for number, name, checksum, applied_at, duration in await session.db.rows(READ_LEDGER)
    ]


async def _has_model(session: Session) -> bool:
    if not await session.db.value(HAS_TABLE, ("embedding_model",)):
        return False
    return await registry.registered_model(session) is not None


async def _filled(session: Session, step: Migration) -> str:
    """Return the text of a step with its placeholders filled in."""
    text = step.up_sql
    if "{text_search}" in text:
        text = text.replace("{text_search}", await _text_search(session))
    return await _with_dimension(session, text) if step.requires_model else text


async def _with_dimension(session: Session, text: str) -> str:
    model = await registry.registered_model(session)
    return text if model is None else text.replace("{dimension}", str(model.dimension))


async def _text_search(session: Session) -> str:
    wanted = session.options.text_search or "english"
    names = [cast("str", name) for (name,) in await session.db.rows(TEXT_SEARCH_NAMES)]
    if wanted not in names:
        raise ConfigError(
            f"{session.location} has no text search configuration {wanted!r}",
            f"Choose one of these for text_search in [storage.postgres]: {', '.join(names)}.",
        )
    return wanted


def _refused(session: Session, step: Migration, error: asyncpg.PostgresError) -> Exception:
    """Return the error of a step that the server does not let this role take."""
    # Without a right to any schema of its search_path, the server finds none to create in.
    if not isinstance(error, (PrivilegeError, reported.InvalidSchemaNameError)):
        return error
    role = "the role of [storage.postgres] url"
    if "extension" in str(error):
        return MigrationError(
            f"{session.location}: {role} may not create the extension vector ({said(error)})",
            "Ask the administrator to run `CREATE EXTENSION vector` in this database, once.",
        )
    return MigrationError(
        f"{session.location}: {role} may not apply the step {step} ({said(error)})",
        "Ask the administrator for `GRANT USAGE, CREATE ON SCHEMA public TO` this role, or for a"
        " database that it owns.",
    )
