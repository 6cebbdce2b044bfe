"""The centres of domains: the mean direction of the memories in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vestige.storage.vectors import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vestige.models import MemoryRecord, Vector


class CentroidSums:
    """The sums of the unit vectors in each domain, from which the means follow."""

    def __init__(self) -> None:
        self._sums: dict[str, NDArray[np.float64]] = {}

    def add(self, record: MemoryRecord) -> None:
        """Count a memory in all its domains, if it has a vector."""
        if record.embedding is None:
            return
        for domain in record.domains:
            self._sums[domain] = self._sums.get(domain, np.zeros(())) + unit(record.embedding)

    def centroids(self) -> dict[str, Vector]:
        """Return the mean direction of each domain that has one."""
        return {
            name: unit(total.astype(np.float32))
            for name, total in self._sums.items()
            if total.any()
        }
