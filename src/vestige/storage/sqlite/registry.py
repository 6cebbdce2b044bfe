"""The embedding model that the vectors of a store come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.errors import InvalidInputError, ModelMismatchError
from vestige.storage.encoding import time_text
from vestige.storage.sqlite.rows import signature_of
from vestige.storage.vectors import dimension_of

if TYPE_CHECKING:
    from vestige.models import MemoryRecord, ModelSignature, Vector
    from vestige.storage.sqlite.connection import Session

SELECT_MODEL: Final = "SELECT name, dimension, hash FROM embedding_model"
INSERT_MODEL: Final = (
    "INSERT INTO embedding_model (id, name, dimension, hash, created_at) VALUES (1, ?, ?, ?, ?)"
)


def registered_model(session: Session) -> ModelSignature | None:
    row = session.db.row(SELECT_MODEL)
    return None if row is None else signature_of(row)


def register_model(session: Session, signature: ModelSignature) -> None:
    stored = registered_model(session)
    if stored is None:
        session.db.run(
            INSERT_MODEL,
            (
                signature.name,
                signature.dimension,
                signature.hash,
                time_text(session.clock.now()),
            ),
        )
    elif stored != signature:
        raise ModelMismatchError(stored, signature)


def check_vectors_may_be_written(session: Session, record: MemoryRecord) -> None:
    """Refuse a memory with vectors unless the handle is bound to the registered model."""
    if record.embedding is not None:
        check_vector_may_be_written(session, "embedding", record.embedding)


def check_vector_may_be_written(session: Session, field: str, vector: Vector) -> None:
    """Refuse a vector unless the handle is bound to the registered model and it has its length."""
    if session.signature is None:
        raise InvalidInputError(
            field,
            "this handle may not write vectors, because no model is bound to it",
            "Call `register_model` with the signature of the embedder first.",
        )
    check_vector_is_comparable(session, field, vector)


def check_vector_is_comparable(session: Session, field: str, vector: Vector) -> None:
    """Refuse a vector that cannot be compared with those in the store."""
    stored = registered_model(session)
    if stored is None:
        return
    if session.signature is not None and session.signature != stored:
        raise ModelMismatchError(stored, session.signature)
    if dimension_of(vector) != stored.dimension:
        raise InvalidInputError(
            field,
            f"has {dimension_of(vector)} dimensions, {stored.name} has {stored.dimension}",
        )
