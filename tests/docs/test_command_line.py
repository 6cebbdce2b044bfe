"""`docs/reference/command-line.md` names every command and option, with an example of each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from command_tree import COMMANDS, arguments_of, options_of

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"
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


def test_the_common_section_names_the_options_of_vestige_itself() -> None:
    common = sections()[COMMON]
    for option in options_of(""):
        assert option in common


@pytest.mark.parametrize("name", COMMANDS)
def test_the_section_of_a_command_has_an_example_of_it(name: str) -> None:
    assert f"\n$ vestige {name}" in sections()[f"vestige {name}"]
