"""Collecting what says the same: exact copies by their text, near ones by meaning and by rule.

A text is known by its digest. Of all texts eight bytes are kept, of those that recur or have a near
one the ids and excerpts of their memories, and so a second look at the store finds them again.
"""

from __future__ import annotations

import heapq
from array import array
from dataclasses import dataclass, field
from itertools import count, product
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from vestige.cognition.differences import protected_differences
from vestige.cognition.ingest_gate import GateAction, compare
from vestige.engine.near_pairs import pages, text_key
from vestige.engine.upkeep_results import (
    DifferentPair,
    DuplicateCluster,
    DuplicatePair,
    Excerpt,
)
from vestige.storage.vectors import cosine_similarities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from vestige.engine.near_pairs import NearPair
    from vestige.models import MemoryFilter, MemoryRecord, Vector
    from vestige.storage.protocol import MemoryStore

# Cosine from which on texts that differ in nothing protected are shown as near duplicates. Above
# the gate's, because here nothing is linked: a person reads every one of them.
DUPLICATE_SIMILARITY: Final = 0.8
PAIRS_MAX: Final = 5_000  # near pairs that are kept; beyond it the nearest ones
TEXTS_MAX: Final = 50  # different texts in a cluster
MEMBERS_MAX: Final = 100  # members of a cluster that are named
SAME_TEXT: Final = "the same text"


class _Match(NamedTuple):
    """A near pair: the digests of its texts, one memory of each, and why."""

    older_key: bytes
    newer_key: bytes
    older_id: UUID
    newer_id: UUID
    similarity: float
    reason: str


@dataclass(slots=True)
class _Text:
    """The memories that hold one text, the first of them named."""

    size: int = 0
    members: list[Excerpt] = field(default_factory=list[Excerpt])
    similarities: list[float | None] = field(default_factory=list["float | None"])
    vector: Vector | None = None  # of the first

    def add(self, record: MemoryRecord) -> None:
        self.size += 1
        if len(self.members) == MEMBERS_MAX:
            return
        if not self.members:
            self.vector = record.embedding
        self.members.append(Excerpt.of(record))
        self.similarities.append(_cosine(self.vector, record.embedding))

    def pairs(self) -> list[DuplicatePair]:
        return [
            DuplicatePair(
                older_id=self.members[0].id,
                newer_id=member.id,
                kind="exact",
                similarity=similarity,
                reason=SAME_TEXT,
            )
            for member, similarity in zip(self.members[1:], self.similarities[1:], strict=True)
        ]


class DuplicateSearch:
    """What was seen of texts and near pairs so far.

    Args:
        threshold: cosine from which on two texts may be duplicates, -1 to 1.
        different_limit: how many pairs are kept that are similar but different.
    """

    def __init__(self, threshold: float, *, different_limit: int = 0) -> None:
        self.different_count = 0
        self.is_cut = False  # near pairs were left out
        self._threshold = threshold
        self._digests = array("Q")
        self._matches: dict[tuple[bytes, bytes], _Match] = {}
        self._different: list[tuple[float, int, DifferentPair]] = []
        self._different_limit = different_limit
        self._numbers = count(0, -1)  # of two that are as near, the first is kept

    def add(self, record: MemoryRecord) -> None:
        """Note the text of a memory."""
        self._digests.append(_number(text_key(record)))

    def add_pair(self, pair: NearPair) -> None:
        """Compare the texts of a pair."""
        older_key, newer_key = text_key(pair.older), text_key(pair.newer)
        if older_key == newer_key or not pair.similarity >= self._threshold:
            return
        compared = compare(
            pair.newer.content,
            pair.older.content,
            pair.similarity,
            near_similarity=self._threshold,
        )
        if compared.action is not GateAction.NEAR or compared.differences:
            self._add_different(pair, compared.reason)
            return
        keys = min(older_key, newer_key), max(older_key, newer_key)
        known = self._matches.get(keys)
        if known is None or known.similarity < pair.similarity:
            self._matches[keys] = _Match(
                older_key,
                newer_key,
                pair.older.id,
                pair.newer.id,
                pair.similarity,
                compared.reason,
            )
        if len(self._matches) == 2 * PAIRS_MAX:
            self.is_cut = True
            nearest = self._nearest_first()[:PAIRS_MAX]
            self._matches = {(min(match[:2]), max(match[:2])): match for match in nearest}

    def different(self) -> tuple[DifferentPair, ...]:
        """Return the pairs that are similar but different, nearest first."""
        ranked = sorted(self._different, key=lambda entry: entry[:2], reverse=True)
        return tuple(pair for _, _, pair in ranked)

    async def clusters(
        self, store: MemoryStore, memory_filter: MemoryFilter
    ) -> list[DuplicateCluster]:
        """Return what says the same: exact copies first, then by similarity.

        Args:
            store: read once more, for the memories whose texts recur or are near.
            memory_filter: the same as for the memories that were added.
        """
        recurring = self._recurring()
        if not recurring and not self._matches:
            return []
        texts = await self._texts(store, memory_filter, recurring)
        grouped = await self._grouped(store, texts)
        alone = texts.keys() - {key for keys, _ in grouped for key in keys}
        grouped += [((key,), []) for key in alone if texts[key].size > 1]
        found = [_cluster([texts[key] for key in keys], matches) for keys, matches in grouped]
        return sorted(found, key=_rank)

    def _add_different(self, pair: NearPair, reason: str) -> None:
        self.different_count += 1
        rank = (pair.similarity, next(self._numbers))
        kept = self._different
        if len(kept) == self._different_limit:
            if not kept or rank < kept[0][:2]:
                return
            heapq.heappop(kept)
        different = DifferentPair(
            older=Excerpt.of(pair.older),
            newer=Excerpt.of(pair.newer),
            similarity=pair.similarity,
            reason=reason,
        )
        heapq.heappush(kept, (*rank, different))

    def _nearest_first(self) -> list[_Match]:
        return sorted(self._matches.values(), key=lambda match: (-match.similarity, match[:2]))

    def _recurring(self) -> set[int]:
        numbers, counts = np.unique(np.frombuffer(self._digests, "u8"), return_counts=True)
        return set(numbers[counts > 1].tolist())

    async def _texts(
        self, store: MemoryStore, memory_filter: MemoryFilter, recurring: set[int]
    ) -> dict[bytes, _Text]:
        near = {key for keys in self._matches for key in keys}
        texts: dict[bytes, _Text] = {}
        async for page in pages(store, memory_filter):
            for record in page:
                key = text_key(record)
                if key in near or _number(key) in recurring:
                    texts.setdefault(key, _Text()).add(record)
        return texts

    async def _grouped(
        self, store: MemoryStore, texts: Mapping[bytes, _Text]
    ) -> list[tuple[tuple[bytes, ...], list[_Match]]]:
        """Return the texts that near pairs connect, and these pairs.

        Two groups become one only if no text of one differs from one of the other in anything
        protected: `enabled` is near to a text that says neither, and so is `disabled`.
        """
        groups: dict[bytes, _Group] = {}
        rest: list[_Group] = []
        for match in self._nearest_first():
            if match.older_key not in texts or match.newer_key not in texts:
                continue  # changed or gone since
            one, other = (
                groups.get(key) or _Group([key]) for key in (match.older_key, match.newer_key)
            )
            if one is other:
                one.matches.append(match)
            elif await _agree(store, texts, one.keys, other.keys):
                one.take(other, match)
                groups.update(dict.fromkeys(one.keys, one))
            else:
                rest.append(_Group([match.older_key, match.newer_key], [match]))
        distinct = {id(group): group for group in groups.values()}
        return [(tuple(group.keys), group.matches) for group in [*distinct.values(), *rest]]


@dataclass(slots=True, eq=False)
class _Group:
    """Texts that say the same, by digest, and the near pairs among them."""

    keys: list[bytes]
    matches: list[_Match] = field(default_factory=list[_Match])

    def take(self, other: _Group, match: _Match) -> None:
        self.keys += other.keys
        self.matches += [*other.matches, match]


async def _agree(
    store: MemoryStore, texts: Mapping[bytes, _Text], one: Sequence[bytes], other: Sequence[bytes]
) -> bool:
    if len(one) == len(other) == 1:
        return True  # this pair was compared
    if len(one) + len(other) > TEXTS_MAX:
        return False
    firsts = {key: texts[key].members[0].id for key in (*one, *other)}
    contents = {record.id: record.content for record in await store.get_many([*firsts.values()])}
    known = [
        (contents[firsts[a]], contents[firsts[b]])
        for a, b in product(one, other)
        if firsts[a] in contents and firsts[b] in contents
    ]
    return not any(protected_differences(a, b) for a, b in known)


def _cluster(texts: Sequence[_Text], matches: Sequence[_Match]) -> DuplicateCluster:
    members = sorted(
        (member for text in texts for member in text.members),
        key=lambda member: (member.created_at, member.id),
    )[:MEMBERS_MAX]
    exact = [pair for text in texts for pair in text.pairs()]
    near = [
        DuplicatePair(
            older_id=match.older_id,
            newer_id=match.newer_id,
            kind="near",
            similarity=match.similarity,
            reason=match.reason,
        )
        for match in matches
    ]
    named = {member.id for member in members}
    return DuplicateCluster(
        size=sum(text.size for text in texts),
        members=tuple(members),
        pairs=tuple(
            pair for pair in [*exact, *near] if pair.older_id in named and pair.newer_id in named
        ),
    )


def _rank(cluster: DuplicateCluster) -> tuple[bool, float, UUID]:
    is_near = all(pair.kind == "near" for pair in cluster.pairs)
    nearest = max((pair.similarity or 0.0 for pair in cluster.pairs), default=0.0)
    return is_near, -nearest, cluster.members[0].id


def _number(key: bytes) -> int:
    return int.from_bytes(key[:8], "little")


def _cosine(one: Vector | None, other: Vector | None) -> float | None:
    if one is None or other is None or one.shape != other.shape:
        return None
    return float(cosine_similarities(other[np.newaxis], one)[0])
