"""What people write: remember, correct, review, link and forget.

Written by `python tools/sync_engine.py --write` from `src/vestige/engine/writing.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.sync.parts import SyncBase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.results import (
        EditResult,
        ImportedText,
        ImportText,
        IngestContext,
        LinkResult,
        PurgeResult,
        PutItem,
        PutResult,
        RememberItem,
        RememberResult,
        ReviewResult,
        UndoResult,
        VacuumResult,
    )
    from vestige.errors import VestigeError
    from vestige.models import JsonObject, MemoryEdge, MemoryRecord, Rating


class Writing(SyncBase):
    """The part of the engine that changes the store; every change is in the changelog."""

    def remember(
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
        return self.run(
            lambda engine: engine.remember(
                content,
                node_type=node_type,
                tags=tags,
                context=context,
                metadata=metadata,
                created_at=created_at,
                valid_until=valid_until,
                supersedes=supersedes,
                force_create=force_create,
            )
        )

    def remember_item(self, item: RememberItem) -> RememberResult:
        """Remember a text whose fields are those of `remember`, with what that may raise."""
        return self.run(lambda engine: engine.remember_item(item))

    def remember_many(self, items: Sequence[RememberItem]) -> list[RememberResult | VestigeError]:
        """Remember up to 100 texts, each on its own: one that is refused stops no other.

        Returns:
            For each item, in order, what became of it, or why it was refused.

        Raises:
            InvalidInputError: there are none, or more than 100; nothing was written.
        """
        return self.run(lambda engine: engine.remember_many(items))

    def import_text(
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
        return self.run(
            lambda engine: engine.import_text(text, node_type=node_type, is_dry_run=is_dry_run)
        )

    def put(self, items: Sequence[PutItem]) -> list[PutResult]:
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
        return self.run(lambda engine: engine.put(items))

    def edit(
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
        return self.run(
            lambda engine: engine.edit(
                memory_id,
                content=content,
                node_type=node_type,
                tags=tags,
                codebase=codebase,
                valid_until=valid_until,
            )
        )

    def suppress(self, memory_id: UUID, *, reason: str | None = None) -> EditResult:
        """Hide a memory from recall, lists and reviews, until `restore`.

        Args:
            memory_id: the memory.
            reason: why, for the changelog; up to 256 characters.

        Raises:
            MemoryNotFoundError: the id is unknown.
            InvalidInputError: it is hidden already.
        """
        return self.run(lambda engine: engine.suppress(memory_id, reason=reason))

    def restore(self, memory_id: UUID) -> EditResult:
        """Show a memory again that was suppressed, superseded, or past its time.

        Raises:
            MemoryNotFoundError: the id is unknown.
            InvalidInputError: it is not hidden.
        """
        return self.run(lambda engine: engine.restore(memory_id))

    def forget(self, memory_id: UUID) -> MemoryRecord:
        """Delete a memory with all that belongs to it; return what was deleted.

        What it had superseded holds again. `undo` brings it back, as long as it is not purged.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        return self.run(lambda engine: engine.forget(memory_id))

    def purge(self, memory_ids: Sequence[UUID], *, erase: bool = True) -> PurgeResult:
        """Delete memories and intentions, and what the changelog holds of them, for good.

        Args:
            memory_ids: up to 100; also of memories that were forgotten already, and of intentions.
            erase: also rewrite the files of the database, so that no byte is left in them. It takes
                as long as the store is large, and others wait meanwhile.

        Raises:
            MemoryNotFoundError: neither the store nor its changelog knows one; nothing was purged.
        """
        return self.run(lambda engine: engine.purge(memory_ids, erase=erase))

    def undo(self, change_id: UUID | None = None) -> UndoResult:
        """Take a change back: everything that it touched becomes what it was before.

        Args:
            change_id: which; by default the newest that was not taken back yet. To take an undo
                back is to do the change again.

        Raises:
            InvalidInputError: there is no such change, it was taken back already, or a memory that
                it touched was purged.
            ConflictError: a memory was changed since; nothing was taken back.
        """
        return self.run(lambda engine: engine.undo(change_id))

    def review(
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
        return self.run(lambda engine: engine.review(memory_id, rating, at=at))

    def promote(self, memory_id: UUID) -> ReviewResult:
        """Say that a memory was right and useful: a review rated `easy`."""
        return self.run(lambda engine: engine.promote(memory_id))

    def demote(self, memory_id: UUID) -> ReviewResult:
        """Say that a memory was wrong or useless: a review rated `again`."""
        return self.run(lambda engine: engine.demote(memory_id))

    def link(
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
        return self.run(
            lambda engine: engine.link(source_id, target_id, edge_type=edge_type, weight=weight)
        )

    def unlink(
        self, source_id: UUID, target_id: UUID, *, edge_type: str | None = None
    ) -> list[MemoryEdge]:
        """Remove the link of a type from source to target; return what was removed.

        Without a type, all links between the two are removed, in both directions.

        Raises:
            MemoryNotFoundError: an end is unknown.
        """
        return self.run(lambda engine: engine.unlink(source_id, target_id, edge_type=edge_type))

    def vacuum(self) -> VacuumResult:
        """Give space back, and say how large the store was and is."""
        return self.run(lambda engine: engine.vacuum())
