"""Making the vectors that are missing in a store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from vestige.embedding.texts import embed_now, signature_of
from vestige.errors import EmbeddingError, MemoryNotFoundError
from vestige.models import (
    EncodedMemory,
    MemoryCursor,
    MemoryOrder,
    RefusedMemory,
    UnencodedMemory,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
    from uuid import UUID

    from vestige.embedding.protocol import Embedder
    from vestige.embedding.texts import TextVectors
    from vestige.models import MemoryFilter, MemoryRecord, ModelSignature, Vector

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
class EncodeResult:
    """How many memories got vectors, and which did not."""

    encoded: int = 0
    failures: tuple[RefusedMemory, ...] = ()


@dataclass(slots=True)
class Patience:
    """How many texts in a row were refused; when they are too many, the embedder does not work."""

    refused: int = 0

    def accept(self) -> None:
        """Know that a text was encoded."""
        self.refused = 0

    def refuse(self, reason: str) -> None:
        """Know that a text was refused.

        Raises:
            EmbeddingError: the last of too many in a row.
        """
        self.refused += 1
        if self.refused == FAILURES_IN_A_ROW:
            raise EmbeddingError(reason)


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
    written, failures, patience = 0, list[RefusedMemory](), Patience()
    signature = await signature_of(embedder)
    async for batch in batches_without_vector(store, batch_texts):
        texts = [UnencodedMemory(id=record.id, content=record.content) for record in batch]
        encoded, refused = await encode_batch(embedder, signature, texts, patience)
        records = {record.id: record for record in batch}
        for memory in encoded:
            written += await _write(store, records[memory.id], memory)
        failures += refused
        advance(len(batch))
    return EncodeResult(encoded=written, failures=tuple(failures))


async def encode_batch(
    embedder: Embedder,
    signature: ModelSignature,
    memories: Sequence[UnencodedMemory],
    patience: Patience,
) -> tuple[list[EncodedMemory], list[RefusedMemory]]:
    """Encode texts together, on another thread; return the vectors, and what was refused.

    Refused is also what the embedder returns for a text when it cannot be a vector of its model.

    Raises:
        EmbeddingError: the embedder failed for many texts in a row.
    """
    return await asyncio.to_thread(encode_now, embedder, signature, memories, patience)


def encode_now(
    embedder: Embedder,
    signature: ModelSignature,
    memories: Sequence[UnencodedMemory],
    patience: Patience,
) -> tuple[list[EncodedMemory], list[RefusedMemory]]:
    """Do what `encode_batch` does on the calling thread, which waits for it."""
    encoded: list[EncodedMemory] = []
    refused: list[RefusedMemory] = []
    for memory, vectors in _embedded(embedder, memories):
        try:
            encoded.append(_checked(memory, vectors, signature))
            patience.accept()
        except EmbeddingError as error:
            refused.append(RefusedMemory(id=memory.id, reason=str(error)))
            patience.refuse(str(error))
    return encoded, refused


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


def _embedded(
    embedder: Embedder, batch: Sequence[UnencodedMemory]
) -> Iterator[tuple[UnencodedMemory, TextVectors | EmbeddingError]]:
    """Yield each memory with its vectors; a text that is refused takes no other with it."""
    try:
        together = embed_now(embedder, [memory.content for memory in batch])
    except EmbeddingError as error:
        if len(batch) == 1:
            yield batch[0], error
            return
    else:
        yield from zip(batch, together, strict=True)
        return
    for memory in batch:
        try:
            (alone,) = embed_now(embedder, [memory.content])
        except EmbeddingError as error:
            yield memory, error
        else:
            yield memory, alone


def _checked(
    memory: UnencodedMemory, vectors: TextVectors | EmbeddingError, signature: ModelSignature
) -> EncodedMemory:
    """Return the vectors of a memory.

    Raises:
        EmbeddingError: there are none, or they cannot be of the model.
    """
    if isinstance(vectors, EmbeddingError):
        raise vectors
    for vector in (vectors.embedding, *vectors.windows):
        fault = _fault_of(vector, signature.dimension)
        if fault is not None:
            raise EmbeddingError(f"{signature.name} returned a vector {fault}")
    return EncodedMemory(id=memory.id, embedding=vectors.embedding, windows=vectors.windows)


def _fault_of(vector: Vector, dimension: int) -> str | None:
    """Say why a vector cannot be one of a model, None when it can."""
    if vector.shape != (dimension,):
        return f"of {vector.size} dimensions instead of {dimension}"
    if not np.isfinite(vector).all():
        return "with values that are no numbers"
    return None if vector.any() else "of nothing but zeros"


async def _write(store: Memories, record: MemoryRecord, made: EncodedMemory) -> bool:
    """Give a memory its vectors, unless somebody has changed it meanwhile; say whether."""
    current = await store.get(record.id)
    if current is None or current.embedding is not None or current.content != record.content:
        return False
    try:
        await store.update(replace(current, embedding=made.embedding, windows=made.windows))
    except MemoryNotFoundError:
        return False
    return True
