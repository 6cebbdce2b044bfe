"""Which links are missing: between what is similar, and among the memories of a file or session.

A link leads from the newer memory to the older one, as those do that are drawn when a memory is
written. What is drawn follows from the stored links and the order of creation alone, so a second
look finds nothing more to draw.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING, Final, NamedTuple

from vestige.cognition.ingest_gate import NEAR_SIMILARITY
from vestige.engine.links import (
    NEIGHBORS_MAX,
    OWN_TYPES,
    SAME_FILE,
    SAME_FILE_WEIGHT,
    SAME_SESSION,
    SAME_SESSION_WEIGHT,
    SIMILAR,
    SIMILAR_MAX,
    edge_between,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.models import MemoryEdge, MemoryRecord
    from vestige.storage.protocol import MemoryStore

PRUNED_BELOW: Final = 0.1  # a link of the engine that weighs less leads nowhere: two hops are 0.01
GROUPS_MAX: Final = 10_000  # files and sessions whose last memories are kept in mind
EDGE_MEMORIES: Final = 100  # whose links are read at once


class Similar(NamedTuple):
    """Two memories and the cosine of the two."""

    newer_id: UUID
    older_id: UUID
    similarity: float


class LinkSearch:
    """The links that are missing, found page by page in the order of creation.

    Args:
        store: whose links are read.
        now: when new links are drawn.
        is_planned: what is found is not written, and has to be remembered here.
    """

    def __init__(self, store: MemoryStore, now: datetime, *, is_planned: bool) -> None:
        self._store = store
        self._now = now
        self._is_planned = is_planned
        self._planned = Counter[bytes]()  # similar links of a memory that nobody has written
        self._groups = OrderedDict[bytes, deque["UUID"]]()

    async def missing(
        self, records: Sequence[MemoryRecord], pairs: Sequence[Similar]
    ) -> list[MemoryEdge]:
        """Return the missing links of a page.

        Args:
            records: the current memories of the page.
            pairs: theirs with older memories, of each memory the nearest first.
        """
        near = [pair for pair in pairs if pair.similarity >= NEAR_SIMILARITY]
        ids = dict.fromkeys([*(item.id for item in records), *(pair.older_id for pair in near)])
        known = _Known(await self._edges(list(ids)))
        for memory_id in ids:
            known.similar[memory_id] += self._planned[memory_id.bytes]
        drawn = [*self._similar(known, near)]
        if self._is_planned:
            ends = [end.bytes for edge in drawn for end in (edge.source_id, edge.target_id)]
            self._planned.update(ends)
        for record in records:
            for edge_type, weight, key in _groups_of(record):
                drawn += self._grouped(known, record.id, edge_type, weight, self._recent(key))
        return drawn

    def _similar(self, known: _Known, pairs: Iterable[Similar]) -> Iterator[MemoryEdge]:
        for pair in pairs:
            ends = (pair.newer_id, pair.older_id)
            if known.has(*ends, SIMILAR) or max(known.similar[end] for end in ends) >= SIMILAR_MAX:
                continue
            known.similar.update(ends)
            yield edge_between(*ends, SIMILAR, pair.similarity, self._now)

    def _grouped(
        self, known: _Known, memory_id: UUID, edge_type: str, weight: float, recent: deque[UUID]
    ) -> list[MemoryEdge]:
        """Link a memory to those before it in its group, and make it one of them."""
        missing = [end for end in reversed(recent) if not known.has(memory_id, end, edge_type)]
        room = max(NEIGHBORS_MAX - known.outgoing[memory_id, edge_type], 0)
        recent.append(memory_id)
        return [
            edge_between(memory_id, end, edge_type, weight, self._now) for end in missing[:room]
        ]

    def _recent(self, key: bytes) -> deque[UUID]:
        recent = self._groups.setdefault(key, deque(maxlen=NEIGHBORS_MAX))
        self._groups.move_to_end(key)
        if len(self._groups) > GROUPS_MAX:
            self._groups.popitem(last=False)
        return recent

    async def _edges(self, ids: Sequence[UUID]) -> list[MemoryEdge]:
        edges = {
            (edge.source_id, edge.target_id, edge.edge_type): edge
            for start in range(0, len(ids), EDGE_MEMORIES)
            for edge in await self._store.list_edges(ids[start : start + EDGE_MEMORIES])
            if not is_pruned(edge)
        }
        return list(edges.values())


def is_pruned(edge: MemoryEdge) -> bool:
    """Say whether a link was drawn by the engine and weighs too little to be of use."""
    return edge.edge_type in OWN_TYPES and edge.weight < PRUNED_BELOW


class _Known:
    """What the links of a page say: who is linked to whom, and how often."""

    def __init__(self, edges: Sequence[MemoryEdge]) -> None:
        self._pairs = {
            (frozenset((edge.source_id, edge.target_id)), edge.edge_type) for edge in edges
        }
        self.similar = Counter(
            end
            for edge in edges
            if edge.edge_type == SIMILAR
            for end in (edge.source_id, edge.target_id)
        )
        self.outgoing = Counter((edge.source_id, edge.edge_type) for edge in edges)

    def has(self, one: UUID, other: UUID, edge_type: str) -> bool:
        return (frozenset((one, other)), edge_type) in self._pairs


def _groups_of(record: MemoryRecord) -> Iterator[tuple[str, float, bytes]]:
    """Yield the type and weight of links in the groups of a memory, and the key of each."""
    owner = str(record.owner_user_id)
    file, session_id = record.metadata.get("file"), record.metadata.get("session_id")
    if record.codebase is not None and isinstance(file, str) and file:
        yield SAME_FILE, SAME_FILE_WEIGHT, _digest(SAME_FILE, owner, record.codebase, file)
    if isinstance(session_id, str) and session_id:
        yield SAME_SESSION, SAME_SESSION_WEIGHT, _digest(SAME_SESSION, owner, session_id)


def _digest(*names: str) -> bytes:
    # A name may be a megabyte long, and ten thousand of them are kept.
    text = "\n".join(names).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()
