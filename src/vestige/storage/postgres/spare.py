"""Where the vectors of a second model are: columns that are made for them, and their index."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, LiteralString

from vestige.storage.postgres import patience, reembedding, registry, schema, vectors
from vestige.storage.postgres.errors import DuplicateObjectError

if TYPE_CHECKING:
    from vestige.models import ModelSignature
    from vestige.storage.postgres.connection import Session
    from vestige.storage.reembedding_protocol import Way

POLL_SECONDS: Final = 0.5  # between looks at an index that another process builds

# Dropped and added: a change of the type would write the whole table anew.
RENEW_SPARE: Final = """
ALTER TABLE knowledge_nodes DROP COLUMN spare_embedding, ADD COLUMN spare_embedding vector{size};
ALTER TABLE domains DROP COLUMN spare_centroid, ADD COLUMN spare_centroid vector{size};
DROP INDEX IF EXISTS idx_spare_windows_embedding_hnsw;
TRUNCATE spare_windows;
ALTER TABLE spare_windows ALTER COLUMN embedding TYPE vector{size};
"""
SPARE_DIMENSION: Final = (
    "SELECT atttypmod FROM pg_attribute"
    " WHERE attrelid = 'knowledge_nodes'::regclass AND attname = 'spare_embedding'"
)
# Table, column and index of the vectors that are filled, of memories and of windows.
INDEXES: Final[dict[Way, tuple[tuple[LiteralString, LiteralString, LiteralString], ...]]] = {
    "online": (
        ("knowledge_nodes", "spare_embedding", "idx_knowledge_nodes_spare_embedding_hnsw"),
        ("spare_windows", "embedding", "idx_spare_windows_embedding_hnsw"),
    ),
    "offline": (
        ("knowledge_nodes", "embedding", "idx_knowledge_nodes_embedding_hnsw"),
        ("memory_windows", "embedding", "idx_memory_windows_embedding_hnsw"),
    ),
}
IS_VALID: Final = (
    "SELECT i.indisvalid AND i.indisready FROM pg_index AS i WHERE i.indexrelid = to_regclass($1)"
)
IS_BUILT: Final = (
    "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = to_regclass($1))"
)
NO_TIMEOUT: Final = "SET statement_timeout = 0"
USUAL_TIMEOUT: Final = "RESET statement_timeout"


async def prepare(session: Session, signature: ModelSignature) -> None:
    """Give the columns of the spare vectors the dimension of a model, unless they are in use."""
    await session.db.run(schema.LOCK, (schema.MIGRATION_LOCK,))
    stored = await registry.registered_model(session)
    if stored in (None, signature) or await reembedding.current(session) is not None:
        return
    if await session.db.value(SPARE_DIMENSION) != signature.dimension:
        await renew(session, f"({signature.dimension})")


async def renew(session: Session, size: str) -> None:
    """Make the columns of the spare vectors anew, with nothing in them."""
    await patience.lock_writers_out(session)
    await session.db.run_script(RENEW_SPARE.replace("{size}", size))


async def build_indexes(session: Session, way: Way, dimension: int) -> None:
    """Build the indexes of the vectors that are filled, outside a transaction."""
    await session.db.run(NO_TIMEOUT)
    try:
        for table, column, name in INDEXES[way]:
            await _build(session, _index_sql(table, column, name, dimension), name)
    finally:
        await session.db.run(USUAL_TIMEOUT)


async def _build(session: Session, sql: str, name: str) -> None:
    while not (is_valid := await session.db.value(IS_VALID, (name,))):
        if is_valid is not None:
            if await session.db.value(IS_BUILT, (name,)):
                await asyncio.sleep(POLL_SECONDS)  # another process is at it
                continue
            await session.db.run_script(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        if not sql:
            return
        try:
            await session.db.run_script(sql)
        except DuplicateObjectError:
            continue  # another process was first


def _index_sql(table: str, column: str, name: str, dimension: int) -> str:
    """Return what builds an index as `vestige_build_vector_index()` does; nothing for none."""
    if dimension > vectors.HALFVEC_INDEX_MAX:
        return ""
    what = f"{column} vector_cosine_ops"
    if dimension > vectors.VECTOR_INDEX_MAX:
        what = f"(l2_normalize({column})::halfvec({dimension})) halfvec_cosine_ops"
    return (
        f"CREATE INDEX CONCURRENTLY {name} ON {table} USING hnsw ({what})"
        " WITH (m = 24, ef_construction = 128)"
    )
