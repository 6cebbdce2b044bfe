"""Pages of memories: filters, orders, ties and cursors."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory, a_numbered_id, a_user
from vestige.errors import InvalidInputError
from vestige.models import LOCAL_USER_ID, MemoryCursor, MemoryFilter, MemoryOrder

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from vestige.models import MemoryRecord
    from vestige.storage.protocol import MemoryStore

ANA = a_user("ana")
FILTERS: dict[str, tuple[MemoryFilter, Callable[[MemoryRecord], bool]]] = {
    "none": (MemoryFilter(), lambda _: True),
    "codebase": (MemoryFilter(codebase="vestige"), lambda m: m.codebase == "vestige"),
    "one tag": (MemoryFilter(tags=("red",)), lambda m: "red" in m.tags),
    "any of two tags": (
        MemoryFilter(tags=("red", "blue")),
        lambda m: "red" in m.tags or "blue" in m.tags,
    ),
    "one type": (MemoryFilter(node_types=("note",)), lambda m: m.node_type == "note"),
    "any of two types": (
        MemoryFilter(node_types=("note", "fact")),
        lambda m: m.node_type in {"note", "fact"},
    ),
    "owner": (MemoryFilter(owner_user_id=ANA.id), lambda m: m.owner_user_id == ANA.id),
    "created at or after": (
        MemoryFilter(created_after=START + 2 * DAY),
        lambda m: m.created_at >= START + 2 * DAY,
    ),
    "created before": (
        MemoryFilter(created_before=START + 2 * DAY),
        lambda m: m.created_at < START + 2 * DAY,
    ),
    "all at once": (
        MemoryFilter(
            codebase="vestige",
            tags=("red", "blue"),
            node_types=("note", "fact"),
            created_after=START,
            created_before=START + 4 * DAY,
            owner_user_id=ANA.id,
        ),
        lambda m: (
            m.codebase == "vestige"
            and bool({"red", "blue"} & set(m.tags))
            and m.node_type in {"note", "fact"}
            and START <= m.created_at < START + 4 * DAY
            and m.owner_user_id == ANA.id
        ),
    ),
}


def a_mixed_crowd() -> list[MemoryRecord]:
    """Return 60 memories of which many share their times, to make ties common."""
    return [
        a_memory(
            f"memory {number}",
            id=a_numbered_id(number * 37 % 61 + 1),
            codebase=("vestige", "other", None)[number % 3],
            tags=(("red",), ("blue", "red"), ("green",), ())[number % 4],
            node_type=("note", "fact", "event")[number // 2 % 3],
            created_at=START + DAY * (number % 5),
            updated_at=START + DAY * (9 - number % 3),
            owner_user_id=ANA.id if number % 2 else LOCAL_USER_ID,
        )
        for number in range(60)
    ]


def sort_key(order: MemoryOrder) -> Callable[[MemoryRecord], tuple[timedelta, UUID]]:
    """Return what a list of this order is sorted by, ids always ascending."""
    sign = -1 if order in {MemoryOrder.CREATED_DESC, MemoryOrder.UPDATED_DESC} else 1
    return lambda record: (sign * (cursor_of(record, order).at - START), record.id)


def cursor_of(record: MemoryRecord, order: MemoryOrder) -> MemoryCursor:
    by_creation = order in {MemoryOrder.CREATED, MemoryOrder.CREATED_DESC}
    return MemoryCursor(at=record.created_at if by_creation else record.updated_at, id=record.id)


async def every_page(
    store: MemoryStore, memory_filter: MemoryFilter, order: MemoryOrder, limit: int
) -> list[list[MemoryRecord]]:
    """Return all pages, the empty one at the end left out."""
    pages: list[list[MemoryRecord]] = []
    after: MemoryCursor | None = None
    while page := await store.list_memories(memory_filter, order=order, after=after, limit=limit):
        pages.append(page)
        after = cursor_of(page[-1], order)
    return pages


@pytest.fixture
async def crowd(store: MemoryStore) -> list[MemoryRecord]:
    await store.upsert_user(ANA)
    records = a_mixed_crowd()
    await store.insert_many(records)
    return records


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("order", MemoryOrder)
async def test_pages_hold_every_kept_memory_once_and_in_order(
    store: MemoryStore, crowd: list[MemoryRecord], order: MemoryOrder, name: str
) -> None:
    memory_filter, keeps = FILTERS[name]
    expected = sorted(filter(keeps, crowd), key=sort_key(order))
    pages = await every_page(store, memory_filter, order, limit=4)
    assert [record for page in pages for record in page] == expected
    assert all(len(page) == 4 for page in pages[:-1])
    assert expected  # a filter that keeps nothing would prove nothing


@pytest.mark.parametrize("order", MemoryOrder)
async def test_equal_times_are_ordered_by_id_ascending(
    store: MemoryStore, order: MemoryOrder
) -> None:
    ids = [a_numbered_id(number) for number in (3, 1, 5, 2, 4)]
    await store.insert_many([a_memory(str(number), id=id_) for number, id_ in enumerate(ids)])
    listed = [record.id for record in await store.list_memories(order=order)]
    assert listed == sorted(ids)


async def test_newest_first_is_the_default(store: MemoryStore, crowd: list[MemoryRecord]) -> None:
    expected = sorted(crowd, key=sort_key(MemoryOrder.CREATED_DESC))[:10]
    assert await store.list_memories() == expected


async def test_memories_that_arrive_between_pages_disturb_none_of_the_old_ones(
    store: MemoryStore, crowd: list[MemoryRecord]
) -> None:
    order = MemoryOrder.CREATED_DESC
    first = await store.list_memories(order=order, limit=30)
    await store.insert_many(
        [a_memory("early", created_at=START - DAY), a_memory("late", created_at=START + 99 * DAY)]
    )
    after = cursor_of(first[-1], order)
    second = await store.list_memories(order=order, after=after, limit=100)
    listed = [record.id for record in [*first, *second]]
    assert {record.id for record in crowd} <= set(listed)
    assert len(listed) == len(set(listed))


async def test_a_cursor_need_not_be_a_stored_memory(store: MemoryStore) -> None:
    records = [a_memory(str(day), created_at=START + DAY * day) for day in range(4)]
    await store.insert_many(records)
    after = MemoryCursor(at=START + DAY * 1.5, id=a_numbered_id(7))
    listed = await store.list_memories(order=MemoryOrder.CREATED, after=after)
    assert listed == records[2:]


async def test_times_a_microsecond_apart_are_told_apart(store: MemoryStore) -> None:
    microsecond = timedelta(microseconds=1)
    records = [a_memory(str(step), created_at=START + microsecond * step) for step in range(3)]
    await store.insert_many(records)
    window = MemoryFilter(created_after=START + microsecond, created_before=START + 2 * microsecond)
    assert await store.list_memories(window) == [records[1]]


async def test_an_unknown_value_in_a_filter_keeps_nothing(
    store: MemoryStore, crowd: list[MemoryRecord]
) -> None:
    assert crowd
    assert await store.list_memories(MemoryFilter(codebase="unheard-of")) == []
    assert await store.list_memories(MemoryFilter(tags=("unheard-of",))) == []
    assert await store.list_memories(MemoryFilter(tags=("re", "RED", "red%"))) == []


async def test_a_limit_of_zero_means_ten(store: MemoryStore, crowd: list[MemoryRecord]) -> None:
    assert len(crowd) > 10
    assert len(await store.list_memories(limit=0)) == 10


@pytest.mark.parametrize("limit", [-1, 1001])
async def test_a_limit_outside_its_range_is_refused(store: MemoryStore, limit: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.list_memories(limit=limit)
    assert caught.value.field == "limit"


async def test_a_page_of_the_largest_size_is_given(store: MemoryStore) -> None:
    start = [a_memory(str(n), id=a_numbered_id(n + 1)) for n in range(1005)]
    await store.insert_many(start)
    page = await store.list_memories(limit=1000)
    assert [record.id for record in page] == [record.id for record in start[:1000]]


async def test_an_empty_store_lists_nothing(store: MemoryStore) -> None:
    assert await store.list_memories() == []


async def test_pages_never_repeat_the_last_memory(
    store: MemoryStore, crowd: list[MemoryRecord]
) -> None:
    assert crowd
    pages = await every_page(store, MemoryFilter(), MemoryOrder.UPDATED_DESC, limit=7)
    assert all(earlier[-1] != later[0] for earlier, later in pairwise(pages))
