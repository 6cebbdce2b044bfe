"""Reading one state of a store while it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import a_memory, a_signature, an_edge, an_id
from filled_store import fill
from vestige.errors import InvalidInputError
from vestige.models import TransferTable
from vestige.storage.transfer_rows import row_key

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.storage.protocol import MemoryStore

NODES = TransferTable.KNOWLEDGE_NODES


async def test_what_is_written_meanwhile_is_not_seen(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    other = await open_handle()
    await store.insert(a_memory("before"))
    async with store.reading() as state:
        await other.insert(a_memory("meanwhile, by another handle"))
        await store.insert(a_memory("meanwhile, by this handle"))
        await store.delete(an_id("before"))
        assert await state.count_rows(NODES) == 1
        page = await state.export_page(NODES)
        assert [row_key(row) for row in page.rows] == [(an_id("before"),)]
    async with store.reading() as state:
        assert await state.count_rows(NODES) == 2


async def test_the_store_itself_sees_what_is_new_meanwhile(store: MemoryStore) -> None:
    async with store.reading():
        await store.insert(a_memory("new"))
        assert await store.count() == 1
        assert await store.get(an_id("new")) is not None


async def test_every_table_is_counted_and_read_as_the_store_reads_it(store: MemoryStore) -> None:
    await fill(store)
    async with store.reading() as state:
        assert await state.registered_model() == a_signature()
        for table in TransferTable:
            page = await state.export_page(table, limit=1000)
            assert page == await store.export_page(table, limit=1000)
            assert await state.count_rows(table) == len(page.rows) > 0


async def test_pages_go_on_from_each_other_while_rows_come_and_go(store: MemoryStore) -> None:
    for number in range(7):
        await store.insert(a_memory(f"memory {number}"))
    async with store.reading() as state:
        found: list[object] = []
        after: str | None = None
        while True:
            page = await state.export_page(NODES, after=after, limit=2)
            found += page.rows
            await store.insert(a_memory(f"new {len(found)}"))
            await store.delete(an_id(f"new {len(found)}"))
            after = page.next_after
            if after is None:
                break
        assert len(found) == await state.count_rows(NODES) == 7


async def test_the_state_before_the_first_model_has_none(unbound_store: MemoryStore) -> None:
    async with unbound_store.reading() as state:
        await unbound_store.register_model(a_signature())
        assert await state.registered_model() is None


async def test_two_states_can_be_read_at_once(store: MemoryStore) -> None:
    await store.insert(a_memory("one"))
    async with store.reading() as first:
        await store.insert(a_memory("two"))
        async with store.reading() as second:
            await store.add_edge(an_edge(an_id("one"), an_id("two")))
            assert [await state.count_rows(NODES) for state in (first, second)] == [1, 2]
            assert await second.count_rows(TransferTable.EDGES) == 0


async def test_a_failure_of_the_caller_is_passed_on_and_the_store_goes_on(
    store: MemoryStore,
) -> None:
    problem = OSError(28, "No space left on device")

    async def fail() -> None:
        async with store.reading():
            raise problem

    with pytest.raises(OSError, match="No space left") as raised:
        await fail()
    assert raised.value is problem
    await store.insert(a_memory("afterwards"))
    assert await store.count() == 1


async def test_a_page_has_the_limits_of_every_page(store: MemoryStore) -> None:
    async with store.reading() as state:
        with pytest.raises(InvalidInputError):
            await state.export_page(NODES, limit=0)
