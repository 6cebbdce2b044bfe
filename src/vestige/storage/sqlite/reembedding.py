"""The change of the embedding model that is under way, from its beginning to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.models import Reembedding
from vestige.storage.encoding import time_text, time_value
from vestige.storage.problems import refuse_second_reembedding
from vestige.storage.sqlite import registry, schema, vectors
from vestige.storage.sqlite.rows import signature_of

if TYPE_CHECKING:
    from vestige.models import ModelSignature
    from vestige.storage.sqlite.connection import Session

SELECT: Final = (
    "SELECT old_name, old_dimension, old_hash, new_name, new_dimension, new_hash, started_at"
    " FROM reembedding"
)
INSERT: Final = (
    "INSERT INTO reembedding (id, old_name, old_dimension, old_hash, new_name, new_dimension,"
    " new_hash, started_at) VALUES (1, ?, ?, ?, ?, ?, ?, ?)"
)
DELETE: Final = "DELETE FROM reembedding"
SET_MODEL: Final = "UPDATE embedding_model SET name = ?, dimension = ?, hash = ?, created_at = ?"
FORGET_EMBEDDINGS: Final = "UPDATE knowledge_nodes SET embedding = NULL WHERE embedding IS NOT NULL"
FORGET_WINDOWS: Final = "DELETE FROM memory_windows"
FORGET_CENTROIDS: Final = "UPDATE domains SET centroid = NULL WHERE centroid IS NOT NULL"


def current(session: Session) -> Reembedding | None:
    if not session.db.value(schema.HAS_TABLE, ("reembedding",)):
        return None  # a store whose schema is not up to date is looked at, too
    row = session.db.row(SELECT)
    if row is None:
        return None
    return Reembedding(
        old=signature_of(row[:3]),
        new=signature_of(row[3:6]),
        started_at=time_value(cast("str", row[6])),
    )


def begin(session: Session, signature: ModelSignature) -> None:
    unfinished = current(session)
    if unfinished is not None:
        refuse_second_reembedding(unfinished, signature)
        return
    stored = registry.registered_model(session)
    if stored is None or stored == signature:
        registry.register_model(session, signature)
        return
    now = time_text(session.clock.now())
    new = (signature.name, signature.dimension, signature.hash, now)
    session.db.run(INSERT, (stored.name, stored.dimension, stored.hash, *new))
    session.db.run(SET_MODEL, new)
    for forget in (FORGET_EMBEDDINGS, FORGET_WINDOWS, FORGET_CENTROIDS):
        session.db.run(forget)
    vectors.empty(session)


def finish(session: Session) -> None:
    # Differs from postgres: the index was kept up with every vector.
    session.db.run(DELETE)
