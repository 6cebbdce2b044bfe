"""The command line, as its own tests have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import CommandLine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def vestige(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)
