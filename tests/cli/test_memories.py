from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import files_of, is_two_lines

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

UNKNOWN_ID = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"


def remember_five(vestige: CommandLine) -> None:
    for number in range(5):
        vestige.remembered(f"text {number}", "--created-at", f"2026-01-0{number + 1}")


def listed(vestige: CommandLine, *arguments: str) -> list[object]:
    ran = vestige("list", "--json", *arguments)
    assert ran.code == 0, ran.err
    return [memory["content"] for memory in ran.items("memories")]


def test_list_shows_the_newest_first(vestige: CommandLine) -> None:
    remember_five(vestige)
    assert listed(vestige, "--limit", "2") == ["text 4", "text 3"]


def test_list_can_be_turned_round(vestige: CommandLine) -> None:
    remember_five(vestige)
    assert listed(vestige, "--limit", "2", "--order", "created") == ["text 0", "text 1"]


@pytest.mark.parametrize("order", ["created", "-created", "updated", "-updated"])
def test_pages_put_together_are_the_whole_list(vestige: CommandLine, order: str) -> None:
    remember_five(vestige)
    whole = listed(vestige, "--order", order)
    pages: list[object] = []
    after: tuple[str, ...] = ()
    for _ in range(3):
        ran = vestige("list", "--json", "--order", order, "--limit", "2", *after)
        pages += [memory["content"] for memory in ran.items("memories")]
        after = ("--after", str(ran.json["next"]))
    assert len(whole) == 5
    assert pages == whole
    assert after == ("--after", "None")


def test_people_are_told_how_to_see_the_next_page(vestige: CommandLine) -> None:
    remember_five(vestige)
    ran = vestige("list", "--limit", "2")
    cursor = ran.err.strip().rpartition(" ")[2]
    assert vestige("list", "--limit", "2", "--after", cursor).out.count("text 2") == 1


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (("--tags", "a"), ["tagged"]),
        (("--type", "decision,note"), ["typed"]),
        (("--codebase", "shop"), ["placed"]),
        (("--since", "2026-03-01"), ["late"]),
        (("--until", "2026-02-01"), ["typed", "tagged", "placed"]),
    ],
)
def test_list_keeps_only_what_a_filter_names(
    vestige: CommandLine, arguments: tuple[str, ...], kept: list[str]
) -> None:
    vestige.remembered("placed", "--codebase", "shop", "--created-at", "2026-01-01")
    vestige.remembered("tagged", "--tags", "a,b", "--created-at", "2026-01-02")
    vestige.remembered("typed", "--type", "decision", "--created-at", "2026-01-03")
    vestige.remembered("late", "--created-at", "2026-03-03")
    assert listed(vestige, *arguments) == kept


def test_an_empty_list_is_said_on_standard_error(vestige: CommandLine) -> None:
    ran = vestige("list")
    assert (ran.code, ran.out, ran.err) == (0, "", "there are no such memories\n")
    assert vestige("list", "--json").json == {"memories": [], "next": None}


def test_list_shortens_what_it_shows_but_never_an_id(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("word " * 1000, "--tags", ",".join(["a" * 128, "b" * 128]))
    _, content, last = vestige("list").out.splitlines()
    assert len(content) <= 80
    assert content.endswith("…")
    assert last.strip() == memory_id


def test_show_prints_the_whole_content(vestige: CommandLine) -> None:
    text = "line one\n\tline two " + "word " * 1000 + "end"
    ran = vestige("show", vestige.remembered(text))
    assert ran.code == 0
    assert ran.out.endswith(f"\n\n{text}\n")


def test_show_as_json_has_the_scheduling(vestige: CommandLine) -> None:
    memory = vestige("show", vestige.remembered("a text"), "--json").json
    scheduling = memory["scheduling"]
    assert isinstance(scheduling, dict)
    assert scheduling["reps"] == 0


def test_edit_prints_before_and_after(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("old text", "--tags", "a")
    ran = vestige("edit", memory_id, "--content", "new text", "--tags", "b", "--type", "note")
    assert ran.code == 0
    before, after = ran.out.split("after\n")
    assert "old text" in before
    assert "tags a" in before
    assert "new text" in after
    assert "note" in after
    assert "tags b" in after


def test_edit_as_json_has_both(vestige: CommandLine) -> None:
    view = vestige("edit", vestige.remembered("old"), "--codebase", "shop", "--json").json
    before, after = view["before"], view["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert (before["codebase"], after["codebase"]) == (None, "shop")
    assert before["content"] == after["content"]


def test_edit_takes_new_content_from_standard_input(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("old")
    assert vestige("edit", memory_id, "-", stdin=b"from input\n").code == 0
    assert listed(vestige) == ["from input"]


def test_edit_takes_new_content_from_a_file(vestige: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("from a file\n")
    assert vestige("edit", vestige.remembered("old"), "--file", str(tmp_path / "new")).code == 0
    assert listed(vestige) == ["from a file"]


def test_edited_content_is_found_by_its_new_words(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("zebra")
    vestige("edit", memory_id, "--content", "giraffe")
    result = vestige("recall", "giraffe", "--json").items("results")[0]
    assert result["fts_score"] is not None


def test_an_empty_tags_option_removes_the_tags(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a text", "--tags", "a,b")
    assert vestige("edit", memory_id, "--tags", "").code == 0
    assert vestige("show", memory_id, "--json").json["tags"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 1),
        (("--content", "a text"), 1),
        (("--content", "b", "-"), 2),
        (("--content", "b", "--file", "x"), 2),
        (("new words",), 2),
        (("--content", ""), 1),
        (("--file", "/no/such/file"), 1),
    ],
)
def test_an_edit_that_says_nothing_usable_changes_nothing(
    vestige: CommandLine, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    memory_id = vestige.remembered("a text")
    before = files_of(tmp_path)
    ran = vestige("edit", memory_id, *arguments)
    assert ran.code == code
    assert is_two_lines(ran.err)
    assert files_of(tmp_path) == before


def test_list_leaves_out_what_does_not_hold_any_more_unless_all_is_asked_for(
    vestige: CommandLine,
) -> None:
    old = vestige.remembered("the port is 8080")
    vestige.remembered("the port is 9090", "--supersedes", old)
    vestige.remembered("the sale is on", "--valid-until", "2020-01-01")
    vestige.remembered("the lease runs", "--valid-until", "2199-01-01")
    vestige("suppress", vestige.remembered("nobody needs this"))
    assert sorted(map(str, listed(vestige))) == ["the lease runs", "the port is 9090"]
    assert len(listed(vestige, "--all")) == 5
    shown = vestige("list", "--all").out
    for mark in (
        "  superseded",
        "  expired 2020-01-01",
        "  valid until 2199-01-01",
        "  suppressed",
    ):
        assert shown.count(mark) == 1


def test_due_leaves_out_what_does_not_hold_any_more(vestige: CommandLine) -> None:
    hidden = vestige.remembered("hidden", "--created-at", "2020-01-01")
    vestige.remembered("shown", "--created-at", "2020-01-01")
    vestige("suppress", hidden)
    assert [due["content"] for due in vestige("due", "--json").items("memories")] == ["shown"]


def test_show_says_what_took_the_place_of_a_memory_and_whose_place_that_took(
    vestige: CommandLine,
) -> None:
    old = vestige.remembered("the port is 8080", "--valid-until", "2020-01-01")
    new = vestige.remembered("the port is 9090", "--supersedes", old)
    vestige("suppress", old)
    shown = vestige("show", old).out
    assert f"superseded by  {new}" in shown
    assert "\nsuppressed     2" in shown
    assert "\nvalid until    2020-01-01T00:00:00.000000Z  (expired)\n" in shown
    assert f"supersedes   {old}" in vestige("show", new).out
    view = vestige("show", old, "--json").json
    assert (view["superseded_by"], view["supersedes"]) == ([new], [])
    assert view["superseded_at"]
    assert view["suppressed_at"]
    assert view["valid_until"] == "2020-01-01T00:00:00.000000Z"
    assert vestige("show", new, "--json").json["supersedes"] == [old]


def test_edit_sets_until_when_a_memory_holds(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("the sale is on")
    view = vestige("edit", memory_id, "--valid-until", "2020-01-01", "--json").json
    after = view["after"]
    assert isinstance(after, dict)
    assert after["valid_until"] == "2020-01-01T00:00:00.000000Z"
    assert view["change_id"]
    assert listed(vestige) == []
