"""Stores to look after in tests: memories whose nearness a test decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from factories import a_memory, a_vector_at
from vestige.models import TransferTable

if TYPE_CHECKING:
    from typing import Unpack

    from factories import MemoryFields
    from vestige.engine.engine import Engine
    from vestige.models import MemoryRecord, TransferRow, Vector

DIMENSION: Final = 384


def near(cosine: float, axis: int = 1) -> Vector:
    """Return a vector with this cosine to `near(1.0)`."""
    return a_vector_at(cosine, axis=axis, dimension=DIMENSION)


def far(axis: int) -> Vector:
    """Return a vector that has nothing to do with any other."""
    return a_vector_at(0.0, axis=axis, dimension=DIMENSION)


def a_near_memory(content: str, **changed: Unpack[MemoryFields]) -> MemoryRecord:
    """Return a memory that is near to all others made here, unless it is given a vector."""
    fields: MemoryFields = {"embedding": near(1.0), **changed}
    return a_memory(content, **fields)


async def keep(engine: Engine, *records: MemoryRecord) -> None:
    """Store memories as they are, in a store that has a model."""
    await engine.store.register_model(await engine.model())
    await engine.store.insert_many(records)


async def rows(engine: Engine, table: TransferTable) -> list[TransferRow]:
    """Return all rows of a table."""
    found: list[TransferRow] = []
    after: str | None = None
    while True:
        page = await engine.store.export_page(table, after=after)
        found += page.rows
        if page.next_after is None:
            return found
        after = page.next_after


async def everything(engine: Engine) -> list[list[TransferRow]]:
    """Return all rows of all tables."""
    return [await rows(engine, table) for table in TransferTable]
