"""The PostgreSQL store: one transaction per method, the work in the modules beside it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from vestige.clock import SystemClock
from vestige.config import PostgresSettings
from vestige.errors import PoolTimeoutError, StoreError
from vestige.models import HealthStatus, MemoryOrder, SearchQuery
from vestige.storage import limits
from vestige.storage.changes import check_change
from vestige.storage.intention_limits import check_intention_filter
from vestige.storage.postgres import (
    changelog,
    changes,
    domains,
    graph,
    intentions,
    maintenance,
    memories,
    scheduling,
    search,
)
from vestige.storage.postgres.administration import Administration
from vestige.storage.postgres.opening import given_database, open_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
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
    from vestige.storage.postgres.connection import Pool

HEALTH_SECONDS: Final = 5.0  # how long a check of the health waits for a connection and an answer


class PostgresStore(Administration):
    """A `MemoryStore` in a PostgreSQL database; the contract is in `vestige.storage.protocol`."""

    @classmethod
    async def connect(
        cls,
        url: str,
        max_connections: int | None = None,
        *,
        options: PostgresSettings | None = None,
        clock: Clock | None = None,
        migrate: bool = True,
        on_close: Callable[[], Awaitable[None]] | None = None,
    ) -> Self:
        """Connect to a server and open the store in one of its databases.

        Args:
            url: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.
            max_connections: the most connections that the pool opens; by default as in options.
            options: the section [storage.postgres]; its own url is not looked at.
            clock: where the time comes from; the machine's by default.
            migrate: bring the schema up to date, as every normal use wants.
            on_close: called once after the pool is closed; not when this call fails.

        Raises:
            StoreUnavailableError: the server cannot be reached, refuses the connection, or is too
                old.
            MigrationError: the store is newer than this version, was changed by hand, or the role
                may not make it.
        """
        options = options or PostgresSettings()
        if max_connections is not None:
            options = options.model_copy(update={"max_connections": max_connections})
        database = await open_database(url, options, clock or SystemClock())
        store = cls(database)
        try:
            await store._start(migrate=migrate)
        except BaseException:
            with suppress(StoreError):
                await store.close()
            raise
        database.on_close = on_close
        return store

    @classmethod
    async def from_pool(cls, pool: Pool, *, clock: Clock | None = None) -> Self:
        """Use a pool that the caller made, and closes.

        No migration is run. Nothing is expected of the settings of the connections: what searching
        needs is set in each transaction. Vectors on them become numpy arrays.

        Args:
            pool: of asyncpg, with a `reset` or without.
            clock: where the time comes from; the machine's by default.
        """
        return cls(given_database(pool, PostgresSettings(), clock or SystemClock()))

    async def close(self) -> None:
        await self._db.close()

    async def health_check(self) -> HealthStatus:
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                problem = await self._db.read(maintenance.health)
        except (PoolTimeoutError, TimeoutError):
            state = self._db.pool_state()
            if state.idle or state.size < state.limit:
                return HealthStatus(status="unavailable", reason="the server does not answer")
            return HealthStatus(status="degraded", reason="pool exhausted")
        except StoreError as error:
            return HealthStatus(status="unavailable", reason=str(error))
        return HealthStatus(status="degraded" if problem else "healthy", reason=problem)

    async def _start(self, *, migrate: bool) -> None:
        if migrate:
            await self.init()
        else:
            await self.migration_status()

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
        return await self._db.query(changelog.list_changelog, changelog_filter, after, rows)

    async def get_intention(self, intention_id: UUID) -> Intention | None:
        return await self._db.query(intentions.get_intention, intention_id)

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
        return await self._db.query(intentions.list_intentions, intention_filter, after, rows)

    async def get(self, memory_id: UUID) -> MemoryRecord | None:
        return await self._db.query(memories.get, memory_id)

    async def get_many(self, memory_ids: Sequence[UUID]) -> list[MemoryRecord]:
        return await self._db.query(memories.get_many, memory_ids)

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
        return await self._db.query(
            memories.list_memories, memory_filter, MemoryOrder(order), after, rows
        )

    async def update(self, record: MemoryRecord) -> None:
        limits.check_record(record)
        await self._db.write(memories.update, record)

    async def delete(self, memory_id: UUID) -> None:
        await self._db.write(memories.delete, memory_id)

    async def search(self, query: SearchQuery) -> list[SearchResult]:
        limits.check_query(query)
        return await self._db.query(search.search, query, limits.check_limit(query.limit))

    async def fts_search(self, text: str, limit: int = 0) -> list[SearchResult]:
        return await self.search(SearchQuery(text=text, limit=limit))

    async def vector_search(self, embedding: Vector, limit: int = 0) -> list[SearchResult]:
        return await self.search(SearchQuery(embedding=embedding, limit=limit))

    async def get_scheduling(self, memory_id: UUID) -> SchedulingState | None:
        return await self._db.query(scheduling.get_scheduling, memory_id)

    async def list_scheduling(self, memory_ids: Sequence[UUID]) -> list[SchedulingState]:
        return await self._db.query(scheduling.list_scheduling, memory_ids)

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
        return await self._db.query(scheduling.list_review_events, memory_id, after, rows)

    async def get_due_memories(
        self, before: datetime, limit: int = 0
    ) -> list[tuple[MemoryRecord, SchedulingState]]:
        limits.check_time("before", before)
        rows = limits.check_limit(limit)
        return await self._db.query(scheduling.get_due_memories, before, rows)

    async def add_edge(self, edge: MemoryEdge) -> None:
        limits.check_edge(edge)
        await self._db.write(graph.add_edge, edge)

    async def get_edges(self, memory_id: UUID, edge_type: str | None = None) -> list[MemoryEdge]:
        return await self._db.query(graph.get_edges, memory_id, edge_type)

    async def list_edges(self, memory_ids: Sequence[UUID]) -> list[MemoryEdge]:
        limits.check_ids("memory_ids", memory_ids)
        return await self._db.query(graph.list_edges, memory_ids)

    async def remove_edge(
        self, source_id: UUID, target_id: UUID, edge_type: str | None = None
    ) -> None:
        await self._db.write(graph.remove_edge, source_id, target_id, edge_type)

    async def get_neighbors(self, memory_id: UUID, depth: int = 1) -> list[Neighbor]:
        limits.check_depth(depth)
        return await self._db.read(graph.get_neighbors, memory_id, depth)

    async def list_domains(self) -> list[Domain]:
        return await self._db.query(domains.list_domains)

    async def get_domain(self, domain_id: str) -> Domain | None:
        return await self._db.query(domains.get_domain, domain_id)

    async def upsert_domain(self, domain: Domain) -> None:
        limits.check_domain(domain)
        await self._db.write(domains.upsert_domain, domain)

    async def delete_domain(self, domain_id: str) -> bool:
        return await self._db.write(domains.delete_domain, domain_id)

    async def classify(self, embedding: Vector) -> list[DomainScore]:
        limits.check_vector("embedding", embedding)
        return await self._db.query(domains.classify, embedding)

    async def count(self, memory_filter: MemoryFilter | None = None) -> int:
        limits.check_filter(memory_filter)
        return await self._db.query(memories.count, memory_filter)
