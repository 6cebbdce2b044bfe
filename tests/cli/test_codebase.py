from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import is_two_lines

if TYPE_CHECKING:
    from command_line import CommandLine

PATTERN = ("codebase", "pattern", "Retries", "Wrap calls in retrying()", "--codebase", "shop")
DECISION = ("codebase", "decision", "The queue is in PostgreSQL", "--codebase", "shop")


@pytest.fixture
def ids(vestige: CommandLine) -> dict[str, str]:
    """A pattern and a decision, with the id of each."""
    pattern = vestige(*PATTERN, "--path", "src/api/client.py", "--tags", "api", "--json")
    reason = ("--rationale", "One backup", "--alternative", "Redis, in memory")
    decision = vestige(*DECISION, *reason, "--path", "src/queue.py", "--json")
    assert (pattern.code, decision.code) == (0, 0), pattern.err + decision.err
    return {"pattern": str(pattern.json["id"]), "decision": str(decision.json["id"])}


def shown(vestige: CommandLine, *arguments: str) -> list[tuple[object, object]]:
    ran = vestige("codebase", "context", "--codebase", "shop", *arguments, "--json")
    assert ran.code == 0, ran.err
    return [(memory["id"], memory["relation"]) for memory in ran.items("memories")]


def test_what_was_given_is_kept_with_the_memory(vestige: CommandLine, ids: dict[str, str]) -> None:
    pattern = vestige("show", ids["pattern"], "--json").json
    assert (pattern["node_type"], pattern["codebase"], pattern["tags"]) == (
        *("pattern", "shop"),
        ["api"],
    )
    assert pattern["metadata"] == {
        "name": "Retries",
        "description": "Wrap calls in retrying()",
        "files": ["src/api/client.py"],
    }
    decision = vestige("show", ids["decision"], "--json").json
    assert decision["metadata"] == {
        "decision": "The queue is in PostgreSQL",
        "rationale": "One backup",
        "alternatives": ["Redis, in memory"],
        "files": ["src/queue.py"],
    }


@pytest.mark.usefixtures("ids")
def test_what_is_known_already_is_reinforced(vestige: CommandLine) -> None:
    ran = vestige(*PATTERN, "--path", "src/api/client.py")
    assert (ran.code, ran.out.split()[0]) == (0, "reinforced")


def test_a_decision_takes_the_place_of_another_one(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige(
        *("codebase", "decision", "The queue is in Redis", "--codebase", "shop"),
        *("--supersedes", ids["decision"]),
    )
    assert (ran.code, ran.out.split()[0]) == (0, "superseded")
    assert "before  Decision: The queue is in PostgreSQL" in ran.out
    assert ids["decision"] not in dict(shown(vestige))


def test_what_is_about_the_given_files_is_printed_first(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige("codebase", "context", "--codebase", "shop", "--path", "./src/queue.py")
    first, *lines = ran.out.splitlines()
    assert first.startswith("decision  ")
    assert first.endswith(f"about a given file  {ids['decision']}")
    assert lines[:4] == [
        "Decision: The queue is in PostgreSQL",
        "Rationale: One backup",
        "Alternative: Redis, in memory",
        "Files: src/queue.py",
    ]
    assert ran.out.index(ids["decision"]) < ran.out.index(ids["pattern"])
    assert (ran.code, ran.err) == (0, "")


def test_what_answers_the_text_comes_first(vestige: CommandLine, ids: dict[str, str]) -> None:
    assert shown(vestige, "--about", "retrying calls", "--limit", "1") == [(ids["pattern"], "text")]
    assert shown(vestige, "--limit", "1") == [(ids["decision"], "codebase")]


@pytest.mark.usefixtures("ids")
def test_what_is_left_out_is_counted(vestige: CommandLine) -> None:
    command = ("codebase", "context", "--codebase", "shop")
    ran = vestige(*command, "--limit", "1")
    assert ran.err == "1 of 2 patterns and decisions are shown\n"
    ran = vestige(*command, "--token-budget", "70", "--json")
    assert "1 more were chosen, which do not fit into the budget of tokens" in ran.err
    assert {key: value for key, value in ran.json.items() if key != "memories"} == {
        "codebase": "shop",
        "left_out": 1,
        "tokens": 70,
        "pattern_count": 1,
        "decision_count": 1,
        "looked_at": 2,
    }
    (memory,) = ran.items("memories")
    assert set(memory) == {
        *("id", "node_type", "relation", "text", "characters_left_out", "created_at"),
    }
    assert isinstance(memory["characters_left_out"], int)
    assert memory["characters_left_out"] > 0


def test_a_codebase_that_nothing_is_known_of_says_so(vestige: CommandLine) -> None:
    ran = vestige("codebase", "context", "--codebase", "shop")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing was remembered of this codebase" in ran.err


@pytest.mark.usefixtures("ids")
def test_the_codebases_are_listed_with_their_counts(vestige: CommandLine) -> None:
    vestige.remembered("another text", "--codebase", "bank")
    ran = vestige("codebase", "list")
    assert ran.out.splitlines() == ["codebase  memories", "shop      2", "bank      1"]
    assert vestige("codebase", "list", "--json").json == {
        "codebases": [
            {"name": "shop", "memory_count": 2},
            {"name": "bank", "memory_count": 1},
        ]
    }


def test_without_a_codebase_the_list_says_so(vestige: CommandLine) -> None:
    ran = vestige("codebase", "list", "--json")
    assert (ran.json, ran.err) == ({"codebases": []}, "no memory belongs to a codebase\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("pattern", "Retries", "Three times"), 2),
        (("decision", "The queue"), 2),
        (("context",), 2),
        (("pattern", "Retries", " ", "--codebase", "shop"), 1),
        (("pattern", "Retries", "x", "--codebase", ""), 1),
        (("decision", "", "--codebase", "shop"), 1),
        (("decision", "x", "--codebase", "shop", "--path", ""), 1),
        (("decision", "x", "--codebase", "shop", "--supersedes", "x"), 2),
        (("context", "--codebase", "shop", "--token-budget", "0"), 2),
    ],
)
def test_what_cannot_be_used_is_refused_before_a_store_is_made(
    vestige: CommandLine, arguments: tuple[str, ...], code: int
) -> None:
    ran = vestige("codebase", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert is_two_lines(ran.err), ran.err
    assert not vestige.store.exists()
