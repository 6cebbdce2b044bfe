from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import files_of, is_two_lines, run_on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine


STEPS = ("init", "hnsw", "reembedding", "changelog", "intentions", "fsrs_weights")
APPLIED = [(name, "applied") for name in STEPS]


def states(vestige: CommandLine) -> list[tuple[object, object]]:
    ran = vestige("migrate", "info", "--json")
    return [(step["name"], step["state"]) for step in ran.items("steps")]


def test_info_shows_every_step(vestige: CommandLine) -> None:
    vestige.remembered("a text")
    assert states(vestige) == APPLIED
    shown = vestige("migrate", "info").out.splitlines()
    assert shown[0].split() == ["step", "state", "applied", "at", "seconds"]
    assert shown[1].split()[:2] == ["0001_init", "applied"]


def test_info_of_a_missing_store_says_so_and_makes_none(
    vestige: CommandLine, tmp_path: Path
) -> None:
    ran = vestige("migrate", "info")
    assert (ran.code, ran.out) == (1, "")
    assert is_two_lines(ran.err)
    assert str(vestige.store) in ran.err
    assert files_of(tmp_path) == {}


def test_info_leaves_an_empty_file_empty(vestige: CommandLine) -> None:
    vestige.store.touch()
    assert vestige("migrate", "info").code == 1
    assert vestige.store.read_bytes() == b""


def test_info_changes_nothing(vestige: CommandLine, tmp_path: Path) -> None:
    vestige.remembered("a text")
    vestige("migrate", "revert", "--yes")
    before = files_of(tmp_path)
    assert states(vestige) == [*APPLIED[:-1], (STEPS[-1], "pending")]
    assert files_of(tmp_path) == before


def test_up_makes_a_store_and_says_what_waits(vestige: CommandLine) -> None:
    ran = vestige("migrate", "up")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "applied 0001_init",
        "applied 0003_reembedding",
        "applied 0004_changelog",
        "applied 0005_intentions",
        "applied 0006_fsrs_weights",
    ]
    assert "0002_hnsw waits for an embedding model" in ran.err
    assert states(vestige) == [APPLIED[0], ("hnsw", "waiting"), *APPLIED[2:]]


def test_up_twice_applies_nothing(vestige: CommandLine) -> None:
    vestige.remembered("a text")
    assert vestige("migrate", "up").out == "there was nothing to apply\n"
    assert vestige("migrate", "up", "--json").json["applied"] == []


def test_revert_says_what_is_lost_and_undoes_one_step(vestige: CommandLine) -> None:
    vestige.remembered("a text")
    ran = vestige("migrate", "revert", "--yes")
    assert (ran.code, ran.out) == (0, "undone 0006_fsrs_weights\n")
    assert "the weights that were fitted to the reviews are lost" in ran.err
    ran = vestige("migrate", "revert", "--yes")
    assert (ran.code, ran.out) == (0, "undone 0005_intentions\n")
    assert "all intentions are lost" in ran.err
    ran = vestige("migrate", "revert", "--yes")
    assert (ran.code, ran.out) == (0, "undone 0004_changelog\n")
    assert "the account of all changes is lost" in ran.err
    assert vestige("migrate", "revert", "--yes").out == "undone 0003_reembedding\n"
    ran = vestige("migrate", "revert", "--yes")
    assert (ran.code, ran.out) == (0, "undone 0002_hnsw\n")
    assert "the vector index is lost, of the 1 memory nothing is" in ran.err
    ran = vestige("migrate", "revert", "--yes", "--json")
    assert ran.json["reverted"] == {
        "version": 1,
        "name": "init",
        "state": "pending",
        "applied_at": None,
        "duration_seconds": None,
    }
    assert "everything in it is lost: 1 memory" in ran.err
    assert states(vestige) == [
        ("init", "pending"),
        ("hnsw", "waiting"),
        *((name, "pending") for name in STEPS[2:]),
    ]


def test_a_reverted_index_is_built_again_by_the_next_command(vestige: CommandLine) -> None:
    vestige.remembered("a text")
    for _ in STEPS[1:]:
        vestige("migrate", "revert", "--yes")
    assert len(vestige("recall", "text", "--json").items("results")) == 1
    assert states(vestige) == APPLIED


def test_revert_of_a_store_without_steps_says_so(vestige: CommandLine) -> None:
    vestige("migrate", "up")
    for _ in STEPS[1:]:
        vestige("migrate", "revert", "--yes")
    ran = vestige("migrate", "revert", "--yes")
    assert (ran.code, ran.err) == (0, "there is no step to undo\n")


def test_revert_without_a_terminal_needs_yes(vestige: CommandLine, tmp_path: Path) -> None:
    vestige.remembered("a text")
    before = files_of(tmp_path)
    ran = vestige("migrate", "revert", stdin=b"y\n")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert files_of(tmp_path) == before


def test_revert_asks_on_a_terminal(vestige: CommandLine) -> None:
    vestige.remembered("a text")
    refused = run_on_terminal(vestige.environ, "migrate", "revert", typed=b"n\n")
    assert refused.code == 1
    assert "nothing was undone" in refused.out
    assert states(vestige) == APPLIED
    accepted = run_on_terminal(vestige.environ, "migrate", "revert", typed=b"y\n")
    assert accepted.code == 0
    assert states(vestige)[-1] == (STEPS[-1], "pending")
