"""The numbers of a domain that follow from its memories: how many there are, and their centre."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from vestige.engine.upkeep_results import DomainRecount
from vestige.storage.centroids import CentroidSums
from vestige.storage.vectors import unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vestige.models import Domain, MemoryRecord, Vector
    from vestige.storage.protocol import MemoryStore

CENTROID_TOLERANCE: Final = 1e-5  # of a component; less is the rounding of a float32 sum


class DomainTally:
    """How many memories name each known domain, and the sums of their vectors."""

    def __init__(self, domains: Iterable[Domain]) -> None:
        self._ids = {domain.id for domain in domains}
        self._counts = Counter[str]()
        self._sums = CentroidSums()

    def add(self, records: Sequence[MemoryRecord]) -> None:
        """Count a page of memories."""
        for record in records:
            known = tuple(name for name in dict.fromkeys(record.domains) if name in self._ids)
            self._counts.update(known)
            if known:
                self._sums.add(replace(record, domains=known))

    async def recount(
        self, store: MemoryStore, *, with_centroids: bool, is_applied: bool
    ) -> tuple[DomainRecount, ...]:
        """Return the domains whose numbers are others by now, written if that is asked for."""
        # Without a model the vectors that were counted are none or of two models.
        centroids = self._sums.centroids() if with_centroids else {}
        found: list[DomainRecount] = []
        for domain in await store.list_domains():
            recounted = self._recounted(domain, centroids) if domain.id in self._ids else domain
            if recounted == domain:
                continue
            if is_applied:
                await store.upsert_domain(recounted)
            found.append(
                DomainRecount(
                    domain_id=domain.id,
                    before=domain.memory_count,
                    after=recounted.memory_count,
                    has_moved=recounted.centroid is not domain.centroid,
                )
            )
        return tuple(found)

    def _recounted(self, domain: Domain, centroids: Mapping[str, Vector]) -> Domain:
        centroid = centroids.get(domain.id, domain.centroid)
        if _are_close(domain.centroid, centroid):
            centroid = domain.centroid
        return replace(domain, memory_count=self._counts[domain.id], centroid=centroid)


def _are_close(one: Vector | None, other: Vector | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(
        np.allclose(unit(one), unit(other), rtol=0, atol=CENTROID_TOLERANCE)
    )
