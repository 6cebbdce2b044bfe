from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, cast

import pytest

from command_line import is_two_lines
from vestige.cli.options import NODE_TYPES
from vestige.engine.engine import Engine
from vestige.errors import StoreUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine
    from vestige.engine.results import RememberResult


OLD: Final = "The API gateway listens on port 8080 in production."
NEW: Final = "The API gateway listens on port 9090 in production."


def contents(vestige: CommandLine) -> list[object]:
    return [memory["content"] for memory in vestige("list", "--json").items("memories")]


def test_a_text_is_stored_and_its_id_is_printed(vestige: CommandLine) -> None:
    ran = vestige("remember", "the API retries five times")
    assert ran.code == 0
    assert ran.out.startswith("created ")
    assert ran.err == ""
    assert contents(vestige) == ["the API retries five times"]


def test_json_of_one_text_is_one_object(vestige: CommandLine) -> None:
    view = vestige("remember", "a text", "--json").json
    assert set(view) == {
        *("id", "action", "reason", "candidates", "added_tags"),
        *("links", "previous", "change_id", "removed"),
    }
    assert (view["links"], view["previous"]) == ([], None)
    assert view["action"] == "created"


def test_json_of_several_texts_is_a_list_under_results(vestige: CommandLine) -> None:
    ran = vestige("remember", "one text", "another text", "--json")
    assert [result["action"] for result in ran.items("results")] == ["created", "created"]


def test_a_known_text_is_reinforced(vestige: CommandLine) -> None:
    first = vestige.remembered("the same")
    ran = vestige("remember", "the same", "--tags", "new", "--json")
    assert ran.json["action"] == "reinforced"
    assert ran.json["id"] == first
    assert ran.json["added_tags"] == ["new"]


def test_force_create_stores_a_known_text_again(vestige: CommandLine) -> None:
    first = vestige.remembered("the same")
    assert vestige.remembered("the same", "--force-create") != first


def test_every_option_arrives_in_the_memory(vestige: CommandLine) -> None:
    memory_id = vestige.remembered(
        *("about retries", "--type", "decision", "--tags", "api, retry", "--tags", "late"),
        *("--codebase", "shop", "--source", "a talk", "--topics", "network,api"),
        *("--created-at", "2026-01-31T10:00:00+02:00"),
    )
    memory = vestige("show", memory_id, "--json").json
    assert memory["node_type"] == "decision"
    assert memory["tags"] == ["api", "retry", "late"]
    assert memory["codebase"] == "shop"
    assert memory["metadata"] == {"source": "a talk", "topics": ["network", "api"]}
    assert memory["created_at"] == "2026-01-31T08:00:00.000000Z"


def test_the_type_is_fact_by_default(vestige: CommandLine) -> None:
    assert vestige("show", vestige.remembered("a text"), "--json").json["node_type"] == "fact"


@pytest.mark.parametrize("arguments", [(), ("-",), ("--file", "-")])
def test_standard_input_is_one_text_without_its_last_line_break(
    vestige: CommandLine, arguments: tuple[str, ...]
) -> None:
    assert vestige("remember", *arguments, stdin="first\nsecond: größer\r\n".encode()).code == 0
    assert contents(vestige) == ["first\nsecond: größer"]


def test_a_file_is_one_memory_that_knows_its_file(vestige: CommandLine, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes(b"\xef\xbb\xbfline one\nline two\n")
    memory_id = vestige.remembered("--file", str(note))
    memory = vestige("show", memory_id, "--json").json
    assert memory["content"] == "line one\nline two"
    assert memory["metadata"] == {"file": str(note)}


def test_texts_files_and_standard_input_come_together(vestige: CommandLine, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"file {name}")
    arguments = ("argument", "-", "--file", str(tmp_path / "a"), "--file", str(tmp_path / "b"))
    assert vestige("remember", *arguments, stdin=b"input").code == 0
    assert sorted(map(str, contents(vestige))) == ["argument", "file a", "file b", "input"]


def test_standard_input_cannot_be_two_texts(vestige: CommandLine) -> None:
    ran = vestige("remember", "-", "-", stdin=b"text")
    assert ran.code == 2
    assert is_two_lines(ran.err)
    assert not vestige.store.exists()


def test_one_bad_text_is_named_and_does_not_keep_the_others_from_being_stored(
    vestige: CommandLine, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"latin \xe9")
    ran = vestige("remember", "one", "two", "--file", str(bad), "--json")
    assert ran.code == 1
    assert len(ran.items("results")) == 2
    assert is_two_lines(ran.err)
    assert str(bad) in ran.err
    assert "byte 0xe9 at position 6" in ran.err


def test_the_position_of_a_broken_byte_counts_the_byte_order_mark(vestige: CommandLine) -> None:
    assert "at position 4 " in vestige("remember", stdin=b"\xef\xbb\xbfa\xff").err


def test_a_missing_file_is_named(vestige: CommandLine, tmp_path: Path) -> None:
    ran = vestige("remember", "--file", str(tmp_path / "missing"))
    assert ran.code == 1
    assert f"{tmp_path / 'missing'}: file: cannot be read: No such file" in ran.err


def test_what_was_stored_before_a_failure_is_printed(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Engine.remember

    async def fail_at_two(self: Engine, content: str, **options: object) -> RememberResult:
        if content == "two":
            raise StoreUnavailableError("the disk is gone")
        return await stored(self, content, **options)  # pyright: ignore[reportArgumentType]  # handed on as they came

    monkeypatch.setattr(Engine, "remember", fail_at_two)
    ran = vestige("remember", "one", "two", "three", "--json")
    assert ran.code == 1
    assert len(ran.items("results")) == 1
    assert "the disk is gone" in ran.err


def test_an_interruption_is_one_line(vestige: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "remember", interrupted)
    ran = vestige("remember", "one")
    assert (ran.code, ran.out, ran.err) == (130, "", "interrupted\n")


def test_a_known_neighbour_is_shown_to_people(vestige: CommandLine) -> None:
    first = vestige.remembered("the API retries five times")
    assert first in vestige("remember", "the API retries six times").out


def test_a_candidate_says_how_it_stands_to_the_text_and_what_was_linked(
    vestige: CommandLine,
) -> None:
    old = vestige.remembered(OLD)
    view = vestige("remember", NEW, "--json").json
    (candidate,) = cast("list[dict[str, object]]", view["candidates"])
    assert (candidate["id"], candidate["relation"]) == (old, "conflict")
    assert str(candidate["reason"]).startswith("differs in a number: 9090 and 8080")
    (edge,) = cast("list[dict[str, object]]", view["links"])
    assert (edge["source_id"], edge["target_id"], edge["edge_type"]) == (view["id"], old, "similar")
    assert old in str(view["reason"])
    again = vestige("remember", NEW).out
    assert again.startswith("reinforced ")
    other = vestige("remember", OLD.replace("8080", "7070")).out
    assert f"   conflict 0.{other.partition('conflict 0.')[2][:2]}  {view['id']}\n" in other
    assert "   linked  similar " in other


def test_what_is_superseded_is_kept_and_named_with_its_text(vestige: CommandLine) -> None:
    old = vestige.remembered(OLD, "--type", "decision", "--tags", "net")
    ran = vestige("remember", NEW, "--supersedes", old, "--json")
    assert ran.json["action"] == "superseded"
    assert ran.json["previous"] == {"id": old, "content": OLD}
    new = vestige("show", str(ran.json["id"]), "--json").json
    # What is not said is that of the memory whose place it takes.
    assert (new["node_type"], new["tags"]) == ("decision", ["net"])
    assert contents(vestige) == [NEW]
    newest = vestige("remember", "It moved.", "--supersedes", str(ran.json["id"])).out
    assert newest.startswith("superseded ")
    assert f"   before  {NEW}\n" in newest


def test_the_place_of_a_memory_is_taken_once(vestige: CommandLine) -> None:
    old = vestige.remembered(OLD)
    vestige.remembered(NEW, "--supersedes", old)
    ran = vestige("remember", "It moved.", "--supersedes", old)
    assert (ran.code, ran.out) == (1, "")
    assert "has taken the place" in ran.err
    unknown = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"
    assert unknown in vestige("remember", "It moved.", "--supersedes", unknown).err


def test_what_holds_until_a_time_says_so(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("the sale is on", "--valid-until", "2199-01-31")
    view = vestige("show", memory_id, "--json").json
    assert view["valid_until"] == "2199-01-31T00:00:00.000000Z"


def test_the_usual_types_are_offered_for_completion(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_VESTIGE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "vestige remember --type ")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert vestige().out.split() == list(NODE_TYPES)
