"""What goes into the engine's use cases and what comes out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, overload

from vestige.cognition.ingest_gate import GateAction

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.cognition.ingest_gate import Comparison
    from vestige.models import (
        ChangelogEntry,
        JsonObject,
        MemoryEdge,
        MemoryRecord,
        SchedulingState,
        SecretPlace,
    )


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
    """A memory that was compared with a new text.

    Attributes:
        id: the memory.
        content: its text.
        similarity: cosine of the two, -1 to 1.
        comparison: what the gate said: the same, nearly the same, at odds, or something else.
    """

    id: UUID
    content: str
    similarity: float
    comparison: Comparison

    @property
    def is_near(self) -> bool:
        """Whether the new memory is linked to it."""
        return self.comparison.action in {GateAction.NEAR, GateAction.CONFLICT}


@dataclass(frozen=True, kw_only=True, slots=True)
class RememberItem:
    """A text that is to be remembered; the fields are the arguments of `remember`."""

    content: str
    node_type: str | None = None
    tags: tuple[str, ...] = ()
    context: IngestContext | None = None
    metadata: JsonObject | None = None
    created_at: datetime | None = None
    valid_until: datetime | None = None
    supersedes: UUID | None = None
    force_create: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RememberResult:
    """What became of a text.

    Attributes:
        id: the memory that now holds it.
        action: `created`; `reinforced` when it was known already; `superseded` when it took the
            place of another one.
        reason: why, for people.
        candidates: the nearest memories that were there before, nearest first.
        added_tags: tags that a known memory got on top of its own.
        links: what the new memory was linked to.
        previous: the memory whose place it took, as it was.
        change_id: the change in the changelog; `undo` takes it back.
        removed: the secrets that were taken out of the text and what was given with it.
    """

    id: UUID
    action: Literal["created", "reinforced", "superseded"]
    reason: str
    change_id: UUID
    candidates: tuple[Candidate, ...] = ()
    added_tags: tuple[str, ...] = ()
    links: tuple[MemoryEdge, ...] = ()
    previous: MemoryRecord | None = None
    removed: tuple[SecretPlace, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PutItem:
    """A text to be kept under an id of the caller's; the fields are those of `MemoryRecord`."""

    id: UUID
    content: str
    node_type: str = "general"
    tags: tuple[str, ...] = ()
    metadata: JsonObject = field(default_factory=dict)
    codebase: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PutResult:
    """What became of an item: whether its id was new, and the change in the changelog.

    `removed` are the secrets that were taken out of it.
    """

    id: UUID
    action: Literal["created", "edited"]
    change_id: UUID
    removed: tuple[SecretPlace, ...] = ()


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
    """What became of a text; `id` is None where nothing was written and nothing known.

    `removed` are the secrets that were taken out of it: its content and tags are without them.
    """

    text: ImportText
    action: Literal["created", "known"]
    id: UUID | None
    removed: tuple[SecretPlace, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallHit:
    """A memory that was found, and each part of its score.

    Attributes:
        record: the memory, whole.
        score: the sum of the parts; hits are ordered by it.
        vector_part: the cosine similarity times its weight.
        lexical_part: the share of the best full-text score times its weight.
        literal_part: 2 for each literal of the query that it holds, 4 for its own id.
        activation_part: what a link or the memory that it replaced adds, 0 or more.
        retrievability_part: the retrievability times its weight.
        recency_part: how recent it is, 0 to 1, times its weight.
        currency_part: what it gains or loses by standing below what replaced it, which happens
            only where replaced memories are asked for.
        vector_score: cosine similarity to the query, -1 to 1; None without a vector.
        fts_score: BM25 of the full-text leg; None when that leg did not find it.
        vector_rank: rank in the vector leg, from 1; None when that leg did not find it.
        fts_rank: rank in the full-text leg, from 1; None when that leg did not find it.
        literals: what the query means letter by letter and the memory holds.
        path: ids from the memory that was found to this one, where `activation_part` is above 0.
        retrievability: probability that it is still recalled now, 0 to 1.
        accessibility: `active`, `dormant`, `silent` or, if it is suppressed, `unavailable`.
        marks: which of `superseded`, `expired` and `suppressed` it was at the time asked for.
        beginning: as much of the content as fits into the budget of tokens; None when all does.
    """

    record: MemoryRecord
    score: float
    vector_part: float
    lexical_part: float
    literal_part: float = 0.0
    activation_part: float = 0.0
    retrievability_part: float = 0.0
    recency_part: float = 0.0
    currency_part: float = 0.0
    vector_score: float | None
    fts_score: float | None
    vector_rank: int | None
    fts_rank: int | None
    literals: tuple[str, ...] = ()
    path: tuple[UUID, ...] = ()
    retrievability: float
    accessibility: str = "active"
    marks: tuple[str, ...] = ()
    beginning: str | None = None

    @property
    def content(self) -> str:
        """What to show: the content, or as much of it as fits into the budget of tokens."""
        return self.record.content if self.beginning is None else self.beginning


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallResult(Sequence[RecallHit]):
    """What a recall has found, best first: a sequence of its hits.

    Attributes:
        hits: the memories; of the last one only the beginning may fit into the budget.
        left_out: how many more were found that do not fit into the budget of tokens.
        tokens: what the hits cost of it, estimated; None without a budget.
    """

    hits: tuple[RecallHit, ...] = ()
    left_out: int = 0
    tokens: int | None = None

    @overload
    def __getitem__(self, place: int) -> RecallHit: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[RecallHit, ...]: ...

    def __getitem__(self, place: int | slice) -> RecallHit | tuple[RecallHit, ...]:
        return self.hits[place]

    def __len__(self) -> int:
        return len(self.hits)


@dataclass(frozen=True, kw_only=True, slots=True)
class EditResult:
    """A memory before and after it was changed, and the change in the changelog.

    `removed` are the secrets that were taken out of what was given.
    """

    before: MemoryRecord
    after: MemoryRecord
    change_id: UUID
    removed: tuple[SecretPlace, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PurgeResult:
    """What a purge has left.

    Attributes:
        ids: the memories that are gone.
        change_id: the change in the changelog, which holds nothing of them.
        is_erased: whether no byte of them is left in the files of the database; None where these
            were not rewritten.
    """

    ids: tuple[UUID, ...]
    change_id: UUID
    is_erased: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoResult:
    """What was taken back.

    Attributes:
        undone: the entries of the change that was taken back, one for each memory.
        entries: what taking it back made of them.
    """

    undone: tuple[ChangelogEntry, ...]
    entries: tuple[ChangelogEntry, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewResult:
    """The scheduling of a memory before and after a review, and the change in the changelog."""

    memory_id: UUID
    before: SchedulingState
    after: SchedulingState
    change_id: UUID


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
