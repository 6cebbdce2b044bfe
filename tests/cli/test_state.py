from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import files_of
from vestige.models import HealthStatus
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from command_line import CommandLine


def test_stats_count_what_the_store_holds(vestige: CommandLine) -> None:
    vestige.remembered("one", "--type", "note", "--codebase", "shop")
    vestige.remembered("two", "--type", "note")
    stats = vestige("stats", "--json").json
    assert stats["memory_count"] == 2
    assert stats["node_types"] == {"note": 2}
    assert stats["codebases"] == {"shop": 1}
    shown = vestige("stats").out
    assert "memories        2, 2 with vectors\n" in shown
    assert f"store           sqlite, {vestige.store}\n" in shown


def test_stats_do_not_need_the_model_of_the_store(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("one")
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")
    assert vestige("list").code == 1
    assert vestige("stats", "--json").json["memory_count"] == 1


def test_a_store_that_can_be_used_is_healthy(vestige: CommandLine) -> None:
    vestige.remembered("one")
    ran = vestige("health")
    assert (ran.code, ran.out, ran.err) == (0, "healthy\n", "")
    assert vestige("health", "--json").json == {"status": "healthy", "reason": None}


def test_a_missing_store_is_unavailable_and_is_not_made(
    vestige: CommandLine, tmp_path: Path
) -> None:
    ran = vestige("health", "--json")
    assert ran.code == 1
    assert ran.json["status"] == "unavailable"
    assert ran.err.startswith("hint: ")
    assert files_of(tmp_path) == {}


def test_a_file_that_is_no_store_is_unavailable(vestige: CommandLine) -> None:
    vestige.store.write_bytes(b"something else entirely")
    ran = vestige("health")
    assert ran.code == 1
    assert ran.out.startswith("unavailable: ")
    assert "is not a SQLite database" in ran.out


def test_a_degraded_store_can_be_used_and_says_why(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("one")

    async def degraded(_: SqliteStore) -> HealthStatus:
        return HealthStatus(status="degraded", reason="an index is slow")

    monkeypatch.setattr(SqliteStore, "health_check", degraded)
    ran = vestige("health")
    assert (ran.code, ran.out) == (0, "degraded: an index is slow\n")
