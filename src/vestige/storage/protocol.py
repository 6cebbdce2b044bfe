"""The contract of a store, and the only place its methods are described.

Every backend keeps every sentence on this page; `tests/conformance/` runs the same tests on each.

Rules that hold for all methods:

- One method is one transaction: it happens whole or not at all.
- Times are aware and in UTC, exact to the microsecond. Lists have a total order; ties go by id.
- A value outside its limits raises `InvalidInputError`, which names the field and the limit, before
  anything is written. A database that cannot be used raises `StoreUnavailableError`, a schema that
  does not fit `MigrationError`, anything unforeseen from the driver `BackendError`.
- A store never calls an embedder. Vectors are float32 of shape `(dimension,)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vestige.models import MemoryOrder
from vestige.storage.access_protocol import AccessStore
from vestige.storage.administration_protocol import AdministrationStore
from vestige.storage.intention_protocol import IntentionStore
from vestige.storage.reembedding_protocol import ReembeddingStore
from vestige.storage.weights_protocol import WeightsStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.models import (
        Change,
        ChangelogEntry,
        ChangelogFilter,
        Domain,
        DomainScore,
        HealthStatus,
        MemoryCursor,
        MemoryEdge,
        MemoryFilter,
        MemoryRecord,
        Neighbor,
        Rating,
        ReviewEvent,
        SchedulingState,
        SearchQuery,
        SearchResult,
        Vector,
    )


class MemoryStore(
    AccessStore, AdministrationStore, IntentionStore, ReembeddingStore, WeightsStore, Protocol
):
    """Long-term memory in a database."""

    # Lifecycle

    async def close(self) -> None:
        """Release what the store opened; a second call does nothing."""
        ...

    async def health_check(self) -> HealthStatus:
        """Say whether the store can be used. Never raises for a store that cannot."""
        ...

    # Memories

    async def insert(self, record: MemoryRecord, scheduling: SchedulingState | None = None) -> None:
        """Write a memory, its vectors and its scheduling.

        Args:
            record: the memory.
            scheduling: its FSRS-6 state; by default the initial state for `good`, due one day
                after `created_at`.

        Raises:
            DuplicateMemoryError: the id is taken; nothing is changed.
            InvalidInputError: a limit, an unknown owner, a vector of the wrong length, or a vector
                through a handle that is not bound by `register_model`.
            ModelMismatchError: the registered model changed since this handle was bound.
        """
        ...

    async def insert_many(self, records: Sequence[MemoryRecord]) -> None:
        """Insert all of the records or, if one is refused, none of them."""
        ...

    async def commit(self, change: Change) -> list[ChangelogEntry]:
        """Apply the operations of a change and append their account to the changelog, together.

        Returns:
            One entry for each memory that is different now; none where nothing changed.

        Raises:
            ConflictError: a memory is not what the change expects; nothing is changed.
            StoreError: as for the methods that do one of the operations alone.
        """
        ...

    async def purge(self, change: Change) -> list[ChangelogEntry]:
        """Commit a change, and forget what the changelog holds of the memories that it deletes.

        The same holds for intentions that it removes. They may be deleted already, as long as the
        changelog knows them. A tombstone without content is left of each. Bytes of them may stay in
        the files of the database until `erase`.

        Raises:
            MemoryNotFoundError: neither the store nor its changelog knows one.
        """
        ...

    async def list_changelog(
        self,
        changelog_filter: ChangelogFilter | None = None,
        *,
        after: tuple[UUID, UUID] | None = None,
        limit: int = 0,
    ) -> list[ChangelogEntry]:
        """Return one page of the changelog, newest first.

        Args:
            changelog_filter: what to keep; everything by default.
            after: `change_id` and `memory_id` of the last entry of the previous page.
            limit: page size, at most 1000; 0 means 10.
        """
        ...

    async def get(self, memory_id: UUID) -> MemoryRecord | None:
        """Return the memory, or None when the id is unknown."""
        ...

    async def get_many(self, memory_ids: Sequence[UUID]) -> list[MemoryRecord]:
        """Return the known ones of these memories, in the order asked for."""
        ...

    async def list_memories(
        self,
        memory_filter: MemoryFilter | None = None,
        *,
        order: MemoryOrder = MemoryOrder.CREATED_DESC,
        after: MemoryCursor | None = None,
        limit: int = 0,
    ) -> list[MemoryRecord]:
        """Return one page of memories.

        Args:
            memory_filter: what to keep; everything by default.
            order: by creation or by change, ascending or descending; ties by id, ascending.
            after: the time (of the order's kind) and id of the last memory of the previous page.
            limit: page size, at most 1000; 0 means 10.
        """
        ...

    async def update(self, record: MemoryRecord) -> None:
        """Replace everything of a memory except `id` and `created_at`.

        `updated_at` becomes the time of the call when content, node_type, tags, metadata, codebase,
        visibility or sharing changed, and keeps its stored value when only vectors, domains, the
        owner or what ends a memory (`valid_until`, ...) did; the record's own `created_at` and
        `updated_at` are ignored.

        Raises:
            MemoryNotFoundError: the id is unknown.
            InvalidInputError, ModelMismatchError: as for `insert`.
        """
        ...

    async def delete(self, memory_id: UUID) -> None:
        """Delete a memory with its vectors, scheduling, edges and review events.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        ...

    # Search

    async def search(self, query: SearchQuery) -> list[SearchResult]:
        """Search by words and meaning; the two legs are fused by reciprocal rank (RRF).

        Each leg is read at least `3 * limit` and never under 30 deep, after the filters. With text
        only, the result equals the full-text leg; with an embedding only, the vector leg.

        Raises:
            InvalidInputError: neither text nor embedding is given, or one is outside its limits.
            ModelMismatchError: the registered model changed since this handle was bound.
        """
        ...

    async def fts_search(self, text: str, limit: int = 0) -> list[SearchResult]:
        """Return the full-text leg alone: words are alternatives, weighted by rarity (BM25).

        Quoted phrases and `-word` are exact. Text without anything searchable finds nothing.
        """
        ...

    async def vector_search(self, embedding: Vector, limit: int = 0) -> list[SearchResult]:
        """Return the vector leg alone: the nearest memories by cosine similarity.

        A memory with windows counts by its nearest vector.
        """
        ...

    # Scheduling

    async def get_scheduling(self, memory_id: UUID) -> SchedulingState | None:
        """Return the FSRS-6 state of a memory, or None when the id is unknown."""
        ...

    async def list_scheduling(self, memory_ids: Sequence[UUID]) -> list[SchedulingState]:
        """Return the FSRS-6 states of the known ones of these memories, in the order asked for."""
        ...

    async def update_scheduling(self, state: SchedulingState) -> None:
        """Replace the state of a memory. Of two writers the last wins and neither fails.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        ...

    async def record_review(
        self, memory_id: UUID, rating: Rating, new_state: SchedulingState, timestamp: datetime
    ) -> ReviewEvent:
        """Append a review event and write the state it led to, together.

        The event's prior state is the stored one at that moment.

        Raises:
            MemoryNotFoundError: the id is unknown.
            InvalidInputError: the rating is not 1 to 4, or the state is of another memory.
        """
        ...

    async def list_review_events(
        self, memory_id: UUID | None = None, *, after: int | None = None, limit: int = 0
    ) -> list[ReviewEvent]:
        """Return review events, all or one memory's, in the order they were recorded.

        `after` is the id of the last event of the previous page; `limit` is as for lists.
        """
        ...

    async def get_due_memories(
        self, before: datetime, limit: int = 0
    ) -> list[tuple[MemoryRecord, SchedulingState]]:
        """Return memories whose `next_review` is at or before `before`, longest due first.

        Those that are suppressed, superseded or past their `valid_until` then are left out.
        """
        ...

    # Graph

    async def add_edge(self, edge: MemoryEdge) -> None:
        """Add a link, or change the weight of the one with the same ends and type.

        Raises:
            MemoryNotFoundError: an end is unknown.
            InvalidInputError: the ends are the same, or the weight is not above 0.
        """
        ...

    async def get_edges(self, memory_id: UUID, edge_type: str | None = None) -> list[MemoryEdge]:
        """Return the links from and to a memory, ordered by (source, target, type)."""
        ...

    async def list_edges(self, memory_ids: Sequence[UUID]) -> list[MemoryEdge]:
        """Return the links from and to any of these memories, ordered by (source, target, type).

        Raises:
            InvalidInputError: more than 1,000 memories.
        """
        ...

    async def remove_edge(
        self, source_id: UUID, target_id: UUID, edge_type: str | None = None
    ) -> None:
        """Remove the link from source to target; without a type, all links between the two.

        Removing nothing is not an error.
        """
        ...

    async def get_neighbors(self, memory_id: UUID, depth: int = 1) -> list[Neighbor]:
        """Return at most 256 memories within `depth` links, in either direction, best first.

        The start is not among them; `depth` is 0 to 16.

        Raises:
            MemoryNotFoundError: the start is unknown.
        """
        ...

    # Domains

    async def list_domains(self) -> list[Domain]:
        """Return all domains, ordered by id."""
        ...

    async def get_domain(self, domain_id: str) -> Domain | None:
        """Return a domain, or None when the id is unknown."""
        ...

    async def upsert_domain(self, domain: Domain) -> None:
        """Add a domain or replace everything of it except `created_at`.

        Raises:
            InvalidInputError, ModelMismatchError: the centroid, as for a memory's vector.
        """
        ...

    async def delete_domain(self, domain_id: str) -> bool:
        """Delete a domain; say whether there was one. Memories keep its name in their lists."""
        ...

    async def classify(self, embedding: Vector) -> list[DomainScore]:
        """Return the cosine similarity to every domain that has a centroid, best first."""
        ...

    async def count(self, memory_filter: MemoryFilter | None = None) -> int:
        """Return how many memories there are, of those the filter keeps."""
        ...
