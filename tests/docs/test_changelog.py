"""CHANGELOG.md has the form of Keep a Changelog, so that people and programs can read it."""

from __future__ import annotations

import re
import tomllib
from typing import Final

from pages import ROOT, read

PAGE: Final = ROOT / "CHANGELOG.md"
SECTIONS: Final = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
RELEASE: Final = re.compile(r"(\d+)\.(\d+)\.(\d+) - \d{4}-\d\d-\d\d")


def headings(level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", read(PAGE), re.MULTILINE)


def test_what_is_not_released_stands_first_and_releases_follow_newest_first() -> None:
    first, *releases = headings(2)
    assert first == "Unreleased"
    numbers = [
        tuple(map(int, match.groups())) for match in map(RELEASE.fullmatch, releases) if match
    ]
    assert len(numbers) == len(releases)
    assert numbers == sorted(numbers, reverse=True)


def test_the_version_of_the_package_is_that_of_the_newest_release_or_not_released_yet() -> None:
    version = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["version"]
    releases = [heading.partition(" ")[0] for heading in headings(2)[1:]]
    assert version not in releases[1:]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)


def test_a_section_says_what_kind_of_change_it_holds() -> None:
    assert headings(3)
    assert set(headings(3)) <= SECTIONS


def test_an_entry_is_one_line_that_ends_with_a_full_stop() -> None:
    entries = [line for line in read(PAGE).splitlines() if line.startswith("- ")]
    assert len(entries) > 30
    assert not [entry for entry in entries if not entry.endswith(".")]
    lines = read(PAGE).partition("## Unreleased")[2].splitlines()
    assert not [line for line in lines if line and not line.startswith(("- ", "#"))]
