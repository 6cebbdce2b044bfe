"""A search and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vestige.models.values import DEFAULT_DECAY, DEFAULT_RRF_K

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models.memories import MemoryRecord
    from vestige.models.values import Vector


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SearchQuery:
    """What to search for, by words, by meaning, or both; filters narrow both legs.

    Attributes:
        text: words; quoted phrases and `-word` are exact, the other words are alternatives.
        embedding: float32 vector of the registered model.
        domains: any of these.
        tags: any of these.
        node_types: any of these.
        codebase: exactly this one.
        min_retrievability: lowest probability of recall at the moment of the query, 0 to 1.
        decay: steepness of the forgetting curve for it, the 21st weight of FSRS-6.
        created_after: at or after this time.
        created_before: before this time.
        current_at: neither suppressed, nor superseded or past `valid_until` at this time; None
            keeps all.
        rrf_k: the constant of reciprocal rank fusion.
        limit: how many results; 0 means 10, at most 1000.
    """

    text: str | None = None
    embedding: Vector | None = field(default=None, repr=False)
    domains: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    node_types: tuple[str, ...] = ()
    codebase: str | None = None
    min_retrievability: float | None = None
    decay: float = DEFAULT_DECAY
    created_after: datetime | None = None
    created_before: datetime | None = None
    current_at: datetime | None = None
    rrf_k: int = DEFAULT_RRF_K
    limit: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """One hit, with what each leg thought of it.

    Attributes:
        record: the memory.
        score: what the results are ordered by, higher is better.
        fts_score: the full-text leg's own score (BM25), or None when that leg did not find it.
        vector_score: cosine similarity, -1 to 1, or None when the vector leg did not find it.
        fts_rank: rank in the full-text leg, from 1.
        vector_rank: rank in the vector leg, from 1.
    """

    record: MemoryRecord
    score: float
    fts_score: float | None = None
    vector_score: float | None = None
    fts_rank: int | None = None
    vector_rank: int | None = None
