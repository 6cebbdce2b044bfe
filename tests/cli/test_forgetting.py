from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from command_line import files_of, is_two_lines, run_on_terminal

if TYPE_CHECKING:
    from command_line import CommandLine

UNKNOWN_ID: Final = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"
SECRET: Final = "xylophonic7secret"  # noqa: S105  # a text that is nowhere else


def contents(vestige: CommandLine, *arguments: str) -> list[object]:
    return [memory["content"] for memory in vestige("list", "--json", *arguments).items("memories")]


def is_in_the_files(vestige: CommandLine, text: str) -> bool:
    return any(text.encode() in data for data in files_of(vestige.folder).values())


def test_forget_deletes_and_prints_what_was_deleted(vestige: CommandLine) -> None:
    first, second = vestige.remembered("one"), vestige.remembered("two")
    vestige.remembered("three")
    ran = vestige("forget", first, second, first, "--yes", "--json")
    assert [memory["id"] for memory in ran.items("forgotten")] == [first, second]
    assert contents(vestige) == ["three"]


def test_forget_with_one_unknown_id_deletes_nothing(vestige: CommandLine) -> None:
    known = vestige.remembered("one")
    ran = vestige("forget", known, UNKNOWN_ID, "--yes", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert UNKNOWN_ID in ran.err
    assert contents(vestige) == ["one"]


def test_forget_without_a_terminal_needs_yes(vestige: CommandLine) -> None:
    ran = vestige("forget", vestige.remembered("one"), stdin=b"y\n")
    assert ran.code == 2
    assert is_two_lines(ran.err)
    assert "--yes" in ran.err
    assert contents(vestige) == ["one"]


def test_forget_says_how_to_bring_it_back(vestige: CommandLine) -> None:
    ids = [vestige.remembered(text) for text in ("one", "two", "three")]
    assert vestige("forget", ids[0], "--yes").err == "`vestige undo` brings it back\n"
    assert "one by one" in vestige("forget", *ids[1:], "--yes").err
    for _ in ids:
        assert vestige("undo", "--yes").code == 0
    assert sorted(map(str, contents(vestige))) == ["one", "three", "two"]


def test_suppress_hides_and_restore_shows_again(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a text")
    hidden = vestige("suppress", memory_id, "--reason", "it is outdated")
    assert (hidden.code, hidden.err) == (0, "")
    assert "  suppressed\n   a text\n" in hidden.out
    assert contents(vestige) == []
    assert "it is outdated" in vestige("changelog").out
    assert vestige("suppress", memory_id, "--restore").out.startswith("restored  ")
    assert contents(vestige) == ["a text"]


def test_suppress_as_json_has_the_memory_before_and_after(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a text")
    view = vestige("suppress", memory_id, "--json").json
    before, after = view["before"], view["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert before["suppressed_at"] is None
    assert after["suppressed_at"]
    (entry,) = vestige("changelog", "--json", "--limit", "1").items("changes")
    assert entry["change_id"] == view["change_id"]


def test_restore_shows_what_was_superseded_or_is_past_its_time(vestige: CommandLine) -> None:
    old = vestige.remembered("the port is 8080", "--valid-until", "2020-01-01")
    vestige.remembered("the port is 9090", "--supersedes", old)
    assert vestige("suppress", old, "--restore").code == 0
    assert len(contents(vestige)) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--restore",), 1, "restored already"),
        (("--restore", "--reason", "x"), 2, "--reason"),
        (("--reason", "x" * 300), 1, "reason"),
    ],
)
def test_a_suppression_that_says_nothing_usable_changes_nothing(
    vestige: CommandLine, arguments: tuple[str, ...], code: int, named: str
) -> None:
    memory_id = vestige.remembered("a text")
    before = files_of(vestige.folder)
    ran = vestige("suppress", memory_id, *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert is_two_lines(ran.err)
    assert named in ran.err
    assert files_of(vestige.folder) == before


def test_what_is_hidden_cannot_be_hidden_again(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a text")
    vestige("suppress", memory_id)
    ran = vestige("suppress", memory_id)
    assert ran.code == 1
    assert "suppressed already" in ran.err


def test_purge_leaves_no_byte_and_says_so(vestige: CommandLine) -> None:
    memory_id = vestige.remembered(f"the word is {SECRET}", "--tags", SECRET)
    vestige("edit", memory_id, "--content", f"the word was {SECRET}")
    assert is_in_the_files(vestige, SECRET)
    ran = vestige("purge", memory_id, "--yes")
    assert (ran.code, ran.out) == (0, f"purged {memory_id}\n")
    assert ran.err.startswith("no byte of it is left in the files of the store")
    assert not is_in_the_files(vestige, SECRET)
    assert SECRET not in vestige("changelog", "--json").out


def test_purge_without_erasing_says_where_bytes_may_be_left(vestige: CommandLine) -> None:
    memory_id = vestige.remembered(f"the word is {SECRET}")
    ran = vestige("purge", memory_id, "--yes", "--no-erase")
    assert "may be left in the files of the store, and in the log of a server" in ran.err
    again = vestige("purge", memory_id, "--yes", "--json").json
    assert (again["purged"], again["is_erased"]) == ([memory_id], True)
    assert not is_in_the_files(vestige, SECRET)


def test_what_was_forgotten_can_be_purged(vestige: CommandLine) -> None:
    memory_id = vestige.remembered(f"the word is {SECRET}")
    vestige("forget", memory_id, "--yes")
    assert SECRET in vestige("changelog").out
    assert vestige("purge", memory_id, "--yes").code == 0
    assert SECRET not in vestige("changelog").out
    assert "(purged)" in vestige("changelog").out


def test_purge_with_one_unknown_id_purges_nothing(vestige: CommandLine) -> None:
    known = vestige.remembered("one")
    ran = vestige("purge", known, UNKNOWN_ID, "--yes")
    assert (ran.code, ran.out) == (1, "")
    assert UNKNOWN_ID in ran.err
    assert contents(vestige) == ["one"]


def test_purge_without_a_terminal_needs_yes(vestige: CommandLine) -> None:
    ran = vestige("purge", vestige.remembered("one"), stdin=b"y\n")
    assert ran.code == 2
    assert is_two_lines(ran.err)
    assert "purging 1 memory, which cannot be undone" in ran.err
    assert "--yes" in ran.err
    assert contents(vestige) == ["one"]


def test_purge_shows_what_an_intention_says_before_it_asks(vestige: CommandLine) -> None:
    vestige("intention", "set", "tell Ana", "--event", "deploy")
    (intention,) = vestige("intention", "list", "--json").items("intentions")
    ran = run_on_terminal(vestige.environ, "purge", str(intention["id"]), typed=b"n\n")
    assert f"{intention['id']}  tell Ana" in ran.out
    assert "not there" not in ran.out


@pytest.mark.parametrize(("typed", "code", "left"), [(b"n\n", 1, ["one"]), (b"y\n", 0, [])])
def test_purge_asks_on_a_terminal(
    vestige: CommandLine, typed: bytes, code: int, left: list[object]
) -> None:
    forgotten = vestige.remembered("two")
    memory_id = vestige.remembered("one")
    vestige("forget", forgotten, "--yes")
    ran = run_on_terminal(vestige.environ, "purge", memory_id, forgotten, typed=typed)
    assert ran.code == code
    assert f"{memory_id}  one" in ran.out
    assert f"{forgotten}  (not there; what the changelog holds of it)" in ran.out
    assert "Purge 2 memories? This cannot be undone. [y/N]" in ran.out
    assert ("nothing was purged" in ran.out) == bool(code)
    assert contents(vestige) == left
