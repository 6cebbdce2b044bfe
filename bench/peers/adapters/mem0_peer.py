"""mem0: `infer=False`, so that no language model is asked, with chromadb below; by meaning.

It has no way to be given ids or many texts with metadata of their own: each is a call.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

os.environ["MEM0_TELEMETRY"] = "False"  # read while it is imported

from mem0 import Memory
from mem0.embeddings.base import EmbeddingBase

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from child import Lookup
    from numpy.typing import NDArray

UNUSED = {"provider": "openai", "config": {"api_key": "unused"}}


class Known(EmbeddingBase):
    """The vectors that are known."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__()
        self._lookup = lookup

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:  # noqa: ARG002  # both alike
        return self._lookup.floats(text)


class Peer:
    packages = ("mem0ai", "chromadb")
    modes = ("vector",)
    inserts = ("add",)
    uses_threads = True

    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:  # noqa: ARG002  # it makes what is missing
        below = {"collection_name": "memories", "path": place}
        self._memory = Memory.from_config(
            {
                "vector_store": {"provider": "chroma", "config": below},
                "embedder": UNUSED,
                "llm": UNUSED,
                "history_db_path": f"{place}/history.db",
            }
        )
        self._memory.embedding_model = Known(lookup)

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],
        groups: Sequence[str],
    ) -> None:
        for row in zip(ids, texts, vectors, groups, strict=True):
            await self.insert("add", *row)

    async def finish(self, rows: int) -> None:
        """Nothing is left to do."""

    async def insert(
        self,
        kind: str,  # noqa: ARG002  # there is one
        memory_id: str,
        text: str,
        vector: NDArray[np.float32],  # noqa: ARG002  # it asks its embedder
        group: str,
    ) -> None:
        self._memory.add(text, user_id=group, metadata={"document": memory_id}, infer=False)

    async def search(
        self,
        mode: str,  # noqa: ARG002  # there is one
        text: str,
        vector: NDArray[np.float32],  # noqa: ARG002  # as above
        limit: int,
        group: str | None,
    ) -> list[str]:
        filters: dict[str, Any] = {"user_id": "everybody" if group is None else group}
        found = self._memory.search(text, top_k=limit, filters=filters)["results"]
        return [memory["metadata"]["document"] for memory in found]

    async def close(self) -> None:
        self._memory.close()
