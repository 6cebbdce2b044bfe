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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.models import (
        Domain,
        DomainScore,
        HealthStatus,
        ImportResult,
        MemoryCursor,
        MemoryEdge,
        MemoryFilter,
        MemoryRecord,
        ModelSignature,
        Neighbor,
        Problem,
        Rating,
        Reembedding,
        ReviewEvent,
        RowKey,
        SchedulingState,
        SearchQuery,
        SearchResult,
        StoreStats,
        TransferPage,
        TransferRow,
        TransferTable,
        Vector,
    )
    from vestige.storage.migrations import MigrationStatus


class MemoryStore(AccessStore, Protocol):
    """Long-term memory in a database."""

    # Lifecycle

    async def init(self) -> None:
        """Bring the schema up to date; a store that is current is not written to.

        Raises:
            MigrationError: the store is newer than this version, or was changed by hand.
        """
        ...

    async def close(self) -> None:
        """Release what the store opened; a second call does nothing."""
        ...

    async def health_check(self) -> HealthStatus:
        """Say whether the store can be used. Never raises for a store that cannot."""
        ...

    async def migration_status(self) -> list[MigrationStatus]:
        """Return where every schema step of this version stands, in order.

        Raises:
            MigrationError: the store has a step that this version does not know or that differs.
        """
        ...

    async def revert_migration(self) -> MigrationStatus | None:
        """Undo the last applied schema step, with the data it holds; None when none is left."""
        ...

    # Registry of the embedding model

    async def registered_model(self) -> ModelSignature | None:
        """Return the signature that the store's vectors come from, None before the first."""
        ...

    async def register_model(self, signature: ModelSignature) -> None:
        """Bind this handle to a signature; the first call on a store stamps it.

        Afterwards the vector index exists and this handle may write vectors. A handle writes
        vectors only while its signature is the registered one, so vectors of two models never meet,
        even at the same dimension.

        Raises:
            ModelMismatchError: the store is registered to another signature.
        """
        ...

    async def begin_reembedding(self, signature: ModelSignature) -> None:
        """Register another model, take all vectors and centroids away, and bind this handle.

        Until `finish_reembedding` the store says so, and vector searches may lack an index. Handles
        of the old model write and search no vectors any more. The registered signature: does
        nothing but bind; so does that of an unfinished change, which goes on.

        Raises:
            StoreError: a change to another model is unfinished; nothing is changed.
        """
        ...

    async def finish_reembedding(self) -> None:
        """Build the vector index and forget that there was a change of the model."""
        ...

    async def reembedding(self) -> Reembedding | None:
        """Return the unfinished change of the model, if there is one."""
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
        visibility or sharing changed, and keeps its stored value when only vectors, domains or the
        owner did; the record's own `created_at` and `updated_at` are ignored.

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
        """Return memories whose `next_review` is at or before `before`, longest due first."""
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

    # Maintenance

    async def count(self, memory_filter: MemoryFilter | None = None) -> int:
        """Return how many memories there are, of those the filter keeps."""
        ...

    async def get_stats(self, now: datetime) -> StoreStats:
        """Return counts and sizes; `now` decides what is due."""
        ...

    async def vacuum(self) -> None:
        """Give space back and refresh what the query planner and the indexes know."""
        ...

    async def find_problems(self) -> list[Problem]:
        """Return what is not as it should be, each with what repairs it; change nothing.

        Raises:
            MigrationError: the store has a step that this version does not know or that differs.
        """
        ...

    async def repair(self) -> list[Problem]:
        """Repair what can be repaired without an embedder; return the problems that it was.

        Rows are added, indexes are built anew and steps of the schema applied; nothing that a
        person stored is deleted or changed. Until it is done, others wait before they write.

        Raises:
            MigrationError: as for `find_problems`.
        """
        ...

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        """Return one page of a table, in an order that later inserts do not disturb.

        Args:
            table: what to read.
            after: `next_after` of the previous page.
            limit: rows per page, 1 to 1000.
        """
        ...

    async def export_rows(self, table: TransferTable, keys: Sequence[RowKey]) -> list[TransferRow]:
        """Return the rows with these primary keys that are there, in no order."""
        ...

    async def import_rows(self, table: TransferTable, rows: Sequence[TransferRow]) -> ImportResult:
        """Write rows that are not there yet; a row that cannot be written is reported, not raised.

        A row whose key exists is left as it is and counted as present. One bad row never takes the
        others with it. Memories with vectors need a handle bound to the registered model.
        """
        ...

    async def suspend_vector_index(self) -> bool:
        """Drop the vector index if the store is empty and keeping it up is slow; say whether.

        Filling a store is then many times faster. Searches stay right, and are slow, until
        `build_vector_index`.
        """
        ...

    async def build_vector_index(self) -> None:
        """Build the vector index if it is missing; there is none before a model is registered."""
        ...
