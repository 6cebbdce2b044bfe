"""The SQLite store: one transaction per method, the work in the modules beside it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Self

from vestige.clock import SystemClock
from vestige.errors import StoreError
from vestige.models import HealthStatus, MemoryOrder, SearchQuery
from vestige.storage import limits
from vestige.storage.changes import check_change
from vestige.storage.intention_limits import check_intention_filter
from vestige.storage.sqlite import (
    changelog,
    changes,
    domains,
    graph,
    intentions,
    maintenance,
    memories,
    scheduling,
    schema,
    search,
)
from vestige.storage.sqlite.administration import Administration
from vestige.storage.sqlite.connection import Database, is_open_here, prepare_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.clock import Clock
    from vestige.models import (
        Change,
        ChangelogEntry,
        ChangelogFilter,
        Domain,
        DomainScore,
        Intention,
        IntentionFilter,
        MemoryCursor,
        MemoryEdge,
        MemoryFilter,
        MemoryRecord,
        Neighbor,
        Rating,
        ReviewEvent,
        SchedulingState,
        SearchResult,
        Vector,
    )


_one_opening = Lock()


class SqliteStore(Administration):
    """A `MemoryStore` in one SQLite file; the contract is in `vestige.storage.protocol`."""

    @classmethod
    async def open(
        cls, path: Path | str, *, clock: Clock | None = None, migrate: bool = True
    ) -> Self:
        """Open the store at a path, making the file if there is none.

        Args:
            path: the database file.
            clock: where the time comes from; the machine's by default.
            migrate: bring the schema up to date, as every normal use wants.

        Raises:
            StoreUnavailableError: the path cannot be opened, or holds something else.
            MigrationError: the store is newer than this version, or was changed by hand.
        """
        store = cls(await asyncio.to_thread(_open_database, path, clock or SystemClock()))
        try:
            if migrate:
                await store.init()
            else:
                await store.migration_status()
        except BaseException:
            with suppress(StoreError):
                await store.close()
            raise
        return store

    async def close(self) -> None:
        await self._db.close()

    async def health_check(self) -> HealthStatus:
        try:
            problem = await self._db.read(maintenance.health)
        except StoreError as error:
            return HealthStatus(status="unavailable", reason=str(error))
        return HealthStatus(status="degraded" if problem else "healthy", reason=problem)

    async def insert(self, record: MemoryRecord, scheduling: SchedulingState | None = None) -> None:
        limits.check_record(record)
        if scheduling is not None:
            limits.check_scheduling(scheduling)
            limits.check_same_memory(record.id, scheduling)
        await self._db.write(memories.insert, record, scheduling)

    async def insert_many(self, records: Sequence[MemoryRecord]) -> None:
        for record in records:
            limits.check_record(record)
        await self._db.write(memories.insert_many, [(record, None) for record in records])

    async def commit(self, change: Change) -> list[ChangelogEntry]:
        check_change(change)
        return await self._db.write(changes.commit, change)

    async def purge(self, change: Change) -> list[ChangelogEntry]:
        check_change(change)
        return await self._db.write(changes.purge, change)

    async def list_changelog(
        self,
        changelog_filter: ChangelogFilter | None = None,
        *,
        after: tuple[UUID, UUID] | None = None,
        limit: int = 0,
    ) -> list[ChangelogEntry]:
        limits.check_changelog_filter(changelog_filter)
        rows = limits.check_limit(limit)
        return await self._db.read(changelog.list_changelog, changelog_filter, after, rows)

    async def get_intention(self, intention_id: UUID) -> Intention | None:
        return await self._db.read(intentions.get_intention, intention_id)

    async def list_intentions(
        self,
        intention_filter: IntentionFilter | None = None,
        *,
        after: MemoryCursor | None = None,
        limit: int = 0,
    ) -> list[Intention]:
        check_intention_filter(intention_filter)
        limits.check_cursor(after)
        rows = limits.check_limit(limit)
        return await self._db.read(intentions.list_intentions, intention_filter, after, rows)

    async def get(self, memory_id: UUID) -> MemoryRecord | None:
        return await self._db.read(memories.get, memory_id)

    async def get_many(self, memory_ids: Sequence[UUID]) -> list[MemoryRecord]:
        return await self._db.read(memories.get_many, memory_ids)

    async def list_memories(
        self,
        memory_filter: MemoryFilter | None = None,
        *,
        order: MemoryOrder = MemoryOrder.CREATED_DESC,
        after: MemoryCursor | None = None,
        limit: int = 0,
    ) -> list[MemoryRecord]:
        limits.check_filter(memory_filter)
        limits.check_cursor(after)
        rows = limits.check_limit(limit)
        return await self._db.read(
            memories.list_memories, memory_filter, MemoryOrder(order), after, rows
        )

    async def update(self, record: MemoryRecord) -> None:
        limits.check_record(record)
        await self._db.write(memories.update, record)

    async def delete(self, memory_id: UUID) -> None:
        await self._db.write(memories.delete, memory_id)

    async def search(self, query: SearchQuery) -> list[SearchResult]:
        limits.check_query(query)
        return await self._db.read(search.search, query, limits.check_limit(query.limit))

    async def fts_search(self, text: str, limit: int = 0) -> list[SearchResult]:
        return await self.search(SearchQuery(text=text, limit=limit))

    async def vector_search(self, embedding: Vector, limit: int = 0) -> list[SearchResult]:
        return await self.search(SearchQuery(embedding=embedding, limit=limit))

    async def get_scheduling(self, memory_id: UUID) -> SchedulingState | None:
        return await self._db.read(scheduling.get_scheduling, memory_id)

    async def list_scheduling(self, memory_ids: Sequence[UUID]) -> list[SchedulingState]:
        return await self._db.read(scheduling.list_scheduling, memory_ids)

    async def update_scheduling(self, state: SchedulingState) -> None:
        limits.check_scheduling(state)
        await self._db.write(scheduling.update_scheduling, state)

    async def record_review(
        self, memory_id: UUID, rating: Rating, new_state: SchedulingState, timestamp: datetime
    ) -> ReviewEvent:
        grade = limits.check_rating(rating)
        limits.check_scheduling(new_state)
        limits.check_same_memory(memory_id, new_state)
        limits.check_time("timestamp", timestamp)
        return await self._db.write(
            scheduling.record_review, memory_id, grade, new_state, timestamp
        )

    async def list_review_events(
        self, memory_id: UUID | None = None, *, after: int | None = None, limit: int = 0
    ) -> list[ReviewEvent]:
        rows = limits.check_limit(limit)
        return await self._db.read(scheduling.list_review_events, memory_id, after, rows)

    async def get_due_memories(
        self, before: datetime, limit: int = 0
    ) -> list[tuple[MemoryRecord, SchedulingState]]:
        limits.check_time("before", before)
        rows = limits.check_limit(limit)
        return await self._db.read(scheduling.get_due_memories, before, rows)

    async def add_edge(self, edge: MemoryEdge) -> None:
        limits.check_edge(edge)
        await self._db.write(graph.add_edge, edge)

    async def get_edges(self, memory_id: UUID, edge_type: str | None = None) -> list[MemoryEdge]:
        return await self._db.read(graph.get_edges, memory_id, edge_type)

    async def list_edges(self, memory_ids: Sequence[UUID]) -> list[MemoryEdge]:
        limits.check_ids("memory_ids", memory_ids)
        return await self._db.read(graph.list_edges, memory_ids)

    async def remove_edge(
        self, source_id: UUID, target_id: UUID, edge_type: str | None = None
    ) -> None:
        await self._db.write(graph.remove_edge, source_id, target_id, edge_type)

    async def get_neighbors(self, memory_id: UUID, depth: int = 1) -> list[Neighbor]:
        limits.check_depth(depth)
        return await self._db.read(graph.get_neighbors, memory_id, depth)

    async def list_domains(self) -> list[Domain]:
        return await self._db.read(domains.list_domains)

    async def get_domain(self, domain_id: str) -> Domain | None:
        return await self._db.read(domains.get_domain, domain_id)

    async def upsert_domain(self, domain: Domain) -> None:
        limits.check_domain(domain)
        await self._db.write(domains.upsert_domain, domain)

    async def delete_domain(self, domain_id: str) -> bool:
        return await self._db.write(domains.delete_domain, domain_id)

    async def classify(self, embedding: Vector) -> list[DomainScore]:
        limits.check_vector("embedding", embedding)
        return await self._db.read(domains.classify, embedding)

    async def count(self, memory_filter: MemoryFilter | None = None) -> int:
        limits.check_filter(memory_filter)
        return await self._db.read(memories.count, memory_filter)


def _open_database(path: Path | str, clock: Clock) -> Database:
    file = Path(path).expanduser()
    # One after the other, so that no check of a file falls between another one and its opening.
    with _one_opening:
        if not is_open_here(file):
            schema.check_file(file)
            prepare_file(file)
        return Database(file, clock)
