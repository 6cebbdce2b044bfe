"""What may be wrong with a store on PostgreSQL, and how each of it is repaired."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from vestige.cognition.fsrs import initial_state
from vestige.models import Problem
from vestige.storage import problems
from vestige.storage.postgres import reembedding, registry, scheduling, schema, vectors
from vestige.storage.postgres.rows import scheduling_values
from vestige.storage.problems import REPAIR

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import LiteralString
    from uuid import UUID

    from vestige.storage.migrations import Migration
    from vestige.storage.postgres.connection import Session

Mend: TypeAlias = "Callable[[Session], Awaitable[None]]"
Finding: TypeAlias = "problems.Finding[Mend]"

# Of a smaller table the planner makes no plan that hurts, and the server analyses it in time.
UNANALYZED_ROWS_MAX: Final = 10_000
NUMBER: Final = re.compile(r"\d+")

# The names come quoted from the server, as a statement needs them.
BROKEN_INDEXES: Final = """
SELECT c.relname, format('REINDEX INDEX %s', c.oid::regclass) FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (
    SELECT to_regclass(name) FROM unnest($1::text[]) AS name
) AND NOT (i.indisvalid AND i.indisready)
ORDER BY c.relname
"""
INDEX_NAMES: Final = """
SELECT c.relname FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (SELECT to_regclass(name) FROM unnest($1::text[]) AS name)
"""
# The dimension of a column is its type modifier, -1 where it has none.
COLUMNS_OF_OTHER_DIMENSION: Final = """
SELECT c.relname || '.' || a.attname FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
WHERE (a.attrelid, a.attname) IN (
    (to_regclass('knowledge_nodes'), 'embedding'),
    (to_regclass('memory_windows'), 'embedding'),
    (to_regclass('domains'), 'centroid')
) AND a.atttypmod <> $1
ORDER BY 1
"""
COUNT_OTHER_DIMENSION: Final = """
SELECT
    (SELECT count(*) FROM knowledge_nodes WHERE vector_dims(embedding) <> $1)
    + (SELECT count(*) FROM memory_windows WHERE vector_dims(embedding) <> $1)
    + (SELECT count(*) FROM domains WHERE vector_dims(centroid) <> $1)
"""
EXTENSION_VERSIONS: Final = (
    "SELECT installed_version, default_version FROM pg_available_extensions WHERE name = 'vector'"
)
COUNT_WITHOUT_SCHEDULING: Final = """
SELECT count(*) FROM knowledge_nodes AS m
WHERE NOT EXISTS (SELECT FROM scheduling AS s WHERE s.memory_id = m.id)
"""
# Locked, so that none is deleted before its scheduling is there.
SELECT_WITHOUT_SCHEDULING: Final = """
SELECT m.id, m.created_at FROM knowledge_nodes AS m
WHERE NOT EXISTS (SELECT FROM scheduling AS s WHERE s.memory_id = m.id)
ORDER BY m.id FOR KEY SHARE OF m
"""
INSERT_MISSING: Final = f"{scheduling.INSERT} ON CONFLICT (memory_id) DO NOTHING"
COUNT_WITHOUT_VECTOR: Final = "SELECT count(*) FROM knowledge_nodes WHERE embedding IS NULL"
# Counted no further than it takes to know.
UNANALYZED_TABLES: Final = """
SELECT t.name FROM (
    SELECT 'knowledge_nodes' AS name,
        (SELECT count(*) FROM (SELECT FROM knowledge_nodes LIMIT $1 + 1) AS r) AS n
    UNION ALL SELECT 'memory_windows',
        (SELECT count(*) FROM (SELECT FROM memory_windows LIMIT $1 + 1) AS r)
    UNION ALL SELECT 'scheduling',
        (SELECT count(*) FROM (SELECT FROM scheduling LIMIT $1 + 1) AS r)
    UNION ALL SELECT 'edges',
        (SELECT count(*) FROM (SELECT FROM edges LIMIT $1 + 1) AS r)
    UNION ALL SELECT 'review_events',
        (SELECT count(*) FROM (SELECT FROM review_events LIMIT $1 + 1) AS r)
) AS t
JOIN pg_class AS c ON c.oid = to_regclass(t.name)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.n > $1 AND NOT EXISTS (
    SELECT FROM pg_stats AS s WHERE (s.schemaname, s.tablename) = (n.nspname, c.relname)
)
ORDER BY t.name
"""
# A copy of a database, of which a crash lost the newest part, can number rows a second time.
LAGS: Final[dict[str, LiteralString]] = {
    "changelog": "SELECT max(sequence) > (SELECT last_value FROM changelog_sequence_seq)"
    " FROM changelog",
    "review_events": "SELECT max(id) > (SELECT last_value FROM review_events_id_seq)"
    " FROM review_events",
}
CATCH_UP: Final = {
    "changelog": "SELECT setval('changelog_sequence_seq', max(sequence)) FROM changelog",
    "review_events": "SELECT setval('review_events_id_seq', max(id)) FROM review_events",
}
ANALYZE: Final = "ANALYZE knowledge_nodes, memory_windows, scheduling, edges, review_events"


async def find(session: Session) -> list[Finding]:
    """Return everything that is wrong, in the order in which it is to be repaired."""
    if not await session.db.value(schema.HAS_TABLE, ("knowledge_nodes",)):
        return [problems.Finding(problems.without_tables())]
    return [
        *await _pending_steps(session),
        *await _reembedding(session),
        *await _indexes(session),
        *await _broken_indexes(session),
        *await _extension(session),
        *await _sequences(session),
        *await _scheduling(session),
        *await _vectors(session),
        *await _unanalyzed(session),
    ]


async def broken_indexes(session: Session) -> list[tuple[str, str]]:
    """Return the indexes that are not used because building them failed, with what builds them.

    While a change of the model is unfinished, one of its own may be built right now.
    """
    open_change = await reembedding.current(session)
    if open_change is not None and open_change.phase == "encoding":
        return []
    rows = await session.db.rows(BROKEN_INDEXES, (list(schema.TABLES),))
    return [cast("tuple[str, str]", tuple(row)) for row in rows]


async def _pending_steps(session: Session) -> list[Finding]:
    steps = [step for step in await schema.status(session) if step.state == "pending"]
    return [problems.Finding(problems.pending_step(step), _apply_pending) for step in steps]


async def _reembedding(session: Session) -> list[Finding]:
    open_change = await reembedding.current(session)
    return [problems.Finding(problem) for problem in problems.unfinished_reembedding(open_change)]


async def _indexes(session: Session) -> list[Finding]:
    found = await session.db.rows(INDEX_NAMES, (list(schema.TABLES),))
    present = {cast("str", name) for (name,) in found}
    findings: list[Finding] = []
    for step in await schema.applied_steps(session):
        missing = sorted(step.indexes.keys() - present)
        if step.requires_model:
            findings += await _vector_step(session, step, missing)
            continue
        for name in missing:
            mend: Mend = partial(_run_script, script=step.indexes[name])
            findings.append(problems.Finding(problems.missing_indexes([name]), mend))
    return findings


async def _vector_step(session: Session, step: Migration, missing: list[str]) -> list[Finding]:
    """Return what is wrong with what a step made of the dimension of the model."""
    model = await registry.registered_model(session)
    if model is None:
        return []
    columns = await session.db.rows(COLUMNS_OF_OTHER_DIMENSION, (model.dimension,))
    if columns:
        misfits = cast("int", await session.db.value(COUNT_OTHER_DIMENSION, (model.dimension,)))
        if misfits:
            return [problems.Finding(problems.of_other_dimension(misfits, model))]
        names = ", ".join(cast("str", name) for (name,) in columns)
        text = f"not declared with the {model.dimension} dimensions of the model: {names}"
        problem = Problem(problem=text, repair=REPAIR, is_repairable=True)
        return [problems.Finding(problem, partial(schema.apply_again, step=step))]
    if not missing or model.dimension > vectors.HALFVEC_INDEX_MAX:
        return []
    if problems.is_filling_searched(await reembedding.current(session)):
        return []  # it is built at the end
    return [problems.Finding(problems.missing_indexes(missing), schema.build_vector_index)]


async def _broken_indexes(session: Session) -> list[Finding]:
    return [
        problems.Finding(
            Problem(
                problem=f"the index {name} is not used, because building it was interrupted",
                repair=REPAIR,
                is_repairable=True,
            ),
            partial(_run_script, script=script),
        )
        for name, script in await broken_indexes(session)
    ]


async def _extension(session: Session) -> list[Finding]:
    row = await session.db.row(EXTENSION_VERSIONS)
    installed, offered = cast("tuple[str, str]", (None, None) if row is None else tuple(row))
    if row is None or _numbers(installed) >= _numbers(offered):
        return []
    text = f"the extension vector is of version {installed}, and the server offers {offered}"
    repair = "Run `ALTER EXTENSION vector UPDATE` in this database, as the owner of the extension."
    return [problems.Finding(Problem(problem=text, repair=repair))]


async def _sequences(session: Session) -> list[Finding]:
    findings: list[Finding] = []
    for table, lags in LAGS.items():
        is_there = await session.db.value(schema.HAS_TABLE, (table,))
        if is_there and await session.db.value(lags):
            text = f"the numbers of new rows in {table} are taken, so no change can be written"
            problem = Problem(problem=text, repair=REPAIR, is_repairable=True)
            findings.append(problems.Finding(problem, partial(_run_script, script=CATCH_UP[table])))
    return findings


async def _scheduling(session: Session) -> list[Finding]:
    count = cast("int", await session.db.value(COUNT_WITHOUT_SCHEDULING))
    if not count:
        return []
    return [problems.Finding(problems.without_scheduling(count), _add_scheduling)]


async def _vectors(session: Session) -> list[Finding]:
    if await registry.registered_model(session) is None:
        return []
    # What is unfinished says it better than the number of those that are still to come.
    if problems.is_filling_searched(await reembedding.current(session)):
        return []
    count = cast("int", await session.db.value(COUNT_WITHOUT_VECTOR))
    return [problems.Finding(problems.without_vector(count))] if count else []


async def _unanalyzed(session: Session) -> list[Finding]:
    rows = await session.db.rows(UNANALYZED_TABLES, (UNANALYZED_ROWS_MAX,))
    if not rows:
        return []
    names = ", ".join(cast("str", name) for (name,) in rows)
    text = f"the server never analysed tables that have grown, so it plans searches badly: {names}"
    problem = Problem(problem=text, repair=REPAIR, is_repairable=True)
    return [problems.Finding(problem, partial(_run_script, script=ANALYZE))]


async def _apply_pending(session: Session) -> None:
    while await schema.apply_next(session):
        pass


async def _add_scheduling(session: Session) -> None:
    rows = await session.db.rows(SELECT_WITHOUT_SCHEDULING)
    states = (
        initial_state(cast("UUID", memory_id), cast("datetime", created_at))
        for memory_id, created_at in rows
    )
    await session.db.run_many(INSERT_MISSING, [scheduling_values(state) for state in states])


async def _run_script(session: Session, script: str) -> None:
    await session.db.run_script(script)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in NUMBER.findall(version)]
