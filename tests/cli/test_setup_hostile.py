"""Files that nobody would write on purpose, and everybody has: changed with care, or refused."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from command_line import files_of, is_two_lines
from setup_files import documented_entry

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Ran


def write(vestige: CommandLine, client: str, path: Path, action: str = "--write") -> Ran:
    return vestige("setup", client, "--file", str(path), action, "--yes")


@pytest.mark.parametrize(
    ("client", "text", "place"),
    [
        ("cursor", '{\n  "a": 1,,\n}', "line 2, column 10"),
        ("cursor", '{\n  "a": 1', "line 2, column 9"),
        ("cursor", '{"a": NaN}', "line 1, column 7: NaN is no JSON"),
        ("cursor", '{"a": {,}}', "line 1, column 8"),
        ("cursor", '["mcpServers"]', "line 1, column 1: it holds no JSON object"),
        ("cursor", '{"mcpServers":\n []}', "line 2, column 2: mcpServers is no object"),
        ("cursor", '{"mcpServers": {},\n "mcpServers": {}}', "line 2, column 2: mcpServers is"),
        ("cursor", '{"mcpServers": {"vestige": 1,\n"vestige": 2}}', "line 2, column 1: vestige"),
        ("cursor", '{\n"a": "b\n"}', "line 2, column 8"),
        ("cursor", "{\x00}", "line 1, column 2"),
        ("cursor", '{"a": ' + "[" * 100_000, "nested too deeply"),
        ("cursor", '{"a": [1,\n]}', "line 1, column 9: this client takes no comma"),
        ("claude-desktop", "{\n  // mine\n}", "line 2, column 3: this client takes no comments"),
        ("codex", "model = 'o5'\nmodel = 'o4'\n", "line 2"),
        ("codex", "[mcp_servers\n", "line 1, column 13"),
        ("codex", "mcp_servers = { a = { command = 'a' } }\n", "cannot be edited here"),
        ("codex", "mcp_servers = 1\n", "cannot be edited here"),
    ],
)
def test_a_broken_file_is_refused_with_its_place_and_stays(
    vestige: CommandLine, client: str, text: str, place: str
) -> None:
    path = vestige.folder / "file"
    path.write_bytes(text.encode())
    before = files_of(vestige.folder)
    ran = write(vestige, client, path)
    assert (ran.code, ran.out) == (2, "")
    assert is_two_lines(ran.err)
    assert str(path) in ran.err
    assert place in ran.err
    assert f"`vestige setup {client}` prints what belongs there" in ran.err
    assert files_of(vestige.folder) == before


def test_what_belongs_into_a_broken_file_is_printed_all_the_same(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text("{")
    ran = vestige("setup", "cursor", "--file", str(path))
    assert ran.code == 0
    assert '"mcpServers": {' in ran.out
    assert "unreadable" in ran.out
    assert "line 1, column 2" in ran.err


@pytest.mark.parametrize("data", [b'{"a": "\xff"}', '{"a": 1}'.encode("utf-16")])
def test_a_file_that_is_not_utf_8_is_refused(vestige: CommandLine, data: bytes) -> None:
    path = vestige.folder / "mcp.json"
    path.write_bytes(data)
    ran = write(vestige, "cursor", path)
    assert (ran.code, "is not UTF-8" in ran.err) == (2, True)
    assert files_of(vestige.folder) == {"mcp.json": data}


@pytest.mark.parametrize("blank", ["", "\n", " \r\n\t"])
@pytest.mark.parametrize("client", ["claude-code", "zed", "codex"])
def test_an_empty_file_is_filled_and_emptied_again(
    vestige: CommandLine, client: str, blank: str
) -> None:
    path = vestige.folder / "file"
    path.write_bytes(blank.encode())
    assert write(vestige, client, path).code == 0
    documented_entry(client, path.read_text())
    assert write(vestige, client, path, "--remove").code == 0
    assert path.read_bytes() == blank.encode()


@pytest.mark.parametrize("client", ["cursor", "codex"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_line_endings_and_the_byte_order_mark_of_a_file_stay(
    vestige: CommandLine, client: str, newline: str, mark: str
) -> None:
    path = vestige.folder / "file"
    lines = ["# mine", "a = 1", ""] if client == "codex" else ["{", '\t"a": 1', "}", ""]
    before = (mark + newline.join(lines)).encode()
    path.write_bytes(before)
    assert write(vestige, client, path).code == 0
    after = path.read_bytes().decode()
    assert after.startswith(mark + lines[0])
    assert after.count("\n") == after.count(newline)
    documented_entry(client, after.removeprefix(mark))
    for backup in vestige.folder.glob("*.backup"):
        backup.unlink()
    assert write(vestige, client, path, "--remove").code == 0
    assert path.read_bytes() == before


def test_a_read_only_file_is_refused_though_its_folder_is_not(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text("{}")
    path.chmod(0o444)
    ran = write(vestige, "cursor", path)
    assert (ran.code, "is read-only" in ran.err) == (2, True)
    assert files_of(vestige.folder) == {"mcp.json": b"{}"}


def test_a_folder_in_the_place_of_the_file_is_refused(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    path.mkdir()
    ran = write(vestige, "cursor", path)
    assert (ran.code, "is no file" in ran.err) == (2, True)
    assert is_two_lines(ran.err)


def test_a_pipe_or_a_socket_in_the_place_of_the_file_is_not_waited_for(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(vestige.folder)  # the name of a socket may have 100 characters
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket")
        for name in ("pipe", "socket"):
            ran = write(vestige, "cursor", vestige.folder / name)
            assert (ran.code, "is no file" in ran.err) == (2, True)


def test_a_link_to_itself_is_an_error_in_two_lines(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    path.symlink_to(path)
    ran = write(vestige, "cursor", path)
    assert ran.code == 1
    assert is_two_lines(ran.err)
    listed = vestige("setup", "cursor", "--file", str(path), "--json")
    assert listed.json["state"] == "unreadable"


def test_a_file_below_another_file_is_an_error_in_two_lines(vestige: CommandLine) -> None:
    (vestige.folder / "file").touch()
    ran = write(vestige, "cursor", vestige.folder / "file" / "mcp.json")
    assert ran.code == 1
    assert is_two_lines(ran.err)


def test_a_name_that_is_not_unicode_is_refused(vestige: CommandLine) -> None:
    ran = vestige("setup", "cursor", "--data-dir", "\udcff")
    assert (ran.code, "is not UTF-8" in ran.err) == (2, True)


def test_names_with_quotes_spaces_and_other_scripts_are_written_as_they_are(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(vestige.folder)
    name = "a \"b\" \\ 'c' \u65e5\u672c \U0001f600"
    for client in ("cursor", "codex"):
        path = vestige.folder / client
        ran = vestige(
            *("setup", client, "--file", str(path), "--write", "--yes", "--data-dir", name)
        )
        assert ran.code == 0, ran.err
        entry = documented_entry(client, path.read_text("utf-8"))
        assert entry["args"] == ["--data-dir", str(vestige.folder / name)]


def test_a_backup_that_is_broken_or_of_somebody_else_is_passed_over(
    vestige: CommandLine,
) -> None:
    path = vestige.folder / "mcp.json"
    path.write_text('{"a": 1}')
    assert write(vestige, "cursor", path).code == 0
    (vestige.folder / "mcp.json.backup2").write_bytes(b"\xff")
    (vestige.folder / "mcp.json.backup3").write_text("{")
    (vestige.folder / "mcp.json.backup4").mkdir()
    (vestige.folder / "mcp.json.backup-of-mine").write_text("{}")
    assert write(vestige, "cursor", path, "--remove").code == 0
    assert path.read_text() == '{"a": 1}'


def test_numbers_that_python_would_not_read_are_kept(vestige: CommandLine) -> None:
    path = vestige.folder / "mcp.json"
    digits = "1" * 5000
    path.write_text(f'{{"a": {digits}, "b": 1e999}}')
    assert write(vestige, "cursor", path).code == 0
    assert f'"a": {digits}, "b": 1e999' in path.read_text()
    assert json.loads(path.read_text().replace(digits, "1"))["mcpServers"]["vestige"]
