"""What comes out of looking a store through: duplicates, contradictions, and what was tidied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from vestige.cognition.facts import DifferenceKind
    from vestige.models import MemoryEdge, MemoryRecord, SecretPlace

SecretHolder: TypeAlias = Literal["memory", "intention", "changelog"]
EXCERPT_CHARACTERS: Final = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """Enough of a memory for a person to know which it is.

    Attributes:
        id: the memory.
        text: the first 300 characters of its content.
        codebase: the project it belongs to.
        created_at: when it was created.
    """

    id: UUID
    text: str
    codebase: str | None
    created_at: datetime

    @classmethod
    def of(cls, record: MemoryRecord) -> Excerpt:
        """Return the excerpt of a memory."""
        text = record.content
        if len(text) > EXCERPT_CHARACTERS:
            text = f"{text[: EXCERPT_CHARACTERS - 1]}…"
        return cls(id=record.id, text=text, codebase=record.codebase, created_at=record.created_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicatePair:
    """Two memories of a cluster, and why they count as the same.

    Attributes:
        older_id: the one that was there first.
        newer_id: the other one.
        kind: `exact` when they differ only in how they were typed in, else `near`.
        similarity: cosine of the two, -1 to 1; None when one has no vector.
        reason: why, for people.
    """

    older_id: UUID
    newer_id: UUID
    kind: Literal["exact", "near"]
    similarity: float | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateCluster:
    """Memories that say the same.

    Attributes:
        size: how many there are.
        members: the first of them, oldest first.
        pairs: what connects those.
    """

    size: int
    members: tuple[Excerpt, ...]
    pairs: tuple[DuplicatePair, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferentPair:
    """Two memories that are similar, but differ in something that must not be confused."""

    older: Excerpt
    newer: Excerpt
    similarity: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicates:
    """What `find_duplicates` found.

    Attributes:
        clusters: the surest ones; a memory may stand in two of them.
        cluster_count: how many there are in all.
        different: the nearest pairs that are similar but different, where they were asked for.
        different_count: how many of these there are in all.
        compared: how many memories were looked at.
        notes: what could not be compared and why, for people.
    """

    clusters: tuple[DuplicateCluster, ...] = ()
    cluster_count: int = 0
    different: tuple[DifferentPair, ...] = ()
    different_count: int = 0
    compared: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundContradiction:
    """Two memories that cannot both be true, as far as the rules can tell.

    Attributes:
        kind: what kind of value they differ in.
        subject: words that they have in common.
        older: the one that was there first.
        newer: the other one.
        older_value: what the older says.
        newer_value: what the newer says.
        confidence: 0 to 1, by rule; not a probability.
        similarity: cosine of the two, -1 to 1.
    """

    kind: DifferenceKind
    subject: tuple[str, ...]
    older: Excerpt
    newer: Excerpt
    older_value: str
    newer_value: str
    confidence: float
    similarity: float

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that would resolve it if the newer one is right."""
        return (
            f'vestige remember "what holds now" --supersedes {self.older.id}',
            f'vestige edit {self.older.id} --content "what it should say"',
            f"vestige forget {self.older.id}",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradictions:
    """What `find_contradictions` found.

    Attributes:
        found: the surest ones.
        count: how many there are in all.
        compared: how many memories were looked at.
        notes: what could not be compared and why, for people.
    """

    found: tuple[FoundContradiction, ...] = ()
    count: int = 0
    compared: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainRecount:
    """A domain whose derived numbers are not what its memories say.

    Attributes:
        domain_id: the domain.
        before: how many memories it says that it has.
        after: how many it has.
        has_moved: its centroid is another one.
    """

    domain_id: str
    before: int
    after: int
    has_moved: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorFailure:
    """A memory whose text the embedder refused, and why."""

    id: UUID
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Consolidation:
    """What consolidation would do, or has done, and what it leaves for a person to decide.

    Attributes:
        is_applied: whether it was done; otherwise nothing was written.
        memories: how many memories were looked at.
        retrievability: stored values that the forgetting curve has left behind.
        vectors: vectors that are missing, or were made.
        vector_failures: texts that the embedder refused.
        domains: domains that are counted anew.
        links: links to add, by type.
        link_examples: some of them.
        pruned: links of the engine that weigh too little, by type.
        pruned_examples: some of them.
        duplicates: what looks like duplicates; nothing is done about them.
        contradictions: what looks like contradictions; nothing is done about them.
        notes: what was left out and why, for people.
    """

    is_applied: bool
    memories: int
    retrievability: int = 0
    vectors: int = 0
    vector_failures: tuple[VectorFailure, ...] = ()
    domains: tuple[DomainRecount, ...] = ()
    links: Mapping[str, int] = field(default_factory=dict[str, int])
    link_examples: tuple[MemoryEdge, ...] = ()
    pruned: Mapping[str, int] = field(default_factory=dict[str, int])
    pruned_examples: tuple[MemoryEdge, ...] = ()
    duplicates: Duplicates = Duplicates()
    contradictions: Contradictions = Contradictions()
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> int:
        """How many values and links are written."""
        links = sum(self.links.values()) + sum(self.pruned.values())
        return self.retrievability + self.vectors + len(self.domains) + links


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSecret:
    """Something stored that holds keys or tokens.

    Attributes:
        id: the memory or intention.
        where: whether it holds them itself, or only what the changelog keeps of it does.
        places: what they are and where; never the secrets themselves.
    """

    id: UUID
    where: SecretHolder
    places: tuple[SecretPlace, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSecrets:
    """What holds keys or tokens.

    Attributes:
        found: memories, then intentions, oldest first, then those of the changelog, newest first.
        count: how many there are in all.
        looked_at: memories that were looked through.
    """

    found: tuple[FoundSecret, ...]
    count: int
    looked_at: int
