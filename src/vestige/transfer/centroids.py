"""The centroids of domains, from the vectors that a store has."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import numpy as np

from vestige.models import ScheduledMemory, TransferTable
from vestige.storage.vectors import unit
from vestige.transfer.pages import pages_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vestige.models import Vector
    from vestige.transfer.copy_plan import RowSource


async def mean_centroids(source: RowSource, batch_rows: int) -> dict[str, Vector]:
    """Return the mean direction of the memories in each domain that has any with a vector.

    Args:
        source: whose memories; read once, page by page.
        batch_rows: memories per page.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    async with aclosing(pages_of(source, TransferTable.KNOWLEDGE_NODES, batch_rows)) as pages:
        async for page in pages:
            for row in page.rows:
                if isinstance(row, ScheduledMemory):
                    _add(sums, row)
    return {name: unit(total.astype(np.float32)) for name, total in sums.items() if total.any()}


def _add(sums: dict[str, NDArray[np.float64]], row: ScheduledMemory) -> None:
    if row.record.embedding is None:
        return
    for domain in row.record.domains:
        sums[domain] = sums.get(domain, np.zeros(())) + unit(row.record.embedding)
