"""What observers and the log are told of the work of an engine."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest

from vestige.engine.results import RememberItem
from vestige.errors import MemoryNotFoundError
from vestige.telemetry import add_observer, remove_observer
from vestige.telemetry.observing import observed

if TYPE_CHECKING:
    from recording import Recorder
    from vestige.engine.engine import Engine

QUOTED: Final = "the vault opens with swordfish"
UNKNOWN: Final = UUID(int=0)


async def test_a_call_is_told_once_with_its_store_and_how_much_it_found(
    engine: Engine, recorder: Recorder, backend: str
) -> None:
    await engine.remember("The API retries 5 times.")
    found = await engine.recall("how many retries?")
    remembered, recalled = recorder.of("operation")
    assert (remembered.name, remembered.outcome) == ("remember", "ok")
    assert (recalled.name, recalled.counts) == ("recall", {"results": len(found)})
    assert recalled.store.startswith(f"{backend}:")
    assert recalled.seconds > 0


async def test_calls_that_a_call_makes_are_a_part_of_it(engine: Engine, recorder: Recorder) -> None:
    await engine.remember_many([RememberItem(content="one"), RememberItem(content="two")])
    assert [observation.name for observation in recorder.of("operation")] == ["remember_many"]


async def test_calls_at_the_same_time_are_told_one_by_one(
    engine: Engine, recorder: Recorder
) -> None:
    await asyncio.gather(engine.stats(), engine.stats(), engine.health())
    names = sorted(observation.name for observation in recorder.of("operation"))
    assert names == ["health", "stats", "stats"]


async def test_a_failed_call_is_told_with_the_code_of_its_error(
    engine: Engine, recorder: Recorder
) -> None:
    with pytest.raises(MemoryNotFoundError):
        await engine.get(UNKNOWN)
    (failed,) = recorder.of("operation")
    assert (failed.name, failed.outcome) == ("get", "memory_not_found")


@pytest.mark.parametrize(
    ("error", "outcome"), [(asyncio.CancelledError(), "cancelled"), (KeyError("x"), "crash")]
)
def test_what_no_error_of_ours_ended_is_told_as_that(
    error: BaseException, outcome: str, recorder: Recorder
) -> None:
    with pytest.raises(type(error)), observed("operation", "anything"):
        raise error
    assert [observation.outcome for observation in recorder.ended] == [outcome]


async def test_work_in_the_store_has_the_same_name_on_every_backend(
    engine: Engine, recorder: Recorder, backend: str
) -> None:
    await engine.remember("The API retries 5 times.")
    names = {observation.name for observation in recorder.of("store")}
    assert {"search.search", "changes.commit"} <= names
    assert all(work.store.startswith(f"{backend}:") for work in recorder.of("store"))


async def test_only_a_server_lets_wait_for_connections(
    engine: Engine, recorder: Recorder, backend: str
) -> None:
    await engine.stats()
    assert len(recorder.of("pool")) == (1 if backend == "postgres" else 0)


async def test_embedding_is_told_with_the_number_of_texts(
    engine: Engine, recorder: Recorder
) -> None:
    await engine.remember("The API retries 5 times.")
    await engine.recall("how many retries?")
    told = [(work.name, work.counts) for work in recorder.of("embedding")]
    assert told == [("documents", {"texts": 1}), ("query", {"texts": 1})]


async def test_an_observer_that_was_removed_is_told_nothing_more(
    engine: Engine, recorder: Recorder
) -> None:
    remove_observer(recorder)
    await engine.stats()
    add_observer(recorder)
    assert not recorder.ended


async def test_the_log_has_a_line_of_each_call_with_fields_and_no_text(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "vestige")
    await engine.remember(QUOTED)
    await engine.recall(QUOTED)
    lines = [record for record in caplog.records if record.name == "vestige.operations"]
    assert [line.levelname for line in lines] == ["DEBUG", "DEBUG"]
    assert [vars(line)["operation"] for line in lines] == ["remember", "recall"]
    assert vars(lines[1])["results"] == 1
    assert vars(lines[1])["duration_ms"] > 0
    assert not any("swordfish" in str(vars(record)) for record in caplog.records)


async def test_the_log_has_a_line_of_a_failed_call_already_at_info(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vestige")
    await engine.stats()
    with pytest.raises(MemoryNotFoundError):
        await engine.get(UNKNOWN)
    (line,) = (record for record in caplog.records if record.name == "vestige.operations")
    assert (line.levelname, line.getMessage()) == ("INFO", "get: memory_not_found")


async def test_nothing_is_looked_at_while_nobody_wants_to_know(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[object] = []
    monkeypatch.setattr("vestige.telemetry.observing._Watched", watched.append)
    await engine.remember("The API retries 5 times.")
    await engine.recall("how many retries?")
    assert not watched
