"""The form of the pages: where they start, how they are written, and that links lead somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from pages import GUIDES, INLINE_CODE, PAGES, ROOT, blocks_of, links_of, name_of, prose_of, read

if TYPE_CHECKING:
    from pathlib import Path

# What runs, what is checked by reading it, and what is only shown.
LANGUAGES: Final = {"bash", "python", "pyi", "console", "toml", "json", "text", "sql"}
PROMISE: Final = re.compile(r"After (reading this page|this tutorial) you (can|know) ")
NO_PROSE: Final = re.compile(r"\s*(?:- |\d+\. |\|)")  # items of lists and rows of tables
TWO_SENTENCES: Final = re.compile(r"[a-z)`\"]{2}[.?!] +[A-Z`]")


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def is_dead(page: Path, target: str) -> bool:
    if "://" in target:
        return False
    path, _, anchor = target.partition("#")
    destination = (page.parent / path).resolve() if path else page
    if not destination.is_relative_to(ROOT) or not destination.exists():
        return True
    return bool(anchor) and anchor not in anchors_of(destination)


def test_the_pages_are_found() -> None:
    names = {name_of(page) for page in PAGES}
    assert {"README.md", "ARCHITECTURE.md", "docs/index.md", "docs/adr/0006-apsw.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert not [target for target in links_of(page) if is_dead(page, target)]


def test_a_link_to_nowhere_is_noticed() -> None:
    page = ROOT / "docs" / "index.md"
    assert is_dead(page, "no-such-page.md")
    assert is_dead(page, "index.md#no-such-heading")
    assert is_dead(page, "../../outside.md")


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_a_page_starts_with_what_the_reader_can_do_afterwards(page: Path) -> None:
    title, blank, first = read(page).splitlines()[:3]
    assert title.startswith("# ")
    assert not blank
    assert PROMISE.match(first), first


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_line_of_prose_holds_one_sentence(page: Path) -> None:
    lines = (INLINE_CODE.sub("`", line) for line in prose_of(page).splitlines())
    prose = [line for line in lines if not NO_PROSE.match(line)]
    assert not [line for line in prose if TWO_SENTENCES.search(line)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_block_says_what_it_is_so_that_it_can_be_run_or_left_alone(page: Path) -> None:
    assert not [str(block) for block in blocks_of(page) if block.language not in LANGUAGES]


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_a_page_can_be_reached_from_the_index(page: Path) -> None:
    index = ROOT / "docs" / "index.md"
    reached = {(index.parent / target.partition("#")[0]).resolve() for target in links_of(index)}
    assert page == index or page in reached
