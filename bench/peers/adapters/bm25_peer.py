"""bm25s, a plain BM25 with stemming and a list of stop words: the control of words alone.

It keeps an index for each group in memory, and stores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bm25s
import Stemmer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from child import Lookup
    from numpy.typing import NDArray


class Peer:
    packages = ("bm25s", "PyStemmer")
    modes = ("words",)
    inserts = ()
    uses_threads = True

    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:  # noqa: ARG002  # it stores nothing
        self._stemmer = Stemmer.Stemmer("english")
        self._texts: dict[str, list[tuple[str, str]]] = {}
        self._indexes: dict[str, bm25s.BM25] = {}

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],  # noqa: ARG002  # words alone
        groups: Sequence[str],
    ) -> None:
        for memory_id, text, group in zip(ids, texts, groups, strict=True):
            self._texts.setdefault(group, []).append((memory_id, text))

    async def finish(self, rows: int) -> None:  # noqa: ARG002  # all are in memory
        for group, rows_of_group in self._texts.items():
            index = self._indexes[group] = bm25s.BM25()
            index.index(self._tokens([text for _, text in rows_of_group]), show_progress=False)

    async def search(
        self,
        mode: str,  # noqa: ARG002  # there is one
        text: str,
        vector: NDArray[np.float32],  # noqa: ARG002  # as above
        limit: int,
        group: str | None,
    ) -> list[str]:
        name = "everybody" if group is None else group
        rows = self._texts[name]
        found, scores = self._indexes[name].retrieve(
            self._tokens([text]), k=min(limit, len(rows)), show_progress=False
        )
        pairs = zip(found[0], scores[0], strict=True)
        return [rows[number][0] for number, score in pairs if score > 0]

    async def close(self) -> None:
        """Nothing is open."""

    def _tokens(self, texts: list[str]) -> bm25s.tokenization.Tokenized:
        return bm25s.tokenize(texts, stopwords="en", stemmer=self._stemmer, show_progress=False)
