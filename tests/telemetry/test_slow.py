"""Work in a store that takes too long: a line in the log with the plan of its statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import pytest

from vestige.telemetry import log_slow
from vestige.telemetry.slow import OFF, SlowLog

if TYPE_CHECKING:
    from recording import Recorder
    from vestige.engine.engine import Engine

QUOTED: Final = "swordfish"

PLAN_OF: Final = {"postgres": "knowledge_nodes", "sqlite": "SEARCH "}


def lines(caplog: pytest.LogCaptureFixture, operation: str) -> list[dict[str, object]]:
    return [
        fields
        for record in caplog.records
        if record.name == "vestige.slow" and (fields := vars(record))["operation"] == operation
    ]


@pytest.mark.usefixtures("everything_is_slow")
async def test_slow_work_is_logged_with_the_plan_of_its_statement(
    engine: Engine, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = await engine.remember("The API retries 5 times.")
    await engine.get(made.id)
    await engine.store.close()
    (line,) = lines(caplog, "memories.get")
    assert line["levelname"] == "WARNING"
    assert str(line["store"]).startswith(f"{backend}:")
    assert "FROM knowledge_nodes" in str(line["statement"])
    assert PLAN_OF[backend] in str(line["plan"])
    assert cast("float", line["duration_ms"]) >= cast("float", line["statement_ms"]) > 0


@pytest.mark.usefixtures("everything_is_slow")
async def test_neither_statement_nor_plan_hold_what_was_asked_or_stored(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.remember(f"The vault opens with {QUOTED}.", tags=[QUOTED])
    await engine.recall(f"what opens with {QUOTED}?")
    await engine.store.close()
    assert lines(caplog, "search.search")
    assert lines(caplog, "changes.commit")
    assert not any(QUOTED in str(vars(record)) for record in caplog.records)


@pytest.mark.usefixtures("everything_is_slow")
async def test_a_statement_is_logged_once_a_minute_and_counted_each_time(
    engine: Engine, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await engine.store.count()
    await engine.store.close()
    assert recorder.slow_operations.count("memories.count") == 3
    logged = [line.get("statement") for line in lines(caplog, "memories.count")]
    assert len(logged) == len(set(logged))
    assert logged


def test_a_statement_is_logged_again_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("vestige.telemetry.slow.time.monotonic", lambda: now)
    log = SlowLog("a store")
    assert [log.notice("search.search", "SELECT 1") for _ in range(2)] == [True, False]
    now += 60
    assert log.notice("search.search", "SELECT 1")


@pytest.mark.usefixtures("everything_is_slow")
async def test_work_that_takes_as_long_as_the_store_is_large_is_not_logged(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.stats()
    await engine.store.close()
    assert not lines(caplog, "maintenance.get_stats")


@pytest.mark.parametrize("slow_ms", [OFF, 3_600_000])
@pytest.mark.usefixtures("everything_is_slow")  # which puts the limit back
async def test_work_below_the_limit_or_without_one_is_not_logged(
    slow_ms: int, engine: Engine, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    log_slow(slow_ms)
    await engine.recall("anything")
    await engine.store.close()
    assert not recorder.slow_operations
    assert not lines(caplog, "search.search")
