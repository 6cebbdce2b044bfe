"""The pages of a table, one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from vestige.models import TransferPage, TransferTable
    from vestige.transfer.copy_plan import RowSource


async def pages_of(
    source: RowSource, table: TransferTable, limit: int
) -> AsyncGenerator[TransferPage]:
    """Yield the pages of a table, reading each while the one before it is dealt with."""
    reading = asyncio.ensure_future(source.export_page(table, limit=limit))
    try:
        while True:
            page = await reading
            if page.next_after is not None:
                after = page.next_after
                reading = asyncio.ensure_future(source.export_page(table, after=after, limit=limit))
            yield page
            if page.next_after is None:
                return
    finally:
        reading.cancel()
