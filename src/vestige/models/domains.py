"""Domains: named clusters of memories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vestige.models.comparison import equal

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models.values import JsonObject, Vector


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Domain:
    """A cluster of memories with a name and a centre."""

    id: str
    label: str
    created_at: datetime
    centroid: Vector | None = field(default=None, repr=False)
    top_terms: tuple[str, ...] = ()
    memory_count: int = 0
    metadata: JsonObject = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return equal(self, other) if isinstance(other, Domain) else NotImplemented

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # it holds a dict and an array


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainScore:
    """How close a vector is to a domain's centroid: cosine similarity, -1 to 1."""

    domain_id: str
    similarity: float
