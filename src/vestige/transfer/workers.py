"""Workers that encode the memories which wait for vectors of another model.

Each claims a batch in the store, encodes it on another thread, and writes it while it encodes the
next one. Workers of several processes share the queue; what one that died had claimed is taken over
when its claim ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from vestige.embedding.missing import Patience, encode_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vestige.embedding import Embedder
    from vestige.models import EncodedMemory, ModelSignature, RefusedMemory, UnencodedMemory
    from vestige.storage.protocol import MemoryStore

RENEW_SECONDS: Final = 5.0  # between two renewals of a claim, which lasts three times as long
POLL_SECONDS: Final = 0.25  # between two looks at what other processes have claimed


@dataclass(kw_only=True, slots=True)
class _Worker:
    """What one worker works with, and how many texts in a row it was refused."""

    store: MemoryStore
    embedder: Embedder
    signature: ModelSignature
    batch_texts: int
    on_rows: Callable[[int], None]
    until_dry: bool
    patience: Patience = field(default_factory=Patience)


@dataclass(kw_only=True, slots=True)
class _Batch:
    """Claimed memories, and the task that keeps the claim up."""

    claim: UUID
    memories: Sequence[UnencodedMemory]
    keeping: asyncio.Task[None]


async def encode_queue(
    store: MemoryStore,
    embedder: Embedder,
    signature: ModelSignature,
    on_rows: Callable[[int], None],
    *,
    batch_texts: int,
    workers: int = 1,
    until_dry: bool = True,
) -> int:
    """Give all queued memories their vectors; return how many got them here.

    Ends when no memory waits any more, also not for another process.

    Args:
        store: with a change of the model that waits for vectors of this model.
        embedder: of the model; used by several threads at once when there are several workers.
        signature: of the embedder.
        on_rows: is told how many more memories were dealt with.
        batch_texts: how many texts the embedder is given at once, 1 or more.
        workers: how many batches are encoded at once, 1 or more.
        until_dry: false: a worker ends with its first batch that is not full. Where others write
            all the while, the queue may never be empty.

    Raises:
        EmbeddingError: the embedder failed for many texts in a row.
    """

    def worker() -> _Worker:
        return _Worker(
            store=store,
            embedder=embedder,
            signature=signature,
            batch_texts=batch_texts,
            on_rows=on_rows,
            until_dry=until_dry,
        )

    if workers == 1:
        return await _work(worker())
    tasks = [asyncio.create_task(_work(worker())) for _ in range(workers)]
    try:
        return sum(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _work(worker: _Worker) -> int:
    written = 0
    writing: asyncio.Task[int] | None = None
    batch: _Batch | None = None
    try:
        while True:
            batch = await _claim(worker)
            encoded = None if batch is None else await _encode(worker, batch)
            if writing is not None:
                written += await writing
            writing = None
            if batch is not None and encoded is not None:
                writing = asyncio.create_task(_write(worker, batch, *encoded))
                is_last = not worker.until_dry and len(batch.memories) < worker.batch_texts
                batch = None  # the task looks after it
                if is_last:
                    return written + await writing
            elif not await _has_more(worker):
                return written
    except BaseException:
        if writing is not None:
            await asyncio.gather(writing, return_exceptions=True)
        if batch is not None:
            await _release(worker, batch)
        raise


async def _claim(worker: _Worker) -> _Batch | None:
    claim = uuid4()
    memories = await worker.store.claim_unencoded(worker.signature, claim, worker.batch_texts)
    if not memories:
        return None
    keeping = asyncio.create_task(_keep(worker.store, claim))
    return _Batch(claim=claim, memories=memories, keeping=keeping)


async def _keep(store: MemoryStore, claim: UUID) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        await store.renew_claim(claim)


async def _encode(
    worker: _Worker, batch: _Batch
) -> tuple[list[EncodedMemory], list[RefusedMemory]]:
    return await encode_batch(worker.embedder, worker.signature, batch.memories, worker.patience)


async def _write(
    worker: _Worker,
    batch: _Batch,
    encoded: list[EncodedMemory],
    refused: list[RefusedMemory],
) -> int:
    try:
        written = await worker.store.write_encoded(worker.signature, batch.claim, encoded, refused)
    except BaseException:
        await _release(worker, batch)
        raise
    batch.keeping.cancel()
    worker.on_rows(len(batch.memories))
    return written


async def _release(worker: _Worker, batch: _Batch) -> None:
    batch.keeping.cancel()
    # What keeps the store from this ended the work before, and the claim ends by itself.
    await asyncio.gather(worker.store.release_claim(batch.claim), return_exceptions=True)


async def _has_more(worker: _Worker) -> bool:
    """Say whether memories wait that others have claimed, after a moment."""
    change = await worker.store.reembedding()
    if change is None or change.filled != worker.signature or change.queued == change.failed:
        return False
    await asyncio.sleep(POLL_SECONDS)
    return True
