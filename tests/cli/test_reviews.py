from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command_line import CommandLine


@pytest.mark.parametrize(
    ("rating", "lapses"), [("again", 1), ("1", 1), ("hard", 0), ("Good", 0), ("4", 0)]
)
def test_a_review_changes_the_scheduling(vestige: CommandLine, rating: str, lapses: int) -> None:
    memory_id = vestige.remembered("a text", "--created-at", "2020-01-01")
    view = vestige("review", memory_id, rating, "--json").json
    assert view["id"] == memory_id
    before, after = view["before"], view["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert (before["reps"], after["reps"]) == (0, 1)
    assert after["lapses"] == lapses


def test_a_review_tells_people_when_the_memory_is_due_again(vestige: CommandLine) -> None:
    ran = vestige("review", vestige.remembered("a text", "--created-at", "2020-01-01"), "good")
    assert "rated       good (3)" in ran.out
    assert "before 2020-01-02T00:00:00.000000Z" in ran.out


def test_what_was_learned_a_day_ago_is_due(vestige: CommandLine) -> None:
    vestige.remembered("second", "--created-at", "2020-01-02")
    vestige.remembered("first", "--created-at", "2020-01-01")
    vestige.remembered("later", "--created-at", "2199-01-01")
    due = vestige("due", "--json").items("memories")
    assert [memory["content"] for memory in due] == ["first", "second"]
    assert due[0]["due_at"] == "2020-01-02T00:00:00.000000Z"
    ran = vestige("due", "--limit", "1")
    assert ran.out.startswith("due 2020-01-02  retrievability 0.")


def test_due_looks_at_the_time_it_is_given(vestige: CommandLine) -> None:
    vestige.remembered("first", "--created-at", "2020-01-01")
    vestige.remembered("later", "--created-at", "2199-01-01")
    assert len(vestige("due", "--before", "2199-02-01", "--json").items("memories")) == 2
    early = vestige("due", "--before", "2020-01-01T12:00:00Z")
    assert (early.code, early.out, early.err) == (0, "", "nothing is due\n")


def test_a_review_of_an_unknown_rating_names_the_known_ones(vestige: CommandLine) -> None:
    ran = vestige("review", vestige.remembered("a text"), "5")
    assert ran.code == 2
    assert "again, hard, good or easy" in ran.err
