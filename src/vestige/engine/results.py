"""What goes into the engine's use cases and what comes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.models import JsonObject, MemoryEdge, MemoryRecord, SchedulingState


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestContext:
    """Where a memory comes from; `codebase` has a column, the rest is kept in the metadata."""

    codebase: str | None = None
    mcp_client_id: str | None = None
    session_id: str | None = None
    file: str | None = None
    topics: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A memory that was compared with a new one, and its cosine similarity, -1 to 1."""

    id: UUID
    content: str
    similarity: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RememberResult:
    """What became of a text.

    Attributes:
        id: the memory that now holds it.
        action: `created`, or `reinforced` when it was known already.
        reason: why, for people.
        candidates: the nearest memories that were there before, nearest first.
        added_tags: tags that a known memory got on top of its own.
    """

    id: UUID
    action: Literal["created", "reinforced"]
    reason: str
    candidates: tuple[Candidate, ...] = ()
    added_tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportText:
    """A text from a file; what is None is decided by whoever imports it.

    Attributes:
        place: where it stands, for people: a file and its headings, or a line.
        content: the text.
        context: where it comes from, to be kept with it.
        node_type: what kind of memory it is.
        tags: of the text itself.
        metadata: a JSON object to keep with it.
        created_at: when it was learned, aware.
    """

    place: str
    content: str
    context: IngestContext
    node_type: str | None = None
    tags: tuple[str, ...] = ()
    metadata: JsonObject | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportFailure:
    """Something in a file that cannot be remembered, and why."""

    place: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedText:
    """What became of a text; `id` is None where nothing was written and nothing known."""

    text: ImportText
    action: Literal["created", "known"]
    id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallHit:
    """A memory that was found, and each part of its score.

    Attributes:
        record: the memory.
        score: `vector_part + lexical_part`; hits are ordered by it.
        vector_part: the cosine similarity times its weight.
        lexical_part: the share of the best full-text score times its weight.
        vector_score: cosine similarity to the query, -1 to 1; None without a vector.
        fts_score: BM25 of the full-text leg; None when that leg did not find it.
        vector_rank: rank in the vector leg, from 1; None when that leg did not find it.
        fts_rank: rank in the full-text leg, from 1; None when that leg did not find it.
        retrievability: probability that it is still recalled now, 0 to 1.
    """

    record: MemoryRecord
    score: float
    vector_part: float
    lexical_part: float
    vector_score: float | None
    fts_score: float | None
    vector_rank: int | None
    fts_rank: int | None
    retrievability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EditResult:
    """A memory before and after it was changed."""

    before: MemoryRecord
    after: MemoryRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewResult:
    """The scheduling of a memory before and after a review."""

    memory_id: UUID
    before: SchedulingState
    after: SchedulingState


@dataclass(frozen=True, kw_only=True, slots=True)
class DueMemory:
    """A memory that is due for review."""

    record: MemoryRecord
    scheduling: SchedulingState
    due_at: datetime
    retrievability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkResult:
    """What became of a link.

    Attributes:
        edge: the link as it is now.
        action: `added`, or `changed` when the two were linked with this type already.
        previous_weight: what a changed link weighed before.
    """

    edge: MemoryEdge
    action: Literal["added", "changed"]
    previous_weight: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NeighborMemory:
    """A memory reached over links: the best product of weights, and the links on that path."""

    record: MemoryRecord
    weight: float
    hops: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VacuumResult:
    """The size of a store before and after it was tidied up."""

    before_bytes: int
    after_bytes: int
