"""Every statement fits the schema, and those that run often use an index."""

from __future__ import annotations

from importlib import import_module
from itertools import chain, combinations
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final

import apsw
import pytest

import vestige.storage.sqlite
from factories import a_signature
from sqlite.databases import run_sql
from vestige.models import MemoryOrder
from vestige.storage.sqlite import filters, graph, memories, scheduling, search, words
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERBS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE")
# Filters that come with an index; `stabilities` is a curve, computed row by row.
# How retrievable a memory is follows from a curve, and nearly all memories are current.
INDEXED: Final = [name for name in filters.CONDITIONS if name not in {"stabilities", "current_at"}]


def statements() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for module_info in iter_modules(vestige.storage.sqlite.__path__):
        module = import_module(f"vestige.storage.sqlite.{module_info.name}")
        for name, value in vars(module).items():
            # Of a script of several statements, EXPLAIN would run all but the first.
            if isinstance(value, str) and value.strip().startswith(VERBS) and ";" not in value:
                found.append((f"{module_info.name}.{name}", value))
    return found


def filter_shapes() -> list[tuple[str, ...]]:
    sizes = range(2, 4)
    return list(chain.from_iterable(combinations(INDEXED, size) for size in sizes))


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    store = await SqliteStore.open(tmp_path / "vestige.db")
    await store.register_model(a_signature())
    await store.close()
    return tmp_path / "vestige.db"


def plan(path: Path, sql: str, values: Mapping[str, object] | tuple[object, ...]) -> str:
    """Return the query plan of a statement, one step a line."""
    return "\n".join(str(row[3]) for row in run_sql(path, f"EXPLAIN QUERY PLAN {sql}", values))


def example_values(names: tuple[str, ...]) -> filters.Values:
    lists = ("tags", "domains", "node_types")
    return {name: '["x"]' if name in lists else "x" for name in names}


async def test_every_statement_fits_the_schema(path: Path) -> None:
    checked = 0
    for name, sql in statements():
        try:
            run_sql(path, f"EXPLAIN {sql}")
        except apsw.BindingsError:
            pass  # prepared, so it fits; only its values are missing
        except apsw.SQLError as error:
            pytest.fail(f"{name}: {error}")
        checked += 1
    assert checked > 60


@pytest.mark.parametrize("order", MemoryOrder)
@pytest.mark.parametrize("is_continued", [False, True])
async def test_a_list_is_read_in_the_order_of_an_index(
    path: Path, order: MemoryOrder, *, is_continued: bool
) -> None:
    sql = memories.list_sql(order, "", is_continued=is_continued)
    values: dict[str, object] = {"after_at": "x", "after_id": "x", "limit": 10}
    steps = plan(path, sql, values)
    column = "updated" if "updated" in order else "created"
    assert f"USING INDEX idx_knowledge_nodes_{column}" in steps
    if not order.startswith("-"):
        assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize("name", INDEXED)
async def test_a_filter_alone_uses_its_index(path: Path, name: str) -> None:
    sql = search.ALLOWED_KEYS + filters.conditions(example_values((name,)))
    steps = plan(path, sql, example_values((name,)))
    assert "SCAN m" not in steps, steps


@pytest.mark.parametrize("names", filter_shapes())
async def test_no_filter_shape_reads_all_memories(path: Path, names: tuple[str, ...]) -> None:
    values = example_values(names)
    steps = plan(path, search.ALLOWED_KEYS + filters.conditions(values), values)
    assert "SCAN m" not in steps, steps


async def test_the_ranks_of_some_memories_are_read_in_one_pass_of_the_words(path: Path) -> None:
    steps = plan(path, words.RANKS_OF_KEYS, {"matches": "[]", "keys": "[]"})
    assert "SCAN f VIRTUAL TABLE" in steps
    assert "0:=" not in steps, "FTS5 is asked for one key after the other"


async def test_due_memories_are_read_in_the_order_of_their_index(path: Path) -> None:
    steps = plan(path, scheduling.SELECT_DUE, ("2026-01-01T00:00:00.000000Z", 10))
    assert "idx_scheduling_next_review" in steps
    assert "TEMP B-TREE" not in steps


async def test_the_neighbors_of_memories_are_read_from_both_edge_indexes(path: Path) -> None:
    steps = plan(path, graph.SELECT_LINKS, {"ids": '["x"]'})
    assert "SCAN edges" not in steps
    assert "idx_edges_target" in steps
