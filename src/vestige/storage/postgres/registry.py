"""The embedding model that the vectors of a store come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.errors import InvalidInputError, ModelMismatchError
from vestige.storage.postgres.rows import signature_of
from vestige.storage.vectors import dimension_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vestige.models import ModelSignature, Vector
    from vestige.storage.postgres.connection import Session

SELECT_MODEL: Final = "SELECT name, dimension, hash FROM embedding_model"
# A change of the model waits for those who write its vectors, and the other way round.
SELECT_MODEL_TO_WRITE: Final = "SELECT name, dimension, hash FROM embedding_model FOR SHARE"
INSERT_MODEL: Final = """
INSERT INTO embedding_model (id, name, dimension, hash, created_at)
VALUES (1, :name, :dimension, :hash, :created_at)
ON CONFLICT (id) DO NOTHING
"""


async def registered_model(session: Session) -> ModelSignature | None:
    row = await session.db.row(SELECT_MODEL)
    return None if row is None else signature_of(row)


async def register_model(session: Session, signature: ModelSignature) -> None:
    values = {
        "name": signature.name,
        "dimension": signature.dimension,
        "hash": signature.hash,
        "created_at": session.clock.now(),
    }
    await session.db.run(INSERT_MODEL, values)
    stored = await registered_model(session)
    if stored is not None and stored != signature:
        raise ModelMismatchError(stored, signature)


async def check_vectors_may_be_written(
    session: Session, field: str, vectors: Iterable[Vector | None]
) -> None:
    """Refuse vectors unless the handle is bound to the registered model and they have its length.

    A window has the length of the embedding beside it, so that one need not be looked at.
    """
    given = [vector for vector in vectors if vector is not None]
    if not given:
        return
    if session.signature is None:
        raise InvalidInputError(
            field,
            "this handle may not write vectors, because no model is bound to it",
            "Call `register_model` with the signature of the embedder first.",
        )
    row = await session.db.row(SELECT_MODEL_TO_WRITE)
    if row is not None:
        check_signature(session, field, signature_of(row), given)


def check_signature(
    session: Session, field: str, stored: ModelSignature, vectors: Iterable[Vector]
) -> None:
    """Refuse vectors that are not of the stored model, as far as can be known."""
    if session.signature is not None and session.signature != stored:
        raise ModelMismatchError(stored, session.signature)
    for vector in vectors:
        if dimension_of(vector) != stored.dimension:
            raise InvalidInputError(
                field,
                f"has {dimension_of(vector)} dimensions, {stored.name} has {stored.dimension}",
            )
