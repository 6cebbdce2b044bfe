"""A memory, its scheduling and reviews, its links, and how memories are listed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from vestige.models.comparison import equal
from vestige.models.values import LOCAL_USER_ID

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.models.values import JsonObject, Vector


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
        valid_until: when what it says ends to hold; None when no end is known.
        superseded_at: when another memory took its place, or None.
        suppressed_at: when it was hidden, or None.
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
    valid_until: datetime | None = None
    superseded_at: datetime | None = None
    suppressed_at: datetime | None = None

    def __eq__(self, other: object) -> bool:
        return equal(self, other) if isinstance(other, MemoryRecord) else NotImplemented

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


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryFilter:
    """What `list_memories` and `count` keep; an empty filter keeps everything.

    `current_at` keeps what was neither suppressed, superseded nor past its `valid_until` then.
    """

    codebase: str | None = None
    tags: tuple[str, ...] = ()
    node_types: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    owner_user_id: UUID | None = None
    current_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryCursor:
    """Where the next page of `list_memories` starts: after this time and id."""

    at: datetime
    id: UUID
