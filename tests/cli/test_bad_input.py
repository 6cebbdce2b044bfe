"""Everything that people get wrong: one clear message, the right exit code, nothing changed."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest
from apsw import SQLITE_OPEN_CREATE, SQLITE_OPEN_READWRITE

from command_line import environment, files_of, is_two_lines, run_process
from vestige.storage.sqlite.driver import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command_line import CommandLine

UNKNOWN_ID: Final = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"
OTHER_ID: Final = "c83e0d94-17b6-4a52-b8f1-6e9d2c7a4b05"
NOBODY: Final = 65534

# Runs a command once as it is, so that all is imported, and then as a user without rights: the
# interpreter itself may stand where that user may not read.
AS_NOBODY: Final = f"""
import os, sys
from vestige.cli.app import main

wanted = sys.argv[2:]
sys.argv[1:] = ["remember", "--data-dir", sys.argv[1], "a text"]
try:
    main()
except SystemExit as stop:
    assert not stop.code
print("dropped", flush=True)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
sys.argv[1:] = wanted
main()
"""


def short_id(value: object) -> str | None:
    return (
        " ".join(map(str, cast("tuple[str, ...]", value)))[:40]
        if isinstance(value, tuple)
        else None
    )


@pytest.mark.parametrize("is_there", [False, True], ids=["no store", "a store"])
@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "named"),
    [
        (("remember", ""), b"", 1, "must not be empty"),
        (("remember",), b"", 1, "must not be empty"),
        (("remember",), b"\n", 1, "must not be empty"),
        (("remember",), b"a\0b", 1, "a NUL character at position 1"),
        (("remember",), b"x" * 2_000_000, 1, "more than 1000000 bytes"),
        (("remember", "x" * 1_000_001), b"", 1, "has 1000001 bytes"),
        (("remember",), b"ab\xffcd", 1, "standard input: content: is not UTF-8: byte 0xff"),
        (("remember", "a", "--tags", "t" * 129), b"", 1, "at most 128"),
        (("remember", "a", "--type", "t" * 65), b"", 1, "at most 64"),
        (("remember", "a", "--codebase", ""), b"", 1, "codebase: must not be empty"),
        (("remember", "a", "--created-at", "2026-01-31T10:00:00"), b"", 2, "without a zone"),
        (("remember", "a", "--created-at", "7d"), b"", 2, "is no time"),
        (("list", "--since", "2026-01-31T10:00:00"), b"", 2, "without a zone"),
        (("recall", "a", "--until", "2026-01-31 10:00"), b"", 2, "without a zone"),
        (("due", "--before", "2026-01-31T10:00"), b"", 2, "without a zone"),
        (("show", "6f1c3b52"), b"", 2, "not the id of a memory"),
        (("edit", "x", "--content", "y"), b"", 2, "not the id of a memory"),
        (("forget", "x", "--yes"), b"", 2, "not the id of a memory"),
        (("suppress", "x"), b"", 2, "not the id of a memory"),
        (("purge", "x", "--yes"), b"", 2, "not the id of a memory"),
        (("purge", UNKNOWN_ID), b"", 2, "--yes"),
        (("undo",), b"", 2, "--yes"),
        (("undo", "x"), b"", 2, "not the id of a change"),
        (("changelog", "--memory", "x"), b"", 2, "not the id of a memory"),
        (("changelog", "--change", "x"), b"", 2, "not the id of a change"),
        (("changelog", "--since", "then"), b"", 2, "is no time"),
        (("changelog", "--limit", "0"), b"", 2, "from 1 to 1000, not '0'"),
        (("intention", "set"), b"", 2, "TEXT"),
        (("intention", "set", "a", "--at", "soon"), b"", 2, "is no time"),
        (("intention", "set", "a", "--event", "x", "--priority", "5"), b"", 2, "is no priority"),
        (("intention", "set", "a", "--event", "x", "--memory", "y"), b"", 2, "of a memory"),
        (("intention", "show", "x"), b"", 2, "not the id of an intention"),
        (("intention", "snooze", UNKNOWN_ID, "--until", "999999999w"), b"", 2, "year 9999"),
        (("intention", "list", "--status", "open"), b"", 2, "is no status"),
        (("intention", "check", "--limit", "0"), b"", 2, "from 1 to 1000, not '0'"),
        (("remember", "a", "--supersedes", "x"), b"", 2, "not the id of a memory"),
        (("remember", "a", "b", "--supersedes", UNKNOWN_ID), b"", 2, "several texts"),
        (("remember", "a", "--valid-until", "7d"), b"", 2, "is no time"),
        (("edit", UNKNOWN_ID, "--valid-until", "soon"), b"", 2, "is no time"),
        (("review", "x", "good"), b"", 2, "not the id of a memory"),
        (("recall", "a", "--limit", "0"), b"", 2, "from 1 to 1000, not '0'"),
        (("recall", "a", "--limit", "-1"), b"", 2, "from 1 to 1000, not '-1'"),
        (("list", "--limit", "5000"), b"", 2, "from 1 to 1000, not '5000'"),
        (("due", "--limit", "many"), b"", 2, "from 1 to 1000, not 'many'"),
        (("recall", "a", "--min-retrievability", "2"), b"", 2, "from 0 to 1"),
        (("recall", "a", "--min-retrievability", "nan"), b"", 2, "from 0 to 1"),
        (("link", UNKNOWN_ID, "x"), b"", 2, "not the id of a memory"),
        (("link", UNKNOWN_ID), b"", 2, "TARGET"),
        (("link", UNKNOWN_ID, OTHER_ID, "--weight", "0"), b"", 2, "above 0, not '0'"),
        (("link", UNKNOWN_ID, OTHER_ID, "--weight", "-1"), b"", 2, "above 0, not '-1'"),
        (("link", UNKNOWN_ID, OTHER_ID, "--weight", "nan"), b"", 2, "above 0, not 'nan'"),
        (("link", UNKNOWN_ID, OTHER_ID, "--weight", "inf"), b"", 2, "above 0, not 'inf'"),
        (("link", UNKNOWN_ID, OTHER_ID, "--weight", "strong"), b"", 2, "above 0, not 'strong'"),
        (("link", UNKNOWN_ID, OTHER_ID, "--remove", "--weight", "1"), b"", 2, "--weight"),
        (("neighbors", "x"), b"", 2, "not the id of a memory"),
        (("neighbors", UNKNOWN_ID, "--depth", "0"), b"", 2, "from 1 to 16, not '0'"),
        (("neighbors", UNKNOWN_ID, "--depth", "17"), b"", 2, "from 1 to 16, not '17'"),
        (("neighbors", UNKNOWN_ID, "--depth", "far"), b"", 2, "from 1 to 16, not 'far'"),
        (("domains", "show"), b"", 2, "ID"),
        (("users", "show"), b"", 2, "show"),
        (("list", "--order", "size"), b"", 2, "is no order"),
        (("list", "--after", "yesterday"), b"", 2, "is no cursor"),
        (("list", "--after", "2026-01-01Z/x"), b"", 2, "is no cursor"),
        (("recall",), b"", 2, "QUERY"),
        (("recall", "two", "words"), b"", 2, "words"),
        (("remembr", "a"), b"", 2, "remembr"),
        (("list", "--tag", "a"), b"", 2, "--tag"),
        (("config",), b"", 2, "command"),
        (("--config", "/no/such/file.toml", "list"), b"", 2, "/no/such/file.toml"),
        (("list", "--config", "/no/such/file.toml"), b"", 2, "/no/such/file.toml"),
    ],
    ids=short_id,
)
def test_a_wrong_command_line_is_one_message_and_changes_nothing(
    vestige: CommandLine,
    *,
    is_there: bool,
    arguments: tuple[str, ...],
    stdin: bytes,
    code: int,
    named: str,
) -> None:
    if is_there:
        vestige.remembered("a text that was there before")
    before = files_of(vestige.folder)
    ran = vestige(*arguments, stdin=stdin)
    assert (ran.code, ran.out) == (code, "")
    assert is_two_lines(ran.err)
    assert named in ran.err
    assert files_of(vestige.folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        *(("show",), ("edit", "--content", "x"), ("forget", "--yes"), ("review", "good")),
        *(("link", OTHER_ID), ("link", OTHER_ID, "--remove"), ("neighbors",)),
        *(("suppress",), ("suppress", "--restore"), ("purge", "--yes"), ("undo",)),
    ],
    ids=lambda value: value[0],
)
def test_an_unknown_id_is_named(vestige: CommandLine, arguments: tuple[str, ...]) -> None:
    vestige.remembered("a text that was there before")
    before = files_of(vestige.folder)
    command, *rest = arguments
    ran = vestige(command, UNKNOWN_ID, *rest)
    assert (ran.code, ran.out) == (1, "")
    assert is_two_lines(ran.err)
    assert UNKNOWN_ID in ran.err
    assert files_of(vestige.folder) == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[defaults]\nlimt = 5\n", "did you mean limit?"),
        ('[storage.sqlite]\npath = "${NO_SUCH_VARIABLE}/x"\n', "NO_SUCH_VARIABLE"),
        ('[storage]\nbackend = "postgres"\n', "storage.postgres.url"),
        ('[embeddings]\nprovider = "no-such-model-maker"\n', "no-such-model-maker"),
    ],
    ids=["unknown key", "missing variable", "postgres without url", "provider"],
)
def test_a_wrong_configuration_is_one_message(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch, text: str, named: str
) -> None:
    monkeypatch.delenv("VESTIGE_EMBEDDINGS_PROVIDER")
    (vestige.folder / "vestige.toml").write_text(text)
    ran = vestige("remember", "a text")
    assert (ran.code, ran.out) == (2, "")
    assert is_two_lines(ran.err)
    assert named in ran.err


def make_folder(path: Path) -> None:
    path.mkdir()


def write_text_file(path: Path) -> None:
    path.write_text("these are my notes, not a database\n" * 100)


def database(path: Path) -> Connection:
    return Connection(str(path), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)


def make_newer_store(path: Path) -> None:
    ran = run_process(environment(path.parent), "migrate", "up")
    assert ran.code == 0
    with closing(database(path)) as connection:
        connection.run(
            "INSERT INTO vestige_migrations VALUES (99, 'later', 'x', '2030-01-01T00:00:00Z', 0)"
        )


def make_rust_store(path: Path) -> None:
    with closing(database(path)) as connection:
        connection.run("CREATE TABLE knowledge_nodes (id TEXT PRIMARY KEY, content TEXT)")
        connection.run("CREATE TABLE schema_version (version INTEGER)")
        connection.run("INSERT INTO knowledge_nodes VALUES ('1', 'old')")


def make_other_database(path: Path) -> None:
    with closing(database(path)) as connection:
        connection.run("CREATE TABLE invoices (id INTEGER)")


@pytest.mark.parametrize(
    "arguments",
    [
        *(("remember", "a text"), ("recall", "a"), ("list",), ("show", UNKNOWN_ID), ("due",)),
        *(("stats",), ("vacuum",), ("domains", "list"), ("users", "list"), ("groups", "list")),
        *(("neighbors", UNKNOWN_ID), ("link", UNKNOWN_ID, OTHER_ID)),
        *(("suppress", UNKNOWN_ID), ("purge", UNKNOWN_ID, "--yes"), ("undo", "--yes")),
        *(("changelog",), ("intention", "check"), ("intention", "set", "a", "--event", "b")),
        *(("migrate", "info"), ("migrate", "up"), ("migrate", "revert", "--yes")),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("make", "named"),
    [
        (make_folder, "is a folder, not a database file"),
        (write_text_file, "is not a SQLite database"),
        (make_newer_store, "0099_later, which this version does not know"),
        (make_rust_store, "is a database of the Rust Vestige"),
        (make_other_database, "is a database of another program"),
    ],
)
def test_a_path_that_holds_no_store_of_this_version_is_refused_and_left_alone(
    vestige: CommandLine, make: Callable[[Path], None], arguments: tuple[str, ...], named: str
) -> None:
    make(vestige.store)
    before = files_of(vestige.folder)
    ran = vestige(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert is_two_lines(ran.err)
    assert named in ran.err
    assert files_of(vestige.folder) == before


def test_the_refusal_of_a_rust_store_names_the_coming_import(vestige: CommandLine) -> None:
    make_rust_store(vestige.store)
    assert "vestige migrate copy --from rust" in vestige("list").err


def test_a_model_that_does_not_fit_the_store_is_refused(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("a text")
    before = files_of(vestige.folder)
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")
    ran = vestige("remember", "another text")
    assert ran.code == 1
    assert is_two_lines(ran.err)
    assert "hashing-64" in ran.err
    assert "hashing-384" in ran.err
    assert files_of(vestige.folder) == before


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder whose parents everybody may pass: pytest's own are closed to other users."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o700)


@pytest.mark.parametrize("is_there", [False, True], ids=["no store", "a store"])
def test_a_folder_that_may_only_be_read_is_refused_and_left_alone(
    open_folder: Path, tmp_path: Path, *, is_there: bool
) -> None:
    folder = open_folder / "data"
    folder.mkdir()
    if is_there:
        assert run_process(environment(folder), "remember", "a text").code == 0
        (folder / "vestige.db").chmod(0o444)
    folder.chmod(0o555)
    before = files_of(folder)
    scratch = str(tmp_path / "scratch")
    ran = run_process(environment(folder), scratch, "remember", "another", program=AS_NOBODY)
    assert ran.code == 1
    assert ran.out.endswith("dropped\n")
    assert is_two_lines(ran.err)
    assert f"{folder / 'vestige.db'} cannot be opened for writing: Permission denied" in ran.err
    assert files_of(folder) == before


def test_a_folder_that_may_not_be_entered_is_refused(open_folder: Path, tmp_path: Path) -> None:
    folder = open_folder / "data"
    folder.mkdir(mode=0o000)
    scratch = str(tmp_path / "scratch")
    ran = run_process(environment(folder), scratch, "list", program=AS_NOBODY)
    assert ran.code in {1, 2}
    assert is_two_lines(ran.err)
    assert "Permission denied" in ran.err
