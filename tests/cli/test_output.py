from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from command_line import run_on_terminal, run_process
from vestige.cli.output import printable, shortened

if TYPE_CHECKING:
    from command_line import CommandLine

HOSTILE: Final = "\x1b[31mred\x1b[0m \x07bell \x9b2Jclear \x7f \r end [bold]markup[/bold] :smile:"


def controls_in(text: str) -> set[str]:
    return {character for character in text if character < " " or "\x7f" <= character <= "\x9f"}


@pytest.mark.parametrize(
    "command",
    [("list",), ("recall", "red bell"), ("recall", "red", "--explain"), ("due",), ("show",)],
)
def test_control_characters_in_a_memory_are_shown_and_not_sent(
    vestige: CommandLine, command: tuple[str, ...]
) -> None:
    memory_id = vestige.remembered(
        *(HOSTILE, "--tags", "t\x1b[2J", "--type", "k\x9b", "--codebase", "c\x07\n"),
        *("--source", "s\x1b]0;title\x07", "--created-at", "2020-01-01"),
    )
    ran = vestige(*command, *((memory_id,) if command == ("show",) else ()))
    assert controls_in(ran.out) <= {"\n"}
    assert "\\x1b[31mred" in ran.out
    assert "[bold]markup[/bold] :smile:" in ran.out


def test_control_characters_in_json_are_escaped_and_come_back(vestige: CommandLine) -> None:
    memory_id = vestige.remembered(HOSTILE)
    ran = vestige("show", memory_id, "--json")
    assert controls_in(ran.out) == {"\n"}
    assert ran.json["content"] == HOSTILE


def test_control_characters_in_an_error_are_shown_and_not_sent(vestige: CommandLine) -> None:
    ran = vestige("show", "\x1b[31mred\n")
    assert controls_in(ran.err) == {"\n"}
    assert len(ran.err.splitlines()) == 2


def test_newline_and_tab_of_a_content_stay(vestige: CommandLine) -> None:
    assert vestige("show", vestige.remembered("a\n\tb")).out.endswith("\n\na\n\tb\n")


def test_json_is_not_reduced_to_ascii(vestige: CommandLine) -> None:
    assert (
        "größer 日本 🙂"
        in vestige("recall", "x", "--json").out
        + vestige("show", vestige.remembered("größer 日本 🙂"), "--json").out
    )


def test_json_is_valid_where_the_terminal_is_not_unicode(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("größer 🙂")
    variables = {**vestige.environ, "PYTHONIOENCODING": "latin-1"}
    ran = run_process(variables, "show", memory_id, "--json")
    assert ran.json["content"] == "größer 🙂"


def test_people_see_what_an_old_terminal_cannot_show_as_an_escape(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("smile 🙂")
    variables = {**vestige.environ, "PYTHONIOENCODING": "latin-1"}
    ran = run_process(variables, "show", memory_id)
    assert ran.code == 0
    assert ran.out.endswith("smile \\U0001f642\n")


def test_a_terminal_gets_colours_and_indented_json(vestige: CommandLine) -> None:
    vestige.remembered("a text", "--tags", "api")
    assert "\x1b[36mapi\x1b[0m" in run_on_terminal(vestige.environ, "list").out
    assert run_on_terminal(vestige.environ, "list", "--json").out.startswith('{\r\n  "memories"')


def test_no_color_is_respected(vestige: CommandLine) -> None:
    vestige.remembered("a text", "--tags", "api")
    shown = run_on_terminal({**vestige.environ, "NO_COLOR": "1"}, "list").out
    assert "api" in shown
    assert "\x1b[3" not in shown


def test_a_hostile_memory_does_not_drive_a_terminal_and_its_markup_is_text(
    vestige: CommandLine,
) -> None:
    vestige.remembered(HOSTILE)
    shown = run_on_terminal({**vestige.environ, "NO_COLOR": "1"}, "list").out
    assert "\\x1b[31mred\\x1b[0m" in shown
    assert "\x1b[31m" not in shown
    assert "[bold]markup[/bold]" in shown


def test_an_id_is_whole_on_a_narrow_terminal(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("a text that is longer than twenty characters")
    shown = run_on_terminal({**vestige.environ, "COLUMNS": "20", "NO_COLOR": "1"}, "list").out
    assert memory_id in shown
    assert "…" in shown


def test_a_lone_surrogate_is_made_visible() -> None:
    assert printable("name\udcff") == "name\\udcff"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("short", "short"),
        ("a\n b\t\tc", "a b c"),
        ("1234567890", "1234567890"),
        ("12345678901", "123456789…"),
        ("12345     " * 10, "12345 123…"),
    ],
)
def test_a_text_is_shortened_to_one_line(text: str, line: str) -> None:
    assert shortened(text, 10) == line
