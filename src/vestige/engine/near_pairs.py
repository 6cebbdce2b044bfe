"""Going through all memories, page by page, and pairing each with the older ones near to it.

A pair is found from its newer side only, so each comes once and nothing has to be kept of those
that were seen. It is missed where more than `NEAREST` others are nearer to the newer one.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.cognition.ingest_gate import normalised_text
from vestige.embedding.texts import signature_of
from vestige.models import MemoryCursor, MemoryOrder, SearchQuery
from vestige.storage.problems import is_filling_searched, unfinished_reembedding

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime
    from typing import TypeAlias

    from vestige.engine.parts import Parts
    from vestige.models import MemoryFilter, MemoryRecord
    from vestige.storage.protocol import MemoryStore

    # Is told how many more memories are done, and how many there are to do in all.
    Advance: TypeAlias = Callable[[int, int], None]

PAGE_ROWS: Final = 100
NEAREST: Final = 20  # memories that each one is compared with, itself among them
TEXTS_MAX: Final = 10_000  # whose digests are kept in mind, those that recur longest


@dataclass(frozen=True, kw_only=True, slots=True)
class NearPair:
    """Two current memories of one codebase and owner, and the cosine of the two."""

    older: MemoryRecord
    newer: MemoryRecord
    similarity: float


async def pages(
    store: MemoryStore, memory_filter: MemoryFilter | None = None
) -> AsyncGenerator[list[MemoryRecord]]:
    """Yield all memories, oldest first, in pages."""
    after: MemoryCursor | None = None
    while page := await store.list_memories(
        memory_filter, order=MemoryOrder.CREATED, after=after, limit=PAGE_ROWS
    ):
        yield page
        after = MemoryCursor(at=page[-1].created_at, id=page[-1].id)


class PairSearch:
    """Pairs memories with older ones; of equal texts only the first is compared.

    The others have the same neighbours, and thousands of them would each find all the rest.

    Args:
        store: bound to the registered model.
        now: what is current at this time takes part.
        least_similarity: cosine, -1 to 1.
    """

    def __init__(self, store: MemoryStore, now: datetime, least_similarity: float) -> None:
        self._store = store
        self._now = now
        self._least_similarity = least_similarity
        self._texts = OrderedDict[bytes, None]()

    async def pairs(self, record: MemoryRecord) -> list[NearPair]:
        """Return the pairs of a current memory, nearest first; without a vector there are none."""
        if record.embedding is None or self._is_known(text_key(record)):
            return []
        nearest = await self._store.search(
            SearchQuery(
                embedding=record.embedding,
                codebase=record.codebase,
                current_at=self._now,
                limit=NEAREST,
            )
        )
        # Of copies the first stands for all, else five of them would take all links of a memory.
        distinct: dict[bytes, NearPair] = {}
        for hit in nearest:
            if hit.score >= self._least_similarity and _is_comparable(hit.record, record):
                pair = NearPair(older=hit.record, newer=record, similarity=min(hit.score, 1.0))
                distinct.setdefault(text_key(hit.record), pair)
        return list(distinct.values())

    def _is_known(self, key: bytes) -> bool:
        is_known = key in self._texts
        self._texts[key] = None
        self._texts.move_to_end(key)
        if len(self._texts) > TEXTS_MAX:
            self._texts.popitem(last=False)
        return is_known


def text_key(record: MemoryRecord) -> bytes:
    """Return what two memories share that hold one text, in one codebase and of one owner."""
    codebase = "" if record.codebase is None else f"={record.codebase}"
    text = f"{record.owner_user_id}\n{codebase}\n{normalised_text(record.content)}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


async def meaning_obstacle(parts: Parts) -> str | None:
    """Say why memories cannot be compared by meaning; bind the store to its model if they can.

    Raises:
        EmbeddingError: the embedder failed.
        ModelMismatchError: the registered model is not the embedder's.
    """
    if await parts.store.registered_model() is None:
        return "nothing was compared by meaning: the store has no model and no vectors yet"
    unfinished = await parts.store.reembedding()
    if unfinished is not None and is_filling_searched(unfinished):
        (problem,) = unfinished_reembedding(unfinished)
        return f"nothing was compared by meaning: {problem.problem}; repair: {problem.repair}"
    await parts.store.register_model(await signature_of(parts.embedder))
    return None


def missing_note(without_vector: int) -> tuple[str, ...]:
    """Return the note about memories that could not be compared by meaning, if there are any."""
    if not without_vector:
        return ()
    have = "1 memory has" if without_vector == 1 else f"{without_vector:,} memories have"
    problem = f"{have} no vector and could not be compared by meaning"
    return (f"{problem}: `vestige consolidate --apply` makes what is missing",)


def _is_comparable(older: MemoryRecord, newer: MemoryRecord) -> bool:
    return (
        (older.created_at, older.id) < (newer.created_at, newer.id)
        and older.codebase == newer.codebase
        and older.owner_user_id == newer.owner_user_id
    )
