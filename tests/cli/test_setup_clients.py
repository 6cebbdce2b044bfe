"""Where each client keeps its servers, and how an entry of it looks."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from command_line import files_of, is_two_lines, process_environment
from setup_files import DOCUMENTED, PROGRAM, documented_entry

if TYPE_CHECKING:
    from command_line import CommandLine

INITIALIZE = (
    '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": '
    '"2025-06-18", "capabilities": {}, "clientInfo": {"name": "me", "version": "1"}}}\n'
)
FOLDERS = ("APPDATA", "XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME")
LINUX = {
    "claude-code": ".claude.json",
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
    "zed": ".config/zed/settings.json",
}
MACOS = LINUX | {
    "claude-desktop": "Library/Application Support/Claude/claude_desktop_config.json",
    "vscode": "Library/Application Support/Code/User/mcp.json",
}
WINDOWS = LINUX | {
    "claude-desktop": "AppData/Roaming/Claude/claude_desktop_config.json",
    "vscode": "AppData/Roaming/Code/User/mcp.json",
    "zed": "AppData/Roaming/Zed/settings.json",
}
PROJECT = {
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
    "zed": ".zed/settings.json",
}


@pytest.fixture(autouse=True)
def _no_folders_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in FOLDERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    monkeypatch.chdir(tmp_path)


def listed(vestige: CommandLine, scope: str) -> dict[str, Path]:
    clients = vestige("setup", "--list", "--json").items("clients")
    return {
        str(item["client"]): Path(str(item["path"])) for item in clients if item["scope"] == scope
    }


@pytest.mark.parametrize(
    ("system", "files"), [("linux", LINUX), ("darwin", MACOS), ("win32", WINDOWS)]
)
def test_the_files_of_a_person_are_where_the_clients_look_on_each_system(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch, system: str, files: dict[str, str]
) -> None:
    (vestige.folder / "vestige-mcp.exe").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(vestige.folder / "python.exe"))
    (vestige.folder / "vestige-mcp").touch(mode=0o755)
    monkeypatch.setattr(sys, "platform", system)
    assert listed(vestige, "user") == {
        client: vestige.folder / path for client, path in files.items()
    }


@pytest.mark.parametrize(
    ("system", "variable", "client", "path"),
    [
        ("win32", "APPDATA", "claude-desktop", "Claude/claude_desktop_config.json"),
        ("win32", "APPDATA", "zed", "Zed/settings.json"),
        ("linux", "XDG_CONFIG_HOME", "vscode", "Code/User/mcp.json"),
        ("linux", "XDG_CONFIG_HOME", "zed", "zed/settings.json"),
        ("darwin", "CLAUDE_CONFIG_DIR", "claude-code", ".claude.json"),
        ("linux", "CODEX_HOME", "codex", "config.toml"),
    ],
)
def test_a_variable_moves_the_files_of_the_clients_that_heed_it(
    vestige: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    *,
    system: str,
    variable: str,
    client: str,
    path: str,
) -> None:
    for name in ("vestige-mcp", "vestige-mcp.exe"):
        (vestige.folder / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(vestige.folder / "python"))
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv(variable, str(vestige.folder / "elsewhere"))
    assert listed(vestige, "user")[client] == vestige.folder / "elsewhere" / path


def test_the_files_of_a_project_stand_in_its_folder(vestige: CommandLine) -> None:
    assert listed(vestige, "project") == {
        client: vestige.folder / path for client, path in PROJECT.items()
    }


@pytest.mark.parametrize("client", DOCUMENTED)
@pytest.mark.parametrize("arguments", [(), ("--data-dir", "mine", "--config", "my.toml")])
def test_what_is_written_is_what_the_client_documents(
    vestige: CommandLine, client: str, arguments: tuple[str, ...]
) -> None:
    ran = vestige("setup", client, "--file", "file", "--write", "--yes", "--json", *arguments)
    assert ran.code == 0, ran.err
    entry = documented_entry(client, (vestige.folder / "file").read_text())
    assert entry == ran.json["entry"]
    assert entry["command"] == PROGRAM
    if arguments:
        assert entry["args"] == ["--data-dir", str(vestige.folder / "mine")]
        assert entry["env"] == {"VESTIGE_CONFIG": str(vestige.folder / "my.toml")}
    else:
        assert entry["args"] == []
        assert "env" not in entry


def test_what_is_written_starts_a_server_that_answers(vestige: CommandLine) -> None:
    ran = vestige("setup", "json", "--json", "--data-dir", "mine")
    entry = cast("dict[str, object]", ran.json["entry"])
    answered = subprocess.run(
        [str(entry["command"]), *cast("list[str]", entry["args"])],
        capture_output=True,
        check=True,
        env=process_environment({"HOME": str(vestige.folder)}),
        input=INITIALIZE.encode(),
        timeout=60,
    )
    answer = json.loads(answered.stdout)
    assert answer["result"]["serverInfo"]["name"] == "vestige"


@pytest.mark.parametrize("client", DOCUMENTED)
def test_what_is_printed_is_what_would_be_written(vestige: CommandLine, client: str) -> None:
    shown = str(vestige("setup", client, "--json").json["text"])
    assert vestige("setup", client, "--file", "file", "--write", "--yes").code == 0
    assert (vestige.folder / "file").read_text() == f"{shown}\n"
    assert f"\n{shown}\n" in vestige("setup", client).out


def test_printing_changes_nothing(vestige: CommandLine) -> None:
    for client in DOCUMENTED:
        assert vestige("setup", client).code == 0
    assert vestige("setup", "--list").code == 0
    assert not files_of(vestige.folder)


@pytest.mark.parametrize(
    ("client", "scope", "start"),
    [
        ("claude-code", "user", "claude mcp add --env VESTIGE_CONFIG={config} --scope user"),
        ("claude-code", "project", "claude mcp add --env VESTIGE_CONFIG={config} --scope project"),
        ("codex", "user", "codex mcp add vestige --env VESTIGE_CONFIG={config} -- {run}"),
        ("gemini", "project", "gemini mcp add --env VESTIGE_CONFIG={config} --scope project"),
    ],
)
def test_the_command_of_the_client_starts_the_same_server(
    vestige: CommandLine, client: str, scope: str, start: str
) -> None:
    folder = vestige.folder
    ran = vestige(
        *("setup", client, "--scope", scope, "--json"),
        *("--config", "a b.toml", "--data-dir", "data"),
    )
    words = shlex.split(str(ran.json["command"]))
    assert words[:4] == start.split()[:4]
    assert " ".join(words).startswith(start.format(config=folder / "a b.toml", run=PROGRAM))
    assert words[-2:] == ["--data-dir", str(folder / "data")]
    assert PROGRAM in words


def test_the_command_of_vs_code_holds_the_entry_with_its_name(vestige: CommandLine) -> None:
    ran = vestige("setup", "vscode", "--json")
    program, option, value = shlex.split(str(ran.json["command"]))
    assert (program, option) == ("code", "--add-mcp")
    assert json.loads(value) == {"name": "vestige", **cast("dict[str, object]", ran.json["entry"])}


@pytest.mark.parametrize("client", ["cursor", "windsurf", "zed", "claude-desktop", "json"])
def test_no_command_is_made_up_for_a_client_that_has_none(
    vestige: CommandLine, client: str
) -> None:
    assert vestige("setup", client, "--json").json["command"] is None


def test_the_program_of_this_installation_is_taken_before_that_of_the_path(
    vestige: CommandLine,
) -> None:
    shown = vestige("setup", "cursor", "--json").json
    assert (shown["program"], shown["origin"]) == (PROGRAM, "of this installation")


def test_without_one_of_this_installation_the_program_in_the_path_is_taken_and_said_so(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(vestige.folder / "python"))
    monkeypatch.setattr(shutil, "which", {"vestige-mcp": "/opt/bin/vestige-mcp"}.get)
    shown = vestige("setup", "cursor")
    assert "/opt/bin/vestige-mcp (found in PATH)" in shown.out


def test_without_any_program_nothing_is_set_up(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(vestige.folder / "python"))
    ran = vestige("setup", "cursor", "--write", "--yes")
    assert (ran.code, ran.out) == (2, "")
    assert is_two_lines(ran.err)
    assert "there is no vestige-mcp" in ran.err
    assert not files_of(vestige.folder)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (None, "not configured"),
        ('{"mcpServers": {"other": {}}}', "not configured"),
        (json.dumps({"mcpServers": {"vestige": {"command": PROGRAM}}}), "configured"),
        ('{"mcpServers": {"vestige": {"command": "/old/vestige-mcp"}}}', "other entry"),
        ("{", "unreadable"),
    ],
)
def test_the_list_says_what_each_file_holds(
    vestige: CommandLine, text: str | None, state: str
) -> None:
    if text is not None:
        (vestige.folder / ".mcp.json").write_text(text)
    clients = vestige("setup", "--list", "--json").items("clients")
    states = {(item["client"], item["scope"]): item["state"] for item in clients}
    assert states.pop(("claude-code", "project")) == state
    assert set(states.values()) == {"not configured"}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "there is no client"),
        (("emacs",), "claude-code, claude-desktop, cursor"),
        (("cursor", "--scope", "team"), "'team' is no scope"),
        (("windsurf", "--scope", "project"), "Windsurf has no file for a single project"),
        (("cursor", "--write", "--remove"), "opposites"),
        (("json", "--write"), "no file is named"),
        (("cursor", "--write"), "--yes"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(
    vestige: CommandLine, arguments: tuple[str, ...], named: str
) -> None:
    ran = vestige("setup", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert is_two_lines(ran.err)
    assert named in ran.err
    assert not files_of(vestige.folder)


def test_a_store_that_only_this_shell_names_is_remarked_on(vestige: CommandLine) -> None:
    assert "VESTIGE_DATA_DIR is set here" in vestige("setup", "cursor").err
    assert "VESTIGE_DATA_DIR" not in vestige("setup", "cursor", "--data-dir", "mine").err


@pytest.mark.parametrize(("folder", "is_remarked_on"), [("a$b", True), ("ab", False)])
def test_a_path_that_a_client_may_take_for_a_variable_is_remarked_on(
    vestige: CommandLine, folder: str, *, is_remarked_on: bool
) -> None:
    ran = vestige("setup", "cursor", "--data-dir", folder)
    assert ("may read the $ in a path" in ran.err) is is_remarked_on
