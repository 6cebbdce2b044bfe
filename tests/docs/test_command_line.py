"""`docs/reference/command-line.md` names every command and option, with an example of each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from command_tree import COMMANDS, arguments_of, declared_options, options_of

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"
ROW: Final = re.compile(r"^\| (`--[^|]+`) \| (.+) \|$", re.MULTILINE)
FOR_ALL: Final = {"--config FILE", "--data-dir FOLDER"}  # are in the section of all commands
COMMON: Final = "What all commands have in common"


def sections() -> dict[str, str]:
    """Return the text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        heading.strip("`"): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_the_page_has_a_section_for_each_command_in_the_order_of_the_help() -> None:
    assert list(sections()) == [COMMON, *(f"vestige {name}" for name in COMMANDS)]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_section_of_a_command_names_its_options_and_arguments(name: str) -> None:
    common, section = sections()[COMMON], sections()[f"vestige {name}"]
    known = set(re.findall(r"`(--[a-z-]+)", section)) | {"--config", "--data-dir", "--help"}
    assert known == {*options_of(name), "--help"}
    assert {"--config", "--data-dir", "--help"} <= set(re.findall(r"`(--[a-z-]+)", common))
    for argument in arguments_of(name):
        assert f"`{argument}" in section


@pytest.mark.parametrize("name", COMMANDS)
def test_a_row_names_an_option_with_its_value_and_its_default(name: str) -> None:
    rows = {
        options.replace("`", ""): meaning
        for options, meaning in ROW.findall(sections()[f"vestige {name}"])
    }
    assert set(rows) == {option.written for option in declared_options(name)} - FOR_ALL
    for option in declared_options(name):
        assert option.default is None or option.default in rows[option.written]


def test_the_common_section_names_the_options_of_vestige_itself() -> None:
    common = sections()[COMMON]
    for option in options_of(""):
        assert option in common


@pytest.mark.parametrize("name", COMMANDS)
def test_the_section_of_a_command_has_an_example_of_it(name: str) -> None:
    assert f"\n$ vestige {name}" in sections()[f"vestige {name}"]
