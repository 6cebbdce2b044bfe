"""What is the case before a block of the runbook is run: its marks `given: ...`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from vestige.embedding import open_embedder
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbook_operator import Operator, State

FRESH: Final = "memory_new"
MAKE_FRESH: Final = f"""
DROP DATABASE IF EXISTS {FRESH} WITH (FORCE);
CREATE DATABASE {FRESH} OWNER vestige TEMPLATE template0 ENCODING 'UTF8';
"""
# The columns that the page names, as the extension has them.
STATEMENTS: Final = """
CREATE VIEW pg_stat_statements AS
SELECT oid AS dbid, 'SELECT 1' AS query, 8::bigint AS calls,
    3.2::double precision AS mean_exec_time, 25.6::double precision AS total_exec_time
FROM pg_database WHERE datname = 'memory';
GRANT SELECT ON pg_stat_statements TO pg_monitor;
"""
IS_FORGOTTEN: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'forgotten' AND state = 'idle in transaction' AND query LIKE 'LOCK%'
"""
IS_WAITING: Final = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def a_file(operator: Operator) -> None:
    """Remember two memories in a file."""
    for text in ("Deploys happen on Tuesdays", "The API allows 10 calls a second"):
        command = ["vestige", "remember", text, *(["--tags", "api"] if "API" in text else [])]
        code, printed = operator.run(command, VESTIGE_STORAGE_BACKEND="sqlite")
        assert code == 0, printed


def interrupted_change(operator: Operator) -> None:
    """Begin a change of the model, as a process does that is killed then."""

    async def begin() -> None:
        url = f"postgresql://vestige@/memory?host={operator.server.folder}&port={operator.server.port}"
        store = await PostgresStore.connect(url, 2)
        embedder = open_embedder("openai", "nomic-embed-text", base_url=operator.models_url)
        await store.begin_reembedding(embedder.signature, way="online")
        await store.close()

    asyncio.run(begin())


def stuck_sessions(operator: Operator) -> None:
    """Let a session keep its locks, and another one wait for them."""
    lock = "BEGIN;\nLOCK TABLE knowledge_nodes, tombstones;\n"
    operator.leave_open("vestige", "memory", lock, "forgotten")
    while operator.administer(IS_FORGOTTEN) != "1":
        pass  # psql sends one statement after the other
    operator.leave_open("vestige", "memory", "DELETE FROM tombstones;\n", "vestige")
    while operator.administer(IS_WAITING) != "1":
        pass


def statements_view(operator: Operator) -> None:
    """Stand in for an extension that the programs of the test do not have."""
    operator.administer(STATEMENTS)


def broken_index(operator: Operator) -> None:
    """Leave an index as an interrupted `CREATE INDEX CONCURRENTLY` does."""
    operator.administer(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'idx_knowledge_nodes_created'::regclass",
        "memory",
    )


def without_extension(operator: Operator) -> None:
    operator.administer(MAKE_FRESH)


def without_rights(operator: Operator) -> None:
    operator.administer(f"ALTER DATABASE {FRESH} OWNER TO postgres")
    operator.administer(f"GRANT CONNECT ON DATABASE {FRESH} TO vestige")
    operator.administer("REVOKE ALL ON SCHEMA public FROM PUBLIC, vestige", FRESH)


def newer_step(operator: Operator) -> None:
    operator.administer(
        "INSERT INTO vestige_migrations VALUES (9, 'later', 'unknown', now(), 0)", FRESH
    )


def no_newer_step(operator: Operator) -> None:
    operator.administer("DELETE FROM vestige_migrations WHERE version = 9", FRESH)


def no_connection_left(operator: Operator) -> None:
    operator.administer("ALTER ROLE vestige CONNECTION LIMIT 0")


def open_password_file(operator: Operator) -> None:
    (operator.home / ".pgpass").chmod(0o644)


def reading_server(operator: Operator) -> Callable[[], object]:
    operator.administer("ALTER DATABASE memory SET default_transaction_read_only = on")
    return lambda: operator.administer(
        "SET default_transaction_read_only = off;"
        "ALTER DATABASE memory RESET default_transaction_read_only"
    )


STATES: Final[dict[str, State]] = {
    "a file with two memories": a_file,
    "a change of the model that was interrupted": interrupted_change,
    "a session that forgot its transaction, and one that waits for it": stuck_sessions,
    "a view with the columns of pg_stat_statements": statements_view,
    "an index whose building was interrupted": broken_index,
    "memory_new, new and without the extension": without_extension,
    "memory_new, in which vestige has no right to the schema": without_rights,
    "memory_new, with a step of a newer version": newer_step,
    "memory_new, without the step of a newer version": no_newer_step,
    "no connection left for vestige": no_connection_left,
    "a password file that others may read": open_password_file,
    "a server that only reads": reading_server,
}
