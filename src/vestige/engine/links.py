"""Links that the engine draws itself: what is similar, of the same file or of the same session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from vestige.errors import MemoryNotFoundError
from vestige.models import MemoryEdge, MemoryFilter, PutEdge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.parts import Parts
    from vestige.engine.results import Candidate
    from vestige.models import JsonValue, MemoryRecord

T = TypeVar("T")

SIMILAR: Final = "similar"
SAME_FILE: Final = "same_file"
SAME_SESSION: Final = "same_session"
SUPERSEDES: Final = "supersedes"  # from the memory that holds now to the one that held before
# Drawn without being asked for, so they may be removed in the same way.
OWN_TYPES: Final = (SIMILAR, SAME_FILE, SAME_SESSION)

SIMILAR_MAX: Final = 5  # links of a new memory to those that say nearly the same
NEIGHBORS_MAX: Final = 3  # links of a new memory to those of its file, and to those of its session
RECENT: Final = 20  # the newest memories of the codebase, among which the latter are looked for
SAME_FILE_WEIGHT: Final = 0.5
SAME_SESSION_WEIGHT: Final = 0.3


async def links_of_new(
    parts: Parts, record: MemoryRecord, candidates: Iterable[Candidate]
) -> list[PutEdge]:
    """Return the links of a memory that is about to be stored.

    Args:
        parts: where memories of its file and session are looked for, with one bounded read.
        record: the memory.
        candidates: what it was compared with, nearest first.
    """
    now = parts.clock.now()
    similar = [candidate for candidate in candidates if candidate.is_near][:SIMILAR_MAX]
    ends = [(candidate.id, SIMILAR, candidate.similarity) for candidate in similar]
    ends += await _of_one_origin(parts, record, now)
    return [
        PutEdge(edge=edge_between(record.id, end, edge_type, weight, now))
        for end, edge_type, weight in ends
    ]


async def with_links_that_hold(
    links: tuple[PutEdge, ...], write: Callable[[tuple[PutEdge, ...]], Awaitable[T]]
) -> tuple[T, tuple[PutEdge, ...]]:
    """Write with links, once more without those to memories that are gone by now.

    Raises:
        MemoryNotFoundError: another memory than the ends of the links is gone.
    """
    while True:
        try:
            return await write(links), links
        except MemoryNotFoundError as error:
            left = tuple(link for link in links if link.edge.target_id != error.memory_id)
            if len(left) == len(links):
                raise
            links = left


def superseding(new_id: UUID, old_id: UUID, now: datetime) -> PutEdge:
    """Return the link from a memory to the one whose place it takes."""
    return PutEdge(edge=edge_between(new_id, old_id, SUPERSEDES, 1.0, now))


def edge_between(
    source_id: UUID, target_id: UUID, edge_type: str, weight: float, now: datetime
) -> MemoryEdge:
    """Return a link that is drawn now."""
    return MemoryEdge(
        source_id=source_id,
        target_id=target_id,
        edge_type=edge_type,
        weight=weight,
        created_at=now,
    )


async def _of_one_origin(
    parts: Parts, record: MemoryRecord, now: datetime
) -> list[tuple[UUID, str, float]]:
    """Return recent memories of the same file and session, with type and weight of the links."""
    file, session = _value(record, "file"), _value(record, "session_id")
    if file is None and session is None:
        return []
    recent = await parts.store.list_memories(
        MemoryFilter(codebase=record.codebase, current_at=now), limit=RECENT
    )
    ends: list[tuple[UUID, str, float]] = []
    if file is not None and record.codebase is not None:
        ends += [(end, SAME_FILE, SAME_FILE_WEIGHT) for end in _with(recent, "file", file)]
    if session is not None:
        ends += [
            (end, SAME_SESSION, SAME_SESSION_WEIGHT) for end in _with(recent, "session_id", session)
        ]
    return ends


def _with(recent: Sequence[MemoryRecord], name: str, value: JsonValue) -> list[UUID]:
    return [item.id for item in recent if _value(item, name) == value][:NEIGHBORS_MAX]


def _value(record: MemoryRecord, name: str) -> JsonValue:
    return record.metadata.get(name)
