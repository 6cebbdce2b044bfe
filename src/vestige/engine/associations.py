"""What is connected to the candidates of a recall: over links, and by having replaced them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.cognition.activation import Activated, Link, spread
from vestige.cognition.currency import SUPERSEDED
from vestige.engine.candidates import unranked
from vestige.engine.links import SUPERSEDES
from vestige.engine.question import is_answer, is_visible, keeps, marks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from vestige.engine.candidates import Found
    from vestige.engine.question import Question
    from vestige.models import MemoryEdge, MemoryRecord
    from vestige.storage.protocol import MemoryStore

SEEDS_MAX: Final = 5
HOPS_MAX: Final = 2
SUPERSEDED_MAX: Final = 50  # replaced candidates whose links are read
FRONTIER_MAX: Final = 20  # memories whose links are read for the second hop
EDGES_MAX: Final = 2_000  # links that are followed, the strongest first
# A memory next to the best hit, by a link of weight 1, stands where a hit with .42 of its score
# does (.6 times the decay of .7): above what only shares a word, below what answers by itself.
LINK_WEIGHT: Final = 0.6
LIFTED_SHARE: Final = 1 / 3  # of the answers may stand where they do because of a link
# What replaced a candidate takes its place, but for a little: a candidate with the same score
# needs no link to explain it.
SUCCESSION_WEIGHT: Final = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Lift:
    """The score that a memory gets from another one.

    Attributes:
        score: it counts as this much, if its own relevance is less.
        path: ids from the memory that was found to this one, both included.
    """

    score: float
    path: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Associations:
    """What the links of the candidates say.

    Attributes:
        found: memories that are no candidates and were reached.
        lifts: what raises a score, by the memory that is raised.
        superseded_by: what replaced a memory, as far as the links were read.
    """

    found: dict[UUID, Found]
    lifts: dict[UUID, Lift]
    superseded_by: dict[UUID, UUID]


async def find_associations(
    store: MemoryStore, question: Question, found: Mapping[UUID, Found]
) -> Associations:
    """Follow the links of the best candidates, and of those that were replaced.

    The store is asked three times at most, and once where there are no links.
    """
    ranked = sorted(found.values(), key=lambda one: (-one.relevance, one.record.id))
    visible = [one for one in ranked if is_visible(question, one.record)]
    seeds = {
        one.record.id: min(one.relevance, 1.0)  # a literal makes it certain, and nothing is more
        for one in visible[:SEEDS_MAX]
        if one.relevance > 0
    }
    replaced = [one for one in visible if SUPERSEDED in marks(question, one.record)]
    replaced = replaced[:SUPERSEDED_MAX]
    asked = [*{**seeds, **dict.fromkeys(one.record.id for one in replaced)}]
    edges = await _edges(store, question, asked)
    if not edges:
        return Associations(found={}, lifts={}, superseded_by={})
    further = _frontier(seeds, edges, asked)
    if further:
        edges = _strongest({*edges, *await _edges(store, question, further)})
    activated = spread(seeds, _links(edges), hops=HOPS_MAX)
    superseded_by = _successors(edges)
    chains = {one.record.id: _chain(one.record.id, superseded_by) for one in replaced}
    records = await _records(store, found, activated, chains.values())
    lifts = _lifts(question, found, records, activated)
    for one in replaced:
        _succeed(question, one, chains[one.record.id], records, lifts)
    reached = [records[memory_id] for memory_id in lifts if memory_id not in found]
    return Associations(found=unranked(question, reached), lifts=lifts, superseded_by=superseded_by)


async def _edges(
    store: MemoryStore, question: Question, memory_ids: Sequence[UUID]
) -> list[MemoryEdge]:
    as_of = question.options.as_of
    edges = await store.list_edges(memory_ids) if memory_ids else []
    return _strongest(edge for edge in edges if as_of is None or edge.created_at <= as_of)


def _strongest(edges: Iterable[MemoryEdge]) -> list[MemoryEdge]:
    """Return as many links as are followed: what replaces something, then by weight."""

    def order(edge: MemoryEdge) -> tuple[bool, float, UUID, UUID, str]:
        is_other = edge.edge_type != SUPERSEDES
        return is_other, -edge.weight, edge.source_id, edge.target_id, edge.edge_type

    return sorted(edges, key=order)[:EDGES_MAX]


def _links(edges: Iterable[MemoryEdge]) -> list[Link[UUID]]:
    return [Link(edge.source_id, edge.target_id, edge.weight) for edge in edges]


def _frontier(
    seeds: Mapping[UUID, float], edges: Sequence[MemoryEdge], asked: Collection[UUID]
) -> list[UUID]:
    """Return the memories whose links are to be read next."""
    known = {*asked}
    newer = [edge.source_id for edge in edges if edge.edge_type == SUPERSEDES]
    near = [one.key for one in spread(seeds, _links(edges), hops=HOPS_MAX - 1)]
    wanted = (key for key in dict.fromkeys((*newer, *near)) if key not in known)
    return [key for key, _ in zip(wanted, range(FRONTIER_MAX), strict=False)]


def _successors(edges: Iterable[MemoryEdge]) -> dict[UUID, UUID]:
    """Return what replaced each memory; of several, the one that did it last."""
    newest = sorted(
        (edge for edge in edges if edge.edge_type == SUPERSEDES),
        key=lambda edge: (edge.created_at, edge.source_id),
    )
    return {edge.target_id: edge.source_id for edge in newest}


def _chain(start: UUID, superseded_by: Mapping[UUID, UUID]) -> tuple[UUID, ...]:
    """Return what replaced a memory, what replaced that, and so on, without going in circles."""
    chain = {start: None}
    key = superseded_by.get(start)
    while key is not None and key not in chain:
        chain[key] = None
        key = superseded_by.get(key)
    return tuple(chain)


async def _records(
    store: MemoryStore,
    found: Mapping[UUID, Found],
    activated: Iterable[Activated[UUID]],
    chains: Iterable[Sequence[UUID]],
) -> dict[UUID, MemoryRecord]:
    """Return every memory on a path; what is not known yet is read at once."""
    on_paths = [one.path for one in activated]
    ids = dict.fromkeys(key for path in (*on_paths, *chains) for key in path)
    missing = [key for key in ids if key not in found]
    read = await store.get_many(missing) if missing else []
    return {
        **{key: found[key].record for key in ids if key in found},
        **{record.id: record for record in read},
    }


def _lifts(
    question: Question,
    found: Mapping[UUID, Found],
    records: Mapping[UUID, MemoryRecord],
    activated: Iterable[Activated[UUID]],
) -> dict[UUID, Lift]:
    """Return the lifts over links, the highest ones, and at most a share of what is wanted."""
    lifts: dict[UUID, Lift] = {}
    for one in activated:  # the strongest first
        score = LINK_WEIGHT * one.activation
        is_higher = one.key not in found or found[one.key].relevance < score
        if is_higher and _may_lead(question, one.path, records):
            lifts[one.key] = Lift(score=score, path=one.path)
    most = max(1, int(LIFTED_SHARE * question.wanted))
    return dict([*lifts.items()][:most])


def _may_lead(
    question: Question, path: Sequence[UUID], records: Mapping[UUID, MemoryRecord]
) -> bool:
    """Say whether a path names nothing hidden and ends at something that may be returned."""
    if not all(key in records and is_visible(question, records[key]) for key in path):
        return False
    end = records[path[-1]]
    return keeps(question, end) and is_answer(question, end)


def _succeed(
    question: Question,
    replaced: Found,
    chain: Sequence[UUID],
    records: Mapping[UUID, MemoryRecord],
    lifts: dict[UUID, Lift],
) -> None:
    """Raise the first memory of a chain that holds to the place of the one that it replaced."""
    score = SUCCESSION_WEIGHT * replaced.relevance
    for place, key in enumerate(chain):
        if key in records and not {*marks(question, records[key])}:
            path = tuple(chain[: place + 1])
            known = lifts.get(key)
            if _may_lead(question, path, records) and (known is None or known.score < score):
                lifts[key] = Lift(score=score, path=path)
            return
