"""What an operator, a crash or another program does to a store, and what a repair brings back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from factories import (
    DAY,
    START,
    ManualClock,
    a_full_memory,
    a_scheduling,
    a_signature,
    a_vector,
    an_id,
)
from postgres_server import a_database
from vestige.errors import StoreError
from vestige.models import AddReview, Change, ChangeAction, InsertMemory, Rating
from vestige.storage.postgres.problems import UNANALYZED_ROWS_MAX
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.problems import REPAIR

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from vestige.storage.protocol import MemoryStore

VECTOR_INDEX: Final = "idx_knowledge_nodes_embedding_hnsw"
VALID_INDEXES: Final = """
SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND i.indisvalid AND i.indisready ORDER BY c.relname
"""
INTERRUPTED: Final = """
UPDATE pg_index SET indisvalid = indisvalid AND $2 <> 'indisvalid',
    indisready = indisready AND $2 <> 'indisready'
WHERE indexrelid = $1::text::regclass
"""
NEVER_VACUUMED: Final = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples < 0
"""
GROW: Final = """
INSERT INTO review_events (memory_id, rating, prior_state, new_state)
SELECT id, 3, '{}', '{}' FROM knowledge_nodes, generate_series(0, $1)
WHERE content = 'amber 0'
"""


@pytest.fixture
async def url() -> AsyncGenerator[str]:
    async with a_database() as url:
        yield url


@pytest.fixture
async def store(url: str, clock: ManualClock) -> AsyncGenerator[PostgresStore]:
    store = await PostgresStore.connect(url, 4, clock=clock)
    await store.register_model(a_signature())
    await store.insert_many(
        [a_full_memory(f"amber {number}", embedding=a_vector(number)) for number in range(20)]
    )
    yield store
    await store.close()


async def execute(url: str, sql: str, *values: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql, *values)
    finally:
        await connection.close()


async def interrupt(url: str, name: str, flag: str = "indisvalid") -> None:
    """Leave an index as a crash leaves one that was being built."""
    await execute(url, INTERRUPTED, name, flag)


async def valid_indexes(url: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(url)
    try:
        return [(name, text) for name, text in await connection.fetch(VALID_INDEXES)]
    finally:
        await connection.close()


def a_reviewed_memory(text: str) -> Change:
    """Return a change that takes a number of the changelog and one of the reviews."""
    record = a_full_memory(text, embedding=a_vector(1))
    state = a_scheduling(record.id, last_review=START)
    review = AddReview(memory_id=record.id, rating=Rating.GOOD, new_state=state, timestamp=START)
    operations = (InsertMemory(record=record), review)
    return Change(id=an_id(text), action=ChangeAction.EDITED, operations=operations)


async def problems_of(store: MemoryStore) -> list[str]:
    return [problem.problem for problem in await store.find_problems()]


@pytest.mark.parametrize("name", ["idx_knowledge_nodes_fts", VECTOR_INDEX])
@pytest.mark.parametrize("flag", ["indisvalid", "indisready"])
async def test_an_index_whose_building_was_interrupted_is_built_anew(
    store: PostgresStore, url: str, name: str, flag: str
) -> None:
    before = await valid_indexes(url)
    await interrupt(url, name, flag)
    health = await store.health_check()
    assert health.status == "degraded"
    assert name in (health.reason or "")
    (problem,) = await store.find_problems()
    assert problem.problem == f"the index {name} is not used, because building it was interrupted"
    assert (problem.repair, problem.is_repairable) == (REPAIR, True)
    assert await store.repair() == [problem]
    assert await valid_indexes(url) == before
    assert (await store.health_check()).status == "healthy"


@pytest.mark.parametrize(
    "name", ["idx_edges_type", VECTOR_INDEX, "idx_memory_windows_embedding_hnsw"]
)
async def test_an_index_that_was_dropped_is_made_again(
    store: PostgresStore, url: str, name: str
) -> None:
    before = await valid_indexes(url)
    await execute(url, f"DROP INDEX {name}")
    assert await problems_of(store) == [f"the index {name} is missing"]
    assert len(await store.repair()) == 1
    assert await valid_indexes(url) == before
    assert await store.find_problems() == []


async def test_vector_indexes_that_were_dropped_together_are_built_together(
    store: PostgresStore, url: str
) -> None:
    before = await valid_indexes(url)
    await execute(url, f"DROP INDEX {VECTOR_INDEX}, idx_memory_windows_embedding_hnsw")
    (problem,) = await store.repair()
    assert problem.problem == (
        f"the indexes {VECTOR_INDEX}, idx_memory_windows_embedding_hnsw are missing"
    )
    assert await valid_indexes(url) == before
    record = await store.get(a_full_memory("amber 3").id)
    assert record == a_full_memory("amber 3", embedding=a_vector(3))


async def test_an_index_that_a_killed_copy_did_not_build_is_built(url: str) -> None:
    store = await PostgresStore.connect(url, 1)
    await store.register_model(a_signature())
    before = await valid_indexes(url)
    assert await store.suspend_vector_index()
    assert len(await store.repair()) == 1
    assert await valid_indexes(url) == before
    await store.close()


async def test_the_index_of_long_vectors_is_missed_and_built_at_half_precision(url: str) -> None:
    store = await PostgresStore.connect(url, 1)
    await store.register_model(a_signature(dimension=3000))
    before = await valid_indexes(url)
    assert await store.find_problems() == []
    await execute(url, f"DROP INDEX {VECTOR_INDEX}")
    assert len(await store.repair()) == 1
    assert await valid_indexes(url) == before
    await store.close()


async def test_vectors_that_are_too_long_for_an_index_miss_none(url: str) -> None:
    store = await PostgresStore.connect(url, 1)
    await store.register_model(a_signature(dimension=4001))
    assert VECTOR_INDEX not in dict(await valid_indexes(url))
    assert await store.find_problems() == []
    await store.close()


async def test_a_column_without_a_dimension_gets_that_of_the_model(
    store: PostgresStore, url: str
) -> None:
    before = await valid_indexes(url)
    await execute(url, f"DROP INDEX {VECTOR_INDEX}")
    await execute(url, "ALTER TABLE knowledge_nodes ALTER embedding TYPE vector")
    (problem,) = await store.find_problems()
    assert "16 dimensions of the model: knowledge_nodes.embedding" in problem.problem
    assert await store.repair() == [problem]
    assert await valid_indexes(url) == before
    assert await store.find_problems() == []


async def test_vectors_of_another_dimension_need_a_backup(store: PostgresStore, url: str) -> None:
    await execute(url, "UPDATE embedding_model SET dimension = 17")
    (problem,) = await store.find_problems()
    assert "not of the 17 dimensions of the registered test-model" in problem.problem
    assert problem.repair.startswith("Restore a backup")
    assert await store.repair() == []


async def test_an_extension_behind_the_server_is_to_be_updated(
    store: PostgresStore, url: str
) -> None:
    await execute(url, "UPDATE pg_extension SET extversion = '0.8.0' WHERE extname = 'vector'")
    (problem,) = await store.find_problems()
    assert problem.problem.startswith("the extension vector is of version 0.8.0, and the server ")
    assert "`ALTER EXTENSION vector UPDATE`" in problem.repair
    assert not problem.is_repairable


async def test_an_extension_ahead_of_what_the_server_would_install_is_fine(
    store: PostgresStore, url: str
) -> None:
    await execute(url, "UPDATE pg_extension SET extversion = '0.10.0' WHERE extname = 'vector'")
    assert await store.find_problems() == []


@pytest.mark.parametrize(
    ("table", "sequence"),
    [("changelog", "changelog_sequence_seq"), ("review_events", "review_events_id_seq")],
)
async def test_a_sequence_behind_its_rows_catches_up(
    store: PostgresStore, url: str, table: str, sequence: str
) -> None:
    for text in ("before", "also before"):
        await store.commit(a_reviewed_memory(text))
    await execute(url, "SELECT setval($1::text::regclass, 1, false)", sequence)
    with pytest.raises(StoreError):
        await store.commit(a_reviewed_memory("refused"))
    (problem,) = await store.find_problems()
    assert problem.problem.startswith(f"the numbers of new rows in {table} are taken")
    assert await store.repair() == [problem]
    assert await store.find_problems() == []
    await store.commit(a_reviewed_memory("after"))


async def test_scheduling_that_is_missing_is_the_initial_one(
    store: PostgresStore, url: str
) -> None:
    record = a_full_memory("amber 4")
    before = await store.get_scheduling(record.id)
    await execute(url, "DELETE FROM scheduling")
    assert await problems_of(store) == ["20 memories have no scheduling, and cannot become due"]
    assert len(await store.repair()) == 1
    assert await store.get_scheduling(record.id) == before
    assert (await store.get_stats(START + 2 * DAY)).due_count == 20


async def test_a_table_that_grew_without_being_analysed_is_analysed(
    store: PostgresStore, url: str
) -> None:
    await execute(url, GROW, UNANALYZED_ROWS_MAX)
    (problem,) = await store.find_problems()
    assert problem.problem.endswith(": review_events")
    assert (problem.repair, problem.is_repairable) == (REPAIR, True)
    assert await store.repair() == [problem]
    assert await store.find_problems() == []


async def test_everything_that_is_wrong_is_found_and_repaired_at_once(
    store: PostgresStore, url: str
) -> None:
    before = await valid_indexes(url)
    await execute(url, f"DROP INDEX {VECTOR_INDEX}, idx_edges_source")
    await interrupt(url, "idx_edges_type")
    await execute(url, "DELETE FROM scheduling")
    await execute(url, "UPDATE knowledge_nodes SET embedding = NULL WHERE content = 'amber 1'")
    assert len(await store.find_problems()) == 5
    assert len(await store.repair()) == 4
    assert await problems_of(store) == ["1 memory has no vector, and cannot be found by meaning"]
    assert await valid_indexes(url) == before


async def test_two_that_repair_at_once_take_turns(store: PostgresStore, url: str) -> None:
    before = await valid_indexes(url)
    await execute(url, "DELETE FROM scheduling")
    await execute(url, f"DROP INDEX {VECTOR_INDEX}, idx_edges_type")
    repaired = await asyncio.gather(store.repair(), store.repair())
    assert sorted(map(len, repaired)) == [0, 3]
    assert await valid_indexes(url) == before


async def test_stats_tell_versions_indexes_and_connections(store: PostgresStore) -> None:
    details = (await store.get_stats(START)).details
    assert int(details["server_version"].split(".")[0]) >= 16
    assert details["pgvector_version"].startswith("0.")
    assert details["text_search"] == "english"
    assert details["connections"].endswith(", at most 4")
    assert details[VECTOR_INDEX].startswith("valid, ")
    assert details[VECTOR_INDEX].endswith(", m 24, ef_construction 128")


async def test_stats_tell_that_a_vector_index_is_not_valid(store: PostgresStore, url: str) -> None:
    await interrupt(url, VECTOR_INDEX)
    assert (await store.get_stats(START)).details[VECTOR_INDEX].startswith("not valid, ")


async def test_vacuum_leaves_out_no_table(store: PostgresStore, url: str) -> None:
    await store.vacuum()
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetch(NEVER_VACUUMED) == []
    finally:
        await connection.close()


async def test_no_password_is_in_the_stats(url: str, clock: ManualClock) -> None:
    parts = urlsplit(url)
    user, _, host = parts.netloc.partition("@")
    secret = urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:secret@{host}"))
    store = await PostgresStore.connect(secret, 1, clock=clock)
    assert "secret" not in repr(await store.get_stats(START))
    await store.close()
