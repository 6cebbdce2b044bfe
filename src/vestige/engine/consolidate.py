"""Tidying a store up: a plan of what is derived and out of date, and carrying it out.

Nothing here touches a text or deletes a memory. What looks like a duplicate or a contradiction is
only reported. The plan and its application are the same walk through the store, with and without
writing; each page is a transaction of its own, so whatever ends the work, the next run goes on.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from vestige.cognition.contradictions import LEAST_SIMILARITY
from vestige.cognition.currency import is_current
from vestige.embedding.missing import encode_missing
from vestige.embedding.texts import signature_of
from vestige.engine.contradictions import ContradictionSearch
from vestige.engine.domain_recount import DomainTally
from vestige.engine.duplicates import DUPLICATE_SIMILARITY, DuplicateSearch
from vestige.engine.link_changes import add_links, prune_links
from vestige.engine.linking import LinkSearch, Similar, is_pruned
from vestige.engine.near_pairs import (
    PairSearch,
    meaning_obstacle,
    missing_note,
    pages,
)
from vestige.engine.upkeep_results import (
    Consolidation,
    Contradictions,
    Duplicates,
    VectorFailure,
)
from vestige.engine.weights import outdated, weights_of
from vestige.models import DEFAULT_DECAY, MemoryEdge, MemoryFilter, TransferTable
from vestige.storage.problems import is_filling_searched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vestige.engine.near_pairs import Advance
    from vestige.engine.parts import Parts
    from vestige.models import MemoryRecord

EXAMPLES: Final = 5  # of each kind of thing
EDGE_ROWS: Final = 500  # links that are read at once


async def consolidate(parts: Parts, *, is_applied: bool, advance: Advance) -> Consolidation:
    """Find what is out of date, and bring it up to date if that is asked for.

    Args:
        parts: the engine's.
        is_applied: write; otherwise nothing is.
        advance: is told of the memories that are done.

    Raises:
        EmbeddingError: the embedder failed for many texts in a row.
        ModelMismatchError: the registered model is not the embedder's.
    """
    return await _Run(parts, is_applied=is_applied, advance=advance).result()


class _Run:
    """One walk through the store, and what it has found and done so far."""

    def __init__(self, parts: Parts, *, is_applied: bool, advance: Advance) -> None:
        self._parts = parts
        self._store = parts.store
        self._now = parts.clock.now()
        self._decay = DEFAULT_DECAY
        self._is_applied = is_applied
        self._advance = advance
        self._total = 0
        self._can_compare = False
        self._memories = self._retrievability = self._without_vector = 0
        self._current = 0
        self._added = _Sample()
        self._pruned = _Sample()
        self._duplicates = DuplicateSearch(DUPLICATE_SIMILARITY)
        self._contradictions = ContradictionSearch(EXAMPLES)
        self._pairs = PairSearch(parts.store, self._now, LEAST_SIMILARITY)
        self._links = LinkSearch(parts.store, self._now, is_planned=not is_applied)

    async def result(self) -> Consolidation:
        self._total = await self._store.count()
        self._decay = (await weights_of(self._store)).decay
        vectors, failures = await self._fill_vectors()
        obstacle = await meaning_obstacle(self._parts)
        self._can_compare = obstacle is None
        await self._prune()
        tally = DomainTally(await self._store.list_domains())
        async for page in pages(self._store):
            await self._look_at(page)
            tally.add(page)
            self._advance(len(page), self._total)
        domains = await tally.recount(
            self._store, with_centroids=self._can_compare, is_applied=self._is_applied
        )
        notes = missing_note(self._without_vector) if obstacle is None else (obstacle,)
        return Consolidation(
            is_applied=self._is_applied,
            memories=self._memories,
            retrievability=self._retrievability,
            vectors=vectors,
            vector_failures=failures,
            domains=domains,
            links=self._added.counts,
            link_examples=tuple(self._added.examples),
            pruned=self._pruned.counts,
            pruned_examples=tuple(self._pruned.examples),
            duplicates=await self._proposed_duplicates(),
            contradictions=Contradictions(
                found=self._contradictions.found(),
                count=self._contradictions.count,
                compared=self._current,
            ),
            notes=notes,
        )

    async def _fill_vectors(self) -> tuple[int, tuple[VectorFailure, ...]]:
        """Return how many vectors are missing or, if this is applied, how many were made."""
        stats = await self._store.get_stats(self._now)
        missing = stats.memory_count - stats.embedded_count
        if not missing or is_filling_searched(await self._store.reembedding()):
            return 0, ()  # whoever changes the model makes them
        if not self._is_applied:
            return missing, ()
        self._total += missing
        await self._store.register_model(await signature_of(self._parts.embedder))
        made = await encode_missing(
            self._store, self._parts.embedder, lambda done: self._advance(done, self._total)
        )
        failures = (VectorFailure(id=item.id, reason=item.reason) for item in made.failures)
        return made.encoded, tuple(failures)

    async def _prune(self) -> None:
        after: str | None = None
        while True:
            page = await self._store.export_page(TransferTable.EDGES, after=after, limit=EDGE_ROWS)
            weak = [row for row in page.rows if isinstance(row, MemoryEdge) and is_pruned(row)]
            if weak and self._is_applied:
                weak = await prune_links(self._parts, weak)
            self._pruned.add(weak)
            if page.next_after is None:
                return
            after = page.next_after

    async def _look_at(self, page: Sequence[MemoryRecord]) -> None:
        self._memories += len(page)
        self._retrievability += await self._refresh(page)
        current = [record for record in page if is_current(record, self._now)]
        self._current += len(current)
        similar = [pair for record in current for pair in await self._compared(record)]
        missing = await self._links.missing(current, similar)
        if missing and self._is_applied:
            missing = await add_links(self._parts, missing)
        self._added.add(missing)

    async def _refresh(self, page: Sequence[MemoryRecord]) -> int:
        """Return how many stored values the forgetting curve has left behind."""
        states = await self._store.list_scheduling([record.id for record in page])
        stale = outdated(states, self._now, self._decay)
        if self._is_applied and stale:
            return await self._store.refresh_retrievability(stale)
        return len(stale)

    async def _compared(self, record: MemoryRecord) -> list[Similar]:
        """Compare a memory with the older ones near to it, whose texts are not kept."""
        self._duplicates.add(record)
        if not self._can_compare:
            return []
        self._without_vector += record.embedding is None
        pairs = await self._pairs.pairs(record)
        for pair in pairs:
            self._duplicates.add_pair(pair)
            self._contradictions.add(pair)
        return [Similar(record.id, pair.older.id, pair.similarity) for pair in pairs]

    async def _proposed_duplicates(self) -> Duplicates:
        clusters = await self._duplicates.clusters(self._store, MemoryFilter(current_at=self._now))
        return Duplicates(
            clusters=tuple(clusters[:EXAMPLES]),
            cluster_count=len(clusters),
            compared=self._current,
        )


class _Sample:
    """Links by type, and the first few of them."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self.examples: list[MemoryEdge] = []

    def add(self, edges: Iterable[MemoryEdge]) -> None:
        for edge in edges:
            self.counts[edge.edge_type] += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append(edge)
