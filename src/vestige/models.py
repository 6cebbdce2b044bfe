"""The values that cross layers: frozen, keyword-only, without behaviour of their own.

They hold what they are given. Limits are checked where a value enters a store
(`storage/limits.py`), so that every backend refuses the same things.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float32]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

LOCAL_USER_ID: Final = UUID("00000000-0000-0000-0000-000000000001")
DEFAULT_LIMIT: Final = 10  # what a `limit` of 0 means
MAX_LIMIT: Final = 1000
DEFAULT_RRF_K: Final = 60


class Visibility(StrEnum):
    """Who may see a memory once several people share a store."""

    PRIVATE = "private"
    GROUP = "group"
    PUBLIC = "public"


class Rating(IntEnum):
    """How well a memory held up, in the four grades of FSRS."""

    AGAIN = 1
    HARD = 2
    GOOD = 3
    EASY = 4


class MemoryOrder(StrEnum):
    """The order of `list_memories`; ties are broken by id, ascending."""

    CREATED = "created"
    CREATED_DESC = "-created"
    UPDATED = "updated"
    UPDATED_DESC = "-updated"


class TransferTable(StrEnum):
    """The tables that are moved between stores, in the order that keeps references valid."""

    USERS = "users"
    GROUPS = "groups"
    GROUP_MEMBERSHIPS = "group_memberships"
    KNOWLEDGE_NODES = "knowledge_nodes"
    EDGES = "edges"
    REVIEW_EVENTS = "review_events"
    DOMAINS = "domains"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MemoryRecord:
    """One memory.

    Attributes:
        id: its identity, never reused.
        content: 1 to 1,000,000 bytes of UTF-8, no NUL.
        node_type: what kind of memory it is, free text of up to 64 characters.
        tags: up to 64 of up to 128 characters each.
        metadata: a JSON object of up to 1 MB; integers within +-(2**53 - 1).
        domains: names of the domains it belongs to.
        domain_scores: how strongly, a number per domain name.
        embedding: float32 vector of shape (dimension,), or None.
        windows: one float32 vector per window of a text that is longer than the model reads at
            once, in order; empty when the text fits into one.
        codebase: the project it belongs to, up to 256 characters, or None.
        owner_user_id: who it belongs to.
        visibility: private, group or public.
        shared_with_groups: ids of the groups that may see it.
        created_at: aware, UTC, microseconds.
        updated_at: when a person last changed it; aware, UTC, microseconds.
    """

    id: UUID
    content: str
    created_at: datetime
    updated_at: datetime
    node_type: str = "general"
    tags: tuple[str, ...] = ()
    metadata: JsonObject = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    domain_scores: dict[str, float] = field(default_factory=dict)
    embedding: Vector | None = field(default=None, repr=False)
    windows: tuple[Vector, ...] = field(default=(), repr=False)
    codebase: str | None = None
    owner_user_id: UUID = LOCAL_USER_ID
    visibility: Visibility = Visibility.PRIVATE
    shared_with_groups: tuple[UUID, ...] = ()

    def __eq__(self, other: object) -> bool:
        return _equal(self, other) if isinstance(other, MemoryRecord) else NotImplemented

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # it holds dicts and arrays


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulingState:
    """The FSRS-6 state of one memory.

    Attributes:
        memory_id: the memory it belongs to.
        stability: days after which recall falls to 90 %, 0.001 to 36,500.
        difficulty: 1 (easy) to 10 (hard).
        retrievability: probability of recall when the state was written, 0 to 1.
        last_review: when it was last reviewed or, before that, when it was created.
        next_review: when it is due; None when it is not scheduled.
        reps: number of explicit reviews.
        lapses: how many of them were `again`.
    """

    memory_id: UUID
    stability: float
    difficulty: float
    retrievability: float = 1.0
    last_review: datetime | None = None
    next_review: datetime | None = None
    reps: int = 0
    lapses: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewEvent:
    """One explicit review; the log of them is append-only and rebuilds the scheduling."""

    id: int
    memory_id: UUID
    timestamp: datetime
    rating: Rating
    prior_state: SchedulingState
    new_state: SchedulingState


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryEdge:
    """A typed, weighted link; its key is (source_id, target_id, edge_type)."""

    source_id: UUID
    target_id: UUID
    created_at: datetime
    edge_type: str = "related"
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbor:
    """A memory reached over the graph: the best product of weights, and the edges on that path."""

    memory_id: UUID
    weight: float
    hops: int


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
        created_after: at or after this time.
        created_before: before this time.
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
    created_after: datetime | None = None
    created_before: datetime | None = None
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryFilter:
    """What `list_memories` and `count` keep; an empty filter keeps everything."""

    codebase: str | None = None
    tags: tuple[str, ...] = ()
    node_types: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    owner_user_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryCursor:
    """Where the next page of `list_memories` starts: after this time and id."""

    at: datetime
    id: UUID


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
        return _equal(self, other) if isinstance(other, Domain) else NotImplemented

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # it holds a dict and an array


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainScore:
    """How close a vector is to a domain's centroid: cosine similarity, -1 to 1."""

    domain_id: str
    similarity: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSignature:
    """What decides a vector: two equal signatures give comparable vectors.

    Attributes:
        name: the model's name, for people.
        dimension: length of its vectors.
        hash: 64 hexadecimal digits over everything that decides the vector.
    """

    name: str
    dimension: int
    hash: str

    def __str__(self) -> str:
        return f"{self.name} ({self.dimension} dimensions, {self.hash[:12]})"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreStats:
    """Counts and sizes of a store."""

    backend: str
    location: str
    schema_version: int
    model: ModelSignature | None
    memory_count: int
    embedded_count: int
    window_count: int
    edge_count: int
    review_event_count: int
    domain_count: int
    due_count: int
    size_bytes: int
    oldest_created_at: datetime | None
    newest_created_at: datetime | None
    node_types: dict[str, int]
    codebases: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthStatus:
    """Whether a store can be used; `reason` says why not, or what is wrong with it."""

    status: Literal["healthy", "degraded", "unavailable"]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Someone who owns memories."""

    id: UUID
    handle: str
    created_at: datetime
    display_name: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Users that share memories."""

    id: UUID
    handle: str
    created_at: datetime
    display_name: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupMembership:
    """A user's place in a group."""

    user_id: UUID
    group_id: UUID
    joined_at: datetime
    role: Literal["member", "admin"] = "member"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledMemory:
    """A memory with its scheduling: what moving a memory must keep together."""

    record: MemoryRecord
    scheduling: SchedulingState


TransferRow: TypeAlias = (
    User | Group | GroupMembership | ScheduledMemory | MemoryEdge | ReviewEvent | Domain
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferPage:
    """Rows of one table and where to go on; `next_after` is None on the last page."""

    rows: tuple[TransferRow, ...]
    next_after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFailure:
    """A row that could not be imported."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportResult:
    """What an import did with its rows: every row is in exactly one of the three."""

    written: int
    present: int
    failures: tuple[RowFailure, ...] = ()


def _equal(one: MemoryRecord | Domain, other: MemoryRecord | Domain) -> bool:
    # Arrays compare element by element, so vectors are compared by their bytes.
    return all(
        _comparable(getattr(one, f.name)) == _comparable(getattr(other, f.name))
        for f in fields(one)
    )


def _comparable(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_comparable(item) for item in cast("tuple[object, ...]", value))
    to_bytes = getattr(value, "tobytes", None)
    return to_bytes() if to_bytes is not None else value
