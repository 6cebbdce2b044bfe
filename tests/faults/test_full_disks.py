"""The disk fills up while the model of a store that is in use is changed online."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

from factories import ManualClock, a_memory
from small_disks import IS_LONG, small_disk
from vestige.config import PostgresSettings
from vestige.embedding.hashing import HashingEmbedder
from vestige.errors import StoreError, StoreUnavailableError
from vestige.models import SearchQuery
from vestige.storage import embedded
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore
from vestige.transfer.reembedding import ReembedPlan, reembed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    import numpy as np
    from numpy.typing import NDArray

    from small_disks import SmallDisk
    from vestige.models import MemoryRecord
    from vestige.storage.protocol import MemoryStore

    Open = Callable[[ManualClock], Awaitable[MemoryStore]]

OLD: Final = HashingEmbedder(64, "old")
NEW: Final = HashingEmbedder(768, "new")
COUNT: Final = 1500 if IS_LONG else 150
BATCH: Final = 25
LEFT: Final = 16 * 1024  # less than a batch of new vectors takes
LEASE: Final = timedelta(seconds=15)
ONLINE: Final = ReembedPlan(way="online", batch_size=BATCH)
RESUME: Final = ReembedPlan(way="online", batch_size=BATCH, is_resumed=True)
# A segment of the log that has room: a server that cannot write its log ends itself.
BEGIN_LOG: Final = (
    "SELECT pg_switch_wal()",
    "SELECT pg_logical_emit_message(false, 'test', 'begins a segment')",
    "CHECKPOINT",
)
IMPATIENT: Final = PostgresSettings(acquire_timeout_seconds=1)
SETTINGS: Final = {
    "autovacuum": "off",
    "fsync": "off",
    "max_parallel_maintenance_workers": "0",
    "max_wal_size": "32MB",
    "min_wal_size": "32MB",
    "shared_buffers": "16MB",
}


@asynccontextmanager
async def sqlite(disk: SmallDisk) -> AsyncGenerator[Open]:
    async def opened(clock: ManualClock) -> MemoryStore:
        return await SqliteStore.open(disk.path / "vestige.db", clock=clock)

    yield opened


@asynccontextmanager
async def postgres(disk: SmallDisk) -> AsyncGenerator[Open]:
    server = await embedded.start(disk.path, settings=SETTINGS)

    async def opened(clock: ManualClock) -> MemoryStore:
        connection = await asyncpg.connect(server.dsn)
        for statement in BEGIN_LOG:
            await connection.execute(statement)
        await connection.close()
        return await PostgresStore.connect(server.dsn, 4, options=IMPATIENT, clock=clock)

    yield opened
    await server.close()


DISKS: Final[dict[str, tuple[int, Callable[[SmallDisk], AbstractAsyncContextManager[Open]]]]] = {
    "sqlite": (64, sqlite),
    "postgres": (256, postgres),
}


def memories() -> list[MemoryRecord]:
    texts = [f"the lantern of house {number} is lit at dusk" for number in range(COUNT)]
    return encoded([a_memory(text) for text in texts], OLD)


def encoded(records: list[MemoryRecord], embedder: HashingEmbedder) -> list[MemoryRecord]:
    vectors = embedder.embed_documents([record.content for record in records])
    return [
        replace(record, embedding=vector) for record, vector in zip(records, vectors, strict=True)
    ]


async def search_until(store: MemoryStore, told: asyncio.Event, expected: MemoryRecord) -> int:
    """Search by meaning again and again; return how often the right memory was the first."""
    query = SearchQuery(embedding=expected.embedding, limit=5)
    found = 0
    while not told.is_set():
        hits = await store.search(query)
        assert hits[0].record.id == expected.id
        found += 1
        await asyncio.sleep(0)
    return found


class FillingEmbedder(HashingEmbedder):
    """Fills a disk when it has embedded some batches."""

    def __init__(self, disk: SmallDisk) -> None:
        super().__init__(NEW.signature.dimension, NEW.signature.name)
        self._disk = disk
        self._batches_left = COUNT // BATCH // 2

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._batches_left -= 1
        if self._batches_left == 0:
            self._disk.fill(left=LEFT)
        return super().embed_documents(texts)


@pytest.mark.timeout(300)
async def test_a_disk_that_fills_up_stops_a_change_of_the_model_and_nothing_else(
    backend: str, clock: ManualClock
) -> None:
    megabytes, store_on = DISKS[backend]
    with small_disk(megabytes) as disk:
        async with store_on(disk) as opened, AsyncExitStack() as closing:
            store, reader = await opened(clock), await opened(clock)
            records = memories()
            for each in (store, reader):
                closing.push_async_callback(each.close)
                await each.register_model(OLD.signature)
            await store.insert_many(records)
            told = asyncio.Event()
            searching = asyncio.create_task(search_until(reader, told, records[7]))
            with pytest.raises(StoreUnavailableError, match="disk is full") as caught:
                await reembed(store, FillingEmbedder(disk), ONLINE)
            assert "space" in caught.value.hint
            told.set()
            assert await searching > 0
            await is_whole(reader, records)
            disk.make_room()
            clock.advance(LEASE)  # what was being encoded is taken up again
            report = await reembed(store, NEW, RESUME)
            assert report.skipped > 0
            assert report.skipped + report.updated == COUNT
            assert await store.registered_model() == NEW.signature
            assert await store.find_problems() == []
            await is_whole(store, encoded(records, NEW))


@pytest.mark.timeout(300)
async def test_a_server_without_room_for_its_log_loses_nothing_that_it_acknowledged(
    clock: ManualClock,
) -> None:
    stored: list[MemoryRecord] = []

    async def store_until_it_fails(store: MemoryStore) -> None:
        for number in range(400):
            record = a_memory(Random(number).randbytes(200_000).hex())  # noqa: S311  # no secret
            await store.insert(record)
            stored.append(record)

    with small_disk(160) as disk:
        async with postgres(disk) as opened:
            store = await opened(clock)
            disk.fill(left=24 * 1024 * 1024)
            with pytest.raises(StoreError):
                await store_until_it_fails(store)
            await store.close()
        disk.make_room()
        async with postgres(disk) as opened:
            store = await opened(clock)
            assert stored
            assert await store.get_many([record.id for record in stored]) == stored
            assert await store.find_problems() == []
            await store.close()


async def is_whole(store: MemoryStore, records: list[MemoryRecord]) -> None:
    """Check that every memory is there as it was stored, with its vector."""
    assert await store.count() == len(records)
    for first in range(0, len(records), BATCH):
        expected = records[first : first + BATCH]
        assert await store.get_many([record.id for record in expected]) == expected
