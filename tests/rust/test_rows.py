"""Rows with values that no store takes: brought into range, or named with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import ManualClock, an_id
from rust.files import (
    CREATED,
    Cell,
    a_file,
    add,
    add_link,
    add_node,
    changes,
    execute,
    execute_many,
    memories,
    node_id,
    opened,
    read_all,
    the_failure,
    the_memory,
)
from vestige.cognition import fsrs
from vestige.models import Domain, MemoryEdge, Rating, TransferTable, User
from vestige.storage.rust import findings
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.models import JsonValue


@pytest.mark.parametrize(
    ("column", "cell", "value", "what"),
    [
        ("difficulty", 0.3, 1.0, "difficulty: out of range"),
        ("difficulty", 11.0, 10.0, "difficulty: out of range"),
        ("stability", 0.0, 0.001, "stability: out of range"),
        ("stability", 9e300, 36_500.0, "stability: out of range"),
        ("stability", float("inf"), 36_500.0, "stability: out of range"),
        ("stability", None, fsrs.initial_stability(Rating.GOOD), "stability: no number"),
        ("stability", "fast", fsrs.initial_stability(Rating.GOOD), "stability: no number"),
        ("retention_strength", 1.2, 1.0, "retention_strength: out of range"),
        ("retention_strength", -1.0, 0.0, "retention_strength: out of range"),
        ("reps", -3, 0, "reps: out of range"),
        ("reps", 2**40, 2**31 - 1, "reps: out of range"),
        ("reps", float("inf"), 2**31 - 1, "reps: out of range"),
        ("reps", "many", 0, "reps: no number"),
        ("lapses", 1.5, 1, "lapses: not a whole number"),
        ("lapses", None, 0, "lapses: no number"),
    ],
)
async def test_scheduling_is_brought_into_range_and_said_so(
    column: str, cell: Cell, value: float, what: str, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, 1, **{column: cell})
    memory, report = await the_memory(path)
    field = {"retention_strength": "retrievability"}.get(column, column)
    assert getattr(memory.scheduling, field) == value
    (change,) = report.adjusted
    assert (change.table, change.key, change.what) == ("knowledge_nodes", node_id(1), what)
    assert (change.before, change.after) == (str(cell), str(value))


@pytest.mark.parametrize(
    ("column", "cell", "value", "kept"),
    [
        ("tags", "not json, just, text", (), "not json, just, text"),
        ("tags", '{"a":1}', (), '{"a":1}'),
        ("tags", '["a",7,null,"b"]', ("a", "b"), ["a", 7, None, "b"]),
        ("tags", '["a",""]', ("a",), ["a", ""]),
        ("tags", f'["{"x" * 129}"]', (), ["x" * 129]),
        ("tags", "[" * 100_000, (), "[" * 100_000),
        ("tags", f"{'[' * 95}{']' * 95}", (), f"{'[' * 95}{']' * 95}"),
        ("tags", 7, (), "7"),
        ("domains", '"work"', (), '"work"'),
        ("domain_scores", "[1]", {}, "[1]"),
        ("domain_scores", '{"a":0.5,"b":null}', {"a": 0.5}, {"a": 0.5, "b": None}),
        ("domain_scores", '{"a":1e999}', {}, {"a": "inf"}),
        ("node_type", "x" * 65, "fact", "x" * 65),
    ],
)
async def test_what_does_not_fit_its_place_is_kept_in_the_metadata(
    column: str, cell: Cell, value: object, kept: JsonValue, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, 1, **{column: cell})
    memory, report = await the_memory(path)
    assert getattr(memory.record, column) == value
    assert memory.record.metadata[column] == kept
    assert any(change.startswith(f"{column}: ") for change in changes(report))


async def test_the_first_64_of_too_many_tags_go_and_all_are_kept(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    names = [f"tag {number}" for number in range(70)]
    add_node(path, tags=str(names).replace("'", '"'))
    memory, _ = await the_memory(path)
    assert memory.record.tags == tuple(names[:64])
    assert memory.record.metadata["tags"] == names


async def test_null_in_any_column_but_the_content_is_no_reason_to_stay(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    execute(
        path,
        "CREATE TABLE knowledge_nodes (id TEXT, content TEXT, node_type, tags, created_at,"
        " updated_at, last_accessed, stability, difficulty, domains, domain_scores, metadata)",
    )
    add(path, "knowledge_nodes", id=node_id(1), content="alone")
    memory, _ = await the_memory(path)
    assert (memory.record.content, memory.record.node_type) == ("alone", "fact")
    assert memory.record.metadata == {}


@pytest.mark.parametrize(
    ("column", "cell", "kept", "what"),
    [
        ("scheduled_days", 2**53, str(2**53), "beyond"),
        ("scheduled_days", 2**53 - 1, 2**53 - 1, None),
        ("scheduled_days", -(2**63), str(-(2**63)), "beyond"),
        ("activation", float("-inf"), "-inf", "not finite"),
        ("source", b"\x00\xff", "x'00ff'", "bytes"),
        ("source", "a\0b", "a�b", "NUL"),
        ("scheduled_days", "1" * 30, 1.1111111111111111e29, None),
    ],
)
async def test_metadata_holds_only_what_every_backend_can(
    column: str, cell: Cell, kept: JsonValue, what: str | None, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, 1, **{column: cell})
    memory, report = await the_memory(path)
    assert memory.record.metadata[column] == kept
    assert any(what in change for change in changes(report)) if what else not changes(report)


@pytest.mark.parametrize(
    ("digits", "text"),
    [
        ("610062", "a�b"),
        ("61ff62", "a�b"),
        ("61eda0bd62", "a���b"),  # half of a pair of surrogates
        ("f09f9a", "���"),  # a cut-off emoji
    ],
)
async def test_a_text_that_cannot_be_stored_everywhere_is_mended_and_said_so(
    digits: str, text: str, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path)
    execute(path, "DROP TRIGGER knowledge_ai")
    execute(path, "UPDATE knowledge_nodes SET content = CAST(? AS TEXT)", (bytes.fromhex(digits),))
    memory, report = await the_memory(path)
    assert memory.record.content == text
    assert changes(report) == {"content: NUL or not valid Unicode, replaced": 1}


async def test_a_lone_surrogate_in_json_is_mended(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, tags='["a\\ud83d","\\u0000"]', domain_scores='{"\\udc00":1}')
    memory, _ = await the_memory(path)
    assert memory.record.tags == ("a�", "�")
    assert memory.record.domain_scores == {"�": 1.0}


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("content", "", "content: must not be empty"),
        ("content", "x" * 1_000_001, "content: has 1000001 bytes, at most 1000000 are allowed"),
        ("source", "x" * 1_000_001, "metadata: has"),
        ("content", b"\xff" * 1_000_000, "content: has 3000000 bytes"),
        ("content", "x" * 4_100_000, "a value of more than 4000000 bytes"),
    ],
)
async def test_a_memory_that_would_lose_text_stays_behind_with_its_id_and_the_reason(
    column: str, cell: Cell, reason: str, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    execute(path, "DROP TRIGGER knowledge_ai")
    add_node(path, 1, **{column: cell})
    assert reason in await the_failure(path)


async def test_bad_rows_in_a_page_take_no_other_row_along(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    execute(path, "DROP TRIGGER knowledge_ai")
    texts: dict[int, Cell] = {3: "", 7: b"\xff" * 400_000}
    execute_many(
        path,
        "INSERT INTO knowledge_nodes (id, content, created_at, updated_at, last_accessed)"
        " VALUES (?, ?, ?, '', '')",
        [(node_id(number), texts.get(number % 50, "fine"), CREATED) for number in range(500)],
    )
    execute(path, "UPDATE knowledge_nodes SET content = ? WHERE rowid = 251", ("x" * 4_100_000,))
    async with opened(path) as source:
        found = await memories(source)
        report = source.report()
    bad = {number for number in range(500) if number % 50 in texts} | {250}
    assert len(found) == 500 - len(bad)
    assert report.failure_counts == {TransferTable.KNOWLEDGE_NODES: len(bad)}
    assert {failure.key for failure in report.failures} == {node_id(number) for number in bad}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"target_id": node_id(1)}, "target_id: a memory cannot be linked to itself"),
        ({"target_id": node_id(9)}, "target_id: names a memory that is not in the file"),
        ({"target_id": "no id"}, "target_id: names a memory that is not in the file"),
        ({"source_id": b"x"}, "source_id: names a memory that is not in the file"),
        ({"strength": 0}, "weight: must be a number above 0, not 0.0"),
        ({"strength": -1}, "weight: must be a number above 0, not -1.0"),
        ({"strength": float("inf")}, "weight: must be a number above 0, not inf"),
        ({"strength": "strong"}, "strength: must be a number, not 'strong'"),
        ({"link_type": ""}, "edge_type: must not be empty"),
        ({"link_type": "x" * 65}, "edge_type: has 65 characters, at most 64 are allowed"),
    ],
)
async def test_a_connection_that_cannot_be_is_named_with_the_reason(
    cells: dict[str, Cell], reason: str, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, 1)
    add_node(path, 2)
    add_link(path, node_id(1), node_id(2), **cells)
    add_link(path, node_id(2), node_id(1))
    async with opened(path) as source:
        (edge,) = await read_all(source, TransferTable.EDGES)
        (failure,) = source.report().failures
    assert isinstance(edge, MemoryEdge)
    assert (failure.table, failure.reason) == (TransferTable.EDGES, reason)


async def test_connections_in_a_circle_all_go(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    ids = [add_node(path, number) for number in range(3)]
    for source_id, target_id in zip(ids, [*ids[1:], ids[0]], strict=True):
        add_link(path, source_id, target_id, created_at="", last_activated=CREATED)
    async with opened(path) as source:
        assert len(await read_all(source, TransferTable.EDGES)) == 3
        assert changes(source.report()) == {"created_at: none, taken from last_activated": 3}


async def test_domains_and_users_are_mended_like_memories(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "people 15")
    add(path, "domains", id="a", label="A", top_terms="{broken", memory_count=-1, created_at="")
    add(path, "domains", id="b", label="", created_at=CREATED)
    add(path, "users", id=str(an_id("u")), handle="u\0", created_at="?", metadata="[1]")
    async with opened(path) as source:
        (domain,) = await read_all(source, TransferTable.DOMAINS)
        (user,) = await read_all(source, TransferTable.USERS)
        (failure,) = source.report().failures
    assert isinstance(domain, Domain)
    assert (domain.metadata, domain.memory_count) == ({"top_terms": "{broken"}, 0)
    assert isinstance(user, User)
    assert (user.handle, user.metadata) == ("u�", {"unread": "[1]"})
    assert (failure.key, failure.reason) == ("b", "label: must not be empty")


async def test_the_report_is_bounded_and_its_counts_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(findings, "ADJUSTED_EXAMPLES_MAX", 3)
    monkeypatch.setattr(findings, "FAILURES_MAX", 2)
    path = a_file(tmp_path / "vestige.db")
    for number in range(12):
        add_node(path, number, difficulty=0.3, content="x" * 300 if number % 2 else "")
    async with opened(path) as source:
        await memories(source)
        report = source.report()
    assert (len(report.adjusted), len(report.failures)) == (3, 2)
    assert changes(report) == {"difficulty: out of range": 6}
    assert report.failure_counts == {TransferTable.KNOWLEDGE_NODES: 6}


async def test_reading_a_table_twice_counts_its_rows_once(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, 1, difficulty=0.3)
    add_node(path, 2, content="")
    async with opened(path) as source:
        assert await memories(source) == await memories(source)
        report = source.report()
    assert changes(report) == {"difficulty: out of range": 1}
    assert len(report.failures) == 1


async def test_a_store_takes_every_row_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "rust").mkdir()
    path = a_file(tmp_path / "rust" / "vestige.db")
    add_node(path, 1, id="odd", tags="broken", difficulty=0.3, source="a\0b", next_review=None)
    add_link(path, "odd", add_node(path, 2))
    store = await SqliteStore.open(tmp_path / "own" / "vestige.db", clock=ManualClock())
    await store.init()
    async with opened(path) as source:
        for table in TransferTable:
            rows = await read_all(source, table)
            result = await store.import_rows(table, rows)
            assert (result.written, result.failures) == (len(rows), ())
            page = await store.export_page(table)
            assert [row for row in page.rows if row in rows] == rows
    await store.close()
