"""Making the vectors that are missing in a store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from vestige.embedding.texts import embed_text, embed_texts
from vestige.errors import EmbeddingError, MemoryNotFoundError
from vestige.models import MemoryCursor, MemoryOrder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from uuid import UUID

    from vestige.embedding.protocol import Embedder
    from vestige.embedding.texts import TextVectors
    from vestige.models import MemoryFilter, MemoryRecord

PAGE_ROWS: Final = 200
BATCH_TEXTS: Final = 128
# So many texts in a row are not refused: the embedder does not work.
FAILURES_IN_A_ROW: Final = 20


class Memories(Protocol):
    """What is asked of a store here; `vestige.storage.protocol` says what its methods do."""

    async def get(self, memory_id: UUID) -> MemoryRecord | None: ...

    async def list_memories(
        self,
        memory_filter: MemoryFilter | None = None,
        *,
        order: MemoryOrder = MemoryOrder.CREATED_DESC,
        after: MemoryCursor | None = None,
        limit: int = 0,
    ) -> list[MemoryRecord]: ...

    async def update(self, record: MemoryRecord) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeFailure:
    """A memory whose text the embedder refused, and why."""

    id: UUID
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeResult:
    """How many memories got vectors, and which did not."""

    encoded: int = 0
    failures: tuple[EncodeFailure, ...] = ()


async def encode_missing(
    store: Memories,
    embedder: Embedder,
    advance: Callable[[int], None],
    *,
    batch_texts: int = BATCH_TEXTS,
) -> EncodeResult:
    """Make the vectors of all memories that have none; what is refused is reported and left.

    Args:
        store: bound to the embedder's model.
        embedder: of the registered model.
        advance: is told of each memory that is done.
        batch_texts: how many texts the embedder is given at once, 1 or more.

    Raises:
        EmbeddingError: the embedder failed for many texts in a row.
        ModelMismatchError: the registered model changed meanwhile.
    """
    encoded, failures, in_a_row = 0, list[EncodeFailure](), 0
    async for batch in batches_without_vector(store, batch_texts):
        async for record, vectors in _embedded(embedder, batch):
            if isinstance(vectors, EmbeddingError):
                failures.append(EncodeFailure(id=record.id, reason=str(vectors)))
                in_a_row += 1
                if in_a_row == FAILURES_IN_A_ROW:
                    raise vectors
            else:
                encoded += await _write(store, record, vectors)
                in_a_row = 0
            advance(1)
    return EncodeResult(encoded=encoded, failures=tuple(failures))


async def batches_without_vector(
    store: Memories, batch_texts: int
) -> AsyncGenerator[list[MemoryRecord]]:
    """Yield the memories that have no vector, in the order of their creation."""
    batch: list[MemoryRecord] = []
    async for record in _without_vector(store):
        batch.append(record)
        if len(batch) == batch_texts:
            yield batch
            batch = []
    if batch:
        yield batch


async def _without_vector(store: Memories) -> AsyncGenerator[MemoryRecord]:
    # In the order of creation, which a write of vectors does not disturb.
    after: MemoryCursor | None = None
    while page := await store.list_memories(
        order=MemoryOrder.CREATED, after=after, limit=PAGE_ROWS
    ):
        for record in page:
            if record.embedding is None:
                yield record
        after = MemoryCursor(at=page[-1].created_at, id=page[-1].id)


async def _embedded(
    embedder: Embedder, batch: Sequence[MemoryRecord]
) -> AsyncGenerator[tuple[MemoryRecord, TextVectors | EmbeddingError]]:
    """Yield each memory with its vectors; a text that is refused takes no other with it."""
    try:
        together = await embed_texts(embedder, [record.content for record in batch])
    except EmbeddingError as error:
        if len(batch) == 1:
            yield batch[0], error
            return
    else:
        for record, vectors in zip(batch, together, strict=True):
            yield record, vectors
        return
    for record in batch:
        try:
            alone = await embed_text(embedder, record.content)
        except EmbeddingError as error:
            yield record, error
        else:
            yield record, alone


async def _write(store: Memories, record: MemoryRecord, vectors: TextVectors) -> bool:
    """Give a memory its vectors, unless somebody has changed it meanwhile; say whether."""
    current = await store.get(record.id)
    if current is None or current.embedding is not None or current.content != record.content:
        return False
    try:
        await store.update(replace(current, embedding=vectors.embedding, windows=vectors.windows))
    except MemoryNotFoundError:
        return False
    return True
