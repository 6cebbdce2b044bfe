"""Domains: named clusters of memories with a centroid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import numpy as np

from vestige.models import DomainScore
from vestige.storage.encoding import json_text
from vestige.storage.postgres import registry
from vestige.storage.postgres.rows import domain_of, signature_of
from vestige.storage.vectors import cosine_similarities

if TYPE_CHECKING:
    from vestige.models import Domain, Vector
    from vestige.storage.postgres.connection import Session

SELECT_ALL: Final = (
    "SELECT id, label, centroid, top_terms, memory_count, created_at, metadata"
    " FROM domains ORDER BY id"
)
SELECT_ONE: Final = (
    "SELECT id, label, centroid, top_terms, memory_count, created_at, metadata"
    " FROM domains WHERE id = $1"
)
UPSERT: Final = """
INSERT INTO domains (id, label, centroid, top_terms, memory_count, created_at, metadata)
VALUES (:id, :label, :centroid, :top_terms, :memory_count, :created_at, :metadata)
ON CONFLICT (id) DO UPDATE SET
    label = excluded.label, centroid = excluded.centroid, top_terms = excluded.top_terms,
    memory_count = excluded.memory_count, metadata = excluded.metadata
"""
DELETE: Final = "DELETE FROM domains WHERE id = $1"
# One statement: the centroids and the model that they come from change together.
SELECT_CENTROIDS: Final = """
SELECT m.name, m.dimension, m.hash, d.id, d.centroid
FROM embedding_model AS m LEFT JOIN domains AS d ON d.centroid IS NOT NULL ORDER BY d.id
"""


async def list_domains(session: Session) -> list[Domain]:
    return [domain_of(row) for row in await session.db.rows(SELECT_ALL)]


async def get_domain(session: Session, domain_id: str) -> Domain | None:
    row = await session.db.row(SELECT_ONE, (domain_id,))
    return None if row is None else domain_of(row)


async def upsert_domain(session: Session, domain: Domain) -> None:
    await registry.check_vectors_may_be_written(session, "centroid", [domain.centroid])
    values = {
        "id": domain.id,
        "label": domain.label,
        "centroid": domain.centroid,
        "top_terms": list(domain.top_terms),
        "memory_count": domain.memory_count,
        "created_at": domain.created_at,
        "metadata": json_text("metadata", domain.metadata),
    }
    await session.db.run(UPSERT, values)


async def delete_domain(session: Session, domain_id: str) -> bool:
    return await session.db.run(DELETE, (domain_id,)) > 0


async def classify(session: Session, embedding: Vector) -> list[DomainScore]:
    rows = await session.db.rows(SELECT_CENTROIDS)
    if rows:
        registry.check_signature(session, "embedding", signature_of(rows[0][:3]), [embedding])
    found = [(row[3], row[4]) for row in rows if row[3] is not None]
    if not found:
        return []
    matrix = np.stack([cast("Vector", centroid) for _, centroid in found])
    similarities = cosine_similarities(matrix, embedding).tolist()
    scores = [
        DomainScore(domain_id=cast("str", domain_id), similarity=similarity)
        for (domain_id, _), similarity in zip(found, similarities, strict=True)
    ]
    return sorted(scores, key=lambda score: (-score.similarity, score.domain_id))
