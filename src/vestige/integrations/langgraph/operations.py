"""What the operations of LangGraph do to a memory."""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

from langgraph.store.base import Item, SearchItem

from vestige.cognition.currency import is_current
from vestige.engine.putting import was_purged
from vestige.engine.recall_options import RecallFilter
from vestige.errors import InvalidInputError, MemoryNotFoundError
from vestige.integrations.langgraph.items import (
    Address,
    memory_id,
    put_item,
    stored_item,
    tag_of,
)
from vestige.integrations.langgraph.matching import keeps, literal_prefix, matches_namespace
from vestige.models import MAX_LIMIT, MemoryCursor, MemoryFilter, MemoryOrder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime
    from uuid import UUID

    from langgraph.store.base import GetOp, ListNamespacesOp, PutOp, SearchOp

    from vestige.engine.engine import Engine
    from vestige.engine.results import PutItem
    from vestige.integrations.langgraph.items import StoredItem
    from vestige.integrations.langgraph.matching import Namespace
    from vestige.models import MemoryRecord
    from vestige.storage.protocol import MemoryStore

PUT_MAX: Final = 100  # items of one change
PAGE_MIN: Final = 100  # memories that are read at once, at first
GROWTH: Final = 4  # of a page over the one before, and of a search that a filter left too little of


async def get(engine: Engine, op: GetOp, now: datetime) -> Item | None:
    """Return an item; None where there is none, or its memory is hidden or holds no longer.

    One lookup by id, and where nothing is found one in the changelog.
    """
    _, record = await _located(engine.store, Address(namespace=op.namespace, key=op.key))
    item = None if record is None else _item_at(record, now)
    if item is None:
        return None
    return Item(
        value=item.value,
        key=item.address.key,
        namespace=item.address.namespace,
        created_at=item.record.created_at,
        updated_at=item.record.updated_at,
    )


async def search(engine: Engine, op: SearchOp, now: datetime) -> list[SearchItem]:
    """Return the items below a namespace that a filter keeps: ranked ones, then the other ones.

    With a query the best answers come first, with a score; what no search looks into and what lies
    behind the first 1,000 answers follows without one, last changed first. Without a query all are
    in that order. The namespace is an index of the store; a filter is applied to the items read.
    """
    _check_window(op.limit, op.offset)
    wanted = op.offset + op.limit
    found: dict[UUID, SearchItem] = {}
    if op.limit and op.query and op.query.strip():
        found = await _ranked(engine, op, wanted)
    if len(found) < wanted and op.limit:
        async with aclosing(_listed(engine, op.namespace_prefix, now, wanted)) as items:
            async for item in items:
                if item.record.id not in found and keeps(op.filter or {}, item.value):
                    found[item.record.id] = _search_item(item, None)
                if len(found) >= wanted:
                    break
    return [*found.values()][op.offset : wanted]


async def list_namespaces(
    engine: Engine, op: ListNamespacesOp, now: datetime
) -> list[tuple[str, ...]]:
    """Return the namespaces that hold items and match all conditions, cut at a depth, sorted.

    All items below the longest prefix without `*` are read, a page at a time.
    """
    _check_window(op.limit, op.offset)
    conditions = op.match_conditions or ()
    namespaces: set[Namespace] = set()
    items = _listed(engine, literal_prefix(conditions), now, MAX_LIMIT, order=MemoryOrder.CREATED)
    async with aclosing(items):
        async for item in items:
            namespace = item.address.namespace
            if all(matches_namespace(condition, namespace) for condition in conditions):
                namespaces.add(namespace[: op.max_depth])
    return sorted(namespaces)[op.offset : op.offset + op.limit]


async def put(engine: Engine, ops: Sequence[PutOp], fields: Sequence[str]) -> None:
    """Put and delete items; of two operations on one item the last counts.

    The items that are new are one change in the changelog, those that are replaced another, up to
    100 at a time; each one that is deleted is a change of its own.

    Args:
        engine: where.
        ops: what is put; without a value it is deleted.
        fields: paths of what is searched for, where an operation does not say.

    Raises:
        InvalidInputError: an item cannot be stored, or is to expire.
    """
    items: list[PutItem] = []
    going: list[UUID] = []
    for address, op in {Address(namespace=op.namespace, key=op.key): op for op in ops}.items():
        if op.ttl is not None:
            raise InvalidInputError(
                "ttl", "is not supported: nothing is deleted because nobody has read it"
            )
        item_id, _ = await _located(engine.store, address)
        if op.value is None:
            going.append(item_id)
        else:
            index = fields if op.index is None else op.index
            items.append(put_item(item_id, address, op.value, index=index))
    for start in range(0, len(items), PUT_MAX):
        await engine.put(items[start : start + PUT_MAX])
    for item_id in going:
        with suppress(MemoryNotFoundError):  # there is nothing to delete
            await engine.forget(item_id)


async def _located(store: MemoryStore, address: Address) -> tuple[UUID, MemoryRecord | None]:
    """Return the id of an item's memory, and the memory if there is one.

    The id of a memory that was purged is never used again; the item then gets another one.
    """
    generation = 0
    while True:
        candidate = memory_id(address, generation)
        record = await store.get(candidate)
        if record is not None or not await was_purged(store, candidate):
            return candidate, record
        generation += 1


async def _ranked(engine: Engine, op: SearchOp, wanted: int) -> dict[UUID, SearchItem]:
    """Return the best answers to a query, as many as are wanted or can be ranked."""
    limit = min(max(wanted, PAGE_MIN) if op.filter else wanted, MAX_LIMIT)
    narrowed = RecallFilter(tags=(tag_of(op.namespace_prefix),))
    while True:
        hits = await engine.recall(op.query or "", narrowed=narrowed, limit=limit)
        found = {
            hit.record.id: _search_item(item, hit.score)
            for hit in hits
            if (item := stored_item(hit.record)) is not None
            and item.is_indexed
            and _is_below(item, op.namespace_prefix)
            and keeps(op.filter or {}, item.value)
        }
        if len(found) >= wanted or len(hits) < limit or limit == MAX_LIMIT:
            return found
        limit = min(limit * GROWTH, MAX_LIMIT)


async def _listed(
    engine: Engine,
    prefix: Namespace,
    now: datetime,
    wanted: int,
    *,
    order: MemoryOrder = MemoryOrder.UPDATED_DESC,
) -> AsyncGenerator[StoredItem]:
    """Return all items below a namespace, read a page at a time."""
    chosen = MemoryFilter(tags=(tag_of(prefix),), current_at=now)
    limit = min(max(wanted, PAGE_MIN), MAX_LIMIT)
    after: MemoryCursor | None = None
    while True:
        page = await engine.list_memories(chosen, order=order, after=after, limit=limit)
        for record in page:
            item = stored_item(record)
            if item is not None and _is_below(item, prefix):
                yield item
        if len(page) < limit:
            return
        last = page[-1]
        is_by_creation = order == MemoryOrder.CREATED
        after = MemoryCursor(at=last.created_at if is_by_creation else last.updated_at, id=last.id)
        limit = min(limit * GROWTH, MAX_LIMIT)


def _item_at(record: MemoryRecord, now: datetime) -> StoredItem | None:
    return stored_item(record) if is_current(record, now) else None


def _is_below(item: StoredItem, prefix: Namespace) -> bool:
    # Tags can be edited, and those of long namespaces are cut.
    return item.address.namespace[: len(prefix)] == prefix


def _search_item(item: StoredItem, score: float | None) -> SearchItem:
    return SearchItem(
        namespace=item.address.namespace,
        key=item.address.key,
        value=item.value,
        created_at=item.record.created_at,
        updated_at=item.record.updated_at,
        score=score,
    )


def _check_window(limit: int, offset: int) -> None:
    for name, number in (("limit", limit), ("offset", offset)):
        if number < 0:
            raise InvalidInputError(name, f"must not be negative, and is {number}")
