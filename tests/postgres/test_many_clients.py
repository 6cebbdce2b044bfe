"""Many clients of one store, and a server that restarts under them."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from factories import ManualClock, a_memory, a_signature, a_vector
from postgres_server import SERVER_SETTINGS, a_store_database
from vestige.cognition.fsrs import initial_state
from vestige.errors import StoreUnavailableError
from vestige.models import SearchQuery
from vestige.storage import embedded
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

WRITERS = 16
MEMORIES_EACH = 25


async def test_writers_searchers_and_schedulers_do_not_hold_each_other_up() -> None:
    shared = [a_memory(f"shared {number}") for number in range(5)]
    days = range(1, 21)

    async def write(store: PostgresStore, writer: int) -> None:
        for number in range(MEMORIES_EACH):
            place = writer * MEMORIES_EACH + number
            await store.insert(a_memory(f"writer {place}", embedding=a_vector(place)))

    async def search(store: PostgresStore) -> None:
        for number in range(20):
            await store.search(SearchQuery(text="writer", embedding=a_vector(number)))

    async def schedule(store: PostgresStore) -> None:
        for day in days:
            for memory in shared:
                state = initial_state(memory.id, ManualClock().now() + timedelta(days=day))
                await store.update_scheduling(state)

    async with a_store_database() as url:
        store = await PostgresStore.connect(url, 10, clock=ManualClock())
        await store.register_model(a_signature())
        await store.insert_many(shared)
        await asyncio.gather(
            *(write(store, writer) for writer in range(WRITERS)),
            *(search(store) for _ in range(4)),
            *(schedule(store) for _ in range(2)),
        )
        assert await store.count() == WRITERS * MEMORIES_EACH + len(shared)
        last = ManualClock().now() + timedelta(days=days[-1])
        for memory in shared:
            assert await store.get_scheduling(memory.id) == initial_state(memory.id, last)
        await store.close()


async def test_clients_recover_from_a_restart_and_lose_nothing_acknowledged(
    tmp_path: Path,
) -> None:
    acknowledged: set[UUID] = set()
    has_begun, is_back = asyncio.Event(), asyncio.Event()

    numbers = count()

    async def write(store: PostgresStore) -> None:
        while not is_back.is_set() or len(acknowledged) < 50:
            memory = a_memory(f"written around a restart {next(numbers)}")
            with suppress(StoreUnavailableError):  # lost in the middle of its commit
                await store.insert(memory)
                acknowledged.add(memory.id)
            has_begun.set()

    # Here a crash would lose something, if the store acknowledged what is not yet on the disk.
    settings = {name: value for name, value in SERVER_SETTINGS.items() if name == "autovacuum"}
    server = await embedded.start(tmp_path, settings=settings)
    store = await PostgresStore.connect(server.dsn, 4)
    writers = [asyncio.create_task(write(store)) for _ in range(4)]
    await has_begun.wait()
    pid = (await embedded.status(tmp_path)).pid
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)  # at once, as if it crashed
    again = await embedded.start(tmp_path, settings=settings)
    is_back.set()
    await asyncio.gather(*writers)
    stored = {memory.id for memory in await store.get_many(list(acknowledged))}
    assert stored == acknowledged
    await store.close()
    with suppress(ProcessLookupError):
        await again.close()
        await server.close()
