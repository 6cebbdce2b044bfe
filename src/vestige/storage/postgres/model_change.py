"""The change of the embedding model: its beginning, the switch and its end.

Online, what all others use is locked twice: for writers, who wait while the last vectors are made,
and then for readers, too, while names change places. Whoever waits for a lock holds up those who
come after, so a lock that is not free within moments is asked for again later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.storage.postgres import patience, reembedding, registry, schema, spare
from vestige.storage.problems import (
    refuse_second_reembedding,
    refuse_to_abandon,
    refuse_to_forget,
    refuse_to_switch,
)

if TYPE_CHECKING:
    from vestige.models import ModelSignature, Reembedding
    from vestige.storage.postgres.connection import Session
    from vestige.storage.reembedding_protocol import EncodeLast, Way

INSERT: Final = (
    "INSERT INTO reembedding (id, way, phase, old_name, old_dimension, old_hash, new_name,"
    " new_dimension, new_hash, started_at) VALUES (1, $1, 'encoding', $2, $3, $4, $5, $6, $7, $8)"
)
SET_SWITCHED: Final = (
    "UPDATE reembedding SET phase = 'switched', old_name = $1, old_dimension = $2, old_hash = $3,"
    " new_name = $4, new_dimension = $5, new_hash = $6"
)
SET_MODEL: Final = (
    "UPDATE embedding_model SET name = $1, dimension = $2, hash = $3, created_at = $4"
)
# The registered model first, as all who write vectors do, then the change.
LOCK_MODEL: Final = "SELECT id FROM embedding_model FOR UPDATE"
LOCK_CHANGE: Final = "SELECT id FROM reembedding FOR UPDATE"
LOCK_ALL_OUT: Final = (
    "LOCK TABLE knowledge_nodes, memory_windows, spare_windows, domains IN ACCESS EXCLUSIVE MODE"
)
END: Final = "TRUNCATE reembedding, reembedding_queue"
UNWATCH: Final = """
DROP TRIGGER IF EXISTS reembedding_insert ON knowledge_nodes;
DROP TRIGGER IF EXISTS reembedding_update ON knowledge_nodes;
"""
# The columns of a table are not named: the switch swaps their names.
WATCH_ONLINE: Final = """
CREATE TRIGGER reembedding_insert AFTER INSERT ON knowledge_nodes
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION vestige_queue_added('online');
CREATE TRIGGER reembedding_update BEFORE UPDATE OF content ON knowledge_nodes FOR EACH ROW
WHEN (NEW.content IS DISTINCT FROM OLD.content) EXECUTE FUNCTION vestige_queue_changed();
"""
WATCH_OFFLINE: Final = """
CREATE TRIGGER reembedding_insert AFTER INSERT ON knowledge_nodes
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION vestige_queue_added('offline');
CREATE TRIGGER reembedding_update AFTER UPDATE ON knowledge_nodes FOR EACH ROW
EXECUTE FUNCTION vestige_queue_written();
"""
SWAP: Final = """
ALTER TABLE knowledge_nodes RENAME COLUMN embedding TO other_embedding;
ALTER TABLE knowledge_nodes RENAME COLUMN spare_embedding TO embedding;
ALTER TABLE knowledge_nodes RENAME COLUMN other_embedding TO spare_embedding;
ALTER TABLE domains RENAME COLUMN centroid TO other_centroid;
ALTER TABLE domains RENAME COLUMN spare_centroid TO centroid;
ALTER TABLE domains RENAME COLUMN other_centroid TO spare_centroid;
ALTER TABLE memory_windows RENAME TO other_windows;
ALTER TABLE spare_windows RENAME TO memory_windows;
ALTER TABLE other_windows RENAME TO spare_windows;
ALTER INDEX memory_windows_pkey RENAME TO other_windows_pkey;
ALTER INDEX spare_windows_pkey RENAME TO memory_windows_pkey;
ALTER INDEX other_windows_pkey RENAME TO spare_windows_pkey;
ALTER INDEX IF EXISTS idx_knowledge_nodes_embedding_hnsw RENAME TO idx_other_embedding_hnsw;
ALTER INDEX IF EXISTS idx_knowledge_nodes_spare_embedding_hnsw
RENAME TO idx_knowledge_nodes_embedding_hnsw;
ALTER INDEX IF EXISTS idx_other_embedding_hnsw RENAME TO idx_knowledge_nodes_spare_embedding_hnsw;
ALTER INDEX IF EXISTS idx_memory_windows_embedding_hnsw RENAME TO idx_other_windows_embedding_hnsw;
ALTER INDEX IF EXISTS idx_spare_windows_embedding_hnsw RENAME TO idx_memory_windows_embedding_hnsw;
ALTER INDEX IF EXISTS idx_other_windows_embedding_hnsw RENAME TO idx_spare_windows_embedding_hnsw;
"""


async def begin(
    session: Session, signature: ModelSignature, way: Way, *, keeps_index: bool
) -> None:
    # Two that begin at once take turns.
    await session.db.run(schema.LOCK, (schema.MIGRATION_LOCK,))
    open_change = await reembedding.current(session)
    if open_change is not None:
        refuse_second_reembedding(open_change, signature, way)
        await reembedding.retry_refused(session)
        return
    stored = await registry.registered_model(session)
    if stored is None or stored == signature:
        await registry.register_model(session, signature)
        return
    await session.db.run(schema.UNBOUNDED)
    new = (signature.name, signature.dimension, signature.hash, session.clock.now())
    if way == "offline":
        # The model first: that waits for those who write vectors, and later ones wait for this.
        await session.db.run(SET_MODEL, new)
    await session.db.run(patience.LOCK_WRITERS_OUT)
    await session.db.run(INSERT, (way, stored.name, stored.dimension, stored.hash, *new))
    await reembedding.fill(session)
    if way == "online":
        await session.db.run_script(WATCH_ONLINE)
        return
    await schema.forget_vectors(session, keeps_index=keeps_index)
    await session.db.run_script(WATCH_OFFLINE)


async def build_new_index(session: Session) -> None:
    open_change = await reembedding.current(session)
    if open_change is not None and open_change.phase == "encoding":
        await spare.build_indexes(session, open_change.way, open_change.new.dimension)


async def switch_model(
    session: Session, signature: ModelSignature, encode: EncodeLast | None, limit: int
) -> bool:
    await session.db.run(patience.PATIENTLY)
    await session.db.run(LOCK_MODEL)
    if await registry.registered_model(session) == signature:
        return True
    await session.db.run(LOCK_CHANGE)
    open_change = await reembedding.current(session)
    refuse_to_switch(open_change, signature)
    await patience.lock_writers_out(session)
    if open_change is None or not await reembedding.encode_last(
        session, open_change, encode, limit
    ):
        return False
    await session.db.run(LOCK_ALL_OUT)
    await _swap(session, open_change, signature)
    return True


async def finish(session: Session) -> None:
    await session.db.run(schema.LOCK, (schema.MIGRATION_LOCK,))
    open_change = await reembedding.current(session)
    if open_change is None or open_change.way == "online":
        return
    await schema.build_vector_index(session)
    await session.db.run_script(UNWATCH)
    await session.db.run(END)


async def abandon(session: Session) -> None:
    await session.db.run(schema.LOCK, (schema.MIGRATION_LOCK,))
    refuse_to_abandon(await reembedding.current(session))
    await _empty_spare(session)


async def forget_old(session: Session) -> None:
    await session.db.run(schema.LOCK, (schema.MIGRATION_LOCK,))
    refuse_to_forget(await reembedding.current(session))
    await _empty_spare(session)


async def _swap(session: Session, open_change: Reembedding, signature: ModelSignature) -> None:
    """Let the model and its vectors take the place of the registered one and its vectors."""
    await session.db.run_script(SWAP)
    is_back = open_change.phase == "switched"
    stored = open_change.new if is_back else open_change.old
    new = (signature.name, signature.dimension, signature.hash)
    await session.db.run(SET_MODEL, (*new, session.clock.now()))
    await session.db.run(SET_SWITCHED, (stored.name, stored.dimension, stored.hash, *new))
    await reembedding.turn(session)


async def _empty_spare(session: Session) -> None:
    await spare.renew(session, "")
    await session.db.run_script(UNWATCH)
    await session.db.run(END)
