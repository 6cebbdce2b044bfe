"""`vestige backup`, `restore` and `drill`, as people use them and as machines break them."""

from __future__ import annotations

import asyncio
import gzip
import signal
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

from command_line import PROGRAM, CommandLine, Ran, files_of, is_two_lines, run_process
from postgres_server import a_database
from vestige.storage.sqlite.administration import Administration

if TYPE_CHECKING:
    from collections.abc import Generator

STORAGES: Final = ("postgres", "sqlite")
TEXTS: Final = ("the first text", "another, 日本", "a third one")
# Ends the process as a machine does that loses its power: before a row, or before a table.
KILLED_BACKUP: Final = f"""
import os, signal
from vestige.transfer import backup
line_of, left = backup.line_of, iter(range({{rows}}))
def killing(value):
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return line_of(value)
backup.line_of = killing
{PROGRAM}
"""
KILLED_RESTORE: Final = f"""
import os, signal
from vestige.storage.{{backend}}.administration import Administration
real, left = Administration.{{method}}, iter(range({{calls}}))
async def killing(self, *args):
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return await real(self, *args)
Administration.{{method}} = killing
{PROGRAM}
"""


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest, vestige: CommandLine) -> Generator[str]:
    """The backend that the commands of a test use."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        database = a_database()
        url = runner.run(database.__aenter__())
        variables = {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}
        for name, value in variables.items():
            patch.setenv(name, value)
        vestige.environ.update(variables)
        yield "postgres"
        runner.run(database.__aexit__(None, None, None))


def filled(vestige: CommandLine) -> list[str]:
    ran = vestige("remember", "--json", *TEXTS)
    assert ran.code == 0, ran.err
    return [str(one["id"]) for one in ran.items("results")]


def made(vestige: CommandLine, *arguments: str) -> Path:
    ran = vestige("backup", "--json", *arguments)
    assert ran.code == 0, ran.err
    return Path(str(ran.json["path"]))


def contents(vestige: CommandLine) -> list[str]:
    return sorted(str(one["id"]) for one in vestige("list", "--json").items("memories"))


def exported(vestige: CommandLine, *arguments: str) -> list[str]:
    ran = vestige("export", *arguments)
    assert ran.code == 0, ran.err
    return sorted(ran.out.splitlines())


def finished(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.jsonl.gz"))


def killed(vestige: CommandLine, program: str, *arguments: str) -> None:
    ran = run_process(vestige.environ, *arguments, program=program)
    assert ran.code == -signal.SIGKILL, ran.err


def test_a_backup_goes_to_the_data_dir_under_the_time(vestige: CommandLine, storage: str) -> None:
    filled(vestige)
    ran = vestige("backup", "--json")
    assert (ran.code, ran.err) == (0, "")
    path = Path(str(ran.json["path"]))
    assert path.parent == vestige.folder / "backups"
    time = str(ran.json["created_at"])
    assert path.name.startswith(f"vestige-{time[:10].replace('-', '')}T")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (ran.json["backend"], ran.json["removed"], ran.json["dry_run"]) == (storage, [], False)
    assert ran.json["bytes"] == path.stat().st_size
    rows = cast("dict[str, int]", ran.json["rows"])
    assert (rows["knowledge_nodes"], rows["users"]) == (3, 1)
    checked = vestige("backup", "--verify", str(path), "--json")
    assert (checked.code, checked.err) == (0, "")
    assert checked.json["sha256"] == ran.json["sha256"]


def test_a_backup_comes_back_in_an_empty_store_and_in_place_of_another(
    vestige: CommandLine, storage: str, tmp_path: Path
) -> None:
    ids, path = filled(vestige), made(vestige)
    before = exported(vestige)
    vestige("forget", ids[0], "--yes")
    vestige.remembered("something new")
    ran = vestige("restore", str(path))
    assert ran.code == 1
    assert is_two_lines(ran.err)
    assert "the store holds 3 memories already" in ran.err
    assert "--replace" in ran.err
    ran = vestige("restore", str(path), "--replace", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert exported(vestige) == before
    tables = cast("dict[str, dict[str, object]]", ran.json["tables"])
    for counts in tables.values():
        assert counts["source_hash"] == counts["destination_hash"] != ""
    saved = str(ran.json["replaced"])
    assert "end what uses the store" in ran.err
    # What was replaced is in a backup, here restored onto a file whatever the backend was.
    elsewhere = ["--data-dir", str(tmp_path / "elsewhere")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESTIGE_STORAGE_BACKEND", "sqlite")
        ran = vestige("restore", saved, *elsewhere)
        assert ran.code == 0, ran.err
        assert "restored 3 memories; every row is equal to that of the backup" in ran.out
        found = vestige("list", "--json", *elsewhere).items("memories")
    assert {str(one["content"]) for one in found} == {*TEXTS[1:], "something new"}
    assert storage in str(vestige("backup", "--verify", saved).out)


def test_replacing_asks_and_a_dry_run_does_not_change_anything(vestige: CommandLine) -> None:
    filled(vestige)
    path = made(vestige)
    before = exported(vestige)
    ran = vestige("restore", str(path), "--replace")
    assert ran.code == 2
    assert "has to be confirmed" in ran.err
    ran = vestige("restore", str(path), "--replace", "--dry-run", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["dry_run"], ran.json["replaced_memories"]) == (True, 3)
    ran = vestige("restore", str(path), "--replace", "--dry-run")
    assert ran.out == f"would restore 3 memories of {path} in place of 3 memories\n"
    assert exported(vestige) == before
    assert finished(path.parent) == [path.name]


def test_a_dry_run_makes_no_store(vestige: CommandLine, tmp_path: Path) -> None:
    filled(vestige)
    path, new = made(vestige), tmp_path / "new"
    ran = vestige("restore", str(path), "--dry-run", "--data-dir", str(new))
    assert (ran.code, ran.out) == (0, f"would restore 3 memories of {path}\n")
    assert not new.exists()


def test_a_damaged_backup_is_refused_before_anything_is_changed(
    vestige: CommandLine, tmp_path: Path
) -> None:
    filled(vestige)
    path, before = made(vestige), exported(vestige)
    path.write_bytes(path.read_bytes()[:-30])
    for command in (
        ("restore", str(path), "--replace", "--yes"),
        ("restore", str(path), "--data-dir", str(tmp_path / "new")),
        ("backup", "--verify", str(path)),
        ("drill", str(path)),
        ("drill",),
    ):
        ran = vestige(*command)
        assert ran.code == 1, command
        assert is_two_lines(ran.err)
        assert "is not as it was written: line " in ran.err
    assert exported(vestige) == before
    assert not (tmp_path / "new").exists()


def test_another_model_is_refused_unless_it_is_kept_or_the_texts_are_encoded_anew(
    vestige: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(vestige)
    path, before = made(vestige), len(exported(vestige))
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")
    for choice, code in (("", 1), ("--keep-model", 0), ("--reembed", 0)):
        folder = tmp_path / f"new{choice}"
        ran = vestige("restore", str(path), "--data-dir", str(folder), *filter(None, [choice]))
        assert ran.code == code, ran.err
        assert folder.exists() == (code == 0)
        assert code == 0 or "--reembed" in ran.err
    ran = vestige("restore", str(path), "--replace", "--yes")
    assert ran.code == 1
    assert len(exported(vestige)) == before
    ran = vestige("restore", str(path), "--reembed", "--keep-model")
    assert (ran.code, is_two_lines(ran.err)) == (2, True)


def test_a_drill_says_the_age_and_what_is_new_since(vestige: CommandLine, storage: str) -> None:
    filled(vestige)
    path = made(vestige)
    vestige.remembered("something new")
    ran = vestige("drill", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["path"], ran.json["is_complete"]) == (str(path), True)
    assert ran.json["backend"] == storage
    assert 0 <= cast("int", ran.json["age_seconds"]) < 600
    nodes = cast("dict[str, dict[str, object]]", ran.json["tables"])["knowledge_nodes"]
    assert (nodes["backup"], nodes["equal"], nodes["live"]) == (3, 3, 4)
    assert nodes["backup_hash"] == nodes["restored_hash"]
    shown = vestige("drill", str(path))
    assert shown.code == 0
    assert ["knowledge_nodes", "3", "3", "4", "+1"] in [
        line.split() for line in shown.out.splitlines()
    ]
    assert "age     0 d 0 h" in shown.out
    assert len(contents(vestige)) == 4


def test_a_drill_needs_no_store_in_use(vestige: CommandLine, tmp_path: Path) -> None:
    filled(vestige)
    path = made(vestige)
    ran = vestige("drill", str(path), "--json", "--data-dir", str(tmp_path / "none"))
    assert ran.code == 0
    tables = cast("dict[str, dict[str, object]]", ran.json["tables"])
    assert {counts["live"] for counts in tables.values()} == {None}
    vestige.store.write_bytes(b"no database" * 1000)
    ran = vestige("drill", str(path))
    assert ran.code == 0
    assert "the store in use cannot be compared" in ran.err


def test_a_drill_fails_when_a_row_is_not_restored_as_it_was(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(vestige)
    made(vestige)
    real = Administration.import_rows

    async def losing(self: Administration, table: object, rows: list[object]) -> object:
        return await real(self, table, rows[:-1])  # pyright: ignore[reportArgumentType]  # passed on

    monkeypatch.setattr(Administration, "import_rows", losing)
    ran = vestige("drill")
    assert ran.code == 1
    assert "is not there" in ran.err
    assert "error: not everything arrived as it is in the backup" in ran.err
    assert vestige("drill", "--json").json["is_complete"] is False


def test_without_a_backup_a_drill_says_how_to_make_one(vestige: CommandLine) -> None:
    ran = vestige("drill")
    assert (ran.code, is_two_lines(ran.err)) == (1, True)
    assert "there is no backup in" in ran.err
    ran = vestige("backup", "--list")
    assert (ran.code, ran.out) == (0, "")


def test_pruning_keeps_what_the_options_say(vestige: CommandLine) -> None:
    filled(vestige)
    first = made(vestige)
    ran = vestige("backup", "--prune", "--dry-run", "--json")
    assert (ran.json["removed"], ran.json["dry_run"]) == ([str(first)], True)
    assert first.exists()
    ran = vestige("backup", "--prune", "--json")
    assert (ran.code, ran.json["removed"]) == (0, [str(first)])
    assert finished(first.parent) == [Path(str(ran.json["path"])).name]
    listed = vestige("backup", "--list", "--json").items("backups")
    assert [one["path"] for one in listed] == [ran.json["path"]]


def test_the_output_is_a_folder_or_a_file_that_is_not_there(
    vestige: CommandLine, tmp_path: Path
) -> None:
    filled(vestige)
    file = tmp_path / "mine.jsonl.gz"
    assert made(vestige, "--output", str(file)) == file
    ran = vestige("backup", "--output", str(file))
    assert (ran.code, is_two_lines(ran.err)) == (1, True)
    assert "is there already" in ran.err
    folder = tmp_path / "folder"
    assert made(vestige, "--output", f"{folder}/").parent == folder
    assert made(vestige, "--output", str(folder)).parent == folder
    assert len(finished(folder)) == 2
    ran = vestige("backup", "--list", "--output", str(folder))
    assert ran.out.count("3 memories") == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--list", "--prune"),
        ("--list", "--dry-run"),
        ("--list", "--verify", "x"),
        ("--verify", "x", "--prune"),
        ("--prune", "--keep-daily", "-1"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    vestige: CommandLine, options: tuple[str, ...]
) -> None:
    ran = vestige("backup", *options)
    assert (ran.code, is_two_lines(ran.err)) == (2, True)


def test_without_a_store_there_is_nothing_to_back_up(vestige: CommandLine, tmp_path: Path) -> None:
    ran = vestige("backup", "--data-dir", str(tmp_path / "none"))
    assert (ran.code, is_two_lines(ran.err)) == (1, True)
    assert not (tmp_path / "none").exists()


def test_what_a_backup_says_is_in_its_file(vestige: CommandLine) -> None:
    filled(vestige)
    text = gzip.decompress(made(vestige).read_bytes()).decode()
    assert all(content in text for content in TEXTS)
    ran = vestige("backup", "--list")
    assert "3 memories" in ran.out


@pytest.mark.parametrize("rows", [0, 4])
def test_a_backup_that_is_killed_leaves_no_backup_and_the_next_one_is_whole(
    vestige: CommandLine, storage: str, rows: int
) -> None:
    filled(vestige)
    before = exported(vestige)
    killed(vestige, KILLED_BACKUP.format(rows=rows), "backup")
    folder = vestige.folder / "backups"
    assert finished(folder) == []
    listed = vestige("backup", "--list")
    assert listed.out == ""
    assert "was left unfinished, and is no backup" in listed.err
    assert vestige("drill").code == 1
    path = made(vestige)
    assert exported(vestige) == before
    assert vestige("drill", str(path), "--json").json["backend"] == storage


@pytest.mark.parametrize(
    ("method", "calls"),
    [("import_rows", 2), ("build_vector_index", 0), ("revert_migration", 2)],
)
def test_a_restore_that_is_killed_is_done_anew_and_nothing_is_lost(
    vestige: CommandLine, storage: str, method: str, calls: int
) -> None:
    filled(vestige)
    path, before = made(vestige), exported(vestige)
    vestige.remembered("something new")
    program = KILLED_RESTORE.format(backend=storage, method=method, calls=calls)
    killed(vestige, program, "restore", str(path), "--replace", "--yes")
    saved = [one for one in files_of(path.parent) if one != path.name]
    assert len(saved) == 1
    nodes = vestige("backup", "--verify", str(path.parent / saved[0]), "--json").json["rows"]
    assert cast("dict[str, int]", nodes)["knowledge_nodes"] == 4
    ran: Ran = vestige("restore", str(path), "--replace", "--yes")
    assert ran.code == 0, ran.err
    assert exported(vestige) == before
    assert vestige("health").code == 0
