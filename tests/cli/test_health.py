from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import files_of
from sqlite.databases import run_sql
from vestige.models import HealthStatus
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from command_line import CommandLine


def test_a_store_that_can_be_used_is_healthy(vestige: CommandLine) -> None:
    vestige.remembered("one")
    ran = vestige("health")
    assert (ran.code, ran.out, ran.err) == (0, "healthy\n", "")
    assert vestige("health", "--json").json == {
        "status": "healthy",
        "reason": None,
        "notes": [],
        "server": None,
    }


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
    assert ran.err == "hint: Run `vestige doctor` to see what is wrong and what repairs it.\n"


def test_a_step_that_is_not_applied_degrades_the_store(vestige: CommandLine) -> None:
    vestige.remembered("one")
    assert vestige("migrate", "revert", "--yes").code == 0
    ran = vestige("health")
    assert (ran.code, ran.out) == (
        0,
        "degraded: the schema step 0006_fsrs_weights is not applied\n",
    )
    assert ran.err.startswith("hint: Run `vestige doctor`")


def test_a_memory_without_a_vector_is_worth_a_note(vestige: CommandLine) -> None:
    vestige.remembered("one")
    run_sql(vestige.store, "UPDATE knowledge_nodes SET embedding = NULL")
    ran = vestige("health")
    assert (ran.code, ran.out) == (0, "healthy\n")
    text = "1 memory has no vector, and cannot be found by meaning; run `vestige doctor --repair`"
    assert ran.err == f"note: {text}\n"
    assert vestige("health", "--json").json["notes"] == [text]
