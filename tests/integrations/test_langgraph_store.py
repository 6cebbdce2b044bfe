"""What the store of LangGraph does besides what the reference does: meaning, history, memory."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from langgraph.store.base import GetOp, PutOp, SearchOp

import vestige
from factories import HASHING, START
from pages import ROOT
from vestige.errors import InvalidInputError, StoreUnavailableError
from vestige.integrations.langgraph import VestigeStore
from vestige.integrations.langgraph.items import Address, memory_id, tag_of
from vestige.models import ChangelogFilter, MemoryFilter
from vestige.storage.jsonl import LineReader
from vestige.transfer.export import export_lines
from vestige.transfer.restore import RestoreReport, read_header, restore

if TYPE_CHECKING:
    from pathlib import Path

    from factories import ManualClock
    from vestige import Engine, SyncEngine

ADA = ("users", "ada")
FOOD = {"text": "Ada likes pizza with olives", "rating": 5}


def contents(memory: SyncEngine) -> list[str]:
    return sorted(record.content for record in memory.list_memories())


def test_a_value_comes_back_as_it_was_put(graph_store: VestigeStore) -> None:
    value = {"text": "é \u2028", "n": 1.0, "deep": {"list": [None, True, {"x": -2}]}, "": ""}
    graph_store.put(ADA, "any", value)
    item = graph_store.get(ADA, "any")
    assert item is not None
    assert (item.namespace, item.key, item.value) == (ADA, "any", value)


def test_tuples_become_lists_as_in_json(graph_store: VestigeStore) -> None:
    graph_store.put(ADA, "tuple", {"pair": (1, 2)})
    item = graph_store.get(ADA, "tuple")
    assert item is not None
    assert item.value == {"pair": [1, 2]}


def test_putting_again_keeps_the_creation_and_moves_the_change(
    graph_store: VestigeStore, clock: ManualClock
) -> None:
    graph_store.put(ADA, "food", FOOD)
    later = clock.advance(timedelta(hours=1))
    graph_store.put(ADA, "food", FOOD)
    item = graph_store.get(ADA, "food")
    assert item is not None
    assert (item.created_at, item.updated_at) == (START, later)


def test_the_best_answers_come_first_with_their_scores(graph_store: VestigeStore) -> None:
    graph_store.put(ADA, "sport", {"text": "Ada plays chess on Mondays"})
    graph_store.put(ADA, "food", FOOD)
    graph_store.put(("others",), "food", {"text": "pizza with olives"})
    best, other = graph_store.search(("users",), query="pizza with olives")
    assert (best.key, other.key) == ("food", "sport")
    assert best.score is not None
    assert other.score is not None
    assert best.score > other.score


def test_a_filter_of_a_search_leaves_as_many_answers_as_there_are(
    graph_store: VestigeStore,
) -> None:
    puts = [
        PutOp(("notes",), f"n{number}", {"text": f"note about bread {number}", "n": number})
        for number in range(150)
    ]
    graph_store.batch(puts)
    found = graph_store.search(
        ("notes",), query="note about bread", filter={"n": {"$gte": 145}}, limit=10
    )
    assert sorted(item.value["n"] for item in found) == [145, 146, 147, 148, 149]
    second = graph_store.search(("notes",), query="note about bread", limit=5, offset=148)
    assert len(second) == 2


def test_what_is_not_indexed_is_found_by_nothing_of_its_value(
    graph_store: VestigeStore, memory: SyncEngine
) -> None:
    graph_store.put(ADA, "secret", {"text": "pizza with olives"}, index=False)
    graph_store.put(ADA, "sport", {"text": "Ada plays chess"})
    memory.consolidate()
    first, second = graph_store.search(ADA, query="pizza with olives")
    assert first.key == "sport"
    assert (second.key, second.score) == ("secret", None)
    assert contents(memory) == ["Ada plays chess", "users / ada / secret"]


def test_only_the_named_fields_are_searched(graph_store: VestigeStore, memory: SyncEngine) -> None:
    value = {"title": "Menu", "dishes": [{"name": "pizza"}, {"name": "soup"}], "price": 12}
    graph_store.put(ADA, "menu", value, index=["title", "dishes[*].name"])
    graph_store.put(ADA, "nothing", value, index=["missing"])
    assert contents(memory) == ["Menu\npizza\nsoup", "users / ada / nothing"]


def test_the_fields_of_the_store_count_where_put_does_not_say(memory: SyncEngine) -> None:
    store = VestigeStore(memory, fields=["text"])
    store.put(ADA, "food", FOOD)
    store.put(ADA, "rating", FOOD, index=["rating"])
    assert contents(memory) == ["5", FOOD["text"]]


def test_a_whole_value_reads_as_a_line_for_each_field(
    graph_store: VestigeStore, memory: SyncEngine
) -> None:
    graph_store.put(ADA, "food", FOOD)
    graph_store.put(ADA, "one", {"memory": "Only this"})
    graph_store.put(ADA, "empty", {})
    assert contents(memory) == [
        "Only this",
        "text: Ada likes pizza with olives\nrating: 5",
        "users / ada / empty",
    ]


def test_an_item_is_a_memory_like_any_other(graph_store: VestigeStore, memory: SyncEngine) -> None:
    graph_store.put(ADA, "food", FOOD)
    (hit,) = memory.recall("pizza with olives")
    assert hit.record.tags == ("langgraph", "langgraph:users", "langgraph:users/ada")
    tagged = MemoryFilter(tags=("langgraph:users",))
    assert [record.id for record in memory.list_memories(tagged)] == [hit.record.id]
    (entry,) = memory.changelog(ChangelogFilter(memory_id=hit.record.id))
    assert (entry.action, entry.client_id) == ("created", "langgraph")


def test_what_a_person_remembers_is_no_item(graph_store: VestigeStore, memory: SyncEngine) -> None:
    memory.remember("not of a graph", tags=["langgraph", "langgraph:users"])
    assert graph_store.search(()) == []
    assert graph_store.list_namespaces() == []


def test_what_is_deleted_can_be_brought_back(graph_store: VestigeStore, memory: SyncEngine) -> None:
    graph_store.put(ADA, "food", FOOD)
    graph_store.delete(ADA, "food")
    graph_store.delete(ADA, "food")
    assert graph_store.get(ADA, "food") is None
    memory.undo()
    item = graph_store.get(ADA, "food")
    assert item is not None
    assert item.value == FOOD


def test_what_is_hidden_is_not_there_until_it_is_put_again(
    graph_store: VestigeStore, memory: SyncEngine
) -> None:
    graph_store.put(ADA, "food", FOOD)
    memory.suppress(memory_id(Address(namespace=ADA, key="food")))
    assert graph_store.get(ADA, "food") is None
    assert graph_store.search(()) == []
    assert graph_store.list_namespaces() == []
    graph_store.put(ADA, "food", FOOD)
    assert len(graph_store.search((), query="pizza")) == 1


def test_an_item_can_be_put_again_after_it_was_purged(
    graph_store: VestigeStore, memory: SyncEngine
) -> None:
    address = Address(namespace=ADA, key="food")
    for generation in range(2):
        graph_store.put(ADA, "food", FOOD)
        memory.purge([memory_id(address, generation)], erase=False)
        assert graph_store.get(ADA, "food") is None
    graph_store.put(ADA, "food", {"text": "third"})
    graph_store.put(ADA, "food", {"text": "fourth"})
    assert [item.value for item in graph_store.search(())] == [{"text": "fourth"}]


def test_operations_that_read_see_what_was_there_before_the_batch(
    graph_store: VestigeStore,
) -> None:
    graph_store.put(ADA, "food", FOOD)
    put, deleted, item, found = graph_store.batch(
        [PutOp(ADA, "sport", {"x": 1}), PutOp(ADA, "food", None), GetOp(ADA, "food"), SearchOp(ADA)]
    )
    assert (put, deleted) == (None, None)
    assert item is not None
    assert isinstance(found, list)
    assert len(found) == 1
    assert [left.key for left in graph_store.search(ADA)] == ["sport"]


def test_items_of_a_batch_are_one_change(graph_store: VestigeStore, memory: SyncEngine) -> None:
    graph_store.batch([PutOp(ADA, f"n{number}", {"n": number}) for number in range(5)])
    assert len({entry.change_id for entry in memory.changelog()}) == 1
    memory.undo()
    assert graph_store.search(()) == []


async def test_the_async_methods_work_in_any_event_loop(graph_store: VestigeStore) -> None:
    await asyncio.gather(*(graph_store.aput(ADA, f"n{number}", {"n": number}) for number in (1, 2)))
    item = await graph_store.aget(ADA, "n1")
    assert item is not None
    assert len(await graph_store.asearch(ADA, query="n")) == 2
    assert await graph_store.alist_namespaces() == [ADA]
    await graph_store.adelete(ADA, "n1")
    assert graph_store.get(ADA, "n1") is None


def test_a_namespace_that_is_long_or_deep_is_told_from_its_neighbours(
    graph_store: VestigeStore,
) -> None:
    long = ("x" * 500, "y" * 500)
    graph_store.put((*long, "1"), "key", {"n": 1})
    graph_store.put((*long, "2"), "key", {"n": 2})
    graph_store.put(("x" * 500,), "key", {"n": 3})
    assert [item.value for item in graph_store.search((*long, "1"))] == [{"n": 1}]
    assert len(graph_store.search(("x" * 500,))) == 3
    assert len({tag_of((*long, label)) for label in "123"}) == 3
    assert max(len(tag_of((*long, label))) for label in "123") <= 128
    deep = tuple(f"level{depth}" for depth in range(63))
    graph_store.put(deep, "key", {"n": 4})
    assert [item.namespace for item in graph_store.search(deep[:40])] == [deep]
    with pytest.raises(InvalidInputError, match="1 to 63 labels"):
        graph_store.put((*deep, "one more"), "key", {"n": 5})


@pytest.mark.parametrize(
    ("op", "problem"),
    [
        (PutOp(ADA, "k", {"at": START}), "value: a datetime is not a JSON value"),
        (PutOp(ADA, "k", {"n": 2**60}), "value: the integer"),
        (PutOp(ADA, "k\0", {"n": 1}), "key: holds a NUL"),
        (PutOp((), "k", {"n": 1}), "namespace: must have 1 to"),
        (PutOp(("", "a"), "k", {"n": 1}), "namespace: must not be empty"),
        (PutOp(ADA, "k", {"n": 1}, ttl=5), "ttl: is not supported"),
        (SearchOp(ADA, limit=-1), "limit: must not be negative"),
        (SearchOp(ADA, offset=-1), "offset: must not be negative"),
        ("get", "ops: has an unknown operation, a str"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_put(
    op: PutOp | SearchOp, problem: str, graph_store: VestigeStore, memory: SyncEngine
) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        graph_store.batch([PutOp(ADA, "fine", {"n": 1}), op])
    assert memory.stats().memory_count == 0


def test_an_expiry_is_refused_by_langgraph_itself(graph_store: VestigeStore) -> None:
    with pytest.raises(NotImplementedError, match="TTL is not supported by VestigeStore"):
        graph_store.put(ADA, "food", FOOD, ttl=5)


def test_a_limit_of_none_finds_none(graph_store: VestigeStore) -> None:
    graph_store.put(ADA, "food", FOOD)
    assert graph_store.search(ADA, limit=0) == []
    assert graph_store.search(ADA, query="pizza", limit=0) == []


def test_a_query_without_words_lists(graph_store: VestigeStore) -> None:
    graph_store.put(ADA, "food", FOOD)
    assert [item.score for item in graph_store.search(ADA, query="  ")] == [None]


def test_after_the_memory_is_closed_the_store_says_so(
    graph_store: VestigeStore, memory: SyncEngine
) -> None:
    memory.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        graph_store.get(ADA, "food")


def test_items_are_there_after_an_export_and_an_import(
    graph_store: VestigeStore, memory: SyncEngine, tmp_path: Path
) -> None:
    graph_store.put(ADA, "food", FOOD)
    before = graph_store.get(ADA, "food")

    async def exported(engine: Engine) -> bytes:
        return b"".join([line async for line in export_lines(engine.store)])

    lines = LineReader(io.BytesIO(memory.run(exported)))
    model = read_header(lines)
    config = vestige.load_config(None, tmp_path, HASHING, store=tmp_path / "copy.db")
    with vestige.open(config) as copy:
        copy.run(lambda engine: restore(engine.store, model, lines, RestoreReport()))
        copied = VestigeStore(copy)
        assert copied.get(ADA, "food") == before
        assert [item.key for item in copied.search(("users",), query="pizza")] == ["food"]


def test_without_langgraph_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['langgraph'] = None\n"
        "from vestige import VestigeError\n"
        "try:\n    import vestige.integrations.langgraph\n"
        "except VestigeError as error:\n    print(error.code, error.hint)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src")},
        text=True,
        timeout=60,
    )
    assert result.stdout == 'config Run `pip install "vestige[langgraph]"`.\n'
