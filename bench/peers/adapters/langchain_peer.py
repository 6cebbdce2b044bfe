"""langchain-postgres: PGVectorStore with its hybrid search, fused by ranks, HNSW and GIN indexes.

Its depth of 4 for each half is raised to 30, which is what Vestige reads for ten answers. Groups
are a column of their own, as its documentation advises for what is filtered by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langchain_core.embeddings import Embeddings
from langchain_postgres import Column, PGEngine, PGVectorStore
from langchain_postgres.v2.hybrid_search_config import HybridSearchConfig, reciprocal_rank_fusion
from langchain_postgres.v2.indexes import HNSWIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from child import Lookup
    from numpy.typing import NDArray

DIMENSION: Final = 384
DEPTH: Final = 30
TABLE: Final = "memories"


class Known(Embeddings):
    """The vectors that are known."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self._lookup.floats(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self._lookup.floats(text)

    async def aembed_query(self, text: str) -> list[float]:
        return self._lookup.floats(text)


def hybrid() -> HybridSearchConfig:
    """Return a configuration; it keeps the words of its first search, so each needs its own."""
    return HybridSearchConfig(
        tsv_column="content_tsv",
        fusion_function=reciprocal_rank_fusion,
        primary_top_k=DEPTH,
        secondary_top_k=DEPTH,
    )


class Peer:
    packages = ("langchain-postgres", "psycopg", "sqlalchemy")
    modes = ("hybrid", "vector")
    inserts = ("aadd_embeddings",)
    uses_threads = False

    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:
        self._engine = PGEngine.from_connection_string(
            place.replace("postgresql://", "postgresql+psycopg://")
        )
        if is_new:
            await self._engine.ainit_vectorstore_table(
                TABLE,
                DIMENSION,
                metadata_columns=[Column("memory_group", "TEXT")],
                hybrid_search_config=hybrid(),
            )
        known = Known(lookup)
        self._words = await PGVectorStore.create(
            self._engine,
            known,
            TABLE,
            metadata_columns=["memory_group"],
            hybrid_search_config=hybrid(),
        )
        self._meaning = await PGVectorStore.create(
            self._engine, known, TABLE, metadata_columns=["memory_group"]
        )

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],
        groups: Sequence[str],
    ) -> None:
        await self._words.aadd_embeddings(
            texts, vectors.tolist(), [{"memory_group": group} for group in groups], list(ids)
        )

    async def finish(self, rows: int) -> None:  # noqa: ARG002  # the indexes are for any number
        await self._words.aapply_vector_index(HNSWIndex())
        await self._words.aapply_hybrid_search_index()

    async def insert(
        self,
        kind: str,  # noqa: ARG002  # there is one
        memory_id: str,
        text: str,
        vector: NDArray[np.float32],
        group: str,
    ) -> None:
        metadata = [{"memory_group": group}]
        await self._words.aadd_embeddings([text], [vector.tolist()], metadata, [memory_id])

    async def search(
        self,
        mode: str,
        text: str,
        vector: NDArray[np.float32],
        limit: int,
        group: str | None,
    ) -> list[str]:
        narrowed = None if group is None else {"memory_group": group}
        if mode == "vector":
            found = await self._meaning.asimilarity_search_by_vector(
                vector.tolist(), limit, narrowed
            )
        else:
            found = await self._words.asimilarity_search(
                text, limit, narrowed, hybrid_search_config=hybrid()
            )
        return [str(document.id) for document in found]

    async def close(self) -> None:
        await self._engine.close()
