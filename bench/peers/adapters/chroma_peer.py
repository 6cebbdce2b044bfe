"""chromadb: its persistent client, cosine distance; a search is by meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import chromadb

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from child import Lookup
    from numpy.typing import NDArray


class Peer:
    packages = ("chromadb",)
    modes = ("vector",)
    inserts = ("add",)
    uses_threads = True

    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:  # noqa: ARG002  # vectors are given with each call
        settings = chromadb.Settings(anonymized_telemetry=False)
        self._client = chromadb.PersistentClient(place, settings)
        self._memories = self._client.get_or_create_collection(
            "memories", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        self._batch = self._client.get_max_batch_size()

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],
        groups: Sequence[str],
    ) -> None:
        for start in range(0, len(ids), self._batch):
            part = slice(start, start + self._batch)
            self._memories.add(
                ids=ids[part],
                documents=texts[part],
                embeddings=vectors[part],
                metadatas=[{"group": group} for group in groups[part]],
            )

    async def finish(self, rows: int) -> None:
        """Nothing is left to do."""

    async def insert(
        self,
        kind: str,  # noqa: ARG002  # there is one
        memory_id: str,
        text: str,
        vector: NDArray[np.float32],
        group: str,
    ) -> None:
        self._memories.add(
            ids=[memory_id], documents=[text], embeddings=[vector], metadatas=[{"group": group}]
        )

    async def search(
        self,
        mode: str,  # noqa: ARG002  # there is one
        text: str,  # noqa: ARG002  # its local client has no search by words
        vector: NDArray[np.float32],
        limit: int,
        group: str | None,
    ) -> list[str]:
        narrowed: dict[str, Any] | None = None if group is None else {"group": group}
        found = self._memories.query(
            query_embeddings=[vector],
            n_results=limit,
            where=narrowed,
            include=["documents", "metadatas", "distances"],
        )
        return found["ids"][0]

    async def close(self) -> None:
        """Each call has been written when it returns."""
