"""Vestige: a search is a recall of the engine, which gets the known vectors for its questions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from vestige import Engine, IngestContext, MemoryRecord, RecallFilter, SearchQuery
from vestige.models import ModelSignature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from child import Lookup
    from numpy.typing import NDArray

    from vestige import MemoryStore

DIMENSION: Final = 384
SIGNATURE: Final = ModelSignature(name="known", dimension=DIMENSION, hash="d" * 64)
DOCUMENT: Final = "document"  # in the metadata
CREATED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


class KnownVectors:
    """An embedder that knows the vectors of its texts."""

    signature = SIGNATURE

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def split(self, text: str) -> list[str]:
        return [text]

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self._lookup.array(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._lookup.array(text).reshape(1, DIMENSION)


class VestigePeer:
    packages = ("vestige", "apsw", "asyncpg")
    modes = ("recall", "hybrid", "vector", "words")
    inserts = ("insert", "remember")
    uses_threads = False

    async def _begin(self, store: MemoryStore, lookup: Lookup) -> None:
        self._store = store
        await store.register_model(SIGNATURE)
        self._engine = Engine(store, KnownVectors(lookup))

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],
        groups: Sequence[str],
    ) -> None:
        await self._store.insert_many(
            [record(*row) for row in zip(ids, texts, vectors, groups, strict=True)]
        )

    async def insert(
        self, kind: str, memory_id: str, text: str, vector: NDArray[np.float32], group: str
    ) -> None:
        if kind == "insert":
            await self._store.insert(record(memory_id, text, vector, group))
        else:
            await self._engine.remember(
                text, context=IngestContext(codebase=group), metadata={DOCUMENT: memory_id}
            )

    async def search(
        self, mode: str, text: str, vector: NDArray[np.float32], limit: int, group: str | None
    ) -> list[str]:
        if mode == "recall":
            narrowed = RecallFilter(codebase=group)
            hits = await self._engine.recall(text, narrowed=narrowed, limit=limit)
            return [document_of(hit.record) for hit in hits]
        query = SearchQuery(
            text=None if mode == "vector" else text,
            embedding=None if mode == "words" else vector,
            codebase=group,
            limit=limit,
        )
        return [document_of(result.record) for result in await self._store.search(query)]

    async def close(self) -> None:
        await self._store.close()


def document_of(record: MemoryRecord) -> str:
    """Return the id it was given; one that was remembered chose another for itself."""
    return str(record.metadata.get(DOCUMENT, record.id))


def record(memory_id: str, text: str, vector: NDArray[np.float32], group: str) -> MemoryRecord:
    return MemoryRecord(
        id=UUID(memory_id),
        content=text,
        embedding=vector,
        codebase=group,
        created_at=CREATED_AT,
        updated_at=CREATED_AT,
    )
