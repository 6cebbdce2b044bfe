"""What people read: recall, lists, links, what is due, and the state of the store.

Written by `python tools/sync_engine.py --write` from `src/vestige/engine/reading.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.models import MemoryOrder
from vestige.sync.parts import SyncBase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.recall_options import RecallFilter, RecallOptions
    from vestige.engine.results import DueMemory, NeighborMemory, RecallHit, RecallResult
    from vestige.models import (
        ChangelogEntry,
        ChangelogFilter,
        Domain,
        Group,
        HealthStatus,
        MemoryCursor,
        MemoryEdge,
        MemoryFilter,
        MemoryRecord,
        SchedulingState,
        StoreStats,
        User,
    )


class Reading(SyncBase):
    """The part of the engine that changes nothing but what a recall is asked to reinforce."""

    def recall(
        self,
        text: str,
        *,
        narrowed: RecallFilter | None = None,
        options: RecallOptions | None = None,
        limit: int = 0,
    ) -> RecallResult:
        """Return the memories that answer a text, best first, each once.

        What was replaced, holds no longer or is hidden is left out, unless `options` ask for it.
        Nothing is written, unless they ask for that.

        Args:
            text: a question or words; quoted phrases and `-word` are exact.
            narrowed: filters, applied before anything is ranked.
            options: the time asked about, a budget of tokens, and more.
            limit: at most 1000; 0 means 10.

        Raises:
            InvalidInputError: the text is empty, or a limit.
            EmbeddingError: the text cannot be embedded.
            MemoryNotFoundError: a memory that was to be reinforced has just been deleted; none was.
        """
        return self.run(
            lambda engine: engine.recall(text, narrowed=narrowed, options=options, limit=limit)
        )

    def note(self, hits: Sequence[RecallHit]) -> str | None:
        """Return what is to be said beside the answer of a recall: that vectors may be missing."""
        return self.run(lambda engine: engine.note(hits))

    def list_memories(
        self,
        memory_filter: MemoryFilter | None = None,
        *,
        order: MemoryOrder = MemoryOrder.CREATED_DESC,
        after: MemoryCursor | None = None,
        limit: int = 0,
    ) -> list[MemoryRecord]:
        """Return one page of memories; see `MemoryStore.list_memories`."""
        return self.run(
            lambda engine: engine.list_memories(
                memory_filter, order=order, after=after, limit=limit
            )
        )

    def get(self, memory_id: UUID) -> tuple[MemoryRecord, SchedulingState | None]:
        """Return a memory and its scheduling.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        return self.run(lambda engine: engine.get(memory_id))

    def due(self, *, before: datetime | None = None, limit: int = 0) -> list[DueMemory]:
        """Return the memories that are due for review, longest due first.

        Args:
            before: due at or before this time, aware; now by default.
            limit: at most 1000; 0 means 10.
        """
        return self.run(lambda engine: engine.due(before=before, limit=limit))

    def links(self, memory_id: UUID) -> list[MemoryEdge]:
        """Return the links from and to a memory, ordered by (source, target, type).

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        return self.run(lambda engine: engine.links(memory_id))

    def neighbors(self, memory_id: UUID, *, depth: int = 1) -> list[NeighborMemory]:
        """Return the memories that links lead to, in either direction, best first.

        Args:
            memory_id: where to start; it is not among them.
            depth: how many links a path may have, 0 to 16.

        Returns:
            At most 256, by the best product of the weights on a path; ties go by id.

        Raises:
            MemoryNotFoundError: the id is unknown.
        """
        return self.run(lambda engine: engine.neighbors(memory_id, depth=depth))

    def changelog(
        self,
        narrowed: ChangelogFilter | None = None,
        *,
        after: tuple[UUID, UUID] | None = None,
        limit: int = 0,
    ) -> list[ChangelogEntry]:
        """Return one page of the account of all changes, newest first.

        Args:
            narrowed: what to keep; everything by default.
            after: `change_id` and `memory_id` of the last entry of the previous page.
            limit: at most 1000; 0 means 10.
        """
        return self.run(lambda engine: engine.changelog(narrowed, after=after, limit=limit))

    def last_change(self) -> list[ChangelogEntry]:
        """Return what `undo` would take back: the entries of one change.

        Raises:
            InvalidInputError: there is no change to undo.
        """
        return self.run(lambda engine: engine.last_change())

    def domains(self) -> list[Domain]:
        """Return all domains, ordered by id."""
        return self.run(lambda engine: engine.domains())

    def domain(self, domain_id: str) -> Domain:
        """Return a domain; an unknown id is `InvalidInputError`."""
        return self.run(lambda engine: engine.domain(domain_id))

    def users(self) -> list[User]:
        """Return all users, ordered by id."""
        return self.run(lambda engine: engine.users())

    def groups(self) -> list[Group]:
        """Return all groups, ordered by id."""
        return self.run(lambda engine: engine.groups())

    def stats(self) -> StoreStats:
        """Return counts and sizes of the store."""
        return self.run(lambda engine: engine.stats())

    def health(self) -> HealthStatus:
        """Say whether the store can be used."""
        return self.run(lambda engine: engine.health())
