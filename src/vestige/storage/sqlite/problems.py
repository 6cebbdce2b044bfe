"""What may be wrong with a store in a SQLite file, and how each of it is repaired."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, LiteralString, TypeAlias, cast
from uuid import UUID

import numpy as np

from vestige.cognition.fsrs import initial_state
from vestige.models import Problem
from vestige.storage import problems
from vestige.storage.encoding import time_value
from vestige.storage.problems import REPAIR
from vestige.storage.sqlite import reembedding, registry, scheduling, schema, vectors
from vestige.storage.sqlite.errors import CorruptError
from vestige.storage.sqlite.rows import scheduling_values
from vestige.storage.vectors import FLOAT32

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from vestige.storage.sqlite.connection import Session

Mend: TypeAlias = "Callable[[Session], None]"
Finding: TypeAlias = "problems.Finding[Mend]"

BACKUP: Final = "Restore a backup; keep the damaged file and its -wal beside it."
FTS_TABLE: Final = "knowledge_nodes_fts"

# Damage of a file comes in many lines; a few are enough to know it by.
QUICK_CHECK: Final = "PRAGMA quick_check(10)"
# The 1 compares the index with the rows, too.
CHECK_FTS: Final = (
    "INSERT INTO knowledge_nodes_fts (knowledge_nodes_fts, rank) VALUES ('integrity-check', 1)"
)
REBUILD_FTS: Final = "INSERT INTO knowledge_nodes_fts (knowledge_nodes_fts) VALUES ('rebuild')"
INDEX_NAMES: Final = "SELECT name FROM sqlite_master WHERE type = 'index'"
SELECT_OWNERS: Final = (
    "SELECT chunk, owners FROM vector_chunks WHERE source = ? AND length(codes) = ? ORDER BY chunk"
)
COUNT_OTHER_DIMENSION: Final = """
SELECT
    (SELECT count(*) FROM knowledge_nodes WHERE length(embedding) <> :bytes)
    + (SELECT count(*) FROM memory_windows WHERE length(embedding) <> :bytes)
    + (SELECT count(*) FROM domains WHERE length(centroid) <> :bytes)
"""
COUNT_OTHER_CODES: Final = "SELECT count(*) FROM vector_chunks WHERE length(codes) <> ?"
OWNED: Final[dict[str, LiteralString]] = {
    "memory": "SELECT key, key FROM knowledge_nodes WHERE embedding IS NOT NULL",
    "window": (
        "SELECT w.key, m.key FROM memory_windows AS w"
        " JOIN knowledge_nodes AS m ON m.id = w.memory_id"
    ),
}
COUNT_WITHOUT_SCHEDULING: Final = (
    "SELECT count(*) FROM knowledge_nodes WHERE id NOT IN (SELECT memory_id FROM scheduling)"
)
SELECT_WITHOUT_SCHEDULING: Final = (
    "SELECT id, created_at FROM knowledge_nodes WHERE id NOT IN (SELECT memory_id FROM scheduling)"
)
COUNT_WITHOUT_VECTOR: Final = "SELECT count(*) FROM knowledge_nodes WHERE embedding IS NULL"


def find(session: Session) -> list[Finding]:
    """Return everything that is wrong, in the order in which it is to be repaired."""
    # The full-text index is left out: it can be built anew from the rows.
    damage = [answer for answer in find_damage(session) if FTS_TABLE not in answer]
    if damage:
        # Nothing that is read of such a file can be relied on, and writing to it makes it worse.
        problem = Problem(problem=f"the file is damaged: {damage[0]}", repair=BACKUP)
        return [problems.Finding(problem)]
    if not session.db.value(schema.HAS_TABLE, ("knowledge_nodes",)):
        return [problems.Finding(problems.without_tables())]
    return [
        *_pending_steps(session),
        *_reembedding(session),
        *_indexes(session),
        *_full_text(session),
        *_vector_index(session),
        *_scheduling(session),
        *_vectors(session),
    ]


def find_damage(session: Session) -> list[str]:
    """Return how the file is damaged, as SQLite says it."""
    try:
        answers = [cast("str", answer) for (answer,) in session.db.rows(QUICK_CHECK)]
    except CorruptError as error:
        return [str(error)]
    return [answer for answer in answers if answer != "ok"]


def _pending_steps(session: Session) -> list[Finding]:
    steps = [step for step in schema.status(session) if step.state == "pending"]
    return [problems.Finding(problems.pending_step(step), _apply_pending) for step in steps]


def _reembedding(session: Session) -> list[Finding]:
    open_change = reembedding.current(session)
    return [problems.Finding(problem) for problem in problems.unfinished_reembedding(open_change)]


def _indexes(session: Session) -> list[Finding]:
    present = {cast("str", name) for (name,) in session.db.rows(INDEX_NAMES)}
    return [
        problems.Finding(problems.missing_indexes([name]), partial(_run_script, script=script))
        for step in schema.applied_steps(session)
        for name, script in sorted(step.indexes.items())
        if name not in present
    ]


def _full_text(session: Session) -> list[Finding]:
    if not session.db.value(schema.HAS_TABLE, (FTS_TABLE,)):
        return [problems.Finding(Problem(problem=f"the table {FTS_TABLE} is gone", repair=BACKUP))]
    try:
        session.db.run(CHECK_FTS)
    except CorruptError:
        text = "the full-text index does not agree with the memories"
        problem = Problem(problem=text, repair=REPAIR, is_repairable=True)
        return [problems.Finding(problem, _rebuild_full_text)]
    return []


def _vector_index(session: Session) -> list[Finding]:
    model = registry.registered_model(session)
    steps = [step for step in schema.applied_steps(session) if step.requires_model]
    if model is None or not steps:
        return []
    misfits = session.db.value(COUNT_OTHER_DIMENSION, {"bytes": FLOAT32.itemsize * model.dimension})
    if misfits:
        return [problems.Finding(problems.of_other_dimension(cast("int", misfits), model))]
    if not session.db.value(vectors.HAS_INDEX):
        problem = Problem(problem="the vector index is gone", repair=REPAIR, is_repairable=True)
        return [problems.Finding(problem, partial(schema.apply_again, step=steps[0]))]
    code_bytes = _code_bytes(model.dimension)
    wrong = sum(_wrong_slots(session, source, code_bytes) for source in OWNED)
    if not wrong and not session.db.value(COUNT_OTHER_CODES, (code_bytes,)):
        return []
    text = f"the vector index does not agree with the vectors (slots that differ: {wrong:,})"
    problem = Problem(problem=text, repair=REPAIR, is_repairable=True)
    return [problems.Finding(problem, _rebuild_vector_index)]


def _wrong_slots(session: Session, source: str, code_bytes: int) -> int:
    """Return in how many slots the index has no owner or another one than the row's memory."""
    rows = session.db.rows(SELECT_OWNERS, (source, code_bytes))
    owned = np.array(session.db.rows(OWNED[source]), dtype=np.int64).reshape(-1, 2)
    chunks = [cast("int", chunk) for chunk, _ in rows]
    last_key = int(owned[:, 0].max(initial=0))
    size = (max([last_key // vectors.CHUNK_SLOTS, *chunks]) + 1) * vectors.CHUNK_SLOTS
    stored, expected = np.zeros((2, size), dtype=np.int64)
    for chunk, (_, owners) in zip(chunks, rows, strict=True):
        place = chunk * vectors.CHUNK_SLOTS
        stored[place : place + vectors.CHUNK_SLOTS] = _owners(cast("bytes", owners))
    expected[owned[:, 0]] = owned[:, 1]
    return int(np.count_nonzero(stored != expected))


def _owners(data: bytes) -> NDArray[np.int64]:
    return np.frombuffer(data, dtype=np.int64)


def _code_bytes(dimension: int) -> int:
    """Return the size of the codes of a chunk: whole words of 64 bits in each slot."""
    return vectors.CHUNK_SLOTS * 8 * -(-dimension // 64)


def _scheduling(session: Session) -> list[Finding]:
    count = cast("int", session.db.value(COUNT_WITHOUT_SCHEDULING))
    if not count:
        return []
    return [problems.Finding(problems.without_scheduling(count), _add_scheduling)]


def _vectors(session: Session) -> list[Finding]:
    # What is unfinished says it better than the number of those that are still to come.
    if registry.registered_model(session) is None:
        return []
    if problems.is_filling_searched(reembedding.current(session)):
        return []
    count = cast("int", session.db.value(COUNT_WITHOUT_VECTOR))
    return [problems.Finding(problems.without_vector(count))] if count else []


def _apply_pending(session: Session) -> None:
    while schema.apply_next(session):
        pass


def _rebuild_full_text(session: Session) -> None:
    session.db.run(REBUILD_FTS)


def _rebuild_vector_index(session: Session) -> None:
    vectors.empty(session)
    vectors.rebuild(session)


def _add_scheduling(session: Session) -> None:
    for memory_id, created_at in session.db.rows(SELECT_WITHOUT_SCHEDULING):
        created = time_value(cast("str", created_at))
        state = initial_state(UUID(cast("str", memory_id)), created)
        session.db.run(scheduling.INSERT, scheduling_values(state))


def _run_script(session: Session, script: str) -> None:
    session.db.run_script(script)
