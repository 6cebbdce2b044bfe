"""What `vestige setup` changes in a client's file, and that it can be undone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from command_line import files_of, is_two_lines, process_environment, run_on_terminal
from setup_files import DOCUMENTED, JSON_CLIENTS, PROGRAM, documented_entry, without_comments

if TYPE_CHECKING:
    from command_line import CommandLine

COMMENTED = """\
// My settings
{
    "theme": "One Dark", // the best one
    /* The servers that I use */
    "context_servers": {
        "files": {"command": "files", "args": []}, // needs node
        // and others to come
    },
    "vim_mode": true,
}
"""
TOML = """\
# My settings
model = "o5"

[mcp_servers.files]  # needs node
command = "files"

# What stands below is for teams.
[mcp_servers.issues]
command = "issues"
"""
# The process dies when the new file is whole and would be put in its place.
DIE_BEFORE_THE_SWITCH = """
import os, pathlib, signal
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
pathlib.Path.replace = die
from vestige.cli.app import main
main()
"""


def written(vestige: CommandLine, client: str, path: Path, *arguments: str) -> str:
    ran = vestige("setup", client, "--file", str(path), "--write", "--yes", *arguments)
    assert ran.code == 0, ran.err
    return path.read_text()


def removed(vestige: CommandLine, client: str, path: Path) -> None:
    ran = vestige("setup", client, "--file", str(path), "--remove", "--yes")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("client", DOCUMENTED)
def test_writing_twice_changes_nothing_the_second_time(vestige: CommandLine, client: str) -> None:
    path = vestige.folder / "folder" / "file"
    written(vestige, client, path)
    before = files_of(vestige.folder)
    ran = vestige("setup", client, "--file", str(path), "--write", "--yes")
    assert (ran.code, ran.out.startswith("nothing to do")) == (0, True)
    assert files_of(vestige.folder) == before


@pytest.mark.parametrize("client", DOCUMENTED)
def test_removing_takes_a_file_away_that_was_not_there_before(
    vestige: CommandLine, client: str
) -> None:
    path = vestige.folder / "file"
    written(vestige, client, path)
    removed(vestige, client, path)
    assert not files_of(vestige.folder)


@pytest.mark.parametrize("client", DOCUMENTED)
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_removing_gives_a_file_its_bytes_back(vestige: CommandLine, client: str, end: str) -> None:
    path = vestige.folder / "file"
    table = DOCUMENTED[client][0]
    text = f"[{table}]" if client == "codex" else f'{{"a": 1,\n "{table}": {{ }} }}'
    before = f"{text}{end}".encode()
    path.write_bytes(before)
    written(vestige, client, path)
    assert path.read_bytes() != before
    removed(vestige, client, path)
    assert path.read_bytes() == before


def test_removing_from_a_file_that_has_changed_since_keeps_what_is_new(
    vestige: CommandLine,
) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text('{"mcpServers": {"files": {"command": "files"}}}')
    loaded = json.loads(written(vestige, "cursor", path))
    loaded["mcpServers"]["later"] = {"command": "later"}
    path.write_text(json.dumps(loaded, indent=1))
    removed(vestige, "cursor", path)
    assert json.loads(path.read_text()) == {
        "mcpServers": {"files": {"command": "files"}, "later": {"command": "later"}}
    }


def test_comments_and_commas_at_the_end_stay(vestige: CommandLine) -> None:
    path = vestige.folder / "settings.json"
    path.write_text(COMMENTED)
    text = written(vestige, "zed", path)
    assert text == COMMENTED.replace(
        "        // and others to come\n",
        f"""\
        // and others to come
        "vestige": {{
            "command": "{PROGRAM}",
            "args": []
        }},
""",
    )
    clean = without_comments(text.replace(" // the best one", "").replace(" // needs node", ""))
    documented_entry("zed", clean.replace("/* The servers that I use */", ""))
    (vestige.folder / "settings.json.backup").unlink()
    removed(vestige, "zed", path)
    assert path.read_text() == COMMENTED


def test_tables_and_comments_of_toml_stay(vestige: CommandLine) -> None:
    path = vestige.folder / "config.toml"
    path.write_text(TOML)
    text = written(vestige, "codex", path, "--config", "my.toml")
    assert text.startswith(TOML)
    documented_entry("codex", text)
    assert set(tomllib.loads(text)["mcp_servers"]) == {"files", "issues", "vestige"}
    (vestige.folder / "config.toml.backup").unlink()
    removed(vestige, "codex", path)
    assert path.read_text() == TOML


def test_an_entry_of_toml_is_replaced_with_the_tables_below_it(vestige: CommandLine) -> None:
    path = vestige.folder / "config.toml"
    old = '[mcp_servers."vestige"]\ncommand = "/old/vestige-mcp"\n\n'
    more = "[profiles.mine]\nmodel = 'o4'\n"
    path.write_text(f"{TOML}\n{old}[mcp_servers.vestige.env]\nA = '1'\n\n{more}")
    text = written(vestige, "codex", path)
    assert documented_entry("codex", text) == {"command": PROGRAM, "args": []}
    assert text.startswith(TOML)
    assert text.endswith(more)


@pytest.mark.parametrize("client", JSON_CLIENTS)
def test_the_entry_of_another_program_is_replaced_and_comes_back(
    vestige: CommandLine, client: str
) -> None:
    path = vestige.folder / "file"
    other = {"command": "/opt/diary", "env": {"A": "1"}, "disabled": True}
    before = json.dumps({DOCUMENTED[client][0]: {"vestige": other, "files": {}}}, indent="\t")
    path.write_text(before)
    documented_entry(client, written(vestige, client, path))
    removed(vestige, client, path)
    assert path.read_text() == before


@pytest.mark.parametrize("client", DOCUMENTED)
@pytest.mark.parametrize("is_there", [True, False])
def test_what_was_written_several_times_is_undone_at_once(
    vestige: CommandLine, client: str, *, is_there: bool
) -> None:
    path = vestige.folder / "file"
    before = b" \n"
    if is_there:
        path.write_bytes(before)
    for folder in ("one", "two", "three"):
        written(vestige, client, path, "--data-dir", folder)
    removed(vestige, client, path)
    assert (path.read_bytes() if path.exists() else None) == (before if is_there else None)


@pytest.mark.parametrize(
    ("client", "before", "after"),
    [
        ("cursor", '{"mcpServers": {"vestige": {"command": "/old/vestige-mcp"}}, "a": 1}', ' "a"'),
        ("codex", '[mcp_servers.vestige]\ncommand = "C:\\\\vestige-mcp.exe"\n[a]\n', "[a]"),
        ("codex", '[mcp_servers.vestige]\ncommand = "vestige-mcp"\nat = 2026-01-01\n[a]\n', "[a]"),
    ],
)
def test_an_entry_of_an_older_installation_is_removed_for_good(
    vestige: CommandLine, client: str, before: str, after: str
) -> None:
    path = vestige.folder / "file"
    path.write_text(before)
    written(vestige, client, path)
    removed(vestige, client, path)
    assert after in path.read_text()
    assert "vestige" not in path.read_text()
    path.write_text(before)
    removed(vestige, client, path)
    assert "vestige" not in path.read_text()


def test_what_the_clients_own_command_wrote_counts_as_configured(vestige: CommandLine) -> None:
    entry: dict[str, object] = {"type": "stdio", "command": PROGRAM, "args": [], "env": {}}
    before = json.dumps({"mcpServers": {"vestige": entry}})
    path = vestige.folder / ".claude.json"
    path.write_text(before)
    assert vestige("setup", "claude-code", "--json").json["state"] == "configured"
    assert written(vestige, "claude-code", path) == before


def test_an_entry_that_starts_something_else_is_not_removed(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    before = '{"mcpServers": {"vestige": {"command": "/bin/true"}}}'
    path.write_text(before)
    ran = vestige("setup", "cursor", "--file", str(path), "--remove", "--yes")
    assert ran.code == 2
    assert is_two_lines(ran.err)
    assert "starts something else" in ran.err
    assert path.read_text() == before


@pytest.mark.parametrize("text", [None, "{}", '{"mcpServers": {"files": {}}}'])
def test_there_is_nothing_to_remove_where_nothing_was_added(
    vestige: CommandLine, text: str | None
) -> None:
    path = vestige.folder / "mcp.json"
    if text is not None:
        path.write_text(text)
    before = files_of(vestige.folder)
    ran = vestige("setup", "cursor", "--file", str(path), "--remove", "--yes", "--json")
    assert (ran.code, ran.json["action"], ran.json["backup"]) == (0, "unchanged", None)
    assert files_of(vestige.folder) == before


def test_each_change_keeps_the_former_file_under_a_name_of_its_own(
    vestige: CommandLine,
) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text("{}")
    first = written(vestige, "cursor", path)
    written(vestige, "cursor", path, "--data-dir", "mine")
    assert (vestige.folder / "mcp.json.backup").read_text() == "{}"
    assert (vestige.folder / "mcp.json.backup2").read_text() == first


def test_a_file_and_its_backup_are_open_to_those_it_was_open_to(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text("{}")
    path.chmod(0o640)
    written(vestige, "cursor", path)
    modes = {found.name: found.stat().st_mode & 0o777 for found in vestige.folder.iterdir()}
    assert modes == {"mcp.json": 0o640, "mcp.json.backup": 0o640}


@pytest.mark.parametrize("is_there", [True, False])
def test_a_symbolic_link_stays_one(vestige: CommandLine, *, is_there: bool) -> None:
    real, link = vestige.folder / "dotfiles" / "real.json", vestige.folder / "mcp.json"
    real.parent.mkdir()
    link.symlink_to(real)
    if is_there:
        real.write_text("{}")
    written(vestige, "cursor", link)
    assert link.readlink() == real
    documented_entry("cursor", real.read_text())
    removed(vestige, "cursor", link)
    assert link.is_symlink()
    assert real.exists() is is_there


def test_a_process_that_is_killed_leaves_the_file_as_it_was(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text('{"mcpServers": {}}')
    arguments = ["setup", "cursor", "--file", str(path), "--write", "--yes"]
    ran = subprocess.run(
        [sys.executable, "-c", DIE_BEFORE_THE_SWITCH, *arguments],
        capture_output=True,
        check=False,
        env=process_environment(vestige.environ),
        timeout=60,
    )
    assert ran.returncode == -signal.SIGKILL
    assert path.read_text() == '{"mcpServers": {}}'
    documented_entry("cursor", written(vestige, "cursor", path))
    removed(vestige, "cursor", path)
    assert path.read_text() == '{"mcpServers": {}}'


def test_a_change_that_fails_leaves_no_half_of_it(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text("{}")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    ran = vestige("setup", "cursor", "--file", str(path), "--write", "--yes")
    assert (ran.code, "No space left" in ran.err) == (1, True)
    assert files_of(vestige.folder) == {"mcp.json": b"{}", "mcp.json.backup": b"{}"}


def test_a_file_that_the_client_writes_meanwhile_is_not_overwritten(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text("{}")

    def answer(_question: str) -> bool:
        path.write_text('{"new": 1}')
        return True

    def terminal(_action: str) -> None:
        return

    monkeypatch.setattr("vestige.cli.setup.ask", answer)
    monkeypatch.setattr("vestige.cli.setup.need_terminal", terminal)
    ran = vestige("setup", "cursor", "--file", str(path), "--write")
    assert (ran.code, "has changed in the meantime" in ran.err) == (2, True)
    assert files_of(vestige.folder) == {"mcp.json": b'{"new": 1}'}


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 1)])
def test_on_a_terminal_the_change_is_shown_and_asked_for(
    vestige: CommandLine, answer: bytes, code: int
) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text('{\n  "secret": "s3cret",\n  "a": 1\n}\n')
    arguments = ("setup", "cursor", "--file", str(path), "--write")
    ran = run_on_terminal(vestige.environ, *arguments, typed=answer)
    assert ran.code == code
    assert '+    "vestige": {' in ran.out
    assert '-  "a": 1' in ran.out
    assert "s3cret" not in ran.out
    assert ("vestige" in path.read_text()) is (code == 0)


def test_lines_that_are_too_long_to_read_are_not_shown(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text(json.dumps({"secret": "s3cret" * 100}))
    ran = vestige("setup", "cursor", "--file", str(path), "--write", "--yes")
    assert "+ (a line of " in ran.err
    assert "s3cret" not in ran.err


def test_the_json_names_what_was_done_and_the_backup(vestige: CommandLine) -> None:
    path = vestige.folder / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text("{}")
    ran = vestige("setup", "cursor", "--write", "--yes", "--json")
    assert ran.json == {
        "client": "cursor",
        "scope": "user",
        "path": str(path),
        "program": PROGRAM,
        "origin": "of this installation",
        "entry": {"type": "stdio", "command": PROGRAM, "args": []},
        "action": "written",
        "backup": f"{path}.backup",
    }
