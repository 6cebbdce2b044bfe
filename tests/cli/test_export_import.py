"""`vestige export` and `vestige import` as people and scripts use them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest

from command_line import (
    INTERRUPTIBLE,
    CommandLine,
    files_of,
    is_two_lines,
    process_environment,
    run_process,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def dump(vestige: CommandLine, tmp_path: Path) -> Path:
    """The export of a store with two memories; the store is in a folder beside."""
    source = tmp_path / "source"
    for text in ("one", "zwei 日本 \u2028"):
        assert vestige("remember", text, "--data-dir", str(source)).code == 0
    path = tmp_path / "memories.jsonl"
    assert vestige("export", "--data-dir", str(source), "--output", str(path)).code == 0
    return path


def many(dump: Path, count: int) -> Path:
    """Return an export in which the first memory stands under many ids."""
    header, user, row = dump.read_bytes().splitlines(keepends=True)[:3]
    value = cast("dict[str, object]", json.loads(row))
    scheduling = cast("dict[str, object]", value["scheduling"])
    lines = [header, user]
    for number in range(count):
        memory_id = f"00000000-0000-4000-8000-{number:012d}"
        scheduling["memory_id"] = memory_id
        lines.append(json.dumps({**value, "id": memory_id}).encode() + b"\n")
    path = dump.with_name("many.jsonl")
    path.write_bytes(b"".join(lines))
    return path


def test_an_export_goes_through_pipes_and_files_unchanged(vestige: CommandLine, dump: Path) -> None:
    ran = run_process(vestige.environ, "import", "-", "--json", stdin=dump.read_bytes())
    assert (ran.code, ran.err) == (0, "")
    tables = cast("dict[str, dict[str, int]]", ran.json["tables"])
    assert tables["knowledge_nodes"] == {"read": 2, "written": 2, "present": 0, "failed": 0}
    assert (ran.json["unreadable"], ran.json["failures"]) == (0, [])
    exported = run_process(vestige.environ, "export")
    assert (exported.code, exported.err) == (0, "")
    assert exported.out.encode() == dump.read_bytes()


def test_a_second_import_writes_nothing(vestige: CommandLine, dump: Path) -> None:
    assert vestige("import", str(dump)).code == 0
    ran = vestige("import", str(dump))
    assert (ran.code, ran.err) == (0, "")
    assert [line.split() for line in ran.out.splitlines()] == [
        ["table", "read", "written", "present", "failed"],
        ["users", "1", "0", "1", "0"],
        ["knowledge_nodes", "2", "0", "2", "0"],
        ["changelog", "2", "0", "2", "0"],
    ]


def test_bad_lines_are_named_and_the_exit_code_says_so(vestige: CommandLine, dump: Path) -> None:
    with dump.open("ab") as file:
        file.write(b'{"table": "secrets\\u001b"}\n{"table": "users"}\nnot json\x1b\n')
    ran = vestige("import", str(dump))
    assert ran.code == 1
    *lines, problem, hint = ran.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["line 7", "line 8 (users)", "line 9"]
    assert "\x1b" not in ran.err
    assert problem == "error: 3 lines could not be imported"
    assert hint.startswith("hint: ")
    assert "other lines" in ran.out
    again = vestige("import", str(dump), "--json")
    assert [failure["line"] for failure in again.items("failures")] == [7, 8, 9]
    assert again.json["unreadable"] == 2


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b'{"vestige_export": 99}\n', b"# A note"])
def test_a_file_that_is_no_export_makes_no_store(vestige: CommandLine, content: bytes) -> None:
    file = vestige.folder / "other.jsonl"
    file.write_bytes(content)
    ran = vestige("import", str(file))
    assert (ran.code, ran.out) == (1, "")
    assert is_two_lines(ran.err)
    assert not vestige.store.exists()


def test_an_endless_file_is_not_read_to_its_end(vestige: CommandLine) -> None:
    ran = vestige("import", "/dev/zero")
    assert ran.code == 1
    assert "line 1 is longer than a line can be" in ran.err


def test_a_file_that_is_not_there_is_named(vestige: CommandLine) -> None:
    ran = vestige("import", "missing.jsonl")
    assert ran.code == 1
    assert ran.err.startswith("error: missing.jsonl: No such file")
    assert not vestige.store.exists()


def test_vectors_of_another_model_are_refused_and_nothing_is_changed(
    vestige: CommandLine, dump: Path
) -> None:
    other = {**vestige.environ, "VESTIGE_EMBEDDINGS_MODEL": "hashing-384"}
    assert run_process(other, "remember", "three").code == 0
    ran = run_process(other, "import", str(dump))
    assert (ran.code, ran.out) == (1, "")
    assert "hashing-64" in ran.err
    assert "hashing-384" in ran.err
    assert run_process(other, "stats", "--json").json["memory_count"] == 1


def test_there_is_nothing_to_export_without_a_store(vestige: CommandLine) -> None:
    ran = vestige("export", "--output", str(vestige.folder / "memories.jsonl"))
    assert (ran.code, ran.out) == (1, "")
    assert "there is no store" in ran.err
    assert not files_of(vestige.folder)


def test_an_export_replaces_a_file_whole_and_for_its_owner_only(vestige: CommandLine) -> None:
    vestige.remembered("text")
    path = vestige.folder / "memories.jsonl"
    path.write_text("old " * 10_000)
    path.chmod(0o644)
    assert vestige("export", "--output", str(path)).out == f"exported 3 rows to {path}\n"
    assert path.read_text().startswith('{"vestige_export":1')
    assert path.stat().st_mode & 0o777 == 0o600
    assert {file.name for file in vestige.folder.iterdir()} == {"memories.jsonl", "vestige.db"}


def test_an_export_that_fails_leaves_the_file_that_was_there(vestige: CommandLine) -> None:
    vestige.remembered("text")
    path = vestige.folder / "memories.jsonl"
    path.write_text("old")
    vestige.store.write_bytes(b"no database" * 1000)
    assert vestige("export", "--output", str(path)).code == 1
    assert path.read_text() == "old"
    assert {file.name for file in vestige.folder.iterdir()} == {"memories.jsonl", "vestige.db"}


@pytest.mark.parametrize("end", ["", "-wal"])
def test_an_export_does_not_overwrite_the_store(vestige: CommandLine, end: str) -> None:
    vestige.remembered("text")
    before = files_of(vestige.folder)
    ran = vestige("export", "--output", f"{vestige.store}{end}")
    assert ran.code == 2
    assert "is a file of the store itself" in ran.err
    assert files_of(vestige.folder) == before


def test_a_full_output_is_one_message(vestige: CommandLine) -> None:
    vestige.remembered("text")
    ran = vestige("export", "--output", "/dev/full")
    assert ran.code == 1
    assert "No space left on device" in ran.err


FULL_DISK = """
import apsw
from vestige.storage.sqlite import transfer
from vestige.cli.app import main
import_rows, calls = transfer.import_rows, []
def import_some(session, table, rows):
    calls.append(table)
    if len(calls) == 3:
        session.db.run("PRAGMA max_page_count = 1")
    return import_rows(session, table, rows)
transfer.import_rows = import_some
main()
"""


def test_a_full_disk_stops_an_import_that_goes_on_afterwards(
    vestige: CommandLine, dump: Path
) -> None:
    path = many(dump, 1_200)
    ran = run_process(vestige.environ, "import", str(path), program=FULL_DISK)
    assert ran.code == 1
    assert ran.out.splitlines()[-1].split() == ["knowledge_nodes", "1001", "500", "0", "0"]
    assert "stopped at line 503, all before it is dealt with" in ran.err
    assert "the disk is full" in ran.err
    assert "run the same command again" in ran.err
    again = vestige("import", str(path))
    assert again.code == 0
    assert again.out.splitlines()[-1].split() == ["knowledge_nodes", "1200", "700", "500", "0"]
    assert vestige("health").out == "healthy\n"


KILLED = """
import os, signal
from vestige.storage.sqlite import transfer
from vestige.cli.app import main
import_rows, calls = transfer.import_rows, []
def import_some(session, table, rows):
    result = import_rows(session, table, rows)
    calls.append(table)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
transfer.import_rows = import_some
main()
"""


def test_an_import_that_was_killed_is_completed_by_the_same_command(
    vestige: CommandLine, dump: Path
) -> None:
    path = many(dump, 1_200)
    ran = run_process(vestige.environ, "import", str(path), program=KILLED)
    assert ran.code == -signal.SIGKILL
    again = vestige("import", str(path))
    assert again.code == 0
    assert again.out.splitlines()[-1].split() == ["knowledge_nodes", "1200", "700", "500", "0"]
    assert vestige("stats", "--json").json["memory_count"] == 1200
    whole = run_process(
        {**vestige.environ, "VESTIGE_DATA_DIR": str(vestige.folder / "b")}, "import", str(path)
    )
    assert whole.code == 0
    once = vestige("export", "--data-dir", str(vestige.folder / "b")).out
    assert vestige("export").out == once


def test_an_interrupt_ends_an_import_at_once_and_says_what_is_written(
    vestige: CommandLine, dump: Path
) -> None:
    lines = many(dump, 501).read_bytes()
    pipe = vestige.folder / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, "import", str(pipe)],
        env=process_environment(vestige.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process, pipe.open("wb", buffering=0) as writer:
        writer.write(lines)  # returns when all but what a pipe holds has been read
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == b"interrupted\n"
    assert out.startswith(b"table")
    assert vestige("import", str(dump.with_name("many.jsonl"))).code == 0
    assert vestige("stats", "--json").json["memory_count"] == 501
