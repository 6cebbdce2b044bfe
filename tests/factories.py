"""Values for tests: the same arguments give the same value, in any order of the tests."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypedDict
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np

from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS
from vestige.models import (
    Domain,
    FsrsWeights,
    Group,
    Intention,
    MemoryEdge,
    MemoryRecord,
    ModelSignature,
    SchedulingState,
    TriggerType,
    User,
)

if TYPE_CHECKING:
    from typing import Unpack

    from vestige.models import IntentionStatus, JsonObject, Priority, Vector, Visibility

START: Final = datetime(2024, 5, 17, 9, 30, 0, 123456, tzinfo=UTC)
DAY: Final = timedelta(days=1)
DIMENSION: Final = 16
# Variables that choose an embedder which needs no model.
HASHING: Final = {
    "VESTIGE_EMBEDDINGS_PROVIDER": "hashing",
    "VESTIGE_EMBEDDINGS_MODEL": "hashing-384",
}


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> datetime:
        self._at += by
        return self._at


class IntentionFields(TypedDict, total=False):
    """What a test may want to decide about an intention besides its text."""

    trigger_type: TriggerType
    trigger_at: datetime | None
    event: str | None
    file_pattern: str | None
    topic: str | None
    codebase: str | None
    deadline: datetime | None
    priority: Priority
    status: IntentionStatus
    snoozed_until: datetime | None
    closed_at: datetime | None
    memory_ids: tuple[UUID, ...]
    tags: tuple[str, ...]
    metadata: JsonObject
    owner_user_id: UUID
    created_at: datetime
    updated_at: datetime


class MemoryFields(TypedDict, total=False):
    """What a test may want to decide about a memory besides its text."""

    id: UUID
    node_type: str
    tags: tuple[str, ...]
    metadata: JsonObject
    domains: tuple[str, ...]
    domain_scores: dict[str, float]
    embedding: Vector | None
    windows: tuple[Vector, ...]
    codebase: str | None
    owner_user_id: UUID
    visibility: Visibility
    shared_with_groups: tuple[UUID, ...]
    created_at: datetime
    updated_at: datetime
    valid_until: datetime | None
    superseded_at: datetime | None
    suppressed_at: datetime | None


class SchedulingFields(TypedDict, total=False):
    """What a test may want to decide about a scheduling state besides its memory."""

    stability: float
    difficulty: float
    retrievability: float
    last_review: datetime | None
    next_review: datetime | None
    reps: int
    lapses: int


class DomainFields(TypedDict, total=False):
    """What a test may want to decide about a domain besides its id."""

    label: str
    created_at: datetime
    centroid: Vector | None
    top_terms: tuple[str, ...]
    memory_count: int
    metadata: JsonObject


class PartyFields(TypedDict, total=False):
    """What a test may want to decide about a user or a group besides its handle."""

    id: UUID
    created_at: datetime
    display_name: str | None
    metadata: JsonObject


def an_id(name: str) -> UUID:
    """Return the id that belongs to a name, the same one every time."""
    return uuid5(NAMESPACE_OID, name)


def a_numbered_id(number: int) -> UUID:
    """Return an id that sorts like its number."""
    return UUID(int=number, version=4)


def a_memory(content: str = "a memory", **changed: Unpack[MemoryFields]) -> MemoryRecord:
    """Return a memory whose id belongs to its text, created and changed at START."""
    fields: MemoryFields = {"id": an_id(content), "created_at": START, **changed}
    if "updated_at" not in fields:
        fields["updated_at"] = fields["created_at"]
    return MemoryRecord(content=content, **fields)


def a_full_memory(content: str = "a full memory", **changed: Unpack[MemoryFields]) -> MemoryRecord:
    """Return a memory that has something in every field which needs nothing else in the store."""
    fields: MemoryFields = {
        "node_type": "decision",
        "tags": ("storage", "décision"),
        "metadata": {"source": "chat", "topics": ["a", "b"], "depth": {"level": 2}},
        "domains": ("work", "home"),
        "domain_scores": {"work": 0.75, "home": 0.1},
        "embedding": a_vector(1),
        "windows": (a_vector(2), a_vector(3)),
        "codebase": "vestige",
        "updated_at": START + DAY,
    }
    return a_memory(content, **{**fields, **changed})


def a_scheduling(memory_id: UUID, **changed: Unpack[SchedulingFields]) -> SchedulingState:
    """Return a state after one review at START, due ten days later."""
    fields: SchedulingFields = {
        "stability": 10.0,
        "difficulty": 5.0,
        "last_review": START,
        "next_review": START + 10 * DAY,
        "reps": 1,
        **changed,
    }
    return SchedulingState(memory_id=memory_id, **fields)


def an_edge(
    source_id: UUID,
    target_id: UUID,
    *,
    weight: float = 1.0,
    edge_type: str = "related",
    created_at: datetime = START,
) -> MemoryEdge:
    return MemoryEdge(
        source_id=source_id,
        target_id=target_id,
        weight=weight,
        edge_type=edge_type,
        created_at=created_at,
    )


def a_domain(domain_id: str, **changed: Unpack[DomainFields]) -> Domain:
    fields: DomainFields = {"label": domain_id.title(), "created_at": START, **changed}
    return Domain(id=domain_id, **fields)


def a_user(handle: str, **changed: Unpack[PartyFields]) -> User:
    fields: PartyFields = {"id": an_id(f"user {handle}"), "created_at": START, **changed}
    return User(handle=handle, **fields)


def a_group(handle: str, **changed: Unpack[PartyFields]) -> Group:
    fields: PartyFields = {"id": an_id(f"group {handle}"), "created_at": START, **changed}
    return Group(handle=handle, **fields)


def a_signature(
    name: str = "test-model", *, dimension: int = DIMENSION, digit: str = "a"
) -> ModelSignature:
    """Return a signature whose hash repeats one hexadecimal digit."""
    return ModelSignature(name=name, dimension=dimension, hash=digit * 64)


def a_vector(seed: int, *, dimension: int = DIMENSION) -> Vector:
    """Return a unit vector: seeds apart give vectors that have nothing to do with each other."""
    values = np.random.default_rng(seed).standard_normal(dimension)
    return (values / np.linalg.norm(values)).astype(np.float32)


def a_vector_at(cosine: float, *, axis: int = 1, dimension: int = DIMENSION) -> Vector:
    """Return a unit vector with this cosine similarity to `a_vector_at(1.0)`."""
    vector = np.zeros(dimension, dtype=np.float32)
    vector[0] = cosine
    vector[axis] = np.sqrt(1 - cosine * cosine)
    return vector


def a_set_of_weights(*, decay: float = 0.35) -> FsrsWeights:
    """Return fitted weights that are the default ones but for the decay."""
    defaults = astuple(DEFAULT_WEIGHTS)
    return FsrsWeights(
        weights=(*defaults[:-1], decay),
        review_count=512,
        log_loss_before=1 / 3,
        log_loss_after=0.25,
        fitted_at=START,
    )


def an_intention(content: str, **changes: Unpack[IntentionFields]) -> Intention:
    """Return an intention whose time has come at `START`, or with the trigger that is given."""
    intention = Intention(
        id=an_id(content),
        content=content,
        trigger_type=TriggerType.TIME,
        trigger_at=None if "trigger_type" in changes else START,
        created_at=START,
        updated_at=START,
    )
    return replace(intention, **changes)
