"""`vestige import` of Markdown notes and of plain texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import files_of, is_two_lines

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder with two notes that hold three sections, and one in another encoding."""
    folder = tmp_path / "notes"
    (folder / "sub").mkdir(parents=True)
    head = "---\ntags: [ops]\ndate: 2024-01-31\n---\n"
    (folder / "deploy.md").write_text(f"{head}# Deploy\nTag it.\n## Rollback\nUndo it.\n")
    (folder / "sub" / "idea.md").write_text("Text.")
    (folder / "latin.md").write_bytes(b"sch\xf6n")
    return folder


def counts_of(out: str) -> list[str]:
    return out.splitlines()[-1].split()


def test_notes_are_remembered_and_one_in_another_encoding_is_named(
    vestige: CommandLine, notes: Path
) -> None:
    ran = vestige("import", str(notes), "--codebase", "shop", "--tags", "old", "--type", "idea")
    assert ran.code == 1
    assert ran.out.splitlines()[0].split() == ["read", "created", "known", "failed"]
    assert counts_of(ran.out) == ["4", "3", "0", "1"]
    named, problem, _ = ran.err.splitlines()
    assert named.startswith("latin.md: file: is not UTF-8: byte 0xf6 at position 3")
    assert problem == "error: 1 of 4 could not be imported"
    found = vestige("recall", "Rollback", "--json").items("results")[0]
    assert found["content"] == "Deploy > Rollback\n\nUndo it."
    assert (found["tags"], found["node_type"], found["codebase"]) == (
        ["ops", "old"],
        "idea",
        "shop",
    )
    assert found["created_at"] == "2024-01-31T00:00:00.000000Z"
    shown = vestige("show", str(found["id"]), "--json").json
    assert shown["metadata"] == {"file": "deploy.md", "source": "notes"}


def test_a_second_import_of_notes_changes_nothing(vestige: CommandLine, notes: Path) -> None:
    (notes / "latin.md").unlink()
    assert vestige("import", str(notes)).code == 0
    before = vestige("export").out
    ran = vestige("import", str(notes))
    assert (ran.code, ran.err, counts_of(ran.out)) == (0, "", ["3", "0", "3", "0"])
    assert vestige("export").out == before


def test_a_dry_run_shows_what_would_be_remembered_and_makes_no_store(
    vestige: CommandLine, notes: Path
) -> None:
    before = files_of(vestige.folder)
    ran = vestige("import", str(notes), "--dry-run")
    assert ran.code == 1  # as the import itself would end
    assert "would remember deploy.md: Deploy > Rollback [ops]" in ran.out
    assert counts_of(ran.out) == ["4", "3", "0", "1"]
    assert files_of(vestige.folder) == before


def test_a_dry_run_tells_what_is_known_and_leaves_the_store(
    vestige: CommandLine, notes: Path
) -> None:
    vestige("import", str(notes / "deploy.md"))
    before = files_of(vestige.folder)
    ran = vestige("import", str(notes), "--dry-run", "--json")
    assert (ran.json["dry_run"], ran.json["created"], ran.json["known"]) == (True, 1, 2)
    assert [(one["place"], one["action"]) for one in ran.items("memories")] == [
        ("deploy.md: Deploy", "known"),
        ("deploy.md: Deploy > Rollback", "known"),
        ("sub/idea.md: idea", "created"),
    ]
    assert ran.items("failures")[0]["place"] == "latin.md"
    assert files_of(vestige.folder) == before


def test_a_folder_without_notes_is_an_error(vestige: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = vestige("import", str(tmp_path / "empty"))
    assert ran.code == 1
    assert is_two_lines(ran.err)
    assert "there is no Markdown file" in ran.err
    assert not vestige.store.exists()


def test_texts_are_remembered_and_bad_lines_are_named(vestige: CommandLine) -> None:
    data = b'"one"\n{"text": "two", "node_type": "event"}\nbad\n""\n'
    ran = vestige("import", "-", "--texts", "--tags", "old", "--json", stdin=data)
    assert ran.code == 1
    assert [ran.json[name] for name in ("read", "created", "known", "failed")] == [4, 2, 0, 2]
    assert [one["place"] for one in ran.items("failures")] == ["line 3", "line 4"]
    listed = vestige("list", "--order", "created", "--json").items("memories")
    assert sorted((str(one["content"]), one["node_type"]) for one in listed) == [
        ("one", "fact"),
        ("two", "event"),
    ]
    again = vestige("import", "-", "--texts", stdin=data)
    assert counts_of(again.out) == ["4", "0", "2", "2"]


@pytest.mark.parametrize(
    "options", [["--dry-run"], ["--tags", "a"], ["--codebase", "a"], ["--type", "a"]]
)
def test_what_an_export_says_itself_cannot_be_given(
    vestige: CommandLine, options: list[str]
) -> None:
    ran = vestige("import", "memories.jsonl", *options)
    assert ran.code == 2
    assert is_two_lines(ran.err)
    assert not vestige.store.exists()


def test_notes_are_no_texts(vestige: CommandLine, notes: Path) -> None:
    ran = vestige("import", str(notes), "--texts")
    assert ran.code == 2
    assert "holds notes" in ran.err
