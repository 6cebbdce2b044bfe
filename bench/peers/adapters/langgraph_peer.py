"""langgraph: AsyncPostgresStore with a pool and its default index; a search is by meaning.

A group is a namespace, which is how the store separates memories.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from langgraph.store.base import PutOp
from langgraph.store.postgres import AsyncPostgresStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from child import Lookup
    from numpy.typing import NDArray

DIMENSION: Final = 384
BATCH: Final = 500
ROOT: Final = "memories"
CONNECTIONS: Final = 10  # as many as Vestige opens at most


class Peer:
    packages = ("langgraph", "langgraph-checkpoint-postgres", "psycopg")
    modes = ("vector",)
    inserts = ("aput",)
    uses_threads = False

    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:
        async def embed(texts: Sequence[str]) -> list[list[float]]:
            return [lookup.floats(text) for text in texts]

        self._open = AsyncExitStack()
        self._store = await self._open.enter_async_context(
            AsyncPostgresStore.from_conn_string(
                place,
                pool_config={"min_size": 1, "max_size": CONNECTIONS},
                index={"dims": DIMENSION, "embed": embed, "fields": ["text"]},
            )
        )
        if is_new:
            await self._store.setup()

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],  # noqa: ARG002  # it asks its embedder
        groups: Sequence[str],
    ) -> None:
        puts = [
            PutOp((ROOT, group), memory_id, {"text": text})
            for memory_id, text, group in zip(ids, texts, groups, strict=True)
        ]
        for start in range(0, len(puts), BATCH):
            await self._store.abatch(puts[start : start + BATCH])

    async def finish(self, rows: int) -> None:
        """Its indexes are there from the start."""

    async def insert(
        self,
        kind: str,  # noqa: ARG002  # there is one
        memory_id: str,
        text: str,
        vector: NDArray[np.float32],  # noqa: ARG002  # as above
        group: str,
    ) -> None:
        await self._store.aput((ROOT, group), memory_id, {"text": text})

    async def search(
        self,
        mode: str,  # noqa: ARG002  # there is one
        text: str,
        vector: NDArray[np.float32],  # noqa: ARG002  # as above
        limit: int,
        group: str | None,
    ) -> list[str]:
        namespace = (ROOT,) if group is None else (ROOT, group)
        found = await self._store.asearch(namespace, query=text, limit=limit)
        return [item.key for item in found]

    async def close(self) -> None:
        await self._open.aclose()
