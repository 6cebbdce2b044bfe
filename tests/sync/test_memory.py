"""Using the engine that is not async: what goes in and comes out, on both backends."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import vestige
from factories import START, an_id
from vestige.engine.parts import Actor
from vestige.errors import ConfigError, InvalidInputError, MemoryNotFoundError
from vestige.models import ChangelogFilter, MemoryFilter

if TYPE_CHECKING:
    from pathlib import Path

    from vestige import Config, SyncEngine


def test_what_is_remembered_is_recalled(memory: SyncEngine) -> None:
    memory.remember("The payment API is retried five times", tags=["payment"])
    memory.remember("The cat sleeps on the sofa")
    hits = memory.recall("how often is the payment API retried?")
    contents = [hit.content for hit in hits]
    assert contents[0] == "The payment API is retried five times"
    assert len(hits) == len(contents)


def test_errors_are_those_of_the_engine(memory: SyncEngine) -> None:
    with pytest.raises(MemoryNotFoundError) as caught:
        memory.get(an_id("unknown"))
    assert caught.value.memory_id == an_id("unknown")


def test_what_was_stored_is_there_after_closing(config: Config) -> None:
    with vestige.open(config) as memory:
        stored = memory.remember("kept")
    with vestige.open(config) as memory:
        record, scheduling = memory.get(stored.id)
    assert record.content == "kept"
    assert scheduling is not None


def test_the_clock_is_the_one_that_was_given(memory: SyncEngine) -> None:
    stored = memory.remember("when")
    assert memory.get(stored.id)[0].created_at == START


def test_a_change_is_that_of_the_actor(memory: SyncEngine) -> None:
    other = memory.acting_as(Actor(client_id="a-graph"))
    stored = other.remember("by somebody else")
    (entry,) = memory.changelog(ChangelogFilter(memory_id=stored.id))
    assert entry.client_id == "a-graph"
    assert (other.actor.client_id, memory.actor.client_id) == ("a-graph", None)


def test_the_model_is_that_of_the_embedder(memory: SyncEngine) -> None:
    assert memory.model() == memory.embedder.signature


async def test_it_works_where_an_event_loop_runs_already(memory: SyncEngine) -> None:
    stored = memory.remember("from within a notebook")
    assert memory.recall("notebook")[0].record.id == stored.id


async def test_an_event_loop_can_wait_for_work_without_being_held_up(memory: SyncEngine) -> None:
    future = asyncio.wrap_future(memory.submit(lambda engine: engine.remember("in the background")))
    assert (await future).action == "created"


def test_threads_may_use_it_at_once(memory: SyncEngine) -> None:
    texts = [f"text number {number} of many" for number in range(20)]
    with ThreadPoolExecutor(8) as executor:
        ids = {result.id for result in executor.map(memory.remember, texts)}
    listed = memory.list_memories(MemoryFilter(), limit=100)
    assert {record.id for record in listed} == ids
    assert sorted(record.content for record in listed) == sorted(texts)


def test_a_path_is_a_store_in_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTIGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_PROVIDER", "hashing")
    monkeypatch.chdir(tmp_path)
    with vestige.open("notes.db") as memory:
        memory.remember("in a file of its own")
    with vestige.open(tmp_path / "notes.db") as memory:
        assert [record.content for record in memory.list_memories()] == ["in a file of its own"]
    assert not (tmp_path / "data").exists()


def test_a_url_that_is_no_servers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTIGE_DATA_DIR", "/nowhere")
    with pytest.raises(ConfigError, match=r"argument: storage\.postgres\.url must be postgresql"):
        vestige.open("mysql://localhost/memories")


def test_putting_replaces_what_an_id_held(memory: SyncEngine) -> None:
    item = vestige.PutItem(id=an_id("key"), content="first", tags=("one",))
    (created,) = memory.put([item])
    again = vestige.PutItem(id=an_id("key"), content="second", metadata={"n": 1})
    (edited,) = memory.put([item, again])
    assert (created.action, edited.action) == ("created", "edited")
    record, _ = memory.get(item.id)
    assert (record.content, record.tags, record.metadata) == ("second", (), {"n": 1})
    assert memory.recall("second")[0].vector_score == pytest.approx(1.0)
    assert [entry.action for entry in memory.changelog()] == ["edited", "created"]
    memory.undo()
    assert memory.get(item.id)[0].content == "first"


def test_putting_shows_what_was_hidden_and_keeps_its_creation(memory: SyncEngine) -> None:
    item = vestige.PutItem(id=an_id("key"), content="hidden")
    memory.put([item])
    created_at = memory.get(item.id)[0].created_at
    memory.suppress(item.id)
    memory.put([item])
    record, _ = memory.get(item.id)
    assert (record.suppressed_at, record.created_at) == (None, created_at)


def test_a_purged_id_cannot_be_put_again(memory: SyncEngine) -> None:
    item = vestige.PutItem(id=an_id("key"), content="gone for good")
    memory.put([item])
    memory.purge([item.id], erase=False)
    with pytest.raises(InvalidInputError, match="was purged"):
        memory.put([item])
    memory.put([vestige.PutItem(id=an_id("other key"), content="gone for good")])


def test_of_what_is_put_together_all_is_refused_or_nothing(memory: SyncEngine) -> None:
    good = vestige.PutItem(id=an_id("good"), content="good")
    bad = vestige.PutItem(id=an_id("bad"), content=" ")
    with pytest.raises(InvalidInputError, match="content"):
        memory.put([good, bad])
    with pytest.raises(InvalidInputError, match="items"):
        memory.put([])
    stats = memory.stats()
    assert (stats.memory_count, stats.model) == (0, None)
