"""The candidates of a recall: what both legs of the store find, and what is meant literally."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from vestige.cognition.fusion import convex_combination
from vestige.cognition.literals import LiteralKind
from vestige.engine.question import is_answer, keeps, literals_in
from vestige.models import SearchResult
from vestige.storage.vectors import cosine_similarities

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vestige.engine.question import Question
    from vestige.models import MemoryRecord, SearchQuery, Vector
    from vestige.storage.protocol import MemoryStore

# A full page of which less than this share holds now says little about what does.
ANSWERS_SHARE_MIN: Final = 0.5
LITERAL_SEARCHES_MAX: Final = 3
LITERAL_RESULTS: Final = 50  # of each of these searches
# More than all the other parts of two scores can differ: what holds a literal stands first.
LITERAL_WEIGHT: Final = 2.0
ID_WEIGHT: Final = 2 * LITERAL_WEIGHT  # for the memory whose own id is named


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A candidate, and how well it answers by its own.

    Attributes:
        record: the memory.
        vector_part: the cosine similarity times its weight.
        lexical_part: the share of the best full-text score times its weight.
        literal_part: a weight for each literal that it holds.
        literals: those.
        vector_score: cosine similarity, -1 to 1; None without a vector.
        fts_score: BM25, None when the full-text leg did not find it.
        vector_rank: in the vector leg, from 1.
        fts_rank: in the full-text leg, from 1.
    """

    record: MemoryRecord
    vector_part: float = 0.0
    lexical_part: float = 0.0
    literal_part: float = 0.0
    literals: tuple[str, ...] = ()
    vector_score: float | None = None
    fts_score: float | None = None
    vector_rank: int | None = None
    fts_rank: int | None = None

    @property
    def relevance(self) -> float:
        """The sum of the parts."""
        return self.vector_part + self.lexical_part + self.literal_part

    @property
    def is_ranked(self) -> bool:
        """Whether a search for the question found it; otherwise it was read by another call."""
        return self.vector_rank is not None or self.fts_rank is not None


async def find_candidates(
    store: MemoryStore, question: Question, query: SearchQuery
) -> dict[UUID, Found]:
    """Return what may answer a question, and with it what would if it still held.

    The first page is asked for whatever the state of the memories is, because that is fast, and
    nearly always most of them hold. Where they do not, a page of those that do comes with it.

    Args:
        store: where to look; asked at most nine times.
        question: what is asked for.
        query: the search for it.
    """
    query = replace(query, embedding=question.embedding)
    page = await store.search(query)
    found = _scored(question, page)
    if _says_little(question, page, query):
        current = replace(query, current_at=question.at)
        found |= _scored(question, await store.search(current))
    if len(page) == query.limit:  # a page that is not full holds whatever a leg can find
        found = await _literally(store, question, query) | found
    ids = (UUID(item.value) for item in question.literals if item.kind is LiteralKind.UUID)
    named = [*dict.fromkeys(ids)]  # an id can be written in two ways
    return await _by_id(store, question, named, found) if named else found


def unranked(question: Question, records: Sequence[MemoryRecord]) -> dict[UUID, Found]:
    """Return memories that no search has ranked, by how near their meaning is."""
    return _scored(question, [SearchResult(record=record, score=0.0) for record in records])


def _says_little(question: Question, page: Sequence[SearchResult], query: SearchQuery) -> bool:
    """Say whether a page is full of what may not answer, so that more would have to be read."""
    if len(page) < query.limit:
        return False
    answers = sum(is_answer(question, result.record) for result in page)
    wanted = max(min(question.wanted, len(page)), ANSWERS_SHARE_MIN * len(page))
    return answers < wanted


async def _literally(
    store: MemoryStore, question: Question, query: SearchQuery
) -> dict[UUID, Found]:
    """Return the memories that hold one of the first literals, each asked for alone.

    Their BM25 is that of another query and says nothing beside that of the candidates.
    """
    excluded = " ".join(f'-"{words}"' for words in question.excluded)
    records: list[MemoryRecord] = []
    for literal in question.literals[:LITERAL_SEARCHES_MAX]:
        quoted = literal.value.replace('"', " ")
        exact = replace(query, text=f'"{quoted}" {excluded}', embedding=None, limit=LITERAL_RESULTS)
        results = await store.search(exact)
        if _says_little(question, results, exact):
            results = await store.search(replace(exact, current_at=question.at))
        records += [result.record for result in results]
    found = unranked(question, records)
    return {key: candidate for key, candidate in found.items() if candidate.literals}


async def _by_id(
    store: MemoryStore, question: Question, ids: Sequence[UUID], found: dict[UUID, Found]
) -> dict[UUID, Found]:
    """Return the candidates with those whose own id was named, which counts more than any text."""
    missing = [memory_id for memory_id in ids if memory_id not in found]
    records = await store.get_many(missing) if missing else []
    found = found | unranked(question, [record for record in records if keeps(question, record)])
    for memory_id in ids:
        if memory_id in found:
            candidate = found[memory_id]
            found[memory_id] = replace(
                candidate,
                literal_part=candidate.literal_part + ID_WEIGHT,
                literals=(*candidate.literals, str(memory_id)),
            )
    return found


def _scored(question: Question, results: Sequence[SearchResult]) -> dict[UUID, Found]:
    """Return results with the parts of their relevance; shares are of the best of these results."""
    by_id = {result.record.id: result for result in results}
    cosines = _cosines(question, by_id.values())
    words = {key: result.fts_score for key, result in by_id.items() if result.fts_score is not None}
    parts = {fused.key: fused for fused in convex_combination(cosines, words)}
    found: dict[UUID, Found] = {}
    for key, result in by_id.items():
        held = literals_in(question, result.record)
        found[key] = Found(
            record=result.record,
            vector_part=parts[key].vector_part if key in parts else 0.0,
            lexical_part=parts[key].lexical_part if key in parts else 0.0,
            literal_part=LITERAL_WEIGHT * len(held),
            literals=held,
            vector_score=cosines.get(key),
            fts_score=result.fts_score,
            vector_rank=result.vector_rank,
            fts_rank=result.fts_rank,
        )
    return found


def _cosines(question: Question, results: Iterable[SearchResult]) -> dict[UUID, float]:
    """Return the similarity of every result; of those only words found, from their vectors."""
    cosines: dict[UUID, float] = {}
    owners: list[UUID] = []
    rows: list[Vector] = []
    for result in results:
        record = result.record
        if result.vector_score is not None:
            cosines[record.id] = result.vector_score
        # Of another length while others change the model; the end of a recall looks for that.
        elif record.embedding is not None and record.embedding.size == question.embedding.size:
            vectors = (record.embedding, *record.windows)
            rows += vectors
            owners += [record.id] * len(vectors)
    if rows:
        similarities = cosine_similarities(np.stack(rows), question.embedding).tolist()
        for owner, similarity in zip(owners, similarities, strict=True):
            cosines[owner] = max(similarity, cosines.get(owner, -1.0))
    return cosines
