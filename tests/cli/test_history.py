"""`vestige undo` and `vestige changelog`: every change can be seen, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from command_line import files_of, is_two_lines, run_on_terminal, run_process

if TYPE_CHECKING:
    from command_line import CommandLine


def changes(vestige: CommandLine, *arguments: str) -> list[dict[str, object]]:
    ran = vestige("changelog", "--json", *arguments)
    assert ran.code == 0, ran.err
    return ran.items("changes")


def actions(vestige: CommandLine, *arguments: str) -> list[object]:
    return [entry["action"] for entry in changes(vestige, *arguments)]


def content_of(vestige: CommandLine, memory_id: str) -> object:
    return vestige("show", memory_id, "--json").json["content"]


def test_every_change_is_in_the_changelog_with_who_made_it(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("old text")
    vestige("edit", memory_id, "--content", "new text")
    vestige("review", memory_id, "good")
    vestige("suppress", memory_id, "--reason", "outdated")
    entries = changes(vestige)
    assert [entry["action"] for entry in entries] == ["suppressed", "reviewed", "edited", "created"]
    assert {entry["memory_id"] for entry in entries} == {memory_id}
    assert {entry["client_id"] for entry in entries} == {"vestige"}
    assert {UUID(str(entry["session_id"])).version for entry in entries} == {4}
    assert entries[0]["reason"] == "outdated"
    assert set(entries[0]) == {
        *("change_id", "memory_id", "action", "timestamp", "client_id", "session_id"),
        *("reason", "undoes", "before", "after"),
    }


def test_the_changes_of_one_process_have_one_session(vestige: CommandLine) -> None:
    for texts in (("one", "two"), ("three",)):
        assert run_process(vestige.environ, "remember", *texts).code == 0
    three, two, one = (entry["session_id"] for entry in changes(vestige))
    assert one == two != three


def test_people_see_the_first_line_before_and_after_an_edit(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("old text\nand more")
    vestige("edit", memory_id, "--content", "new text\nand more", "--tags", "a")
    head, old, new, fields, change = vestige("changelog", "--limit", "1").out.splitlines()
    assert head.endswith(f"Z  edited  {memory_id}  by vestige")
    assert (old, new) == ("   - old text", "   + new text")
    assert fields == "   changed: tags"
    assert change == f"   change {changes(vestige)[0]['change_id']}"


def test_people_see_the_text_of_a_memory_that_a_change_did_not_touch(vestige: CommandLine) -> None:
    one, two = vestige.remembered("one"), vestige.remembered("two")
    vestige("link", one, two, "--type", "because of")
    lines = vestige("changelog", "--limit", "1").out.splitlines()
    assert lines[1:3] == ["   one", f"   linked: {one} -> {two}, because of"]
    vestige("link", one, two, "--remove")
    assert f"   unlinked: {one} -> {two}, because of" in vestige("changelog").out


def test_the_changelog_can_be_narrowed(vestige: CommandLine) -> None:
    old = vestige.remembered("the port is 8080")
    new = vestige.remembered("the port is 9090", "--supersedes", old)
    change = str(changes(vestige)[0]["change_id"])
    assert actions(vestige, "--memory", old) == ["superseded", "created"]
    both = changes(vestige, "--change", change)
    assert {entry["memory_id"] for entry in both} == {old, new}
    assert actions(vestige, "--limit", "1") == ["superseded"]
    assert actions(vestige, "--since", "1h") == actions(vestige)
    assert actions(vestige, "--until", "1h") == []
    assert actions(vestige, "--since", "2199-01-01") == []


def test_an_empty_changelog_is_said_on_standard_error(vestige: CommandLine) -> None:
    ran = vestige("changelog")
    assert (ran.code, ran.out, ran.err) == (0, "", "there are no such changes\n")


def test_undo_takes_the_newest_change_back_and_says_what(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("old text")
    vestige("edit", memory_id, "--content", "new text")
    ran = vestige("undo", "--yes")
    assert ran.code == 0
    assert ran.out == f"undone edited {memory_id}\n   - new text\n   + old text\n"
    assert content_of(vestige, memory_id) == "old text"
    undo = str(changes(vestige)[0]["change_id"])
    assert ran.err == f"`vestige undo {undo}` does it again\n"
    assert vestige("undo", undo).code == 0
    assert content_of(vestige, memory_id) == "new text"


def test_undo_as_json_has_the_change_and_what_became_of_it(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a text")
    change = changes(vestige)[0]
    view = vestige("undo", "--yes", "--json").json
    assert view["undone"] == [change]
    (entry,) = vestige("changelog", "--json", "--limit", "1").items("changes")
    assert view["changes"] == [entry]
    assert (entry["action"], entry["undoes"]) == ("undone", change["change_id"])
    assert vestige("show", memory_id).code == 1
    assert f"takes back {change['change_id']}" in vestige("changelog").out


def test_undo_of_a_named_change_asks_nothing(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a text")
    vestige("edit", memory_id, "--tags", "a")
    vestige.remembered("another text")
    edit = str(changes(vestige)[1]["change_id"])
    assert vestige("undo", edit).code == 0
    assert vestige("show", memory_id, "--json").json["tags"] == []
    again = vestige("undo", edit)
    assert again.code == 1
    assert "taken back already" in again.err


def test_a_change_is_not_undone_over_a_later_one(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a text")
    first = str(changes(vestige)[0]["change_id"])
    vestige("edit", memory_id, "--content", "b text")
    ran = vestige("undo", first)
    assert (ran.code, ran.out) == (1, "")
    assert is_two_lines(ran.err)
    assert f"vestige changelog --memory {memory_id}" in ran.err or memory_id in ran.err
    assert content_of(vestige, memory_id) == "b text"


def test_undo_without_a_terminal_needs_yes_or_a_change(vestige: CommandLine) -> None:
    vestige.remembered("a text")
    before = files_of(vestige.folder)
    ran = vestige("undo", stdin=b"y\n")
    assert (ran.code, ran.out) == (2, "")
    assert is_two_lines(ran.err)
    assert "--yes" in ran.err
    assert files_of(vestige.folder) == before


def test_undo_of_nothing_says_so(vestige: CommandLine) -> None:
    ran = vestige("undo", "--yes")
    assert ran.code == 1
    assert "there is no change to undo" in ran.err


@pytest.mark.parametrize(
    ("typed", "code", "left"), [(b"n\n", 1, "new text"), (b"y\n", 0, "old text")]
)
def test_undo_shows_the_newest_change_and_asks_on_a_terminal(
    vestige: CommandLine, typed: bytes, code: int, left: str
) -> None:
    memory_id = vestige.remembered("old text")
    vestige("edit", memory_id, "--content", "new text")
    ran = run_on_terminal(vestige.environ, "undo", typed=typed)
    assert ran.code == code
    assert f"edited  {memory_id}  by vestige" in ran.out
    assert "   - old text\r\n   + new text\r\n" in ran.out
    assert "Undo this change? [y/N]" in ran.out
    assert ("nothing was undone" in ran.out) == bool(code)
    assert content_of(vestige, memory_id) == left
