"""The parts of `make demo` that can be tested without running all of it."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final

import pytest

from pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

EXAMPLES: Final = ROOT / "examples"
PAGE: Final = """# Title

Intro.

## First

One.

```text
# no heading
## neither
```

### Below

Two.

## Empty

## Last
Three."""


@pytest.fixture(autouse=True)
def examples_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the folder of the scripts on the path, as Python does for a script that it runs."""
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    yield
    for name in ("sections", "demo"):
        sys.modules.pop(name, None)


def script(name: str) -> ModuleType:
    return importlib.import_module(name)


def test_a_page_is_split_at_its_headings_and_not_inside_of_blocks() -> None:
    parts = list(script("sections").split_by_heading(PAGE))
    assert [title for title, _ in parts] == ["Title", "First", "Below", "Empty", "Last"]
    assert parts[0] == ("Title", "Intro.")
    assert parts[1][1] == "One.\n\n```text\n# no heading\n## neither\n```"
    assert parts[4] == ("Last", "Three.")


def test_a_text_without_a_heading_has_no_sections() -> None:
    assert not list(script("sections").split_by_heading("only text"))


def test_a_section_carries_its_titles_type_and_tags(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "adr" / "0001-Some.md"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE, encoding="utf-8")
    found = script("sections").sections_of(tmp_path, page)
    assert [section.content.partition("\n")[0] for section in found] == [
        "Title",
        "Title: First",
        "Title: Below",
        "Title: Last",
    ]
    assert {section.node_type for section in found} == {"decision"}
    assert {section.tags for section in found} == {("adr", "0001-some")}
    assert {section.path for section in found} == {"docs/adr/0001-Some.md"}


def test_the_documentation_gives_memories_of_every_kind() -> None:
    found = script("sections").read_sections(ROOT)
    assert len({section.content for section in found}) == len(found) > 50
    assert {section.node_type for section in found} == {
        "concept",
        "decision",
        "fact",
        "note",
        "procedure",
    }


def test_the_page_that_answers_a_question_is_remembered() -> None:
    remembered = {section.path for section in script("sections").read_sections(ROOT)}
    questions = script("demo").QUESTIONS
    assert len(questions) == 5
    assert {question.page for question in questions} <= remembered


def test_the_demo_works_in_a_folder_that_git_ignores() -> None:
    data_dir = script("demo").DATA_DIR
    assert data_dir == ROOT / ".demo"
    assert ".demo/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_settings_of_a_store_in_use_do_not_reach_the_demo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VESTIGE_DATA_DIR", "/somewhere/else")
    monkeypatch.setenv("VESTIGE_DEFAULTS_LIMIT", "1")
    environ = script("demo").environment(VESTIGE_DATA_DIR="here")
    given = {name: value for name, value in environ.items() if name.startswith("VESTIGE_")}
    assert given == {"VESTIGE_DATA_DIR": "here"}
