"""The change of the embedding model: its beginning, the switch and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.storage.encoding import time_text
from vestige.storage.problems import (
    refuse_second_reembedding,
    refuse_to_abandon,
    refuse_to_forget,
    refuse_to_switch,
)
from vestige.storage.sqlite import reembedding, registry, schema, vectors

if TYPE_CHECKING:
    from vestige.models import ModelSignature
    from vestige.storage.reembedding_protocol import EncodeLast, Way
    from vestige.storage.sqlite.connection import Session

INSERT: Final = (
    "INSERT INTO reembedding (id, way, phase, old_name, old_dimension, old_hash, new_name,"
    " new_dimension, new_hash, started_at) VALUES (1, ?, 'encoding', ?, ?, ?, ?, ?, ?, ?)"
)
SET_SWITCHED: Final = (
    "UPDATE reembedding SET phase = 'switched', old_name = ?, old_dimension = ?, old_hash = ?,"
    " new_name = ?, new_dimension = ?, new_hash = ?"
)
SET_MODEL: Final = "UPDATE embedding_model SET name = ?, dimension = ?, hash = ?, created_at = ?"
# So many rows at once: SQLite keeps in memory what it needs to undo a statement.
FORGET_ROWS: Final = 1_000
LAST_KEY: Final = "SELECT coalesce(max(key), 0) FROM knowledge_nodes"
FORGET_EMBEDDINGS: Final = (
    "UPDATE knowledge_nodes SET embedding = NULL WHERE key > ? AND key <= ?"
    " AND embedding IS NOT NULL"
)
FORGET_WINDOWS: Final = "DELETE FROM memory_windows"
FORGET_CENTROIDS: Final = "UPDATE domains SET centroid = NULL WHERE centroid IS NOT NULL"

# The triggers keep the queue true while a change is open. Offline, who writes a vector writes one
# of the new model; online, the spare vector of a text that changed is that of the old text.
WATCH_OFFLINE: Final = """
CREATE TRIGGER reembedding_insert AFTER INSERT ON knowledge_nodes WHEN new.embedding IS NULL BEGIN
    INSERT INTO reembedding_queue (memory_id) VALUES (new.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER reembedding_update AFTER UPDATE OF content, embedding ON knowledge_nodes
WHEN new.content IS NOT old.content OR new.embedding IS NOT old.embedding BEGIN
    DELETE FROM reembedding_queue
    WHERE memory_id = new.id AND new.embedding IS NOT NULL AND new.embedding IS NOT old.embedding;
    INSERT INTO reembedding_queue (memory_id)
    SELECT new.id WHERE new.embedding IS NULL OR new.embedding IS old.embedding
    ON CONFLICT (memory_id) DO UPDATE
    SET claimed_by = NULL, claimed_until = NULL, failure = NULL;
END;
"""
WATCH_ONLINE: Final = """
CREATE TRIGGER reembedding_insert AFTER INSERT ON knowledge_nodes BEGIN
    INSERT INTO reembedding_queue (memory_id) VALUES (new.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER reembedding_update AFTER UPDATE OF content ON knowledge_nodes
WHEN new.content IS NOT old.content BEGIN
    UPDATE knowledge_nodes SET spare_embedding = NULL WHERE key = new.key;
    DELETE FROM spare_windows WHERE memory_id = new.id;
    INSERT INTO reembedding_queue (memory_id) VALUES (new.id)
    ON CONFLICT (memory_id) DO UPDATE
    SET claimed_by = NULL, claimed_until = NULL, failure = NULL;
END;
"""
UNWATCH: Final = """
DROP TRIGGER IF EXISTS reembedding_insert;
DROP TRIGGER IF EXISTS reembedding_update;
"""
# The names alone change places, so that the switch takes no longer in a large store.
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
ALTER TABLE vector_chunks RENAME TO other_chunks;
ALTER TABLE spare_chunks RENAME TO vector_chunks;
ALTER TABLE other_chunks RENAME TO spare_chunks;
"""
# Dropped and added: so the column that is read comes first again, and the other pages are free.
EMPTY_SPARE: Final = """
ALTER TABLE knowledge_nodes DROP COLUMN spare_embedding;
ALTER TABLE knowledge_nodes
ADD COLUMN spare_embedding BLOB CHECK (length(spare_embedding) % 4 = 0);
UPDATE domains SET spare_centroid = NULL WHERE spare_centroid IS NOT NULL;
DELETE FROM spare_windows;
DELETE FROM spare_chunks;
DELETE FROM reembedding_queue;
DELETE FROM reembedding;
"""
END: Final = """
DELETE FROM reembedding_queue;
DELETE FROM reembedding;
"""


def begin(session: Session, signature: ModelSignature, way: Way) -> None:
    open_change = reembedding.current(session)
    if open_change is not None:
        refuse_second_reembedding(open_change, signature, way)
        reembedding.retry_refused(session)
        return
    stored = registry.registered_model(session)
    if stored is None or stored == signature:
        registry.register_model(session, signature)
        return
    new = (signature.name, signature.dimension, signature.hash, time_text(session.clock.now()))
    session.db.run(INSERT, (way, stored.name, stored.dimension, stored.hash, *new))
    reembedding.fill(session)
    if way == "online":
        session.db.run_script(WATCH_ONLINE)
        return
    session.db.run(SET_MODEL, new)
    _forget_vectors(session)
    session.db.run_script(WATCH_OFFLINE)


def build_new_index(session: Session) -> None:
    """Differs from postgres: the index is written with every vector."""
    schema.check_current(session)


def switch_model(
    session: Session, signature: ModelSignature, encode: EncodeLast | None, limit: int
) -> bool:
    if registry.registered_model(session) == signature:
        return True
    open_change = reembedding.current(session)
    refuse_to_switch(open_change, signature)
    if open_change is None or not reembedding.encode_last(session, open_change, encode, limit):
        return False
    session.db.run_script(UNWATCH)
    session.db.run_script(SWAP)
    session.db.run_script(WATCH_ONLINE)
    stored = open_change.old if open_change.phase == "encoding" else open_change.new
    new = (signature.name, signature.dimension, signature.hash)
    session.db.run(SET_MODEL, (*new, time_text(session.clock.now())))
    session.db.run(SET_SWITCHED, (stored.name, stored.dimension, stored.hash, *new))
    reembedding.turn(session)
    return True


def finish(session: Session) -> None:
    # Differs from postgres: the index was kept up with every vector.
    open_change = reembedding.current(session)
    if open_change is not None and open_change.way == "offline":
        session.db.run_script(UNWATCH)
        session.db.run_script(END)


def abandon(session: Session) -> None:
    refuse_to_abandon(reembedding.current(session))
    _empty_spare(session)


def forget_old(session: Session) -> None:
    refuse_to_forget(reembedding.current(session))
    _empty_spare(session)


def _forget_vectors(session: Session) -> None:
    for key in range(0, cast("int", session.db.value(LAST_KEY)), FORGET_ROWS):
        session.db.run(FORGET_EMBEDDINGS, (key, key + FORGET_ROWS))
    session.db.run(FORGET_WINDOWS)
    session.db.run(FORGET_CENTROIDS)
    vectors.empty(session)


def _empty_spare(session: Session) -> None:
    session.db.run_script(UNWATCH)
    session.db.run_script(EMPTY_SPARE)
