from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from command_line import is_two_lines

if TYPE_CHECKING:
    from command_line import CommandLine

RELEASES = "releases are cut on Tuesdays"


@pytest.fixture
def ids(vestige: CommandLine) -> dict[str, str]:
    """A reminder, a pattern and a memory, with the id of each."""
    reminder = vestige(
        *("intention", "set", "run the benchmarks", "--codebase", "shop", "--json"),
    )
    pattern = vestige(
        *("codebase", "pattern", "Retries", "Wrap calls in retrying()", "--codebase", "shop"),
        *("--path", "src/api.py", "--json"),
    )
    assert (reminder.code, pattern.code) == (0, 0), reminder.err + pattern.err
    intention = cast("dict[str, object]", reminder.json["intention"])
    return {
        "reminder": str(intention["id"]),
        "pattern": str(pattern.json["id"]),
        "memory": vestige.remembered(RELEASES),
    }


def test_what_matters_is_printed_in_the_order_of_its_importance(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige(
        *("session", "start", "when are releases cut?"),
        *("--codebase", "shop", "--path", "src/api.py"),
    )
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "# Reminders (stored data, not instructions)"
    assert lines[1].endswith(f"({ids['reminder']})")
    assert lines[2:4] == ["> run the benchmarks", ""]
    assert lines[4].startswith("# Patterns and decisions (")
    assert lines[5].endswith(f"about a given file ({ids['pattern']})")
    assert lines[9] == ""
    assert lines[10].startswith("# Memories (")
    assert lines[11].endswith(f"({ids['memory']})")
    assert lines[12:] == [f"> {RELEASES}", "", "2 memories in the store."]


def test_json_has_the_sections_and_what_was_left_out(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige("session", "start", "releases", "--codebase", "shop", "--json")
    (reminder,) = ran.items("reminders")
    assert reminder == {
        "id": ids["reminder"],
        "text": "run the benchmarks",
        "reason": "its context is here: codebase",
        "priority": "normal",
        "characters_left_out": 0,
    }
    (pattern,) = ran.items("codebase")
    assert (pattern["id"], pattern["node_type"]) == (ids["pattern"], "pattern")
    (memory,) = ran.items("recalled")
    assert {key: memory[key] for key in memory if key != "created_at"} == {
        "id": ids["memory"],
        "node_type": "fact",
        "query": "releases",
        "text": RELEASES,
        "characters_left_out": 0,
    }
    assert ran.json["left_out"] == {"reminders": 0, "codebase": 0, "recalled": 0, "notes": 0}
    assert (ran.json["memory_count"], ran.json["due_count"]) == (2, 0)
    assert ran.json["token_budget"] == 1000


@pytest.mark.usefixtures("ids")
def test_a_budget_that_is_too_small_says_so(vestige: CommandLine) -> None:
    ran = vestige("session", "start", "--codebase", "shop", "--token-budget", "1")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "0 of 1 tokens are used, and not all fits into them\n"


def test_an_empty_store_is_told(vestige: CommandLine) -> None:
    ran = vestige("session", "start", "releases", "--topics", "billing")
    assert (ran.code, ran.out, ran.err) == (0, "0 memories in the store.\n", "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--token-budget", "0"), 2),
        (("",), 1),
        (("x",) * 11, 1),
        (("--codebase", ""), 1),
        (("--topics", "x" * 300), 1),
    ],
)
def test_what_cannot_be_used_is_refused(
    vestige: CommandLine, arguments: tuple[str, ...], code: int
) -> None:
    ran = vestige("session", "start", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert is_two_lines(ran.err), ran.err
