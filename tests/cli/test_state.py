from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import files_of, is_two_lines

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


def test_stats_tell_what_an_operator_needs_to_know(vestige: CommandLine) -> None:
    vestige.remembered("one")
    details = vestige("stats", "--json").json["details"]
    assert isinstance(details, dict)
    assert details["journal_mode"] == "wal"
    shown = vestige("stats").out
    assert "\n\nlibrary_version  3." in shown
    assert "\nunapplied_steps  none\n" in shown


def test_vacuum_gives_back_the_space_of_what_was_deleted(vestige: CommandLine) -> None:
    kept = vestige.remembered("kept")
    gone = [vestige.remembered(f"{number} " + "word " * 10_000) for number in range(5)]
    # What is forgotten stays in the changelog, for an undo.
    assert vestige("purge", *gone, "--yes", "--no-erase").code == 0
    sizes = vestige("vacuum", "--json").json
    before, after = sizes["before_bytes"], sizes["after_bytes"]
    assert isinstance(before, int)
    assert isinstance(after, int)
    assert before - after > 200_000
    assert after == vestige.store.stat().st_size
    assert vestige("recall", "kept", "--json").items("results")[0]["id"] == kept


def test_vacuum_prints_the_size_before_and_after(vestige: CommandLine) -> None:
    vestige.remembered("one")
    assert vestige("vacuum").code == 0
    before = vestige.store.stat().st_size
    told = vestige("vacuum").out
    # The statistics that it refreshes may take another page than before.
    after = vestige.store.stat().st_size
    assert told == f"size before  {before:,} bytes\nsize after   {after:,} bytes\n"


def test_vacuum_does_not_need_the_model_of_the_store(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("one")
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")
    assert vestige("vacuum").code == 0


def test_vacuum_of_a_missing_store_says_so_and_makes_none(
    vestige: CommandLine, tmp_path: Path
) -> None:
    ran = vestige("vacuum")
    assert (ran.code, ran.out) == (1, "")
    assert is_two_lines(ran.err)
    assert str(vestige.store) in ran.err
    assert files_of(tmp_path) == {}
