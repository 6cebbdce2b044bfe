"""Rows are read by their keys, as a copy is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from filled_store import fill
from vestige.models import TransferTable
from vestige.storage.transfer_rows import row_key

if TYPE_CHECKING:
    from vestige.models import TransferRow
    from vestige.storage.protocol import MemoryStore


async def all_rows(store: MemoryStore, table: TransferTable) -> list[TransferRow]:
    return list((await store.export_page(table, limit=500)).rows)


def another(part: UUID | str | int) -> UUID | str | int:
    """Return a part of a key that no row has."""
    match part:
        case UUID():
            return UUID(int=part.int ^ 1 << 64)
        case str():
            return part + "?"
        case int():
            return part + 1_000_000


async def test_rows_are_exported_by_their_keys(store: MemoryStore) -> None:
    await fill(store)
    for table in TransferTable:
        rows = await all_rows(store, table)
        assert rows
        keys = [row_key(row) for row in rows]
        found = await store.export_rows(table, keys)
        assert sorted(found, key=lambda row: str(row_key(row))) == sorted(
            rows, key=lambda row: str(row_key(row))
        )
        assert await store.export_rows(table, keys[:1]) == rows[:1]
        assert await store.export_rows(table, []) == []


async def test_unknown_keys_export_nothing(store: MemoryStore) -> None:
    await fill(store)
    for table in TransferTable:
        for row in await all_rows(store, table):
            unknown = tuple(another(part) for part in row_key(row))
            assert await store.export_rows(table, [unknown]) == []
