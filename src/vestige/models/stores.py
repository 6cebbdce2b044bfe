"""A store as a whole: its model, counts, health and problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime


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
    """A change of the embedding model that is under way.

    Attributes:
        old: the model whose vectors were taken away.
        new: the model that is registered since, and gives the vectors.
        started_at: when it began.
    """

    old: ModelSignature
    new: ModelSignature
    started_at: datetime

    def __str__(self) -> str:
        began = f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"the change of the model from {self.old} to {self.new}, begun at {began},"


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
