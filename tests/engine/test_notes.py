"""Markdown notes: what is a section, what front matter says, and what is no front matter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from vestige.engine.notes import FrontMatter, note_files, read_notes, sections, split_front_matter
from vestige.engine.results import ImportFailure, ImportText
from vestige.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

NOTE = """Before.

# Deploy

Tag a *release*.

```sh
# no heading
```

> # quoted

## Rollback ##

- # in a list

Undo it.

### Only a heading

Set
ext
===

Last.
"""


def texts_of(folder: Path, *tags: str) -> list[ImportText]:
    found = list(read_notes(folder, note_files(folder), codebase="shop", tags=tags))
    texts = [item for item in found if isinstance(item, ImportText)]
    assert len(texts) == len(found)
    return texts


def test_a_section_has_the_path_of_its_headings() -> None:
    assert sections(NOTE) == [
        ((), "Before."),
        (("Deploy",), "Tag a *release*.\n\n```sh\n# no heading\n```\n\n> # quoted"),
        (("Deploy", "Rollback"), "- # in a list\n\nUndo it."),
        (("Set ext",), "Last."),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# A heading\n## Another\n"])
def test_a_text_without_more_than_headings_has_no_section(text: str) -> None:
    assert sections(text) == []


def test_a_level_that_is_left_out_is_no_level_of_the_path() -> None:
    found = sections("### deep\na\n# top\nb\n### deep\nc\n## mid\nd")
    assert [path for path, _ in found] == [
        ("deep",),
        ("top",),
        ("top", "deep"),
        ("top", "mid"),
    ]


def test_front_matter_gives_title_tags_and_time() -> None:
    head = (
        '---\nTitle: "A: b"\ntags: [one, "#two", one, 3]\ndate: 2026-01-31\nother: {a: [b]}\n---\n'
    )
    assert split_front_matter(f"{head}text\n---\n") == (
        FrontMatter(
            title="A: b", tags=("one", "two", "3"), created_at=datetime(2026, 1, 31, tzinfo=UTC)
        ),
        "text\n---\n",
    )


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("one, two words", ("one", "two words")),
        ("'one two #three'", ("one", "two", "three")),
        ("\n  - one\n  - two words", ("one", "two words")),
        ("", ()),
        ("[]", ()),
        ("true", ("true",)),
    ],
)
def test_tags_are_a_list_or_one_text(tags: str, expected: tuple[str, ...]) -> None:
    assert split_front_matter(f"---\ntags: {tags}\n---\n")[0].tags == expected


@pytest.mark.parametrize(
    ("line", "hour"),
    [
        ("created: 2026-01-31T10:00:00+02:00", 8),
        ("created_at: 2026-01-31 10:00", 10),
        ("date: '2026-01-31T10:00:00Z'", 10),
        ("date: 2020-01-01\ncreated: 2026-01-31", 0),
        ("created:\ndate: 2026-01-31", 0),
    ],
)
def test_a_time_without_a_zone_is_in_utc(line: str, hour: int) -> None:
    found = split_front_matter(f"---\n{line}\n---\n")[0].created_at
    assert found == datetime(2026, 1, 31, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["---\nno end", "--- \na rule\n---\n", "text\n---\ntitle: x\n---\n", "", "----\na: b\n---"],
)
def test_what_is_no_front_matter_stays_text(text: str) -> None:
    assert split_front_matter(text) == (FrontMatter(), text)


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ("a: [b", "front matter: is not YAML"),
        ("a: b: c", "front matter: is not YAML"),
        ("? [a]\n: b", "front matter: is not YAML"),
        ("[" * 5_000, "front matter: is not YAML"),
        ("tags: {a: b}", "tags: of the front matter must be texts"),
        ("tags: [[a]]", "tags: of the front matter must be texts"),
        ("tags: &x [*x]", "front matter: is not YAML"),
        ("date: 31.1.2026", "date: '31.1.2026' is no time"),
        ("date: 2026-02-30", "date: '2026-02-30' is no time"),
        ("created: [2026]", "is no time"),
        ("date: 0001-01-01T00:00:00+10:00", "outside the years 1 to 9999"),
    ],
)
def test_front_matter_that_cannot_be_used_is_named(head: str, problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        split_front_matter(f"---\n{head}\n---\ntext")
    assert problem in str(caught.value)


def test_notes_are_found_below_a_folder_in_order_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b.md", "a.MD", "sub/c.markdown", ".git/d.md", ".e.md", "f.txt", "sub/g.md/h.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("text")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere.md").symlink_to(tmp_path / "missing")
    names = [path.relative_to(tmp_path).as_posix() for path in note_files(tmp_path)]
    assert names == ["a.MD", "b.md", "sub/c.markdown", "sub/g.md/h.md"]


def test_a_section_says_where_it_is_from(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "ops").mkdir(parents=True)
    head = "---\r\ntitle: Deploy\r\ntags: [a]\r\n---\r\n"
    (folder / "ops" / "x.md").write_bytes(
        f"\ufeff{head}Intro.\r\n# Deploy\r\nOne.\r\n# Other\r\n  Two.\r\n".encode()
    )
    texts = texts_of(folder, "a", "b")
    assert [text.content for text in texts] == [
        "Deploy\n\nIntro.",
        "Deploy\n\nOne.",
        "Deploy > Other\n\n  Two.",
    ]
    assert texts[2].place == "ops/x.md: Deploy > Other"
    assert {text.tags for text in texts} == {("a", "b")}
    context = texts[0].context
    assert (context.codebase, context.file, context.source) == ("shop", "ops/x.md", "notes")


def test_a_text_without_a_heading_or_title_has_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "An idea.md").write_text("Text.\n")
    assert [text.content for text in texts_of(tmp_path)] == ["An idea\n\nText."]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("schön".encode("latin-1"), "is not UTF-8: byte 0xf6 at position 3"),
        ("text".encode("utf-16"), "is not UTF-8: byte 0xff at position 0"),
        (b"---\na: [\n---\n", "is not YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_failure_among_the_others(
    tmp_path: Path, data: bytes, problem: str
) -> None:
    (tmp_path / "a.md").write_text("first")
    (tmp_path / "b.md").write_bytes(data)
    (tmp_path / "c.md").write_text("last")
    first, bad, last = read_notes(tmp_path, note_files(tmp_path), codebase=None, tags=())
    assert isinstance(first, ImportText)
    assert isinstance(last, ImportText)
    assert isinstance(bad, ImportFailure)
    assert bad.place == "b.md"
    assert problem in bad.reason
