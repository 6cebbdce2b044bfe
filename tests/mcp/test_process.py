"""How the process starts and ends; no server may stay behind."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import pytest

from mcp_clients import (
    HASHING,
    INITIALIZE,
    SECONDS,
    SERVE,
    environment_of,
    raw_server,
    request_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_clients import RawServer

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

# A server in which a function never comes back, as that for a very long text or for a file that
# is locked would for a while.
STUCK: Final = """
import sys, threading
def wait_for_ever(*_):
    print("waiting", file=sys.stderr, flush=True)
    threading.Event().wait()
import vestige.embedding.hashing
from vestige.storage.sqlite import maintenance, schema
vestige.{name} = wait_for_ever
from vestige.mcp.main import main; main()
"""
STUCK_WHERE: Final[list[tuple[str, str, dict[str, str]]]] = [
    ("embedding.hashing.HashingEmbedder.embed_documents", "remember", {"content": "x"}),
    ("storage.sqlite.schema.pending", "session", {"action": "status"}),
    ("storage.sqlite.maintenance.health", "session", {"action": "status"}),
]
# A client that starts a server on two open descriptors and lives until it is killed.
START_AND_WAIT: Final = """
import subprocess, sys
program, folder, stdin, stdout = sys.argv[1:]
command = [sys.executable, "-c", program, "--data-dir", folder]
subprocess.Popen(command, stdin=int(stdin), stdout=int(stdout)).wait()
"""


def start_endless_call(server: RawServer, tool: str, arguments: dict[str, str]) -> None:
    server.initialize()
    server.send(request_of("tools/call", name=tool, arguments=arguments))
    assert server.process.stderr is not None
    assert server.process.stderr.readline() == b"waiting\n"


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SERVE, *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env=environment_of({"VESTIGE_DATA_DIR": str(folder), **environ}),
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=SECONDS,
    )


def test_the_process_ends_when_standard_input_closes(tmp_path: Path) -> None:
    with raw_server(tmp_path) as server:
        server.initialize()
        server.request("tools/call", name="remember", arguments={"content": "x"})
        server.stdin.close()
        assert server.process.wait(SECONDS) == 0
        assert server.process.stderr is not None
        assert not server.process.stderr.read()
    assert not list(tmp_path.glob("*-wal"))  # the store was closed, too


def test_the_process_ends_without_having_been_asked_anything(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@posix_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_and_closes_the_store(
    number: signal.Signals, tmp_path: Path
) -> None:
    with raw_server(tmp_path) as server:
        server.initialize()
        server.request("tools/call", name="remember", arguments={"content": "x"})
        server.process.send_signal(number)
        assert server.process.wait(SECONDS) == 0
        assert server.process.stderr is not None
        assert not server.process.stderr.read()
    assert not list(tmp_path.glob("*-wal"))


@pytest.mark.parametrize(("name", "tool", "arguments"), STUCK_WHERE)
def test_a_call_that_never_returns_does_not_keep_the_process(
    name: str, tool: str, arguments: dict[str, str], tmp_path: Path
) -> None:
    with raw_server(tmp_path, STUCK.format(name=name)) as server:
        start_endless_call(server, tool, arguments)
        server.stdin.close()
        assert server.process.wait(SECONDS) == 0


@posix_only
@pytest.mark.parametrize(("name", "tool", "arguments"), STUCK_WHERE)
def test_a_call_that_never_returns_does_not_hold_up_a_signal(
    name: str, tool: str, arguments: dict[str, str], tmp_path: Path
) -> None:
    with raw_server(tmp_path, STUCK.format(name=name)) as server:
        start_endless_call(server, tool, arguments)
        server.process.terminate()
        assert server.process.wait(SECONDS) == 0


@posix_only
def test_the_process_ends_when_its_parent_is_killed_and_another_holds_its_input(
    tmp_path: Path,
) -> None:
    stdin, requests = os.pipe()  # this process keeps `requests` open
    answers, stdout = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, SERVE, str(tmp_path), str(stdin), str(stdout)],
        env=environment_of(HASHING),
        pass_fds=(stdin, stdout),
    )
    os.close(stdin)
    os.close(stdout)
    try:
        os.write(requests, f"{json.dumps(request_of('initialize', **INITIALIZE))}\n".encode())
        assert os.read(answers, 100_000).startswith(b'{"jsonrpc"')
        parent.kill()
        parent.wait()
        # The pipe ends when nobody can write to it any more: when the server is gone, too.
        readable, _, _ = select.select([answers], [], [], SECONDS)
        assert readable == [answers]
        assert os.read(answers, 1) == b""
    finally:
        parent.kill()
        parent.wait()
        os.close(requests)
        os.close(answers)


def test_a_mistake_in_the_configuration_is_told_in_two_lines_before_anything_is_served(
    tmp_path: Path,
) -> None:
    result = run(tmp_path, VESTIGE_STORAGE_BACKEND="mysql")
    assert (result.returncode, result.stdout) == (2, "")
    message, hint = result.stderr.splitlines()
    assert message.startswith("error: environment VESTIGE_STORAGE_BACKEND: ")
    assert hint.startswith("hint: ")


def test_a_configuration_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    result = run(tmp_path, "--config", "missing.toml")
    assert result.returncode == 2
    assert "missing.toml" in result.stderr


def test_an_unknown_argument_is_an_error_of_usage(tmp_path: Path) -> None:
    result = run(tmp_path, "--data", "x")
    assert (result.returncode, result.stdout) == (2, "")
    assert "unrecognized arguments: --data x" in result.stderr


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    result = run(tmp_path, "--version")
    assert (result.returncode, result.stdout) == (0, f"vestige-mcp {version('vestige')}\n")


def test_the_help_shows_an_example(tmp_path: Path) -> None:
    result = run(tmp_path, "--help")
    assert result.returncode == 0
    assert "example: claude mcp add vestige -- vestige-mcp" in result.stdout
