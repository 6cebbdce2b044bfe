"""Counts, sizes, health and tidying up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.models import StoreStats
from vestige.storage.postgres import problems, reembedding, registry, schema
from vestige.storage.postgres.errors import PrivilegeError
from vestige.storage.problems import (
    kept_vectors,
    repairable,
    unapplied,
    unfinished_reembedding,
)

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import Problem
    from vestige.storage.postgres.connection import PoolState, Session

COUNTS: Final = """
SELECT
    (SELECT count(*) FROM knowledge_nodes),
    (SELECT count(*) FROM knowledge_nodes WHERE embedding IS NOT NULL),
    (SELECT count(*) FROM memory_windows),
    (SELECT count(*) FROM edges),
    (SELECT count(*) FROM review_events),
    (SELECT count(*) FROM domains),
    (SELECT count(*) FROM scheduling WHERE next_review <= $1)
"""
ANALYZE: Final = "ANALYZE knowledge_nodes, memory_windows, scheduling"
HAS_MEMORIES: Final = "SELECT EXISTS (SELECT 1 FROM knowledge_nodes)"
SELECT_SPAN: Final = "SELECT min(created_at), max(created_at) FROM knowledge_nodes"
COUNT_TYPES: Final = (
    "SELECT node_type, count(*) AS n FROM knowledge_nodes GROUP BY node_type"
    " ORDER BY n DESC, node_type"
)
COUNT_CODEBASES: Final = (
    "SELECT codebase, count(*) AS n FROM knowledge_nodes WHERE codebase IS NOT NULL"
    " GROUP BY codebase ORDER BY n DESC, codebase"
)
SELECT_SIZE: Final = (
    "SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint"
    " FROM unnest($1::text[]) AS name"
)
# What an index was built with, as `{m=24,ef_construction=128}`. One that others dropped meanwhile
# has no size.
VECTOR_INDEXES: Final = """
SELECT c.relname, i.indisvalid AND i.indisready, pg_relation_size(c.oid), c.reloptions
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS a ON a.oid = c.relam
WHERE a.amname = 'hnsw' AND pg_relation_size(c.oid) IS NOT NULL AND i.indrelid = ANY (
    SELECT to_regclass(name) FROM unnest($1::text[]) AS name
)
ORDER BY c.relname
"""
ERASED: Final[tuple[LiteralString, ...]] = (
    "knowledge_nodes",
    "memory_windows",
    "scheduling",
    "edges",
    "review_events",
    "intentions",
    "changelog",
    "spare_windows",
)
# What old vectors that are kept take: 4 bytes a value, and their indexes.
SPARE_SIZE: Final = """
SELECT (4 * $1::bigint + 8) * (
    (SELECT count(spare_embedding) FROM knowledge_nodes) + (SELECT count(*) FROM spare_windows)
) + coalesce(pg_relation_size(to_regclass('idx_knowledge_nodes_spare_embedding_hnsw')), 0)
    + coalesce(pg_relation_size(to_regclass('idx_spare_windows_embedding_hnsw')), 0)
"""
# Its own transaction, and not inside one: the server refuses VACUUM there.
VACUUM: Final = "VACUUM (ANALYZE) " + ", ".join(schema.TABLES)


async def health(session: Session) -> str | None:
    """Return what is wrong with the store, or None."""
    await schema.check_current(session)
    found = [
        f"the schema step {step} is not applied"
        for step in await schema.status(session)
        if step.state == "pending"
    ]
    open_change = await reembedding.current(session)
    found += [problem.problem for problem in unfinished_reembedding(open_change)]
    found += [
        f"the index {name} is not used, because building it was interrupted"
        for name, _ in await problems.broken_indexes(session)
    ]
    return "; ".join(found) or None


async def find_problems(session: Session) -> list[Problem]:
    return [found.problem for found in await problems.find(session)]


async def repair(session: Session) -> list[Problem]:
    # One after the other, and not beside a process that applies a step.
    await session.db.run(schema.LOCK, (schema.MIGRATION_LOCK,))
    await session.db.run(schema.UNBOUNDED)
    repaired = repairable(await problems.find(session))
    for _, mend in repaired:
        await mend(session)
    return [problem for problem, _ in repaired]


async def get_stats(session: Session, now: datetime, pool: PoolState) -> StoreStats:
    """Return counts and sizes; `pool` is what is known of the connections of this process."""
    counts = cast("tuple[int, ...]", await session.db.row(COUNTS, (now,)))
    memories, embedded, windows, edges, events, domains, due = counts
    span = await session.db.row(SELECT_SPAN)
    oldest, newest = cast("tuple[datetime | None, datetime | None]", span)
    size = await session.db.value(SELECT_SIZE, (list(schema.TABLES),))
    return StoreStats(
        backend="postgres",
        location=session.location,
        schema_version=await schema.version(session),
        model=await registry.registered_model(session),
        memory_count=memories,
        embedded_count=embedded,
        window_count=windows,
        edge_count=edges,
        review_event_count=events,
        domain_count=domains,
        due_count=due,
        size_bytes=cast("int", size),
        oldest_created_at=oldest,
        newest_created_at=newest,
        node_types=await _counts(session, COUNT_TYPES),
        codebases=await _counts(session, COUNT_CODEBASES),
        details=await _details(session, pool),
    )


async def vacuum(session: Session) -> None:
    """Give dead rows free, and refresh what the planner and searches know of the tables."""
    await session.db.run(VACUUM)
    session.statistics.expire()


async def erase(session: Session) -> bool:
    """Leave no byte of what was deleted in the tables, and none in the log where that is allowed.

    Not inside a transaction: the server refuses VACUUM there.
    """
    for table in ERASED:
        await session.db.run("VACUUM (FULL, ANALYZE) " + table)
    try:
        # The log is written to its end and begun anew; what lies before a checkpoint is removed.
        for statement in ("VACUUM FULL pg_statistic", "SELECT pg_switch_wal()", "CHECKPOINT"):
            await session.db.run(statement)
    except PrivilegeError:
        return False
    return True


async def suspend_vector_index(session: Session) -> bool:
    await schema.check_current(session)
    if await session.db.value(HAS_MEMORIES):
        return False
    return await schema.drop_vector_index(session)


async def build_vector_index(session: Session) -> None:
    await schema.build_vector_index(session)
    # A store that was just filled has no statistics, and searches weigh words by them.
    await session.db.run(ANALYZE)
    session.statistics.expire()


async def _counts(session: Session, sql: LiteralString) -> dict[str, int]:
    return {cast("str", name): cast("int", n) for name, n in await session.db.rows(sql)}


async def _details(session: Session, pool: PoolState) -> dict[str, str]:
    details = {
        "server_version": cast("str", await session.db.value(schema.SERVER_VERSION)),
        "pgvector_version": cast("str", await session.db.value(schema.VECTOR_VERSION)),
        "text_search": cast("str", await session.db.value(schema.RECORDED_TEXT_SEARCH)),
        "connections": f"{pool.size} open, {pool.idle} idle, at most {pool.limit}",
        "unapplied_steps": unapplied(await schema.status(session)),
    }
    for row in await session.db.rows(VECTOR_INDEXES, (list(schema.TABLES),)):
        name, is_valid, size, options = cast("tuple[str, bool, int, list[str] | None]", tuple(row))
        built = [option.replace("=", " ") for option in options or ()]
        state = "valid" if is_valid else "not valid"
        details[name] = ", ".join((state, f"{size:,} bytes", *built))
    return details | await _kept_vectors(session)


async def _kept_vectors(session: Session) -> dict[str, str]:
    open_change = await reembedding.current(session)
    if open_change is None or open_change.phase != "switched":
        return {}
    size = await session.db.value(SPARE_SIZE, (open_change.old.dimension,))
    return {"old_vectors": kept_vectors(open_change, cast("int", size))}
