"""What a recall has to say while a change of the model is unfinished."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from vestige.storage.problems import is_filling_searched, memories, unfinished_reembedding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.engine.results import RecallHit
    from vestige.storage.protocol import MemoryStore

# A store that has just been asked is asked again only when a vector is seen to be missing, so that
# a recall does not cost a statement more.
ASK_SECONDS: Final = 10.0


class ChangeNotes:
    """Knows when the store was last asked for an unfinished change."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._asked_at: float | None = None

    async def note(self, hits: Sequence[RecallHit]) -> str | None:
        """Return what is to be said beside the answer of a recall, if anything.

        Args:
            hits: what was found.
        """
        now = time.monotonic()
        is_complete = bool(hits) and all(hit.record.embedding is not None for hit in hits)
        if is_complete and self._asked_at is not None and now - self._asked_at < ASK_SECONDS:
            return None
        self._asked_at = now
        change = await self._store.reembedding()
        if change is None or not is_filling_searched(change):
            return None
        (problem,) = unfinished_reembedding(change)
        return (
            f"{problem.problem}: {memories(change.queued)} may be found by words alone"
            f" until `{problem.repair}` is done"
        )
