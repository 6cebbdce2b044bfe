"""A store as a whole: its model, counts, health and problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.models.values import Vector


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
class Reembedding:
    """A change of the embedding model: one that is under way, or one whose old vectors are kept.

    Attributes:
        old: the model before: its vectors were taken away (offline), are still searched (online),
            or are kept to go back to (switched).
        new: the model that the store is given, or has.
        started_at: when it began.
        way: offline: vectors of the new model take the place of the old ones, which are gone;
            online: they are made beside the old ones, which are searched until the switch.
        phase: encoding: vectors of the new model are missing; switched: the new model is
            registered and searched, and the vectors of the old one are kept.
        queued: memories that wait for a vector of `filled`.
        failed: of these, those whose text the embedder refused.
    """

    old: ModelSignature
    new: ModelSignature
    started_at: datetime
    way: Literal["offline", "online"] = "offline"
    phase: Literal["encoding", "switched"] = "encoding"
    queued: int = 0
    failed: int = 0

    @property
    def filled(self) -> ModelSignature:
        """The model whose vectors the queued memories wait for."""
        return self.old if self.phase == "switched" else self.new

    def __str__(self) -> str:
        began = f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"the change of the model from {self.old} to {self.new}, begun at {began},"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnencodedMemory:
    """A memory that waits for its vectors: the text to encode."""

    id: UUID
    content: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EncodedMemory:
    """The vectors of a memory: of its text, and one per window of a long one."""

    id: UUID
    embedding: Vector
    windows: tuple[Vector, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedMemory:
    """A memory whose text the embedder refused, and why."""

    id: UUID
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreStats:
    """Counts and sizes of a store.

    Attributes:
        details: what else an operator needs to know of this backend, by name: versions, indexes,
            connections.
    """

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
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthStatus:
    """Whether a store can be used; `reason` says why not, or what is wrong with it."""

    status: Literal["healthy", "degraded", "unavailable"]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something in a store that is not as it should be.

    Attributes:
        problem: what is wrong, with numbers and names.
        repair: the command that repairs it, or what to do.
        is_repairable: whether `MemoryStore.repair` can do it.
    """

    problem: str
    repair: str
    is_repairable: bool = False
