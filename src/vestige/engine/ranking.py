"""The answers of a recall in their order, with each part of their score."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vestige.cognition import fsrs
from vestige.cognition.accessibility import accessibility
from vestige.cognition.currency import EXPIRED, SUPPRESSED, current_first, recency
from vestige.cognition.token_budget import fit
from vestige.engine.question import is_answer, marks
from vestige.engine.results import RecallHit, RecallResult
from vestige.models import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from vestige.engine.associations import Associations, Lift
    from vestige.engine.candidates import Found
    from vestige.engine.question import Question
    from vestige.models import SchedulingState

# They decide between answers that are as good as equal: more of them cost quality, as
# bench/RESULTS.md shows.
RETRIEVABILITY_WEIGHT: Final = 0.002
RECENCY_WEIGHT: Final = 0.002
ONE_DAY: Final = timedelta(days=1)
TOKENS_PER_HIT: Final = 60  # what is printed around a content: an id, times, tags, a score


def contenders(
    question: Question, found: Mapping[UUID, Found], associations: Associations
) -> list[Found]:
    """Return the answers that the small parts of the score can still bring among the wanted.

    The state of each has to be read, and nearly always they are a tenth of what was found.
    """
    everything = {**associations.found, **found}
    answers = [one for one in everything.values() if is_answer(question, one.record)]
    promises = {one.record.id: _promise(one, associations.lifts) for one in answers}
    answers.sort(key=lambda one: (-promises[one.record.id], one.record.id))
    answers = answers[:MAX_LIMIT]
    is_cut_safe = not (
        question.options.include_superseded or question.narrowed.min_retrievability is not None
    )
    if is_cut_safe and len(answers) > question.wanted:
        last = promises[answers[question.wanted - 1].record.id]
        least = last - RETRIEVABILITY_WEIGHT - RECENCY_WEIGHT
        answers = [one for one in answers if promises[one.record.id] >= least]
    return answers


def ranked_hits(
    question: Question,
    answers: Sequence[Found],
    associations: Associations,
    states: Mapping[UUID, SchedulingState],
) -> list[RecallHit]:
    """Return the answers, best first, at most as many as are wanted.

    Args:
        question: what is asked for.
        answers: those that may be among them.
        associations: what the links say.
        states: of the answers.
    """
    hits = [
        _hit(question, one, associations.lifts.get(one.record.id), states.get(one.record.id))
        for one in answers
    ]
    least = question.narrowed.min_retrievability
    if least is not None:
        hits = [hit for hit in hits if _is_filtered(hit) or hit.retrievability >= least]
    hits.sort(key=lambda hit: (-hit.score, hit.record.id))
    if question.options.include_superseded:
        hits = _current_first(hits, associations.superseded_by)
    return hits[: question.wanted]


def within_budget(hits: Sequence[RecallHit], question: Question) -> RecallResult:
    """Return as many of the answers as the budget of tokens allows, the last one cut."""
    budget, characters = question.options.token_budget, question.options.shown_characters
    if budget is None:
        return RecallResult(hits=tuple(hits))
    texts = [hit.record.content[:characters] for hit in hits]
    fitting = fit(texts, budget, tokens_per_text=TOKENS_PER_HIT)
    shown = list(hits[: len(fitting.kept)])
    if fitting.cut is not None:
        shown.append(replace(hits[len(shown)], beginning=fitting.cut.text))
    return RecallResult(hits=tuple(shown), left_out=fitting.left_out, tokens=fitting.tokens)


def _promise(found: Found, lifts: Mapping[UUID, Lift]) -> float:
    """Return the score without its small parts."""
    lift = lifts.get(found.record.id)
    return found.relevance if lift is None else max(lift.score, found.relevance)


def _hit(
    question: Question, found: Found, lift: Lift | None, state: SchedulingState | None
) -> RecallHit:
    record = found.record
    marked = marks(question, record)
    retrievability = 1.0
    if state is not None:
        decay = question.weights.decay
        retrievability = fsrs.current_retrievability(state, question.now, decay=decay)
    activation_part = 0.0 if lift is None else max(lift.score - found.relevance, 0.0)
    retrievability_part = RETRIEVABILITY_WEIGHT * retrievability
    age_days = (question.at - record.created_at) / ONE_DAY
    recency_part = RECENCY_WEIGHT * recency(age_days)
    return RecallHit(
        record=record,
        score=found.relevance + activation_part + retrievability_part + recency_part,
        vector_part=found.vector_part,
        lexical_part=found.lexical_part,
        literal_part=found.literal_part,
        activation_part=activation_part,
        retrievability_part=retrievability_part,
        recency_part=recency_part,
        vector_score=found.vector_score,
        fts_score=found.fts_score,
        vector_rank=found.vector_rank,
        fts_rank=found.fts_rank,
        literals=found.literals,
        path=lift.path if lift is not None and activation_part > 0 else (),
        retrievability=retrievability,
        accessibility=accessibility(retrievability, is_suppressed=SUPPRESSED in marked).value,
        marks=marked,
    )


def _is_filtered(hit: RecallHit) -> bool:
    """Say whether a search has found it, which filters by retrievability itself."""
    return hit.vector_rank is not None or hit.fts_rank is not None


def _current_first(
    hits: Sequence[RecallHit], superseded_by: Mapping[UUID, UUID]
) -> list[RecallHit]:
    """Put what was replaced below what replaced it; a place keeps its score."""
    by_id = {hit.record.id: hit for hit in hits}
    expired = {key for key, hit in by_id.items() if EXPIRED in hit.marks}
    ordered: list[RecallHit] = []
    for key, place in zip(current_first([*by_id], superseded_by, expired), hits, strict=True):
        hit = by_id[key]
        ordered.append(replace(hit, score=place.score, currency_part=place.score - hit.score))
    return ordered
