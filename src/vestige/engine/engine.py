"""The engine: a store, an embedder and a clock, and what people do with them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from vestige.clock import SystemClock
from vestige.embedding.texts import signature_of
from vestige.engine import domains, graph, ingest, maintenance, recall, review
from vestige.engine.change_notes import ChangeNotes
from vestige.engine.following import FollowedModel
from vestige.engine.recall import RecallFilter
from vestige.engine.results import ImportedText, IngestContext
from vestige.errors import MemoryNotFoundError
from vestige.models import MemoryOrder, Rating
from vestige.storage import limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.clock import Clock
    from vestige.embedding import Embedder
    from vestige.engine.following import OpenEmbedder
    from vestige.engine.results import (
        DueMemory,
        EditResult,
        ImportText,
        LinkResult,
        NeighborMemory,
        RecallHit,
        RememberResult,
        ReviewResult,
        VacuumResult,
    )
    from vestige.models import (
        Domain,
        Group,
        HealthStatus,
        JsonObject,
        MemoryCursor,
        MemoryEdge,
        MemoryFilter,
        MemoryRecord,
        ModelSignature,
        SchedulingState,
        StoreStats,
        User,
    )
    from vestige.storage.protocol import MemoryStore


class Engine:
    """Long-term memory: remember, recall, and look after what is remembered.

    It owns neither the store nor the embedder; `vestige.engine.opening` opens and closes them. When
    others change the model of the store, the embedder of the new one takes the place of the old.

    Args:
        store: the memory.
        embedder: of the store's model.
        clock: where the time comes from; the machine's by default.
        open_embedder: makes the embedder of the model that the store changed to; without it, such
            a change is a `ModelMismatchError`.
    """

    def __init__(
        self,
        store: MemoryStore,
        embedder: Embedder,
        clock: Clock | None = None,
        *,
        open_embedder: OpenEmbedder | None = None,
    ) -> None:
        self.store = store
        self._clock = clock or SystemClock()
        self._model = FollowedModel(store, embedder, open_embedder)
        self._notes = ChangeNotes(store)
        # Two writers of the same text must not both find it unknown.
        self._one_writer = asyncio.Lock()

    @property
    def embedder(self) -> Embedder:
        """What makes the vectors, of the model that the store was last seen to have."""
        return self._model.embedder

    async def remember(
        self,
        content: str,
        *,
        node_type: str = "fact",
        tags: Sequence[str] = (),
        context: IngestContext | None = None,
        metadata: JsonObject | None = None,
        created_at: datetime | None = None,
        force_create: bool = False,
    ) -> RememberResult:
        """Remember a text; one that says the same as a known one reinforces that.

        The same means: equal but for white space, in the same codebase, of the same owner.

        Args:
            content: 1 to 1,000,000 bytes of UTF-8.
            node_type: fact, decision, preference, code, ... (free text, up to 64 characters).
            tags: up to 64 of up to 128 characters.
            context: where the text comes from.
            metadata: a JSON object to keep with it.
            created_at: when it was learned, aware; now by default.
            force_create: store it whatever is known.

        Raises:
            InvalidInputError: a limit; nothing was written.
            EmbeddingError: the text cannot be embedded; nothing was written.
        """
        record = ingest.new_record(
            content,
            node_type=node_type,
            tags=tags,
            context=context or IngestContext(),
            metadata=metadata or {},
            clock=self._clock,
        )
        if created_at is not None:
            limits.check_time("created_at", created_at)
            record = replace(record, created_at=created_at, updated_at=created_at)

        async def write(embedder: Embedder) -> RememberResult:
            await self._model.bind(registers=True)
            return await ingest.remember(
                self.store, embedder, self._clock, record, force=force_create
            )

        async with self._one_writer:
            return await self._model.run(write)

    async def import_text(
        self, text: ImportText, *, node_type: str = "note", is_dry_run: bool = False
    ) -> ImportedText:
        """Remember a text of a file; one that is known is left as it is.

        Unlike `remember`, which takes a repetition for a review: a file that is imported again
        says nothing new.

        Args:
            text: the text and what its file says about it.
            node_type: what kind of memory it is, where the file does not say.
            is_dry_run: write nothing.

        Raises:
            InvalidInputError: a limit; nothing was written.
            EmbeddingError: the text cannot be embedded; nothing was written.
        """
        record = ingest.imported_record(text, node_type, self._clock)

        async def write(embedder: Embedder) -> UUID | None:
            await self._model.bind(registers=not is_dry_run)
            return await ingest.remember_once(self.store, embedder, record, is_dry_run=is_dry_run)

        async with self._one_writer:
            known = await self._model.run(write)
        if known is not None:
            return ImportedText(text=text, action="known", id=known)
        return ImportedText(text=text, action="created", id=None if is_dry_run else record.id)

    async def recall(
        self, text: str, *, narrowed: RecallFilter | None = None, limit: int = 0
    ) -> list[RecallHit]:
        """Return the memories that answer a text, best first.

        Args:
            text: a question or words; quoted phrases and `-word` are exact.
            narrowed: filters, applied before anything is ranked.
            limit: at most 1000; 0 means 10.

        Raises:
            InvalidInputError: the text is empty, or a limit.
            EmbeddingError: the text cannot be embedded.
        """

        async def search(embedder: Embedder) -> list[RecallHit]:
            await self._model.bind(registers=False)
            return await recall.recall(
                self.store,
                embedder,
                text,
                narrowed=narrowed or RecallFilter(),
                clock=self._clock,
                limit=limit,
            )

        return await self._model.run(search)

    async def note(self, hits: Sequence[RecallHit]) -> str | None:
        """Return what is to be said beside the answer of a recall: that vectors may be missing."""
        return await self._notes.note(hits)

    async def list_memories(
        self,
        memory_filter: MemoryFilter | None = None,
        *,
        order: MemoryOrder = MemoryOrder.CREATED_DESC,
        after: MemoryCursor | None = None,
        limit: int = 0,
    ) -> list[MemoryRecord]:
        """Return one page of memories; see `MemoryStore.list_memories`."""
        return await self.store.list_memories(memory_filter, order=order, after=after, limit=limit)

    async def get(self, memory_id: UUID) -> tuple[MemoryRecord, SchedulingState | None]:
        """Return a memory and its scheduling.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        record = await self.store.get(memory_id)
        if record is None:
            raise MemoryNotFoundError(memory_id)
        return record, await self.store.get_scheduling(memory_id)

    async def edit(
        self,
        memory_id: UUID,
        *,
        content: str | None = None,
        node_type: str | None = None,
        tags: Sequence[str] | None = None,
        codebase: str | None = None,
    ) -> EditResult:
        """Change what is given of a memory; new content is embedded again.

        An empty `codebase` takes the memory out of its codebase, empty `tags` take its tags.

        Raises:
            MemoryNotFoundError: the id is unknown.
            InvalidInputError: nothing would change, or a limit.
        """

        async def write(embedder: Embedder) -> EditResult:
            await self._model.bind(registers=True)
            return await ingest.edit(
                self.store,
                embedder,
                memory_id,
                content=content,
                node_type=node_type,
                tags=tags,
                codebase=codebase,
            )

        async with self._one_writer:
            return await self._model.run(write)

    async def forget(self, memory_id: UUID) -> MemoryRecord:
        """Delete a memory with all that belongs to it; return what was deleted.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        record, _ = await self.get(memory_id)
        await self.store.delete(memory_id)
        return record

    async def review(
        self, memory_id: UUID, rating: Rating, *, at: datetime | None = None
    ) -> ReviewResult:
        """Rate how well a memory held up: again, hard, good or easy.

        Args:
            memory_id: the memory.
            rating: 1 to 4.
            at: when, aware; now by default.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        return await review.review(self.store, self._clock, memory_id, rating, at)

    async def promote(self, memory_id: UUID) -> ReviewResult:
        """Say that a memory was right and useful: a review rated `easy`."""
        return await self.review(memory_id, Rating.EASY)

    async def demote(self, memory_id: UUID) -> ReviewResult:
        """Say that a memory was wrong or useless: a review rated `again`."""
        return await self.review(memory_id, Rating.AGAIN)

    async def due(self, *, before: datetime | None = None, limit: int = 0) -> list[DueMemory]:
        """Return the memories that are due for review, longest due first.

        Args:
            before: due at or before this time, aware; now by default.
            limit: at most 1000; 0 means 10.
        """
        return await review.due(self.store, self._clock, before, limit)

    async def link(
        self, source_id: UUID, target_id: UUID, *, edge_type: str = "related", weight: float = 1.0
    ) -> LinkResult:
        """Link two memories, or change the weight of the link with the same ends and type.

        Args:
            source_id: where the link starts.
            target_id: where it leads.
            edge_type: what kind of link it is (free text, up to 64 characters).
            weight: how strong it is, above 0; usually at most 1, so that longer paths weigh less.

        Raises:
            MemoryNotFoundError: an end is unknown.
            InvalidInputError: the ends are the same, or a limit.
        """
        return await graph.link(
            self.store, self._clock, source_id, target_id, edge_type=edge_type, weight=weight
        )

    async def unlink(
        self, source_id: UUID, target_id: UUID, *, edge_type: str | None = None
    ) -> list[MemoryEdge]:
        """Remove the link of a type from source to target; return what was removed.

        Without a type, all links between the two are removed, in both directions.

        Raises:
            MemoryNotFoundError: an end is unknown.
        """
        return await graph.unlink(self.store, source_id, target_id, edge_type)

    async def links(self, memory_id: UUID) -> list[MemoryEdge]:
        """Return the links from and to a memory, ordered by (source, target, type).

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        return await graph.links(self.store, memory_id)

    async def neighbors(self, memory_id: UUID, *, depth: int = 1) -> list[NeighborMemory]:
        """Return the memories that links lead to, in either direction, best first.

        Args:
            memory_id: where to start; it is not among them.
            depth: how many links a path may have, 0 to 16.

        Returns:
            At most 256, by the best product of the weights on a path; ties go by id.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        return await graph.neighbors(self.store, memory_id, depth)

    async def domains(self) -> list[Domain]:
        """Return all domains, ordered by id."""
        return await self.store.list_domains()

    async def domain(self, domain_id: str) -> Domain:
        """Return a domain; an unknown id is `InvalidInputError`."""
        return await domains.domain(self.store, domain_id)

    async def users(self) -> list[User]:
        """Return all users, ordered by id."""
        return await self.store.list_users()

    async def groups(self) -> list[Group]:
        """Return all groups, ordered by id."""
        return await self.store.list_groups()

    async def vacuum(self) -> VacuumResult:
        """Give space back, and say how large the store was and is."""
        return await maintenance.vacuum(self.store, self._clock)

    async def stats(self) -> StoreStats:
        """Return counts and sizes of the store."""
        return await self.store.get_stats(self._clock.now())

    async def health(self) -> HealthStatus:
        """Say whether the store can be used."""
        return await self.store.health_check()

    async def model(self) -> ModelSignature:
        """Return the model that embeds; of a new store's remote model the server is asked.

        Raises:
            EmbeddingError: the embedder failed.
        """
        return await signature_of(self.embedder)
