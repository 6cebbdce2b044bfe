"""Tidying a store up, and making the vectors that are missing in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vestige.embedding.texts import embed_text
from vestige.engine.results import EncodeFailure, EncodeResult, VacuumResult
from vestige.errors import EmbeddingError, MemoryNotFoundError
from vestige.models import MemoryCursor, MemoryOrder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from vestige.clock import Clock
    from vestige.embedding import Embedder
    from vestige.models import MemoryRecord, StoreStats
    from vestige.storage.protocol import MemoryStore

PAGE_ROWS: Final = 200
# So many texts in a row are not refused: the embedder does not work.
FAILURES_IN_A_ROW: Final = 20


async def vacuum(store: MemoryStore, clock: Clock) -> VacuumResult:
    """Give space back and refresh what the query planner and the indexes know."""
    before = await store.get_stats(clock.now())
    await store.vacuum()
    after = await store.get_stats(clock.now())
    return VacuumResult(before_bytes=before.size_bytes, after_bytes=after.size_bytes)


def missing_vectors(stats: StoreStats) -> int:
    """Return how many memories are not found by meaning, though a model is registered."""
    return 0 if stats.model is None else stats.memory_count - stats.embedded_count


async def encode_missing(
    store: MemoryStore, embedder: Embedder, advance: Callable[[int], None]
) -> EncodeResult:
    """Make the vectors of all memories that have none; what is refused is reported and left.

    Args:
        store: bound to the embedder's model.
        embedder: of the registered model.
        advance: is told of each memory that is done.

    Raises:
        EmbeddingError: the embedder failed for many texts in a row.
        ModelMismatchError: the registered model changed meanwhile.
    """
    encoded, failures, in_a_row = 0, list[EncodeFailure](), 0
    async for record in _without_vector(store):
        try:
            encoded += await _encode(store, embedder, record)
            in_a_row = 0
        except EmbeddingError as error:
            failures.append(EncodeFailure(id=record.id, reason=str(error)))
            in_a_row += 1
            if in_a_row == FAILURES_IN_A_ROW:
                raise
        advance(1)
    return EncodeResult(encoded=encoded, failures=tuple(failures))


async def _encode(store: MemoryStore, embedder: Embedder, record: MemoryRecord) -> bool:
    """Give a memory its vectors, unless somebody has changed it meanwhile; say whether."""
    vectors = await embed_text(embedder, record.content)
    current = await store.get(record.id)
    if current is None or current.embedding is not None or current.content != record.content:
        return False
    try:
        await store.update(replace(current, embedding=vectors.embedding, windows=vectors.windows))
    except MemoryNotFoundError:
        return False
    return True


async def _without_vector(store: MemoryStore) -> AsyncGenerator[MemoryRecord]:
    # In the order of creation, which a write of vectors does not disturb.
    after: MemoryCursor | None = None
    while page := await store.list_memories(
        order=MemoryOrder.CREATED, after=after, limit=PAGE_ROWS
    ):
        for record in page:
            if record.embedding is None:
                yield record
        after = MemoryCursor(at=page[-1].created_at, id=page[-1].id)
