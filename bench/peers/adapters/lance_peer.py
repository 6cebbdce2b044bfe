"""lancedb: a table on the local disk; a search is hybrid with its default fusion by ranks.

The index of vectors is built from 50,000 rows on: with fewer a table is searched exactly, as its
documentation advises, and loads the faster for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

os.environ["LANCEDB_LOG"] = "error"  # read while it is imported; each search warns otherwise

import lancedb
import pyarrow as pa
from lancedb.index import FTS, BTree, HnswSq
from lancedb.rerankers import RRFReranker

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from child import Lookup
    from numpy.typing import NDArray

INDEXED_FROM: Final = 50_000
DIMENSION: Final = 384
SHOWN: Final = ["id", "text", "group"]


class Peer:
    packages = ("lancedb", "pyarrow")
    modes = ("hybrid", "vector", "vector exact", "words")
    inserts = ("add",)
    uses_threads = True

    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:  # noqa: ARG002  # vectors are given with each call
        self._db = lancedb.connect(place)
        self._fusion = RRFReranker()
        self._schema = pa.schema(
            [
                ("id", pa.string()),
                ("text", pa.string()),
                ("group", pa.string()),
                ("vector", pa.list_(pa.float32(), DIMENSION)),
            ]
        )
        if is_new:
            self._memories = self._db.create_table("memories", schema=self._schema)
        else:
            self._memories = self._db.open_table("memories")

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],
        groups: Sequence[str],
    ) -> None:
        rows = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), DIMENSION)
        self._memories.add(
            pa.Table.from_arrays(
                [pa.array(ids), pa.array(texts), pa.array(groups), rows], schema=self._schema
            )
        )

    async def finish(self, rows: int) -> None:
        self._memories.create_index("text", config=FTS())
        self._memories.create_index("group", config=BTree())
        if rows >= INDEXED_FROM:
            self._memories.create_index("vector", config=HnswSq(distance_type="cosine"))

    async def insert(
        self,
        kind: str,  # noqa: ARG002  # there is one
        memory_id: str,
        text: str,
        vector: NDArray[np.float32],
        group: str,
    ) -> None:
        self._memories.add([{"id": memory_id, "text": text, "group": group, "vector": vector}])

    async def search(
        self, mode: str, text: str, vector: NDArray[np.float32], limit: int, group: str | None
    ) -> list[str]:
        if mode == "words":
            query = self._memories.search(text, query_type="fts")
        elif mode == "hybrid":
            query = self._memories.search(query_type="hybrid").vector(vector).text(text)
            query = query.distance_type("cosine").rerank(self._fusion)
        else:
            query = self._memories.search(vector, query_type="vector").distance_type("cosine")
            if mode == "vector exact":
                query = query.bypass_vector_index()
        if group is not None:
            query = query.where("`group` = '" + group.replace("'", "''") + "'")
        return [row["id"] for row in query.select(SHOWN).limit(limit).to_list()]

    async def close(self) -> None:
        self._memories.optimize()
