"""Damage to a file and to the indexes in it: what is found, and what a repair brings back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from factories import DAY, START, ManualClock, a_full_memory, a_memory, a_signature, a_vector
from sqlite.databases import run_sql
from vestige.storage.problems import REPAIR
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.storage.protocol import MemoryStore

FORGET_WORDS: Final = """
INSERT INTO knowledge_nodes_fts
    (knowledge_nodes_fts, rowid, content, search_terms, node_type, tags)
SELECT 'delete', key, content, search_terms, node_type, tags FROM knowledge_nodes_text WHERE key = 3
"""
DAMAGES_OF_THE_VECTOR_INDEX: Final = {
    "emptied": "UPDATE vector_chunks SET owners = zeroblob(2048) WHERE source = 'memory'",
    "deleted": "DELETE FROM vector_chunks WHERE source = 'memory'",
    "of nobody": """
        UPDATE vector_chunks
        SET owners = CAST(unhex('6300000000000000') || substr(owners, 9) AS BLOB)
    """,
    "of another": """
        UPDATE vector_chunks
        SET owners = CAST(
            substr(owners, 1, 8) || substr(owners, 17, 8) || substr(owners, 9, 8)
            || substr(owners, 25) AS BLOB
        )
    """,
    "short": "UPDATE vector_chunks SET codes = zeroblob(8)",
    "gone": "DROP TABLE vector_chunks",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vestige.db"


@pytest.fixture
async def store(path: Path, clock: ManualClock) -> AsyncGenerator[SqliteStore]:
    store = await SqliteStore.open(path, clock=clock)
    await store.register_model(a_signature())
    await store.insert_many(
        [
            a_full_memory(f"amber {number}", embedding=a_vector(number), windows=())
            for number in range(300)
        ]
    )
    yield store
    await store.close()


async def problems_of(store: MemoryStore) -> list[str]:
    return [problem.problem for problem in await store.find_problems()]


async def test_a_damaged_file_needs_a_backup_and_is_left_alone(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.insert_many([a_memory(f"{number} " + "x" * 3000) for number in range(100)])
    await store.close()
    data = bytearray(path.read_bytes())
    for page in range(len(data) // 4096 // 2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)
    store = await SqliteStore.open(path)
    (problem,) = await store.find_problems()
    assert problem.problem.startswith("the file is damaged: ")
    assert problem.repair.startswith("Restore a backup")
    assert not problem.is_repairable
    assert await store.repair() == []
    await store.close()
    assert path.read_bytes() == data


async def test_a_full_text_index_that_lacks_words_is_built_anew(
    store: SqliteStore, path: Path
) -> None:
    run_sql(path, FORGET_WORDS)
    assert len(await store.fts_search("amber", 1000)) == 299
    (problem,) = await store.find_problems()
    assert problem.problem == "the full-text index does not agree with the memories"
    assert problem.repair == REPAIR
    assert await store.repair() == [problem]
    assert len(await store.fts_search("amber", 1000)) == 300
    assert await store.find_problems() == []


async def test_a_full_text_index_with_holes_is_no_damage_of_the_file(
    store: SqliteStore, path: Path
) -> None:
    run_sql(path, "DELETE FROM knowledge_nodes_fts_data WHERE id > 10")
    assert (await store.health_check()).status == "degraded"
    assert await problems_of(store) == ["the full-text index does not agree with the memories"]
    await store.repair()
    assert len(await store.fts_search("amber", 1000)) == 300
    assert (await store.health_check()).status == "healthy"


async def test_a_full_text_index_that_is_gone_needs_a_backup(
    store: SqliteStore, path: Path
) -> None:
    run_sql(path, "DROP TABLE knowledge_nodes_fts")
    (problem,) = await store.find_problems()
    assert problem.problem == "the table knowledge_nodes_fts is gone"
    assert not problem.is_repairable


@pytest.mark.parametrize("damage", DAMAGES_OF_THE_VECTOR_INDEX)
async def test_a_vector_index_that_disagrees_is_built_anew(
    store: SqliteStore, path: Path, damage: str
) -> None:
    expected = await store.vector_search(a_vector(7), 300)
    run_sql(path, DAMAGES_OF_THE_VECTOR_INDEX[damage])
    (problem,) = await store.find_problems()
    assert problem.problem.startswith("the vector index ")
    assert (problem.repair, problem.is_repairable) == (REPAIR, True)
    assert await store.repair() == [problem]
    assert await store.find_problems() == []
    assert await store.vector_search(a_vector(7), 300) == expected


async def test_other_handles_notice_that_the_vector_index_was_built_anew(
    store: SqliteStore, path: Path
) -> None:
    other = await SqliteStore.open(path)
    expected = await other.vector_search(a_vector(7), 300)
    run_sql(path, "UPDATE vector_chunks SET revision = revision + 1, owners = zeroblob(2048)")
    assert await other.vector_search(a_vector(7), 300) == []
    await store.repair()
    assert await other.vector_search(a_vector(7), 300) == expected
    await other.close()


async def test_vectors_of_another_length_need_a_backup(store: SqliteStore, path: Path) -> None:
    run_sql(path, "UPDATE knowledge_nodes SET embedding = zeroblob(8) WHERE key = 5")
    (problem,) = await store.find_problems()
    assert problem.problem == "1 vector is not of the 16 dimensions of the registered test-model"
    assert not problem.is_repairable


async def test_a_missing_index_is_made_again(store: SqliteStore, path: Path) -> None:
    run_sql(path, "DROP INDEX idx_edges_type; DROP INDEX idx_knowledge_nodes_created")
    assert await problems_of(store) == [
        "the index idx_edges_type is missing",
        "the index idx_knowledge_nodes_created is missing",
    ]
    assert len(await store.repair()) == 2
    names = run_sql(path, "SELECT name FROM sqlite_master WHERE tbl_name = 'edges'")
    assert ("idx_edges_type",) in names
    assert await store.find_problems() == []


async def test_scheduling_that_is_missing_is_the_initial_one(
    store: SqliteStore, path: Path
) -> None:
    record = a_full_memory("amber 4")
    before = await store.get_scheduling(record.id)
    run_sql(path, "DELETE FROM scheduling WHERE rowid % 2 = 0 OR memory_id = ?", (str(record.id),))
    found = await problems_of(store)
    assert len(found) == 1
    assert "have no scheduling" in found[0]
    assert len(await store.repair()) == 1
    assert await store.get_scheduling(record.id) == before
    assert (await store.get_stats(START + 2 * DAY)).due_count == 300


async def test_everything_that_is_wrong_is_found_and_repaired_at_once(
    store: SqliteStore, path: Path
) -> None:
    run_sql(path, FORGET_WORDS)
    run_sql(path, "DELETE FROM scheduling; DROP INDEX idx_edges_source")
    run_sql(path, "UPDATE knowledge_nodes SET embedding = NULL WHERE key = 5")
    assert len(await store.find_problems()) == 5
    assert len(await store.repair()) == 4
    assert await problems_of(store) == ["1 memory has no vector, and cannot be found by meaning"]


async def test_stats_tell_the_library_and_the_log(store: SqliteStore) -> None:
    details = (await store.get_stats(START)).details
    assert details["journal_mode"] == "wal"
    assert details["log"].endswith(" bytes")
    assert details["library_version"].startswith("3.")
