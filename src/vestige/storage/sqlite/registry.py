"""The embedding model that the vectors of a store come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.errors import InvalidInputError, ModelMismatchError
from vestige.storage.encoding import time_text
from vestige.storage.sqlite.rows import signature_of
from vestige.storage.vectors import dimension_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vestige.models import ModelSignature, Vector
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


def check_vectors_may_be_written(
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
    check_vectors_are_comparable(session, field, given)


def check_vectors_are_comparable(session: Session, field: str, vectors: Iterable[Vector]) -> None:
    """Refuse vectors that cannot be compared with those in the store."""
    stored = registered_model(session)
    if stored is None:
        return
    if session.signature is not None and session.signature != stored:
        raise ModelMismatchError(stored, session.signature)
    for vector in vectors:
        if dimension_of(vector) != stored.dimension:
            raise InvalidInputError(
                field,
                f"has {dimension_of(vector)} dimensions, {stored.name} has {stored.dimension}",
            )
