"""What people write: remember, correct, review, link and forget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vestige.engine import editing, graph, history, ingest, maintenance, putting, review
from vestige.engine.editing import Edit
from vestige.engine.parts import Actor, EngineBase
from vestige.engine.results import ImportedText, RememberItem
from vestige.engine.screening import cleaned, screened
from vestige.engine.views import removal_note
from vestige.errors import (
    InvalidInputError,
    ModelMismatchError,
    StoreUnavailableError,
    VestigeError,
)
from vestige.models import Rating

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.parts import Parts
    from vestige.engine.results import (
        EditResult,
        ImportText,
        IngestContext,
        LinkResult,
        PurgeResult,
        PutItem,
        PutResult,
        RememberResult,
        ReviewResult,
        UndoResult,
        VacuumResult,
    )
    from vestige.models import JsonObject, MemoryEdge, MemoryRecord, SecretPlace

BATCH_MAX: Final = 100  # texts that are remembered with one call


class Writing(EngineBase):
    """The part of the engine that changes the store; every change is in the changelog."""

    async def remember(
        self,
        content: str,
        *,
        node_type: str | None = None,
        tags: Sequence[str] = (),
        context: IngestContext | None = None,
        metadata: JsonObject | None = None,
        created_at: datetime | None = None,
        valid_until: datetime | None = None,
        supersedes: UUID | None = None,
        force_create: bool = False,
    ) -> RememberResult:
        """Remember a text; one that says the same as a known one reinforces that.

        The same means: equal but for white space, in the same codebase, of the same owner. A text
        that says nearly the same becomes a memory of its own, linked to the known one.

        Args:
            content: 1 to 1,000,000 bytes of UTF-8.
            node_type: fact, decision, preference, code, ... (free text, up to 64 characters); by
                default `fact`, or that of the memory whose place it takes.
            tags: up to 64 of up to 128 characters; by default those of the memory whose place it
                takes.
            context: where the text comes from.
            metadata: a JSON object to keep with it.
            created_at: when it was learned, aware; now by default.
            valid_until: when what it says ends to hold, aware.
            supersedes: the memory whose place it takes: that one stays, marked and linked, and is
                not recalled any more.
            force_create: store it whatever is known.

        Raises:
            MemoryNotFoundError: the memory to supersede is unknown.
            InvalidInputError: a limit; nothing was written.
            SecretFoundError: the text, or what is given with it, holds a key or token.
            EmbeddingError: the text cannot be embedded; nothing was written.
        """
        item = RememberItem(
            content=content,
            node_type=node_type,
            tags=tuple(tags),
            context=context,
            metadata=metadata,
            created_at=created_at,
            valid_until=valid_until,
            supersedes=supersedes,
            force_create=force_create,
        )
        return await self.remember_item(item)

    async def remember_item(self, item: RememberItem) -> RememberResult:
        """Remember a text whose fields are those of `remember`, with what that may raise."""

        async def write(parts: Parts) -> RememberResult:
            record = await ingest.item_record(parts, item)
            record, removed = screened(record, parts.secrets, ingest.check_memory)
            result = await ingest.remember(
                _named(parts, item.context),
                record,
                supersedes=item.supersedes,
                force=item.force_create,
            )
            return _noting(result, removed)

        return await self._writing(write)

    async def remember_many(
        self, items: Sequence[RememberItem]
    ) -> list[RememberResult | VestigeError]:
        """Remember up to 100 texts, each on its own: one that is refused stops no other.

        Returns:
            For each item, in order, what became of it, or why it was refused.

        Raises:
            InvalidInputError: there are none, or more than 100; nothing was written.
        """
        if not 0 < len(items) <= BATCH_MAX:
            raise InvalidInputError("items", f"must be 1 to {BATCH_MAX}")
        results: list[RememberResult | VestigeError] = []
        for item in items:
            try:
                results.append(await self.remember_item(item))
            except (StoreUnavailableError, ModelMismatchError):
                raise  # the others would fail in the same way
            except VestigeError as error:
                results.append(error)
        return results

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
            SecretFoundError: the text, or what is given with it, holds a key or token.
            EmbeddingError: the text cannot be embedded; nothing was written.
        """
        record = ingest.imported_record(text, node_type, self._clock)
        record, removed = screened(record, self._secrets, ingest.check_memory)

        async def write(parts: Parts) -> UUID | None:
            return await ingest.remember_once(parts, record, is_dry_run=is_dry_run)

        known = await (self._reading(write) if is_dry_run else self._writing(write))
        if removed:
            text = cleaned(text, record)
        if known is not None:
            return ImportedText(text=text, action="known", id=known, removed=removed)
        new_id = None if is_dry_run else record.id
        return ImportedText(text=text, action="created", id=new_id, removed=removed)

    async def put(self, items: Sequence[PutItem]) -> list[PutResult]:
        """Keep texts under ids of the caller's; what an id held before is replaced.

        For programs that look their memories up by keys of their own. Nothing is compared, so two
        ids may hold the same text. What was hidden, superseded or past its time holds again.

        Args:
            items: 1 to 100; of two with the same id the last one counts.

        Returns:
            What became of each id, in order.

        Raises:
            InvalidInputError: a limit, or a memory with such an id was purged; nothing was written.
            SecretFoundError: an item holds a key or token; nothing was written.
            EmbeddingError: a text cannot be embedded; nothing was written.
        """
        if not 0 < len(items) <= BATCH_MAX:
            raise InvalidInputError("items", f"must be 1 to {BATCH_MAX}")
        removed: dict[UUID, tuple[SecretPlace, ...]] = {}
        records: list[MemoryRecord] = []
        for new in putting.new_records(items, self._clock.now()):
            record, removed[new.id] = screened(new, self._secrets, ingest.check_memory)
            records.append(record)
        results = await self._writing(lambda parts: putting.put(parts, records))
        return [replace(result, removed=removed[result.id]) for result in results]

    async def edit(
        self,
        memory_id: UUID,
        *,
        content: str | None = None,
        node_type: str | None = None,
        tags: Sequence[str] | None = None,
        codebase: str | None = None,
        valid_until: datetime | None = None,
    ) -> EditResult:
        """Correct what is given of a memory; new content is embedded again.

        An empty `codebase` takes the memory out of its codebase, empty `tags` take its tags. What
        it said before is in the changelog. Of a fact that has changed, `remember` with `supersedes`
        keeps both.

        Raises:
            MemoryNotFoundError: the id is unknown.
            InvalidInputError: nothing would change, or a limit.
            SecretFoundError: what is given holds a key or token.
        """
        wanted = Edit(
            content=content,
            node_type=node_type,
            tags=None if tags is None else tuple(tags),
            codebase=codebase,
            valid_until=valid_until,
        )

        async def write(parts: Parts) -> EditResult:
            return await editing.edit(parts, memory_id, wanted)

        return await self._writing(write)

    async def suppress(self, memory_id: UUID, *, reason: str | None = None) -> EditResult:
        """Hide a memory from recall, lists and reviews, until `restore`.

        Args:
            memory_id: the memory.
            reason: why, for the changelog; up to 256 characters.

        Raises:
            MemoryNotFoundError: the id is unknown.
            InvalidInputError: it is hidden already.
        """
        return await history.suppress(self._parts, memory_id, reason)

    async def restore(self, memory_id: UUID) -> EditResult:
        """Show a memory again that was suppressed, superseded, or past its time.

        Raises:
            MemoryNotFoundError: the id is unknown.
            InvalidInputError: it is not hidden.
        """
        return await history.restore(self._parts, memory_id)

    async def forget(self, memory_id: UUID) -> MemoryRecord:
        """Delete a memory with all that belongs to it; return what was deleted.

        What it had superseded holds again. `undo` brings it back, as long as it is not purged.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        return await history.forget(self._parts, memory_id)

    async def purge(self, memory_ids: Sequence[UUID], *, erase: bool = True) -> PurgeResult:
        """Delete memories and intentions, and what the changelog holds of them, for good.

        Args:
            memory_ids: up to 100; also of memories that were forgotten already, and of intentions.
            erase: also rewrite the files of the database, so that no byte is left in them. It takes
                as long as the store is large, and others wait meanwhile.

        Raises:
            MemoryNotFoundError: neither the store nor its changelog knows one; nothing was purged.
        """
        return await history.purge(self._parts, memory_ids, is_erased=erase)

    async def undo(self, change_id: UUID | None = None) -> UndoResult:
        """Take a change back: everything that it touched becomes what it was before.

        Args:
            change_id: which; by default the newest that was not taken back yet. To take an undo
                back is to do the change again.

        Raises:
            InvalidInputError: there is no such change, it was taken back already, or a memory that
                it touched was purged.
            ConflictError: a memory was changed since; nothing was taken back.
        """

        async def write(parts: Parts) -> UndoResult:
            return await history.undo(parts, change_id)

        return await self._writing(write)

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
        return await review.review(self._parts, memory_id, rating, at)

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
            self._parts, source_id, target_id, edge_type=edge_type, weight=weight
        )

    async def unlink(
        self, source_id: UUID, target_id: UUID, *, edge_type: str | None = None
    ) -> list[MemoryEdge]:
        """Remove the link of a type from source to target; return what was removed.

        Without a type, all links between the two are removed, in both directions.

        Raises:
            MemoryNotFoundError: an end is unknown.
        """
        return await graph.unlink(self._parts, source_id, target_id, edge_type)

    async def vacuum(self) -> VacuumResult:
        """Give space back, and say how large the store was and is."""
        return await maintenance.vacuum(self.store, self._clock)


def _noting(result: RememberResult, removed: tuple[SecretPlace, ...]) -> RememberResult:
    """Return a result that says, also in its reason, what was taken out of the text."""
    if not removed:
        return result
    return replace(result, reason=f"{result.reason}; {removal_note(removed)}", removed=removed)


def _named(parts: Parts, context: IngestContext | None) -> Parts:
    """Return the parts with the actor that a context names, if it names one."""
    if context is None or (context.mcp_client_id, context.session_id) == (None, None):
        return parts
    actor = Actor(client_id=context.mcp_client_id, session_id=context.session_id)
    return replace(parts, actor=actor)
