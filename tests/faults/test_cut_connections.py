"""Connections to the server are cut at their worst moments: nothing is lost or written twice."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from cut_connections import Cut, cutting
from factories import ManualClock, a_memory, a_signature, a_vector
from postgres_server import a_store_database
from small_disks import IS_LONG
from vestige.errors import DuplicateMemoryError, StoreUnavailableError
from vestige.models import SearchQuery
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from cut_connections import Proxy

MEMORY = a_memory("the lantern is lit at dusk", embedding=a_vector(1))
# Of those that a store sends while it writes a memory through a new connection.
MESSAGES = range(1, 31) if IS_LONG else (1, 4, 7, 10)


@pytest.fixture
async def proxy() -> AsyncGenerator[Proxy]:
    async with a_store_database() as url, cutting(url) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: Proxy, clock: ManualClock) -> AsyncGenerator[PostgresStore]:
    store = await PostgresStore.connect(proxy.url, 1, clock=clock)
    await store.register_model(a_signature())
    yield store
    await store.close()


async def test_a_write_that_is_cut_off_before_its_commit_is_done_again_once(
    proxy: Proxy, store: PostgresStore
) -> None:
    proxy.cut = Cut(at_text=b"INSERT INTO knowledge_nodes")
    await store.insert(MEMORY)
    assert proxy.cuts == 1
    assert await store.get(MEMORY.id) == MEMORY
    assert await store.count() == 1


@pytest.mark.parametrize("is_stored", [False, True])
async def test_a_commit_that_is_cut_off_says_that_nobody_knows_and_looking_tells(
    proxy: Proxy, store: PostgresStore, *, is_stored: bool
) -> None:
    proxy.cut = Cut(at_text=b"COMMIT;", is_answered=is_stored)
    with pytest.raises(StoreUnavailableError, match="while the change was being stored") as caught:
        await store.insert(MEMORY)
    assert "may or may not be there" in caught.value.hint
    assert proxy.cuts == 1
    assert (await store.get(MEMORY.id) == MEMORY) == is_stored
    with suppress(DuplicateMemoryError):
        await store.insert(MEMORY)
    assert await store.count() == 1
    assert await store.find_problems() == []


@pytest.mark.parametrize("is_answered", [False, True])
async def test_a_search_that_is_cut_off_is_asked_again(
    proxy: Proxy, store: PostgresStore, *, is_answered: bool
) -> None:
    await store.insert(MEMORY)
    proxy.cut = Cut(at_message=1, is_answered=is_answered)
    hits = await store.search(SearchQuery(text="lantern", embedding=MEMORY.embedding))
    assert proxy.cuts == 1
    assert [hit.record for hit in hits] == [MEMORY]


@pytest.mark.parametrize("is_answered", [False, True])
@pytest.mark.parametrize("message", MESSAGES)
async def test_a_write_is_whole_or_not_there_wherever_it_is_cut_off(
    proxy: Proxy, store: PostgresStore, message: int, *, is_answered: bool
) -> None:
    await store._db.renew()  # pyright: ignore[reportPrivateUsage]  # so that those of a new connection count
    proxy.cut = Cut(at_message=message, is_answered=is_answered)
    with suppress(StoreUnavailableError):
        await store.insert(MEMORY)
    proxy.cut = None
    with suppress(DuplicateMemoryError):
        await store.insert(MEMORY)
    assert await store.get(MEMORY.id) == MEMORY
    assert await store.get_scheduling(MEMORY.id) is not None
    assert await store.find_problems() == []
