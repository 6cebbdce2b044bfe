"""Domains: named clusters of memories with a centroid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.models import DomainScore
from vestige.storage.encoding import json_text, time_text
from vestige.storage.sqlite import registry
from vestige.storage.sqlite.rows import domain_of, list_text, vector_value
from vestige.storage.vectors import cosine_similarities, matrix_of

if TYPE_CHECKING:
    from vestige.models import Domain, Vector
    from vestige.storage.sqlite.connection import Session

SELECT_ALL: Final = (
    "SELECT id, label, centroid, top_terms, memory_count, created_at, metadata"
    " FROM domains ORDER BY id"
)
SELECT_ONE: Final = (
    "SELECT id, label, centroid, top_terms, memory_count, created_at, metadata"
    " FROM domains WHERE id = ?"
)
UPSERT: Final = """
INSERT INTO domains (id, label, centroid, top_terms, memory_count, created_at, metadata)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    label = excluded.label, centroid = excluded.centroid, top_terms = excluded.top_terms,
    memory_count = excluded.memory_count, metadata = excluded.metadata
"""
DELETE: Final = "DELETE FROM domains WHERE id = ?"
SELECT_CENTROIDS: Final = "SELECT id, centroid FROM domains WHERE centroid IS NOT NULL ORDER BY id"


def list_domains(session: Session) -> list[Domain]:
    return [domain_of(row) for row in session.db.rows(SELECT_ALL)]


def get_domain(session: Session, domain_id: str) -> Domain | None:
    row = session.db.row(SELECT_ONE, (domain_id,))
    return None if row is None else domain_of(row)


def upsert_domain(session: Session, domain: Domain) -> None:
    registry.check_vectors_may_be_written(session, "centroid", [domain.centroid])
    session.db.run(
        UPSERT,
        (
            domain.id,
            domain.label,
            vector_value(domain.centroid),
            list_text(domain.top_terms),
            domain.memory_count,
            time_text(domain.created_at),
            json_text("metadata", domain.metadata),
        ),
    )


def delete_domain(session: Session, domain_id: str) -> bool:
    return session.db.run(DELETE, (domain_id,)) > 0


def classify(session: Session, embedding: Vector) -> list[DomainScore]:
    registry.check_vectors_are_comparable(session, "embedding", [embedding])
    rows = session.db.rows(SELECT_CENTROIDS)
    if not rows:
        return []
    matrix = matrix_of([cast("bytes", centroid) for _, centroid in rows])
    similarities = cosine_similarities(matrix, embedding).tolist()
    scores = [
        DomainScore(domain_id=cast("str", domain_id), similarity=similarity)
        for (domain_id, _), similarity in zip(rows, similarities, strict=True)
    ]
    return sorted(scores, key=lambda score: (-score.similarity, score.domain_id))
