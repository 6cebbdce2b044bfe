"""The start of a session: what an agent should know before it works, within one budget of tokens.

What is more important is fitted in first, and what it leaves goes to the rest: reminders, the
patterns and decisions of the codebase, what answers the queries, what is due, the state of the
store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, TypeVar

from vestige.cognition.prospective import Moment
from vestige.cognition.token_budget import CUT_TOKENS_MIN, beginning, fit
from vestige.engine import intentions
from vestige.engine.codebase import check_files, chosen_memories, current_of
from vestige.engine.maintenance import missing_vectors
from vestige.engine.recall import recall
from vestige.engine.recall_options import RecallFilter, RecallOptions, check_options
from vestige.engine.session_results import LeftOut, RecalledMemory, Reminder, SessionStart
from vestige.engine.session_texts import (
    CODEBASE,
    RECALLED,
    REMINDERS,
    codebase_heading,
    note_tokens,
    recalled_heading,
    reminder_heading,
    tokens_around,
)
from vestige.storage import limits
from vestige.storage.problems import memories, unfinished_reembedding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from vestige.engine.orientation_results import CodebaseMemory
    from vestige.engine.parts import Parts
    from vestige.engine.results import RecallHit
    from vestige.models import StoreStats

SESSION_TOKENS: Final = 1000  # the budget where none is given
QUERIES_MAX: Final = 10
QUERY_MAX_CHARACTERS: Final = 10_000
TOPICS_MAX: Final = 64
TOPIC_MAX_CHARACTERS: Final = 256
REMINDERS_MAX: Final = 10
CODEBASE_MAX: Final = 10
PER_QUERY: Final = 5
# Of a recall over all codebases, which keeps only what belongs to none.
ANYWHERE: Final = 4 * PER_QUERY
DUE_COUNTED_MAX: Final = 50
# No text takes more of the budget than this share, else one long note would be all that is seen.
SHARE_OF_ONE_TEXT: Final = 4

ItemT = TypeVar("ItemT", Reminder, "CodebaseMemory", RecalledMemory)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRequest:
    """What is known of the work that begins.

    Attributes:
        queries: what may be needed, up to 10 questions of up to 10,000 characters.
        codebase: the project that is worked on.
        files: paths that are worked on, up to 100.
        topics: what the work is about, up to 64.
        token_budget: tokens of a language model, estimated, 1 or more.
    """

    queries: Sequence[str] = ()
    codebase: str | None = None
    files: Sequence[str] = ()
    topics: Sequence[str] = ()
    token_budget: int = SESSION_TOKENS

    @property
    def words(self) -> tuple[str, ...]:
        """What the work is about: topics and queries."""
        return (*self.topics, *self.queries)


async def session_start(parts: Parts, request: SessionRequest) -> SessionStart:
    """Return what an agent should know before it works; nothing is written.

    Beside its recalls, two for each query and one for the codebase, the store is asked six times,
    and once more for each 1,000 reminders that something may bring up.

    Raises:
        InvalidInputError: a limit.
        EmbeddingError: a query cannot be embedded.
    """
    check_request(request)
    budget = request.token_budget
    most = max(budget // SHARE_OF_ONE_TEXT, CUT_TOKENS_MIN)
    found_reminders, reminder_count = await _reminders(parts, request)
    reminders, left = _fitted(REMINDERS, reminder_heading, found_reminders, most, budget)
    found_codebase, codebase_count = await _of_codebase(parts, request)
    codebase, left = _fitted(CODEBASE, codebase_heading, found_codebase, most, left)
    seen = {one.record.id for one in found_codebase}
    found_recalled = await _recalled(parts, request, seen)
    recalled, left = _fitted(RECALLED, recalled_heading, found_recalled, most, left)
    left_out = LeftOut(
        reminders=reminder_count - len(reminders),
        codebase=codebase_count - len(codebase),
        recalled=len(found_recalled) - len(recalled),
    )
    stats = await parts.store.get_stats(parts.clock.now())
    due_count = await _due_count(parts)
    sentences = await _sentences(parts, due_count, stats, left_out)
    notes, left = _fitted_notes(sentences, left)
    return SessionStart(
        reminders=tuple(reminders),
        codebase=tuple(codebase),
        recalled=tuple(recalled),
        notes=tuple(notes),
        left_out=replace(left_out, notes=len(sentences) - len(notes)),
        due_count=due_count,
        memory_count=stats.memory_count,
        tokens=budget - left,
        token_budget=budget,
    )


def check_request(request: SessionRequest) -> None:
    """Refuse what is outside the limits, before anything is read.

    Raises:
        InvalidInputError: names the field and the limit.
    """
    check_options(RecallOptions(token_budget=request.token_budget))
    check_files(request.files)
    limits.check_texts("topics", request.topics, TOPICS_MAX, TOPIC_MAX_CHARACTERS)
    if request.codebase is not None:
        limits.check_text(
            "codebase", request.codebase, max_characters=limits.CODEBASE_MAX_CHARACTERS
        )
    limits.check_texts("queries", request.queries, QUERIES_MAX, QUERY_MAX_CHARACTERS)


async def _reminders(parts: Parts, request: SessionRequest) -> tuple[list[Reminder], int]:
    moment = Moment(
        now=parts.clock.now(),
        codebase=request.codebase,
        files=tuple(request.files),
        topics=request.words,
    )
    found = await intentions.check(parts.store, moment, REMINDERS_MAX)
    reminders = [
        Reminder(intention=one.intention, reason=one.reason, text=one.intention.content)
        for one in found.triggered
    ]
    return reminders, found.count


async def _of_codebase(parts: Parts, request: SessionRequest) -> tuple[list[CodebaseMemory], int]:
    codebase = request.codebase
    if codebase is None:
        return [], 0
    words = " ".join(request.words)
    found, _ = await chosen_memories(parts, codebase, request.files, words, CODEBASE_MAX)
    count = await parts.store.count(current_of(codebase, parts.clock.now()))
    return found, max(count, len(found))


async def _recalled(parts: Parts, request: SessionRequest, seen: set[UUID]) -> list[RecalledMemory]:
    """Return what answers the queries: the best of each, then the second best, and so on."""
    answers = [
        [
            RecalledMemory(record=hit.record, query=query, text=hit.record.content)
            for hit in await _answers(parts, query, request.codebase)
        ]
        for query in dict.fromkeys(request.queries)
    ]
    found: dict[UUID, RecalledMemory] = {}
    for place in zip_longest(*answers):
        for one in place:
            if one is not None and one.record.id not in seen:
                found.setdefault(one.record.id, one)
    return [*found.values()]


async def _answers(parts: Parts, query: str, codebase: str | None) -> list[RecallHit]:
    """Return what answers a query, of the codebase or of none."""
    options = RecallOptions()
    narrowed = RecallFilter(codebase=codebase)
    hits = [*await recall(parts, query, narrowed=narrowed, options=options, limit=PER_QUERY)]
    if codebase is None:
        return hits
    anywhere = await recall(parts, query, narrowed=RecallFilter(), options=options, limit=ANYWHERE)
    hits += [hit for hit in anywhere if hit.record.codebase is None]
    return sorted(hits, key=lambda hit: (-hit.score, hit.record.id))[:PER_QUERY]


async def _due_count(parts: Parts) -> int:
    return len(await parts.store.get_due_memories(parts.clock.now(), limit=DUE_COUNTED_MAX))


async def _sentences(
    parts: Parts, due_count: int, stats: StoreStats, left_out: LeftOut
) -> list[str]:
    """Return what is worth a sentence, the most important first."""
    found: list[str] = []
    if due_count:
        more = " or more" if due_count == DUE_COUNTED_MAX else ""
        are = "is" if due_count == 1 else "are"
        found.append(f"{_memories(due_count, more)} {are} due for review.")
    unfinished = unfinished_reembedding(await parts.store.reembedding())
    found += [f"{one.problem[:1].upper()}{one.problem[1:]}." for one in unfinished]
    missing = missing_vectors(stats)
    if missing:
        have = "has" if missing == 1 else "have"
        found.append(f"{_memories(missing)} {have} no vector, so only words find them.")
    found.append(f"{_memories(stats.memory_count)} in the store.")
    missed = {
        "reminders": left_out.reminders,
        "patterns and decisions": left_out.codebase,
        "memories that answer a query": left_out.recalled,
    }
    parts_missed = [f"{count:,} {what}" for what, count in missed.items() if count]
    if parts_missed:
        found.append(f"Not shown: {', '.join(parts_missed)}.")
    return found


def _memories(count: int, more: str = "") -> str:
    return memories(count).replace(" ", f"{more} ", 1)


def _fitted(
    title: str, heading: Callable[[ItemT], str], items: Sequence[ItemT], most: int, left: int
) -> tuple[list[ItemT], int]:
    """Return as many items as fit, and what is left of the budget.

    Args:
        title: printed above them.
        heading: the line above an item.
        items: the most important first.
        most: tokens that one text may take.
        left: tokens that all of it may take.
    """
    shortened = [replace(item, text=beginning(item.text, most)) for item in items]
    around = tokens_around(title, [(heading(item), item.text) for item in shortened])
    fitting = fit([item.text for item in shortened], left, tokens_per_text=around)
    shown = shortened[: len(fitting.kept)]
    if fitting.cut is not None:
        shown.append(replace(shortened[len(shown)], text=fitting.cut.text))
    return shown, left - fitting.tokens


def _fitted_notes(sentences: Sequence[str], left: int) -> tuple[list[str], int]:
    """Return the sentences that fit as a whole, and what is left of the budget."""
    shown: list[str] = []
    for sentence in sentences:
        cost = note_tokens(sentence)
        if cost <= left:
            shown.append(sentence)
            left -= cost
    return shown, left
