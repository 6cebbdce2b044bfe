"""mcp-memory-service: its store of sqlite-vec, with the known vectors instead of its model.

A group is one of its stores, which its searches are scoped to. What it does by itself is left as it
is: a search notes in each answer that it was read, and an insert looks for contradictions; only the
refusal of what is similar to another memory is off, for all rows are to be stored.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mcp_memory_service.models.memory import Memory
from mcp_memory_service.storage.sqlite_vec import SqliteVecMemoryStorage
from mcp_memory_service.utils.hashing import generate_content_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from child import Lookup
    from numpy.typing import NDArray

BATCH = 500
EVERYBODY = "everybody"


class Known:
    """The vectors that are known, in the form of the model that it loads otherwise."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def encode(self, texts: Sequence[str], **options: Any) -> NDArray[np.float32]:  # noqa: ARG002  # all alike
        return np.array([self._lookup.array(text) for text in texts])


class Storage(SqliteVecMemoryStorage):
    """The storage, which needs no model from the network."""

    def __init__(self, path: str, lookup: Lookup) -> None:
        super().__init__(path)
        self._lookup = lookup

    async def _initialize_embedding_model(self) -> None:
        self.embedding_model = Known(self._lookup)


class Peer:
    packages = ("mcp-memory-service", "sqlite-vec")
    modes = ("hybrid", "vector")
    inserts = ("store",)
    uses_threads = False

    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:  # noqa: ARG002  # it makes what is missing
        logging.disable(logging.INFO)
        self._storage = Storage(str(Path(place) / "memories.db"), lookup)
        await self._storage.initialize()

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],  # noqa: ARG002  # it asks its model
        groups: Sequence[str],
    ) -> None:
        by_group: dict[str, list[Memory]] = {}
        for memory_id, text, group in zip(ids, texts, groups, strict=True):
            by_group.setdefault(group, []).append(memory(memory_id, text))
        for group, memories in by_group.items():
            for start in range(0, len(memories), BATCH):
                await self._storage.store_batch(memories[start : start + BATCH], store=group)

    async def finish(self, rows: int) -> None:
        """Nothing is left to do."""

    async def insert(
        self,
        kind: str,  # noqa: ARG002  # there is one
        memory_id: str,
        text: str,
        vector: NDArray[np.float32],  # noqa: ARG002  # as above
        group: str,
    ) -> None:
        done, message = await self._storage.store(
            memory(memory_id, text), skip_semantic_dedup=True, store=group
        )
        assert done, message

    async def search(
        self,
        mode: str,
        text: str,
        vector: NDArray[np.float32],  # noqa: ARG002  # as above
        limit: int,
        group: str | None,
    ) -> list[str]:
        ask = self._storage.retrieve_hybrid if mode == "hybrid" else self._storage.retrieve
        found = await ask(text, limit, store=EVERYBODY if group is None else group)
        return [result.memory.metadata["document"] for result in found]

    async def close(self) -> None:
        await self._storage.close()


def memory(memory_id: str, text: str) -> Memory:
    return Memory(
        content=text,
        content_hash=generate_content_hash(text),
        metadata={"document": memory_id},
    )
