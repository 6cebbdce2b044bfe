"""The change of the embedding model that is under way, from its beginning to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.models import Reembedding
from vestige.storage.postgres import registry, schema
from vestige.storage.postgres.rows import signature_of
from vestige.storage.problems import refuse_second_reembedding

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import ModelSignature
    from vestige.storage.postgres.connection import Session

SELECT: Final = (
    "SELECT old_name, old_dimension, old_hash, new_name, new_dimension, new_hash, started_at"
    " FROM reembedding"
)
INSERT: Final = (
    "INSERT INTO reembedding (id, old_name, old_dimension, old_hash, new_name, new_dimension,"
    " new_hash, started_at) VALUES (1, $1, $2, $3, $4, $5, $6, $7)"
)
DELETE: Final = "DELETE FROM reembedding"
SET_MODEL: Final = (
    "UPDATE embedding_model SET name = $1, dimension = $2, hash = $3, created_at = $4"
)


async def current(session: Session) -> Reembedding | None:
    if not await session.db.value(schema.HAS_TABLE, ("reembedding",)):
        return None  # a store whose schema is not up to date is looked at, too
    row = await session.db.row(SELECT)
    if row is None:
        return None
    values = tuple(row)
    return Reembedding(
        old=signature_of(values[:3]),
        new=signature_of(values[3:6]),
        started_at=cast("datetime", values[6]),
    )


async def begin(session: Session, signature: ModelSignature) -> None:
    # Two that begin at once take turns.
    await session.db.run(schema.LOCK, (schema.MIGRATION_LOCK,))
    unfinished = await current(session)
    if unfinished is not None:
        refuse_second_reembedding(unfinished, signature)
        return
    stored = await registry.registered_model(session)
    if stored is None or stored == signature:
        await registry.register_model(session, signature)
        return
    await session.db.run(schema.UNBOUNDED)
    new = (signature.name, signature.dimension, signature.hash, session.clock.now())
    # The model first: that waits for those who write vectors, and later ones wait for this.
    await session.db.run(SET_MODEL, new)
    await session.db.run(INSERT, (stored.name, stored.dimension, stored.hash, *new))
    await schema.forget_vectors(session)


async def finish(session: Session) -> None:
    await schema.build_vector_index(session)
    await session.db.run(DELETE)
