"""The command line writes the same log as the server, to standard error."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from vestige.telemetry import log_slow
from vestige.telemetry.logs import StandardErrorHandler
from vestige.telemetry.slow import DEFAULT_SLOW_MS

if TYPE_CHECKING:
    from collections.abc import Generator

    from command_line import CommandLine


@pytest.fixture(autouse=True)
def log_as_before() -> Generator[None]:
    """Put back what the commands of a test set for this process."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    root.handlers = [item for item in root.handlers if not isinstance(item, StandardErrorHandler)]
    log_slow(DEFAULT_SLOW_MS)


def test_the_log_is_at_the_configured_level_and_in_its_form(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTIGE_LOGGING_LEVEL", "debug")
    monkeypatch.setenv("VESTIGE_LOGGING_FORMAT", "json")
    ran = vestige("remember", "the vault opens with swordfish")
    assert ran.out.startswith("created ")
    entries = [json.loads(line) for line in ran.err.splitlines()]
    (entry,) = (entry for entry in entries if entry["logger"] == "vestige.operations")
    assert (entry["operation"], entry["outcome"], entry["level"]) == ("remember", "ok", "debug")
    assert entry["store"] == f"sqlite:{vestige.store}"
    assert entry["duration_ms"] > 0
    assert "swordfish" not in ran.err


def test_the_log_is_quiet_by_default(vestige: CommandLine) -> None:
    assert not vestige("remember", "one").err


def test_slow_work_is_told_with_its_plan(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("one")
    monkeypatch.setenv("VESTIGE_LOGGING_SLOW_MS", "0")
    ran = vestige("list")
    assert ran.code == 0
    assert "WARNING vestige.slow: slow in the store: memories.list_memories operation=" in ran.err
    assert "plan=" in ran.err
