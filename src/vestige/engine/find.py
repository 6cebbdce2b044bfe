"""Finding what a person should look at: what says the same, contradicts, or holds a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.cognition.contradictions import LEAST_SIMILARITY
from vestige.engine.contradictions import ContradictionSearch
from vestige.engine.duplicates import PAIRS_MAX, DuplicateSearch
from vestige.engine.near_pairs import PairSearch, meaning_obstacle, missing_note, pages
from vestige.engine.screening import places_in, texts_of
from vestige.engine.upkeep_results import Contradictions, Duplicates, FoundSecret, FoundSecrets
from vestige.errors import InvalidInputError
from vestige.models import MAX_LIMIT, IntentionFilter, MemoryCursor, MemoryFilter
from vestige.storage import limits

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence
    from uuid import UUID

    from vestige.engine.near_pairs import Advance, NearPair
    from vestige.engine.parts import Parts
    from vestige.engine.upkeep_results import SecretHolder
    from vestige.models import Intention, JsonObject, MemoryRecord
    from vestige.storage.protocol import MemoryStore

CHANGELOG_PAGE_ROWS: Final = 100  # an entry holds a memory twice, so up to 4 MB
CUT_NOTE: Final = f"there are more than {PAIRS_MAX:,} near pairs: only the nearest were looked at"


async def find_duplicates(
    parts: Parts,
    *,
    threshold: float,
    limit: int,
    codebase: str | None,
    with_different: bool,
    advance: Advance,
) -> Duplicates:
    """Return clusters of current memories that say the same; change nothing.

    Raises:
        InvalidInputError: the threshold is not in [0, 1], or a limit.
        ModelMismatchError: the registered model is not the embedder's.
    """
    if not 0 <= threshold <= 1:
        raise InvalidInputError("threshold", f"must be from 0 to 1, not {threshold}")
    rows = limits.check_limit(limit)
    walk = _Walk(parts, codebase, advance)
    search = DuplicateSearch(threshold, different_limit=rows if with_different else 0)
    async for record, pairs in walk.memories(threshold):
        search.add(record)
        for pair in pairs:
            search.add_pair(pair)
    clusters = await search.clusters(parts.store, walk.memory_filter)
    return Duplicates(
        clusters=tuple(clusters[:rows]),
        cluster_count=len(clusters),
        different=search.different(),
        different_count=search.different_count,
        compared=walk.compared,
        notes=(*walk.notes(), *([CUT_NOTE] if search.is_cut else [])),
    )


async def find_contradictions(
    parts: Parts, *, limit: int, codebase: str | None, advance: Advance
) -> Contradictions:
    """Return current memories that cannot both be true, the surest first; change nothing.

    Raises:
        InvalidInputError: a limit.
        ModelMismatchError: the registered model is not the embedder's.
    """
    walk = _Walk(parts, codebase, advance)
    search = ContradictionSearch(limits.check_limit(limit))
    async for _, pairs in walk.memories(LEAST_SIMILARITY):
        for pair in pairs:
            search.add(pair)
    return Contradictions(
        found=search.found(), count=search.count, compared=walk.compared, notes=walk.notes()
    )


async def find_secrets(
    parts: Parts, *, limit: int, codebase: str | None, advance: Advance
) -> FoundSecrets:
    """Return the memories, intentions and entries of the changelog that hold keys or tokens.

    Raises:
        InvalidInputError: a limit.
    """
    rows = limits.check_limit(limit)
    store = parts.store
    found: list[FoundSecret] = []
    total = await store.count(MemoryFilter(codebase=codebase))
    looked_at = 0
    async for page in pages(store, MemoryFilter(codebase=codebase)):
        found += _with_secrets("memory", [(record.id, texts_of(record)) for record in page])
        looked_at += len(page)
        advance(len(page), total)
    async for intentions in _intention_pages(store, codebase):
        found += _with_secrets("intention", [(one.id, texts_of(one)) for one in intentions])
    if codebase is None:  # an entry belongs to what it is about, and that may be gone
        found += await _in_changelog(store)
    return FoundSecrets(found=tuple(found[:rows]), count=len(found), looked_at=looked_at)


async def _intention_pages(
    store: MemoryStore, codebase: str | None
) -> AsyncGenerator[list[Intention]]:
    after: MemoryCursor | None = None
    chosen = IntentionFilter(codebase=codebase)
    while page := await store.list_intentions(chosen, after=after, limit=MAX_LIMIT):
        yield page
        after = MemoryCursor(at=page[-1].created_at, id=page[-1].id)


async def _in_changelog(store: MemoryStore) -> list[FoundSecret]:
    """Return what the changelog says of memories and intentions, newest first, each once."""
    found: dict[UUID, FoundSecret] = {}
    after: tuple[UUID, UUID] | None = None
    while page := await store.list_changelog(after=after, limit=CHANGELOG_PAGE_ROWS):
        rows: list[tuple[UUID, JsonObject]] = [
            (one.memory_id, {"before": one.before, "after": one.after}) for one in page
        ]
        for secret in _with_secrets("changelog", rows):
            found.setdefault(secret.id, secret)
        after = (page[-1].change_id, page[-1].memory_id)
    return [*found.values()]


def _with_secrets(
    where: SecretHolder, rows: Sequence[tuple[UUID, JsonObject]]
) -> Iterator[FoundSecret]:
    for row_id, texts in rows:
        places = [place for field, value in texts.items() for place in places_in(field, value)]
        if places:
            yield FoundSecret(id=row_id, where=where, places=tuple(places))


class _Walk:
    """All current memories with their near pairs, and how many there were."""

    def __init__(self, parts: Parts, codebase: str | None, advance: Advance) -> None:
        self._now = parts.clock.now()
        self.memory_filter = MemoryFilter(codebase=codebase, current_at=self._now)
        self.compared = 0
        self._parts = parts
        self._advance = advance
        self._obstacle: str | None = None
        self._without_vector = 0

    async def memories(
        self, least_similarity: float
    ) -> AsyncGenerator[tuple[MemoryRecord, list[NearPair]]]:
        """Yield each current memory and its pairs with older ones."""
        store = self._parts.store
        search = PairSearch(store, self._now, least_similarity)
        self._obstacle = await meaning_obstacle(self._parts)
        total = await store.count(self.memory_filter)
        async for page in pages(store, self.memory_filter):
            for record in page:
                self.compared += 1
                if self._obstacle is not None:
                    yield record, []
                    continue
                self._without_vector += record.embedding is None
                yield record, await search.pairs(record)
            self._advance(len(page), total)

    def notes(self) -> tuple[str, ...]:
        """Return what could not be compared by meaning."""
        if self._obstacle is not None:
            return (self._obstacle,)
        return missing_note(self._without_vector)
