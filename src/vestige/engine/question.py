"""What a recall asks for, taken apart once: its words, its time, and what may answer it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vestige.cognition.currency import EXPIRED, SUPERSEDED, marks_at
from vestige.cognition.literals import QUERY_CHARACTERS_MAX, literals, matches
from vestige.models import MAX_LIMIT, SearchQuery
from vestige.storage import limits
from vestige.storage.text import SEARCHABLE_CHARACTERS

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.cognition.fsrs_weights import Weights
    from vestige.cognition.literals import Literal
    from vestige.engine.recall_options import RecallFilter, RecallOptions
    from vestige.models import MemoryRecord, Vector

# The store's order puts what stands in both legs before what stands first in one, so the best by
# score may be deep in it: this many times the limit are ranked, and never fewer than this.
CANDIDATES_FACTOR: Final = 2
CANDIDATES_MIN: Final = 100
LITERALS_MAX: Final = 8  # each is looked for in every candidate

# As the full-text leg reads them; what must not occur is not what is meant literally.
_EXCLUSION: Final = re.compile(r'(?<!\S)-(?:"([^"]*)"|([^\s-]\S*))')
_EXCLUSIONS_MAX: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Question:
    """What a recall asks for.

    Attributes:
        text: as it was written.
        embedding: float32 vector of shape (dimension,).
        narrowed: what may answer.
        options: how.
        now: the time of asking, aware.
        wanted: how many answers at most.
        literals: what the text means letter by letter.
        excluded: what an answer must not hold; `-word` and `-"words"` of the text.
        weights: of FSRS-6, by which the memories of the store fade.
    """

    text: str
    embedding: Vector
    narrowed: RecallFilter
    options: RecallOptions
    now: datetime
    wanted: int
    literals: tuple[Literal, ...]
    excluded: tuple[str, ...]
    weights: Weights

    @property
    def at(self) -> datetime:
        """The time at which an answer has to hold."""
        return self.now if self.options.as_of is None else self.options.as_of


def literals_of(text: str) -> tuple[tuple[Literal, ...], tuple[str, ...]]:
    """Return what a text means letter by letter, and what it excludes."""
    text = text[:QUERY_CHARACTERS_MAX]
    excluded = [match[1] or match[2] for match in _EXCLUSION.finditer(text)]
    meant = literals(_EXCLUSION.sub(" ", text))
    return meant[:LITERALS_MAX], tuple(filter(None, excluded))[:_EXCLUSIONS_MAX]


def search_query(
    text: str, wanted: int, narrowed: RecallFilter, options: RecallOptions, decay: float
) -> SearchQuery:
    """Return the search for candidates, without a vector and whatever their state is.

    Raises:
        InvalidInputError: a limit.
    """
    query = SearchQuery(
        text=text,
        domains=narrowed.domains,
        tags=narrowed.tags,
        node_types=narrowed.node_types,
        codebase=narrowed.codebase,
        min_retrievability=narrowed.min_retrievability,
        decay=decay,
        created_after=narrowed.since,
        created_before=_created_before(narrowed.until, options.as_of),
        limit=min(max(CANDIDATES_FACTOR * wanted, CANDIDATES_MIN), MAX_LIMIT),
    )
    limits.check_query(query)
    return query


def literals_in(question: Question, record: MemoryRecord) -> tuple[str, ...]:
    """Return what the question means literally and the memory holds: in its content or as a tag."""
    if not question.literals:
        return ()
    content = record.content[:SEARCHABLE_CHARACTERS]
    held = tuple(
        literal.value
        for literal in question.literals
        if matches(literal, content) or any(matches(literal, tag) for tag in record.tags)
    )
    return () if held and any(_holds(content, words) for words in question.excluded) else held


def keeps(question: Question, record: MemoryRecord) -> bool:
    """Say whether the filters of a question keep a memory that no search has returned.

    Retrievability is left out, because it is not in the record.
    """
    narrowed = question.narrowed
    until = _created_before(narrowed.until, question.options.as_of)
    return (
        (narrowed.codebase is None or record.codebase == narrowed.codebase)
        and _overlap(narrowed.tags, record.tags)
        and _overlap(narrowed.domains, record.domains)
        and (not narrowed.node_types or record.node_type in narrowed.node_types)
        and (narrowed.since is None or record.created_at >= narrowed.since)
        and (until is None or record.created_at < until)
    )


def marks(question: Question, record: MemoryRecord) -> tuple[str, ...]:
    """Return why a memory does not hold, or is hidden, at the time of a question; often nothing."""
    return marks_at(record, question.at)


def is_visible(question: Question, record: MemoryRecord) -> bool:
    """Say whether a memory may be named: neither hidden nor learned after the time asked for."""
    options = question.options
    is_known = options.as_of is None or record.created_at <= options.as_of
    return is_known and (record.suppressed_at is None or options.include_suppressed)


def is_answer(question: Question, record: MemoryRecord) -> bool:
    """Say whether a memory may be returned, as far as its state decides."""
    if not is_visible(question, record):
        return False
    return question.options.include_superseded or not {SUPERSEDED, EXPIRED} & {
        *marks(question, record)
    }


def _created_before(until: datetime | None, as_of: datetime | None) -> datetime | None:
    if as_of is None:
        return until
    try:
        behind = as_of + timedelta(microseconds=1)  # what was learned at that moment was known
    except OverflowError:
        return until
    return behind if until is None else min(until, behind)


def _overlap(wanted: tuple[str, ...], given: tuple[str, ...]) -> bool:
    return not wanted or not {*wanted}.isdisjoint(given)


def _holds(content: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", content, re.IGNORECASE) is not None
