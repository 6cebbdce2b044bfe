"""Files: who may read them, where they may lead, and how much of them is taken in."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Final

import pytest

from command_line import PROGRAM, TIMEOUT_SECONDS, Ran, environment, process_environment
from vestige.engine.notes import note_files
from vestige.storage.private_folders import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MEGABYTE: Final = 1 << 20
# What a process may have, Python, numpy and SQLite included: address space, which is more than
# what it uses.
MEMORY_BYTES: Final = 1_500 * MEGABYTE
LIMITED: Final = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
{PROGRAM}
"""
MASKS: Final = [0o022, 0o000]


def run_with(
    folder: Path, mask: int, *arguments: str, program: str = PROGRAM, stdin: bytes = b""
) -> Ran:
    """Run a command in a process with a umask."""
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env=process_environment(
            {**environment(folder), "VESTIGE_DATA_DIR": str(folder / "new" / "data")}
        ),
        input=stdin,
        timeout=TIMEOUT_SECONDS,
        umask=mask,
    )
    return Ran(code=ran.returncode, out=ran.stdout.decode(), err=ran.stderr.decode())


def open_to_others(folder: Path) -> dict[str, str]:
    """Return what others may do something with, by its path."""
    return {
        str(path.relative_to(folder)): oct(mode)
        for path in sorted(folder.rglob("*"))
        if (mode := stat.S_IMODE(path.lstat().st_mode)) & 0o077 and not path.is_symlink()
    }


@pytest.mark.parametrize("mask", MASKS, ids=oct)
def test_nobody_else_may_read_what_holds_memories(tmp_path: Path, mask: int) -> None:
    """The store and its logs, exports, backups, restored and copied stores, vestige.toml."""
    tmp_path.chmod(0o700)
    steps: list[Sequence[str]] = [
        ("remember", "the deploy runs at nine"),
        ("export", "--output", "memories.jsonl"),
        ("backup",),
        ("backup", "--output", str(tmp_path / "some" / "where" / "b.jsonl.gz")),
        ("restore", "some/where/b.jsonl.gz", "--data-dir", str(tmp_path / "restored" / "there")),
        (
            "migrate",
            "copy",
            "--to",
            "sqlite",
            "--from",
            "sqlite",
            "--to-sqlite-path",
            str(tmp_path / "copied" / "to" / "x.db"),
        ),
        ("migrate", "reembed", "--model", "hashing-384", "--write-config", "--yes"),
    ]
    for step in steps:
        ran = run_with(tmp_path, mask, *step)
        assert ran.code == 0, (step, ran.err)
    assert (tmp_path / "new" / "data" / "vestige.toml").exists()
    assert (tmp_path / "copied" / "to" / "x.db").exists()
    assert open_to_others(tmp_path) == {}


@pytest.mark.parametrize("mask", MASKS, ids=oct)
def test_nobody_else_may_read_the_files_of_an_open_store(tmp_path: Path, mask: int) -> None:
    tmp_path.chmod(0o700)
    looking = f"""
import asyncio, json, os, stat, sys
from vestige import open_engine
async def main():
    async with open_engine() as memory:
        await memory.remember("the deploy runs at nine")
        for root, folders, files in os.walk({str(tmp_path)!r}):
            for name in (*folders, *files):
                mode = os.lstat(os.path.join(root, name)).st_mode
                print(json.dumps([name, stat.S_IMODE(mode)]))
asyncio.run(main())
"""
    ran = run_with(tmp_path, mask, program=looking)
    assert ran.code == 0, ran.err
    modes = dict(json.loads(line) for line in ran.out.splitlines())
    assert {"vestige.db", "vestige.db-wal", "vestige.db-shm"} <= modes.keys()
    assert not {name: oct(mode) for name, mode in modes.items() if mode & 0o077}


def test_missing_folders_above_a_private_one_are_private_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    for name in ("a", "a/b", "a/b/c"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700


def test_a_note_that_leads_somewhere_else_is_not_read(tmp_path: Path) -> None:
    """A folder of notes from somebody else may hold a link to a key of this user."""
    secret = tmp_path / "id_ed25519"
    secret.write_text("the words of a private file")
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "real.md").write_text("a real note")
    (notes / "evil.md").symlink_to(secret)
    (notes / "folder").symlink_to(tmp_path)
    assert [path.name for path in note_files(notes)] == ["real.md"]
    ran = run_with(tmp_path, 0o022, "import", str(notes), "--json")
    assert ran.code == 0
    assert "private file" not in run_with(tmp_path, 0o022, "list", "--json").out


@pytest.mark.parametrize("name", ["vestige.db", "vestige.db-wal", "link.jsonl"])
def test_an_export_does_not_overwrite_the_store(tmp_path: Path, name: str) -> None:
    assert run_with(tmp_path, 0o022, "remember", "the deploy runs at nine").code == 0
    store = tmp_path / "new" / "data" / "vestige.db"
    before = store.read_bytes()
    target = store.with_name(name)
    if name == "link.jsonl":
        target.symlink_to(store)
    ran = run_with(tmp_path, 0o022, "export", "--output", str(target))
    assert ran.code == 2
    assert "a file of the store itself" in ran.err
    assert store.read_bytes() == before


def test_a_backup_replaces_nothing_and_follows_no_link(tmp_path: Path) -> None:
    assert run_with(tmp_path, 0o022, "remember", "the deploy runs at nine").code == 0
    other = tmp_path / "other.txt"
    other.write_text("keep me")
    (tmp_path / "link.jsonl.gz").symlink_to(other)
    (tmp_path / "dangling.jsonl.gz").symlink_to(tmp_path / "made-by-the-backup")
    for name in ("other.txt", "link.jsonl.gz", "dangling.jsonl.gz"):
        ran = run_with(tmp_path, 0o022, "backup", "--output", name)
        assert ran.code == 1
        assert "there already" in ran.err
    assert other.read_text() == "keep me"
    assert not (tmp_path / "made-by-the-backup").exists()


HOSTILE_NAMES: Final = [
    "../../escaped",
    "/escaped",
    "a/../../b",
    "..\\..\\c",
    "\u202e",
    "%2e%2e/x",
]


def test_names_inside_an_export_are_texts_and_never_paths(tmp_path: Path) -> None:
    """What an archive says of files, codebases and groups makes no file anywhere."""
    folder = tmp_path / "inner"
    folder.mkdir()
    for name in HOSTILE_NAMES:
        arguments = ["remember", f"about {name}", "--codebase", name, "--source", name]
        assert run_with(folder, 0o022, *arguments).code == 0
    assert run_with(folder, 0o022, "backup", "--output", "b.jsonl.gz").code == 0
    before = sorted(path for path in tmp_path.rglob("*") if "restored" not in path.parts)
    ran = run_with(folder, 0o022, "restore", "b.jsonl.gz", "--data-dir", str(folder / "restored"))
    assert ran.code == 0, ran.err
    assert sorted(path for path in tmp_path.rglob("*") if "restored" not in path.parts) == before
    assert not (tmp_path.parent / "escaped").exists()


HEADER: Final[dict[str, object]] = {
    "vestige_backup": 1,
    "version": "1",
    "backend": "sqlite",
    "created_at": "2026-01-01T00:00:00.000000Z",
    "model": None,
    "rows": {},
}


def a_bomb(path: Path, first: bytes, filler: bytes, megabytes: int) -> Path:
    """Write a few kilobytes that unpack to many megabytes: the same compressed block repeated."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        file.write(compressor.compress(first) + compressor.flush(zlib.Z_FULL_FLUSH))
        block = compressor.compress(filler * (MEGABYTE // len(filler)))
        block += compressor.flush(zlib.Z_FULL_FLUSH)
        file.write(block * megabytes)
    return path


@pytest.mark.parametrize("filler", [b"0", b'{"a":', b" "], ids=repr)
@pytest.mark.parametrize("command", ["verify", "restore"])
def test_a_backup_that_unpacks_to_gigabytes_is_refused_in_little_memory(
    tmp_path: Path, command: str, filler: bytes
) -> None:
    first = json.dumps(HEADER).encode() + b"\n"
    bomb = a_bomb(tmp_path / "bomb.jsonl.gz", first, filler, 4_000)
    arguments = ["backup", "--verify"] if command == "verify" else ["restore"]
    ran = run_with(tmp_path, 0o022, *arguments, str(bomb), program=LIMITED)
    assert ran.code == 1
    assert "bomb.jsonl.gz" in ran.err
    assert "Traceback" not in ran.err
    assert "MemoryError" not in ran.err


@pytest.mark.parametrize("kind", ["export", "texts", "note"])
def test_a_line_without_an_end_is_refused_in_little_memory(tmp_path: Path, kind: str) -> None:
    """A sparse file: two gigabytes without a line end that take no space on the disk."""
    path = tmp_path / {"export": "a.jsonl", "texts": "a.jsonl", "note": "a.md"}[kind]
    with path.open("wb") as file:
        if kind == "export":
            file.write(b'{"vestige_export":1,"model":null}\n')
        file.truncate(2_000 * MEGABYTE)
    options = ["--texts"] if kind == "texts" else []
    ran = run_with(tmp_path, 0o022, "import", str(path), *options, program=LIMITED)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "MemoryError" not in ran.err
    assert "longer than a line" in ran.err or "has more than" in ran.err


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 1_000_000,
        b'{"a":' * 500_000,
        b'{"content":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"content": "a", "metadata": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
        b"9" * 1_000_000,
        b'{"content": "a", "created_at": ' + b"9" * 1_000_000 + b"}",
        b"\xff\xfe" * 1000,
        b'"\\ud800"',
        b"NaN",
        b"",
    ],
    ids=range(10),
)
@pytest.mark.parametrize("options", [["--texts"], []], ids=["texts", "export"])
def test_json_that_is_made_to_hurt_is_one_failure(
    tmp_path: Path, line: bytes, options: list[str]
) -> None:
    path = tmp_path / "hostile.jsonl"
    header = b"" if options else b'{"vestige_export":1,"model":null}\n'
    path.write_bytes(header + line + b"\n")
    ran = run_with(tmp_path, 0o022, "import", str(path), *options, program=LIMITED)
    assert ran.code == (0 if not line else 1)
    assert "Traceback" not in ran.err
    assert "MemoryError" not in ran.err


LAUGHS: Final = "\n".join(
    ["tags: &a0 [x, x]", *(f"k{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
)


@pytest.mark.parametrize(
    "note",
    [
        f"---\n{LAUGHS}\n---\ntext",
        f"---\n{LAUGHS}\ntags: *a59\n---\ntext",
        "---\n" + "[" * 50_000 + "\n---\ntext",
        "---\n" + "a: b\n" * 2_000_000 + "---\ntext",
        "---\ntags: !!python/object/apply:os.system ['touch pwned']\n---\ntext",
        "[" * 400_000,
        "> " * 200_000,
        "- " * 200_000,
        "# " + "*a_" * 200_000,
        "`" * 400_000,
    ],
    ids=range(10),
)
def test_a_note_that_is_made_to_hurt_takes_little_time_and_memory(
    tmp_path: Path, note: str
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text(note)
    ran = run_with(tmp_path, 0o022, "import", "notes", "--dry-run", program=LIMITED)
    assert ran.code in {0, 1}
    assert "Traceback" not in ran.err
    assert not (tmp_path / "pwned").exists()
