"""Using the engine that is not async: what goes in and comes out, on both backends."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import vestige
from factories import START, an_id
from vestige.engine.parts import Actor
from vestige.errors import ConfigError, MemoryNotFoundError
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
