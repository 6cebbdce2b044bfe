"""The schema of SQLite: steps up and down, triggers, and that every table is moved."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Final

import apsw
import pytest

from factories import START, a_full_memory, a_memory, a_signature, a_vector
from sqlite.databases import run_sql
from vestige.models import TransferTable
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

# Tables that hold nothing of their own: made from the moved ones, or handled beside them.
DERIVED: Final = {"node_tags", "node_domains", "node_groups", "vector_chunks", "spare_chunks"}
WITH_THEIR_MEMORY: Final = {"scheduling", "memory_windows"}
BESIDE_THE_ROWS: Final = {"embedding_model", "vestige_migrations"}
# What is under way in one store says nothing of another.
OF_THIS_STORE_ALONE: Final = {"reembedding", "reembedding_queue", "spare_windows"}


def schema(path: Path) -> list[tuple[object, ...]]:
    return run_sql(
        path,
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " ORDER BY type, name",
    )


async def a_store_with_a_model(path: Path) -> SqliteStore:
    store = await SqliteStore.open(path)
    await store.register_model(a_signature())
    return store


async def test_down_then_up_gives_the_same_schema(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await a_store_with_a_model(path)
    before = schema(path)
    while await store.revert_migration():
        pass
    assert [name for _, name, _ in schema(path)] == ["vestige_migrations"]
    await store.init()
    await store.register_model(a_signature())
    assert schema(path) == before
    await store.close()


async def test_the_vector_index_is_filled_from_the_rows_when_it_is_made_again(
    tmp_path: Path,
) -> None:
    store = await a_store_with_a_model(tmp_path / "vestige.db")
    memory = a_full_memory("kept", embedding=a_vector(1), windows=(a_vector(2), a_vector(3)))
    await store.insert(memory)
    assert [str(await store.revert_migration()) for _ in range(5)] == [
        "0006_fsrs_weights",
        "0005_intentions",
        "0004_changelog",
        "0003_reembedding",
        "0002_hnsw",
    ]
    await store.init()
    for seed in (1, 2, 3):
        hits = await store.vector_search(a_vector(seed))
        assert [(hit.record.id, round(hit.score, 5)) for hit in hits] == [(memory.id, 1.0)]
    await store.close()


async def test_every_table_is_moved_or_derived(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    await (await a_store_with_a_model(path)).close()
    names = {str(name) for kind, name, _ in schema(path) if kind == "table"}
    own = {name for name in names if not name.startswith("knowledge_nodes_")}
    moved = {table.value for table in TransferTable}
    assert own == moved | DERIVED | WITH_THEIR_MEMORY | BESIDE_THE_ROWS | OF_THIS_STORE_ALONE


def _open_and_close(path: Path) -> None:
    import asyncio  # noqa: PLC0415  # in the new process only

    async def run() -> None:
        await (await SqliteStore.open(path)).close()

    asyncio.run(run())


def test_processes_that_start_at_once_make_one_store(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_open_and_close, args=(path,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    applied = [(1,), (3,), (4,), (5,), (6,)]
    assert run_sql(path, "SELECT version FROM vestige_migrations") == applied


@pytest.mark.parametrize(
    "change",
    [
        "content = 'edited'",
        "node_type = 'note'",
        "tags = '[\"new\"]'",
        "metadata = '{\"a\":1}'",
        "codebase = 'other'",
        "visibility = 'public'",
        "shared_with_groups = '[\"00000000-0000-0000-0000-000000000009\"]'",
    ],
)
async def test_an_edit_by_hand_sets_updated_at(tmp_path: Path, change: str) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    memory = a_memory("by hand")
    await store.insert(memory)
    run_sql(path, f"UPDATE knowledge_nodes SET {change}")  # noqa: S608  # constants of this test
    edited = await store.get(memory.id)
    assert edited is not None
    assert edited.updated_at > START
    await store.close()


@pytest.mark.parametrize(
    "change",
    ["domains = '[\"d\"]'", "domain_scores = '{\"d\":1}'", "embedding = zeroblob(64)"],
)
async def test_a_derived_column_changed_by_hand_leaves_updated_at(
    tmp_path: Path, change: str
) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    memory = a_memory("by hand")
    await store.insert(memory)
    run_sql(path, f"UPDATE knowledge_nodes SET {change}")  # noqa: S608  # constants of this test
    edited = await store.get(memory.id)
    assert edited is not None
    assert edited.updated_at == START
    await store.close()


async def test_rows_changed_by_hand_are_found_by_their_new_words(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    await store.insert_many([a_memory("walnut"), a_memory("chestnut")])
    run_sql(path, "UPDATE knowledge_nodes SET content = 'almond' WHERE content = 'walnut'")
    run_sql(path, "DELETE FROM knowledge_nodes WHERE content = 'chestnut'")
    assert [hit.record.content for hit in await store.fts_search("almond")] == ["almond"]
    assert await store.fts_search("walnut chestnut") == []
    run_sql(
        path,
        "INSERT INTO knowledge_nodes_fts (knowledge_nodes_fts, rank) VALUES ('integrity-check', 1)",
    )
    await store.close()


async def test_a_row_made_by_hand_takes_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    run_sql(path, "INSERT INTO knowledge_nodes (content) VALUES ('by hand')")
    (memory,) = await store.list_memories()
    assert (memory.content, memory.node_type, memory.tags) == ("by hand", "general", ())
    assert memory.id.version == 4
    assert [hit.record.id for hit in await store.fts_search("hand")] == [memory.id]
    await store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO knowledge_nodes (content, tags) VALUES ('x', 'not json')",
        "INSERT INTO knowledge_nodes (content, metadata) VALUES ('x', '[]')",
        "INSERT INTO knowledge_nodes (content, visibility) VALUES ('x', 'secret')",
        "INSERT INTO knowledge_nodes (content, embedding) VALUES ('x', x'010203')",
        "INSERT INTO embedding_model (id, name, dimension, hash) VALUES (2, 'm', 3, 'h')",
        "INSERT INTO embedding_model (id, name, dimension, hash) VALUES (1, 'm', 0, 'h')",
        "INSERT INTO group_memberships (user_id, group_id, role) VALUES ('a', 'b', 'owner')",
    ],
)
async def test_the_schema_refuses_what_no_store_would_write(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "vestige.db"
    await (await SqliteStore.open(path)).close()
    with pytest.raises(apsw.ConstraintError):
        run_sql(path, statement)
