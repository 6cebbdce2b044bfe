"""Every statement fits the schema, and searches use their indexes whatever they are planned for."""

from __future__ import annotations

import json
from importlib import import_module
from itertools import chain, combinations
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final, cast

import asyncpg
import pytest
import pytest_asyncio

import vestige.storage.postgres
from closeness import assert_close
from factories import START, a_signature, a_vector
from postgres.searching import analyze, connected, opened, recorded, statistics_of
from postgres_server import a_store_database
from vestige.models import SearchQuery
from vestige.storage.postgres import filters, frequencies, search
from vestige.storage.postgres.driver import numbered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from typing import LiteralString

    from vestige.storage.postgres.store import PostgresStore

    Node = dict[str, Any]

VERBS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
# Modules whose constants are parts of one statement, which is looked at as a whole.
PARTS: Final = frozenset({"search", "vectors", "words"})
MEMORIES: Final = 4_000
MODES: Final = ("auto", "force_generic_plan")
HNSW: Final = "idx_knowledge_nodes_embedding_hnsw"
FTS: Final = "idx_knowledge_nodes_fts"
INSERT_MANY: Final = """
INSERT INTO knowledge_nodes (content, tags, domains, node_type, codebase, embedding, created_at)
SELECT
    'word' || n % 977 || ' common ' || repeat('and more of the same ', 10) || 'number' || n,
    ARRAY['tag' || n % 100], ARRAY['domain' || n % 90], 'type' || n % 80, 'project' || n % 70,
    (SELECT array_agg(sin(n * 12.9898 + d * 78.233)) FROM generate_series(1, 16) AS d)::vector,
    $1::timestamptz + n * interval '1 minute'
FROM generate_series(1, $2::int) AS n
"""
INSERT_STATES: Final = """
INSERT INTO scheduling (memory_id, stability, last_review) SELECT id, 5, $1 FROM knowledge_nodes
"""
# The driver cannot send a statement with parameters but without values.
MAKE_GENERIC_PLAN: Final = """
CREATE OR REPLACE FUNCTION pg_temp.generic_plan(sql text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    found json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON, GENERIC_PLAN) ' || sql INTO found;
    RETURN found;
END
$$
"""
FILTERS: Final[dict[str, dict[str, Any]]] = {
    "codebase": {"codebase": "project3"},
    "node_types": {"node_types": ("type3",)},
    "tags": {"tags": ("tag3",)},
    "domains": {"domains": ("domain3",)},
    "created_after": {"created_after": START.replace(year=2025)},
    "created_before": {"created_before": START},
    "stabilities": {"min_retrievability": 0.5},
}
INDEXED: Final = [name for name in FILTERS if name != "stabilities"]
SHAPES: Final = list(chain.from_iterable(combinations(INDEXED, size) for size in (1, 2)))


def statements() -> list[tuple[str, LiteralString]]:
    found: list[tuple[str, LiteralString]] = []
    for module_info in iter_modules(vestige.storage.postgres.__path__):
        module = import_module(f"vestige.storage.postgres.{module_info.name}")
        if module_info.name in PARTS:
            continue
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, str) and value.strip().startswith(VERBS):
                found.append((f"{module_info.name}.{name}", cast("LiteralString", value)))
    return found


def shapes() -> Iterator[search.Shape]:
    for scope in ("counted", "estimated", "adaptive"):
        for has_text, has_vector in ((True, True), (True, False), (False, True)):
            for exact in (False, True):
                for names in ((), tuple(filters.CONDITIONS)):
                    yield search.Shape(
                        scope=scope,
                        limit=10,
                        depth=30,
                        exact_below=100,
                        filters=names,
                        has_text=has_text,
                        has_vector=has_vector,
                        has_required=exact,
                        has_excluded=exact,
                    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncGenerator[str]:
    """A store with a few thousand memories, which no test changes."""
    async with a_store_database() as made, opened(made) as store:
        await store.register_model(a_signature())
        async with connected(made) as connection:
            await connection.execute(INSERT_MANY, START, MEMORIES)
            await connection.execute(INSERT_STATES, START)
        await store.vacuum()
        yield made


@pytest.fixture
async def store(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[PostgresStore]:
    monkeypatch.setattr(frequencies, "COUNTED_BELOW", 100)
    async with opened(url) as made:
        await made.register_model(a_signature())
        yield made


async def plan(
    connection: asyncpg.Connection[Any], statement: tuple[str, list[Any]], mode: str
) -> Node:
    """Return the plan of a statement for its values, or for all values."""
    sql, arguments = statement
    if mode == "auto":
        rows = await connection.fetch(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
    else:
        await connection.execute(MAKE_GENERIC_PLAN)
        rows = await connection.fetch("SELECT pg_temp.generic_plan($1)", sql)
    return cast("Node", json.loads(rows[0][0])[0]["Plan"])


def nodes(top: Node) -> Iterator[Node]:
    yield top
    for child in top.get("Plans", []):
        yield from nodes(child)


def part(top: Node, name: str) -> list[Node]:
    """Return the nodes of a common table expression."""
    found = [node for node in nodes(top) if node.get("Subplan Name") == f"CTE {name}"]
    assert found, f"no expression {name}"
    return list(nodes(found[0]))


def indexes(found: list[Node]) -> set[str]:
    return {str(node["Index Name"]) for node in found if "Index Name" in node}


def reads_everything(found: list[Node]) -> bool:
    return any(
        node["Node Type"] == "Seq Scan" and node["Relation Name"] == "knowledge_nodes"
        for node in found
    )


def believes_to_be_wide(*_: object) -> str:
    return "estimated"


async def planned(
    url: str, store: PostgresStore, mode: str, query: SearchQuery
) -> tuple[Node, str]:
    async with connected(url) as connection:
        _, sent = await recorded(connection, store, query)
        return await plan(connection, sent[-1], mode), sent[-1][0]


async def test_every_statement_fits_the_schema(url: str) -> None:
    checked = 0
    async with connected(url) as connection:
        for name, sql in statements():
            try:
                await connection.execute(f"EXPLAIN (GENERIC_PLAN) {numbered(sql)[0]}")
            except asyncpg.PostgresError as error:
                pytest.fail(f"{name}: {error}")
            checked += 1
    assert checked > 60


async def test_every_shape_of_a_search_fits_the_schema(url: str) -> None:
    async with connected(url) as connection:
        for shape in shapes():
            sql = numbered(search.statement(shape))[0]
            await connection.execute(f"EXPLAIN (GENERIC_PLAN) {sql}")


@pytest.mark.parametrize("mode", MODES)
async def test_a_hybrid_search_uses_both_indexes(url: str, store: PostgresStore, mode: str) -> None:
    query = SearchQuery(text="word5 common", embedding=a_vector(1))
    top, sql = await planned(url, store, mode, query)
    assert "kept AS" not in sql
    assert HNSW in indexes(part(top, "nearest"))
    assert FTS in indexes(part(top, "found"))
    assert not reads_everything(part(top, "nearest") + part(top, "found"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("names", SHAPES, ids="+".join)
async def test_a_filter_finds_what_it_keeps_by_an_index(
    url: str, store: PostgresStore, names: tuple[str, ...], mode: str
) -> None:
    conditions = dict(chain.from_iterable(FILTERS[name].items() for name in names))
    query = SearchQuery(text="word5 common", embedding=a_vector(1), **conditions)
    top, _ = await planned(url, store, mode, query)
    kept = part(top, "kept")
    # Between two times may lie everything; what lies there is read up to the bound and no further.
    if not {"created_after", "created_before"} >= {*names}:
        assert not reads_everything(kept)
    assert HNSW in indexes(part(top, "nearest"))
    assert FTS in indexes(part(top, "found"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FILTERS)
async def test_a_wide_filter_leaves_the_order_to_the_indexes(
    url: str, store: PostgresStore, name: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_scope", believes_to_be_wide)
    query = SearchQuery(text="word5 common", embedding=a_vector(1), **FILTERS[name])
    top, sql = await planned(url, store, mode, query)
    assert "kept AS" not in sql
    assert HNSW in indexes(part(top, "nearest"))
    assert FTS in indexes(part(top, "found"))


async def test_no_memory_is_looked_up_by_reading_all(url: str, store: PostgresStore) -> None:
    for limit in (10, 1000):
        query = SearchQuery(text="common", embedding=a_vector(1), limit=limit)
        top, _ = await planned(url, store, "force_generic_plan", query)
        results = [
            node
            for node in top["Plans"]
            if not str(node.get("Subplan Name", "")).startswith("CTE ")
        ]
        found = [node for child in results for node in nodes(child)]
        assert "knowledge_nodes_pkey" in indexes(found)
        assert not reads_everything(found)


async def test_the_branch_that_compares_all_is_not_run_when_the_index_finds_enough(
    url: str, store: PostgresStore
) -> None:
    query = SearchQuery(text="word5 common", embedding=a_vector(1))
    async with connected(url) as connection:
        _, sent = await recorded(connection, store, query)
        sql, arguments = sent[-1]
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *arguments)
    top = cast("Node", json.loads(rows[0][0])[0]["Plan"])
    scans = [
        node
        for node in nodes(top)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "knowledge_nodes"
    ]
    assert all(node["Actual Loops"] == 0 for node in scans)


async def test_the_statistics_of_words_are_those_of_this_table(store: PostgresStore) -> None:
    await analyze(store)
    await store.fts_search("common")
    columns = statistics_of(store).columns
    assert columns.keys() >= {"search_vec", "tags", "domains", "node_type", "codebase"}
    shares = [columns["search_vec"].shares["common"], columns["codebase"].shares["project3"]]
    assert_close(shares, [1.0, 1 / 70], tolerance=0.005)
