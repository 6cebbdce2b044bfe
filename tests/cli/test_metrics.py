from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from command_line import files_of
from prometheus_text import sample

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from command_line import CommandLine


def test_what_the_store_holds_is_printed_for_prometheus(
    vestige: CommandLine, variables: dict[str, str]
) -> None:
    vestige.remembered("one")
    vestige.remembered("two")
    ran = vestige("metrics")
    assert (ran.code, ran.err) == (0, "")
    store = "postgres:" if "VESTIGE_STORAGE_POSTGRES_URL" in variables else "sqlite:"
    assert f'vestige_store_memories{{store="{store}' in ran.out
    assert sample(ran.out, "vestige_store_memories") == 2
    assert sample(ran.out, "vestige_store_up") == 1
    assert sample(ran.out, "vestige_missing_vectors") == 0
    assert (sample(ran.out, "vestige_store_size_bytes") or 0) > 0


def test_the_same_numbers_are_had_as_json(vestige: CommandLine) -> None:
    vestige.remembered("one")
    found = vestige("metrics", "--json").json
    assert found["store"] == f"sqlite:{vestige.store}"
    metrics = found["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["vestige_store_memories"] == 1
    assert metrics["vestige_due_memories"] == 0


def test_a_missing_store_is_down_and_is_not_made(vestige: CommandLine, tmp_path: Path) -> None:
    ran = vestige("metrics")
    assert ran.code == 1
    assert sample(ran.out, "vestige_store_up") == 0
    assert sample(ran.out, "vestige_store_memories") is None
    assert ran.err.startswith("error: there is no store at ")
    assert files_of(tmp_path) == {}


def test_a_file_that_is_no_store_is_down(vestige: CommandLine) -> None:
    vestige.store.write_bytes(b"something else entirely")
    ran = vestige("metrics", "--json")
    assert ran.code == 1
    assert ran.json["metrics"] == {"vestige_store_up": 0}
    assert "is not a SQLite database" in ran.err


def test_without_the_extra_the_error_says_what_to_install(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    ran = vestige("metrics")
    assert (ran.code, ran.out) == (2, "")
    assert 'hint: Run `pip install "vestige[telemetry]"`.' in ran.err
