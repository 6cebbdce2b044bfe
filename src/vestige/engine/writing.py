"""What people write: remember, correct, review, link and forget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vestige.engine import graph, ingest, maintenance, review
from vestige.engine.parts import EngineBase
from vestige.engine.results import ImportedText, IngestContext
from vestige.errors import MemoryNotFoundError
from vestige.models import Rating
from vestige.storage import limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.results import (
        EditResult,
        ImportText,
        LinkResult,
        RememberResult,
        ReviewResult,
        VacuumResult,
    )
    from vestige.models import JsonObject, MemoryEdge, MemoryRecord


class Writing(EngineBase):
    """The part of the engine that changes the store; every change is in the changelog."""

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
        async with self._one_writer:
            await self.store.register_model(await self.model())
            return await ingest.remember(
                self.store, self.embedder, self._clock, record, force=force_create
            )

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
        async with self._one_writer:
            if not is_dry_run:
                await self.store.register_model(await self.model())
            known = await ingest.remember_once(
                self.store, self.embedder, record, is_dry_run=is_dry_run
            )
        if known is not None:
            return ImportedText(text=text, action="known", id=known)
        return ImportedText(text=text, action="created", id=None if is_dry_run else record.id)

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
        async with self._one_writer:
            await self.store.register_model(await self.model())
            return await ingest.edit(
                self.store,
                self.embedder,
                memory_id,
                content=content,
                node_type=node_type,
                tags=tags,
                codebase=codebase,
            )

    async def forget(self, memory_id: UUID) -> MemoryRecord:
        """Delete a memory with all that belongs to it; return what was deleted.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        record = await self.store.get(memory_id)
        if record is None:
            raise MemoryNotFoundError(memory_id)
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

    async def vacuum(self) -> VacuumResult:
        """Give space back, and say how large the store was and is."""
        return await maintenance.vacuum(self.store, self._clock)
