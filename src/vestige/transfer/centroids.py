"""The centroids of domains, from the vectors that a store has."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from vestige.models import ScheduledMemory, TransferTable
from vestige.storage.centroids import CentroidSums
from vestige.transfer.pages import pages_of

if TYPE_CHECKING:
    from vestige.models import Vector
    from vestige.transfer.copy_plan import RowSource


async def mean_centroids(source: RowSource, batch_rows: int) -> dict[str, Vector]:
    """Return the mean direction of the memories in each domain that has any with a vector.

    Args:
        source: whose memories; read once, page by page.
        batch_rows: memories per page.
    """
    sums = CentroidSums()
    async with aclosing(pages_of(source, TransferTable.KNOWLEDGE_NODES, batch_rows)) as pages:
        async for page in pages:
            for row in page.rows:
                if isinstance(row, ScheduledMemory):
                    sums.add(row.record)
    return sums.centroids()
