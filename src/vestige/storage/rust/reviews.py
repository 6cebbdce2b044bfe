"""The review events of a file, made of its log of accesses.

The Rust program keeps no log of reviews. What its own optimiser of the weights takes for one is
taken for one here: a promotion is `easy`, a demotion `again`, every other access `good`. The log is
pruned after 90 days, so the events begin in the middle of a memory's life: each memory's are
replayed from its creation, and lead to a state of their own that the memory's columns overrule.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, LiteralString, cast
from uuid import UUID

from vestige.cognition import fsrs
from vestige.models import Rating, ReviewEvent, SchedulingState, TransferTable
from vestige.storage.rust.findings import RowNotes, key_of
from vestige.storage.rust.layout import ACCESS_LOG, MEMORIES
from vestige.storage.rust.memories import created_at_of
from vestige.storage.rust.others import NO_SUCH_MEMORY
from vestige.storage.rust.values import EPOCH, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vestige.storage.rust.connection import Cell, Cells, Reader
    from vestige.storage.rust.findings import Findings
    from vestige.storage.rust.ids import Ids
    from vestige.storage.rust.layout import Layout

RATINGS: Final = {"promote": Rating.EASY, "search_hit": Rating.GOOD, "demote": Rating.AGAIN}
MICROSECOND: Final = timedelta(microseconds=1)
NOBODY: Final = UUID(int=0)  # a state is written without its memory's id, which it has no use for

READ_LOG: Final = (
    "SELECT a.id, a.rowid, a.node_id, a.access_type, a.accessed_at, n.rowid"
    " FROM memory_access_log AS a LEFT JOIN knowledge_nodes AS n ON n.id = a.node_id"
    " WHERE a.access_type IS NULL OR a.access_type NOT IN ('suppress', 'reverse_suppress')"
    " ORDER BY a.rowid"
)
# Times of several forms do not sort as text, so they are sorted as numbers, in tables on disk.
CREATE_ACCESSES: Final = (
    "CREATE TEMP TABLE accesses"
    " (log_key INTEGER PRIMARY KEY, memory INTEGER, at_us INTEGER, rating INTEGER)"
)
ADD_ACCESS: Final = "INSERT INTO temp.accesses VALUES (?, ?, ?, ?)"
# The state before each event, numbered by time. What it led to follows from state and rating.
CREATE_EVENTS: Final = (
    "CREATE TEMP TABLE events (id INTEGER PRIMARY KEY, memory INTEGER, at_us INTEGER,"
    " rating INTEGER, stability REAL, difficulty REAL, last_us INTEGER, next_us INTEGER,"
    " reps INTEGER, lapses INTEGER)"
)
NUMBER_EVENTS: Final = (
    "INSERT INTO temp.events (id, memory, at_us, rating)"
    " SELECT row_number() OVER (ORDER BY at_us, log_key), memory, at_us, rating FROM temp.accesses"
)
EVENTS_BY_MEMORY: Final = (
    "SELECT e.id, e.memory, e.at_us, e.rating FROM temp.events AS e ORDER BY e.memory, e.id"
)
READ_TIMES: Final[dict[str, LiteralString]] = {
    "created_at": "SELECT created_at FROM knowledge_nodes WHERE rowid = ?",
    "updated_at": "SELECT updated_at FROM knowledge_nodes WHERE rowid = ?",
    "last_accessed": "SELECT last_accessed FROM knowledge_nodes WHERE rowid = ?",
}
WRITE_STATE: Final = (
    "UPDATE temp.events SET stability = ?, difficulty = ?, last_us = ?, next_us = ?, reps = ?,"
    " lapses = ? WHERE id = ?"
)
PAGE_OF_EVENTS: Final = (
    "SELECT e.id, n.rowid, n.id, e.at_us, e.rating, e.stability, e.difficulty, e.last_us,"
    " e.next_us, e.reps, e.lapses FROM temp.events AS e CROSS JOIN knowledge_nodes AS n"
    " ON n.rowid = e.memory WHERE e.id >= ? ORDER BY e.id LIMIT ?"
)


class Reviews:
    """The events of a file, in the order of their time; made before the first is given out."""

    def __init__(
        self, reader: Reader, layout: Layout, ids: Ids, findings: Findings, last_resort: datetime
    ) -> None:
        self._reader = reader
        self._layout = layout
        self._ids = ids
        self._findings = findings
        self._last_resort = last_resort
        reader.run("BEGIN")
        reader.run(CREATE_ACCESSES)
        reader.run(CREATE_EVENTS)
        for row in reader.stream(READ_LOG):
            self._add_access(row)
        reader.run(NUMBER_EVENTS)
        self._replay()
        reader.run("COMMIT")

    def page(self, first: int, limit: int) -> list[ReviewEvent]:
        """Return the events from an id on."""
        return [self._event_of(row) for row in self._reader.rows(PAGE_OF_EVENTS, (first, limit))]

    def _add_access(self, row: Cells) -> None:
        log_id, log_key, node_id, kind, accessed_at, memory = row
        key = key_of(log_id, cast("int", log_key))
        notes = RowNotes(ACCESS_LOG, key)
        at = time_of(notes, "accessed_at", accessed_at)
        if memory is None or at is None:
            reason = (
                f"node_id: {NO_SUCH_MEMORY}: {key_of(node_id, 0)}"
                if memory is None
                else f"accessed_at: no time that can be read: {key_of(accessed_at, 0)}"
            )
            self._findings.fail(TransferTable.REVIEW_EVENTS, key, reason)
            return
        rating = RATINGS.get(kind) if isinstance(kind, str) else None
        if rating is None:
            rating = Rating.GOOD
            notes.adjust("access_type: unknown, counted as good", kind, int(rating))
        self._findings.keep(notes)
        self._reader.run(ADD_ACCESS, (log_key, memory, _microseconds(at), int(rating)))

    def _replay(self) -> None:
        """Write the state before each event."""
        state: SchedulingState | None = None
        current: Cell = None
        for event_id, memory, at_us, rating in self._reader.stream(EVENTS_BY_MEMORY):
            if state is None or memory != current:
                current = memory
                state = self._first_state(memory)
            self._reader.run(WRITE_STATE, (*_cells_of(state), event_id))
            state = fsrs.review(state, Rating(cast("int", rating)), _time_of(at_us))

    def _first_state(self, memory: Cell) -> SchedulingState:
        times = {
            name: self._reader.value(statement, (memory,))
            for name, statement in READ_TIMES.items()
            if self._layout.has(MEMORIES, name)
        }
        notes = RowNotes(MEMORIES, "")  # what is wrong with them is noted with the memory itself
        return fsrs.initial_state(NOBODY, created_at_of(notes, times, self._last_resort))

    def _event_of(self, row: Cells) -> ReviewEvent:
        event_id, rowid, node_id, at_us, rating, *state = row
        notes = RowNotes(MEMORIES, "")  # a mapped id is noted with the memory itself
        memory_id = self._ids.of_row(notes, MEMORIES, node_id, cast("int", rowid))
        at = _time_of(at_us)
        prior_state = _state_of(memory_id, state)
        return ReviewEvent(
            id=cast("int", event_id),
            memory_id=memory_id,
            timestamp=at,
            rating=Rating(cast("int", rating)),
            prior_state=prior_state,
            new_state=fsrs.review(prior_state, Rating(cast("int", rating)), at),
        )


def _cells_of(state: SchedulingState) -> tuple[Cell, ...]:
    times = (state.last_review, state.next_review)
    last_us, next_us = (None if at is None else _microseconds(at) for at in times)
    return state.stability, state.difficulty, last_us, next_us, state.reps, state.lapses


def _state_of(memory_id: UUID, cells: Sequence[Cell]) -> SchedulingState:
    stability, difficulty, last_us, next_us, reps, lapses = cells
    return SchedulingState(
        memory_id=memory_id,
        stability=cast("float", stability),
        difficulty=cast("float", difficulty),
        retrievability=1.0,  # what every review and the creation leave behind
        last_review=None if last_us is None else _time_of(last_us),
        next_review=None if next_us is None else _time_of(next_us),
        reps=cast("int", reps),
        lapses=cast("int", lapses),
    )


def _microseconds(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def _time_of(microseconds: Cell) -> datetime:
    return EPOCH + timedelta(microseconds=cast("int", microseconds))
