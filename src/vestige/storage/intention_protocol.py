"""The part of a store's contract that is about what is to be done later.

Intentions are written with `MemoryStore.commit`: `PutIntention` and `RemoveIntention`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.models import Intention, IntentionFilter, MemoryCursor


class IntentionStore(Protocol):
    """Intentions in a store; the rules of `vestige.storage.protocol` hold here too."""

    async def get_intention(self, intention_id: UUID) -> Intention | None:
        """Return an intention, or None when the id is unknown."""
        ...

    async def list_intentions(
        self,
        intention_filter: IntentionFilter | None = None,
        *,
        after: MemoryCursor | None = None,
        limit: int = 0,
    ) -> list[Intention]:
        """Return one page of intentions, newest first; ties go by id.

        Args:
            intention_filter: what to keep; everything by default.
            after: `created_at` and id of the last intention of the previous page.
            limit: page size, at most 1000; 0 means 10.
        """
        ...
