"""How fast memories get into the PostgreSQL store, beside a COPY of the same rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from _postgres_statements import raw_connection

from vestige.cognition.fsrs import initial_state
from vestige.storage.postgres.rows import memory_values, scheduling_values
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from _postgres_statements import Raw

    from vestige.models import MemoryRecord, ModelSignature

    MakeDatabase = Callable[[str], AbstractAsyncContextManager[str]]

DROP_INDEXES: Final = (
    "DROP INDEX idx_knowledge_nodes_embedding_hnsw, idx_memory_windows_embedding_hnsw"
)
INDEXED_ROWS: Final = 2_000  # with the vector index it takes long


async def inserts(
    url: str,
    a_database: MakeDatabase,
    records: Sequence[MemoryRecord],
    signature: ModelSignature,
) -> None:
    for has_index in (False, True):
        rows = records[:INDEXED_ROWS] if has_index else records
        copied = stored = 0.0
        for is_copy in (True, False):
            async with a_database(url) as database:
                store = await PostgresStore.connect(database)
                await store.register_model(signature)
                connection = await raw_connection(database)
                if not has_index:
                    await connection.execute(DROP_INDEXES)
                if is_copy:
                    copied = await _seconds_of_copy(connection, rows)
                else:
                    started = time.perf_counter()
                    await store.insert_many(rows)
                    stored = time.perf_counter() - started
                await connection.close()
                await store.close()
        name = "with" if has_index else "without"
        print(
            f"insert_many of {len(rows):,} {name} the vector index: {len(rows) / stored:,.0f}/s,"
            f" COPY {len(rows) / copied:,.0f}/s ({copied / stored:.0%} of it)",
            flush=True,
        )


async def _seconds_of_copy(connection: Raw, records: Sequence[MemoryRecord]) -> float:
    """Return how long a COPY takes; making its rows is not part of it."""
    tables: dict[str, list[dict[str, Any]]] = {
        "knowledge_nodes": [memory_values(record) for record in records],
        "scheduling": [scheduling_values(initial_state(r.id, r.created_at)) for r in records],
    }
    prepared = {name: [tuple(row.values()) for row in rows] for name, rows in tables.items()}
    started = time.perf_counter()
    async with connection.transaction():
        for name, rows in prepared.items():
            await connection.copy_records_to_table(
                name, records=rows, columns=list(tables[name][0])
            )
    return time.perf_counter() - started
