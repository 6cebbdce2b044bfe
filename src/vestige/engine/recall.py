"""Recalling: candidates, what is connected to them, and one ranking that can be explained.

A stage a module: `question.py` says what may answer, `candidates.py` asks the store,
`associations.py` follows links, `ranking.py` adds up the parts of the scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.cognition import fsrs
from vestige.embedding.texts import embed_query, signature_of
from vestige.engine.associations import find_associations
from vestige.engine.candidates import find_candidates
from vestige.engine.question import Question, literals_of, search_query
from vestige.engine.ranking import contenders, ranked_hits, within_budget
from vestige.engine.recall_options import check_options
from vestige.engine.weights import weights_of
from vestige.errors import ModelMismatchError
from vestige.models import AddReview, ChangeAction, Rating
from vestige.storage import limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from vestige.engine.candidates import Found
    from vestige.engine.parts import Parts
    from vestige.engine.recall_options import RecallFilter, RecallOptions
    from vestige.engine.results import RecallHit, RecallResult
    from vestige.models import SchedulingState
    from vestige.storage.protocol import MemoryStore


async def recall(
    parts: Parts, text: str, *, narrowed: RecallFilter, options: RecallOptions, limit: int
) -> RecallResult:
    """Return the memories that answer a text, best first.

    The store is asked four times, and at most fifteen times, however many memories answer.

    Raises:
        InvalidInputError: the text is empty, or a limit.
        EmbeddingError: the text cannot be embedded.
    """
    limits.check_text("text", text, max_bytes=limits.QUERY_MAX_BYTES)
    wanted = limits.check_limit(limit)
    check_options(options)
    weights = await weights_of(parts.store)
    query = search_query(text, wanted, narrowed, options, weights.decay)
    meant, excluded = literals_of(text)
    question = Question(
        text=text,
        embedding=await embed_query(parts.embedder, text),
        narrowed=narrowed,
        options=options,
        now=parts.clock.now(),
        wanted=wanted,
        literals=meant,
        excluded=excluded,
        weights=weights,
    )
    found = await find_candidates(parts.store, question, query)
    associations = await find_associations(parts.store, question, found)
    everything = (*found.values(), *associations.found.values())
    if not (parts.is_bound and all(one.is_ranked for one in everything)):
        await _check_model(parts)
    answers = contenders(question, found, associations)
    states = await _states(parts.store, answers)
    result = within_budget(ranked_hits(question, answers, associations, states), question)
    if options.reinforce:
        await _reinforce(parts, question, result.hits, states)
    return result


async def _check_model(parts: Parts) -> None:
    """See to it that all vectors that were read are of the query's model.

    A bound store looks for that itself in each search. What links, literals and ids lead to is read
    by other calls, between which another process may have changed the model; and a store that had
    none may have been given one.

    Raises:
        ModelMismatchError: it has.
    """
    registered, own = await parts.store.registered_model(), await signature_of(parts.embedder)
    if registered not in (None, own):
        raise ModelMismatchError(registered, own)


async def _states(store: MemoryStore, answers: Sequence[Found]) -> dict[UUID, SchedulingState]:
    ids = [one.record.id for one in answers]
    states = await store.list_scheduling(ids) if ids else []
    return {state.memory_id: state for state in states}


async def _reinforce(
    parts: Parts,
    question: Question,
    hits: Sequence[RecallHit],
    states: Mapping[UUID, SchedulingState],
) -> None:
    """Count a good review for each of the answers, as one change."""
    reviews = [
        AddReview(
            memory_id=state.memory_id,
            rating=Rating.GOOD,
            new_state=fsrs.review(state, Rating.GOOD, question.now, weights=question.weights),
            timestamp=question.now,
        )
        for hit in hits
        if (state := states.get(hit.record.id)) is not None
    ]
    if reviews:
        await parts.store.commit(
            parts.change(ChangeAction.REVIEWED, *reviews, reason="recalled and reinforced")
        )
