"""`vestige consolidate` and `vestige find`: plans, confirmations, and what is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import files_of, is_two_lines, run_on_terminal

if TYPE_CHECKING:
    from command_line import CommandLine

OLDER, NEWER = "The API timeout is 30 seconds", "The API timeout is 45 seconds"


@pytest.fixture
def ids(vestige: CommandLine) -> list[str]:
    """Two memories that contradict each other, and two that say the same."""
    texts = (OLDER, NEWER, "the ship is slow", "the  ship is slow")
    return [
        str(vestige("remember", text, "--force-create", "--codebase", "dock", "--json").json["id"])
        for text in texts
    ]


@pytest.fixture
def weak_link(vestige: CommandLine, ids: list[str]) -> str:
    """A link that a consolidation removes."""
    vestige("link", ids[0], ids[2], "--type", "similar", "--weight", "0.01")
    return ids[0]


@pytest.mark.usefixtures("weak_link")
def test_the_plan_is_printed_and_nothing_is_written(vestige: CommandLine) -> None:
    before = vestige("export").out
    for options in ((), ("--dry-run",)):
        ran = vestige("consolidate", *options)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith("plan: nothing was written\nmemories        4\n")
        assert "weak links      1 (1 similar) to remove\n" in ran.out
        assert "contradictions  1: see `vestige find contradictions`\n" in ran.out
        assert ran.out.endswith("`vestige consolidate --apply` carries it out\n")
    assert vestige("export").out == before


def test_what_is_applied_is_what_the_plan_said(vestige: CommandLine, weak_link: str) -> None:
    plan = vestige("consolidate", "--json").json
    ran = vestige("consolidate", "--apply", "--yes", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json == {**plan, "is_applied": True, **_without_times(ran.json)}
    assert (plan["is_applied"], plan["pruned"]) == (False, {"similar": 1})
    assert weak_link in str(plan["pruned_examples"])
    again = vestige("consolidate", "--apply", "--yes")
    assert again.out.startswith("consolidated\n")
    assert "weak links      0 removed" in again.out


def _without_times(view: dict[str, object]) -> dict[str, object]:
    """Return what holds the time at which it was planned or done."""
    return {"link_examples": view["link_examples"]}


@pytest.mark.usefixtures("weak_link")
def test_without_a_terminal_it_needs_yes_and_changes_nothing(vestige: CommandLine) -> None:
    before = files_of(vestige.folder)
    ran = vestige("consolidate", "--apply")
    assert ran.code == 2
    assert is_two_lines(ran.err)
    assert "--yes" in ran.err
    assert files_of(vestige.folder) == before


@pytest.mark.usefixtures("weak_link")
def test_on_a_terminal_the_plan_is_shown_and_no_means_no(vestige: CommandLine) -> None:
    ran = run_on_terminal(vestige.environ, "consolidate", "--apply", typed=b"n\n")
    assert ran.code == 1
    assert "weak links: 1 (1 similar) to remove" in ran.out
    assert "nothing was changed" in ran.out
    assert "1 (1 similar) to remove" in vestige("consolidate").out
    ran = run_on_terminal(vestige.environ, "consolidate", "--apply", typed=b"y\n")
    assert ran.code == 0
    assert "1 (1 similar) removed" in ran.out


def test_a_dry_run_that_is_applied_is_refused(vestige: CommandLine) -> None:
    ran = vestige("consolidate", "--dry-run", "--apply")
    assert ran.code == 2
    assert is_two_lines(ran.err)


@pytest.mark.parametrize(
    "command", [("consolidate",), ("find", "duplicates"), ("find", "contradictions")]
)
def test_without_a_store_none_is_made(vestige: CommandLine, command: tuple[str, ...]) -> None:
    ran = vestige(*command)
    assert ran.code == 1
    assert is_two_lines(ran.err)
    assert not vestige.store.exists()


def test_contradictions_are_printed_with_the_commands_that_settle_them(
    vestige: CommandLine, ids: list[str]
) -> None:
    ran = vestige("find", "contradictions", "--codebase", "dock")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "1. number, confidence 0.90: API timeout"
    assert lines[1].startswith(f"   {ids[0]}")
    assert lines[1].endswith("says 30 seconds")
    assert lines[2].strip() == OLDER
    assert lines[3].startswith(f"   {ids[1]}")
    assert lines[-1].strip() == f"vestige forget {ids[0]}"
    (found,) = vestige("find", "contradictions", "--json").items("contradictions")
    assert (found["kind"], found["subject"]) == ("number", ["API", "timeout"])
    assert (found["older_value"], found["newer_value"]) == ("30 seconds", "45 seconds")


def test_duplicates_are_printed_and_what_differs_only_on_request(
    vestige: CommandLine, ids: list[str]
) -> None:
    ran = vestige("find", "duplicates", "--threshold", "0.6")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "1. 2 memories say the same"
    assert lines[1].startswith(f"   {ids[2]}")
    assert lines[1].endswith("oldest")
    assert lines[3].startswith(f"   {ids[3]}")
    assert lines[3].endswith("the same text")
    assert "30 seconds" not in ran.out
    more = vestige("find", "duplicates", "--threshold", "0.6", "--different")
    assert "similar, but different" in more.out
    assert "differs in a number" in more.out
    (cluster,) = vestige("find", "duplicates", "--json").items("clusters")
    assert cluster["size"] == 2


def test_more_than_the_limit_is_owned_up_to(vestige: CommandLine) -> None:
    for text in ("the ship is slow", "the tree is tall"):
        for _ in range(2):
            vestige("remember", text, "--force-create")
    ran = vestige("find", "duplicates", "--limit", "1")
    assert ran.out.count("say the same") == 1
    assert ran.err == "2 clusters in all; --limit prints more\n"


def test_nothing_found_is_said_on_standard_error(vestige: CommandLine) -> None:
    vestige("remember", "alone")
    ran = vestige("find", "duplicates")
    assert (ran.code, ran.out, ran.err) == (0, "", "no memories say the same\n")
    ran = vestige("find", "contradictions")
    assert (ran.code, ran.out, ran.err) == (0, "", "no contradictions were found\n")


@pytest.mark.parametrize("threshold", ["2", "-1", "near", "nan"])
def test_a_threshold_that_is_no_share_is_refused(vestige: CommandLine, threshold: str) -> None:
    ran = vestige("find", "duplicates", f"--threshold={threshold}")
    assert ran.code == 2
    assert is_two_lines(ran.err)


def test_a_text_cannot_drive_the_terminal(vestige: CommandLine) -> None:
    for _ in range(2):
        vestige("remember", "a \x1b[31mred\x1b[0m ship", "--force-create")
    assert "\x1b" not in vestige("find", "duplicates").out
