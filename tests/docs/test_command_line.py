"""`docs/reference/command-line.md` names every command and option, and its examples work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from command_line import environment, run_process
from command_tree import COMMANDS, arguments_of, options_of
from example_store import make_example_store

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"
COMMON: Final = "What all commands have in common"


def sections() -> dict[str, str]:
    """Return the text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        heading.strip("`"): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def examples() -> Iterator[tuple[str, str]]:
    for heading, text in sections().items():
        for block in re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
            for line in str(block).splitlines():
                yield heading, line


def test_the_page_has_a_section_for_each_command_in_the_order_of_the_help() -> None:
    assert list(sections()) == [COMMON, *(f"vestige {name}" for name in COMMANDS)]


def test_the_page_starts_with_what_the_reader_can_do() -> None:
    assert PAGE.read_text(encoding="utf-8").splitlines()[2].startswith("After reading this page")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_section_of_a_command_names_its_options_and_arguments(name: str) -> None:
    common, section = sections()[COMMON], sections()[f"vestige {name}"]
    known = set(re.findall(r"`(--[a-z-]+)", section)) | {"--config", "--data-dir", "--help"}
    assert known == {*options_of(name), "--help"}
    assert {"--config", "--data-dir", "--help"} <= set(re.findall(r"`(--[a-z-]+)", common))
    for argument in arguments_of(name):
        assert f"`{argument}" in section


def test_the_common_section_names_the_options_of_vestige_itself() -> None:
    common = sections()[COMMON]
    for option in options_of(""):
        assert option in common


@pytest.mark.parametrize("name", COMMANDS)
def test_the_section_of_a_command_has_an_example_of_it(name: str) -> None:
    assert f"```sh\nvestige {name}" in sections()[f"vestige {name}"]


@pytest.mark.parametrize(("heading", "line"), list(examples()))
async def test_an_example_of_the_page_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heading: str, line: str
) -> None:
    await make_example_store(tmp_path, monkeypatch)
    ran = run_process(environment(tmp_path), *shlex.split(line)[1:])
    assert ran.code == 0, f"{heading}: {line}: {ran.err}"


def test_each_sentence_of_the_page_has_a_line_of_its_own() -> None:
    text = re.sub(r"`[^`\n]*`", "", PAGE.read_text(encoding="utf-8"))
    assert not re.findall(r"^[^|\n]*[.:] [A-Z][^\n]*$", text, flags=re.MULTILINE)
