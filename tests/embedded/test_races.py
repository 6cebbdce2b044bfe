"""Servers that end, or refuse, between the moment they are found and the moment they are used."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import asyncpg
import pytest

from embedded_clients import FAST, PausedProgram, ask, released
from vestige.errors import StoreUnavailableError
from vestige.storage.embedded import readiness, server, start, status
from vestige.storage.embedded.binaries import find_programs
from vestige.storage.embedded.folders import find_home
from vestige.storage.embedded.watchdog import READY, read_postmaster

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_clients import Join, Spawn

DROP = "DROP DATABASE vestige"
REFUSAL = "FATAL:  the database system is in recovery mode"


async def server_pid(data_dir: Path) -> int:
    pid = (await status(data_dir)).pid
    assert pid is not None
    return pid


async def drop_the_database(dsn: str) -> None:
    await ask(dsn.replace("/vestige?", "/postgres?"), DROP)


async def stopping(data_dir: Path) -> None:
    """Wait until the server has taken note that it must stop; there is no event for it."""

    def wait() -> None:
        while (found := read_postmaster(find_home(data_dir).cluster)) and found.state == READY:
            os.sched_yield()

    await asyncio.to_thread(wait)


def replace_program(
    data_dir: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Let this process run a script, which may go on as the `real` program, when it starts servers.

    Return the file that gets a line each time the script runs.
    """
    programs = data_dir.parent / "programs"
    programs.mkdir()
    for path in find_programs().iterdir():
        (programs / path.name).symlink_to(path)
    program, runs = programs / name, programs / f"{name}.runs"
    real = program.readlink()
    program.unlink()
    program.write_text(
        f'#!/bin/sh\necho >>"$0.runs"\nreal() {{ exec {real} "$@"; }}\n{script}\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setattr(server, "find_programs", lambda: programs)
    return runs


def paused_once(data_dir: Path, name: str) -> PausedProgram:
    real = f'exec {find_programs() / name} "$@"'
    only_once = f"mkdir {data_dir.parent}/was-paused 2>/dev/null || {real}"
    return PausedProgram(data_dir.parent, name, only_once, real)


@pytest.mark.parametrize("name", ["psql", "createdb"])
@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGKILL])
async def test_a_server_that_is_killed_after_it_was_found_is_started_anew(
    name: str, number: signal.Signals, data_dir: Path, join: Join, spawn: Spawn
) -> None:
    await drop_the_database((await join(data_dir)).dsn)
    pid = await server_pid(data_dir)
    program = paused_once(data_dir, name)
    client = spawn(data_dir, program.prelude)
    await program.began()
    os.kill(pid, number)
    await released(find_home(data_dir).server_lock)
    await program.go_on()
    assert await client.server_pid() != pid
    assert await ask((await join(data_dir)).dsn, "SELECT 1") == 1


async def test_a_server_that_begins_to_stop_after_it_was_found_is_waited_for(
    data_dir: Path, join: Join, spawn: Spawn
) -> None:
    dsn = (await join(data_dir)).dsn
    pid = await server_pid(data_dir)
    psql = paused_once(data_dir, "psql")
    client = spawn(data_dir, psql.prelude)
    await psql.began()
    session = await asyncpg.connect(dsn)
    os.kill(pid, signal.SIGTERM)  # it still answers, lets nobody in, and waits for the session
    await stopping(data_dir)
    await psql.go_on()
    await session.close()
    assert await client.server_pid() != pid
    assert await ask((await join(data_dir)).dsn, "SELECT 1") == 1


async def test_a_server_that_recovers_is_waited_for(
    data_dir: Path, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    await join(data_dir)
    pid = await server_pid(data_dir)
    script = f'[ $(wc -l <"$0.runs") -gt 2 ] && real "$@"; echo "{REFUSAL}" >&2; exit 2'
    runs = replace_program(data_dir, "psql", script, monkeypatch)
    await join(data_dir)
    assert len(runs.read_text(encoding="utf-8")) == 3
    assert await server_pid(data_dir) == pid


async def test_a_server_that_goes_on_refusing_is_quoted(
    data_dir: Path, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    await join(data_dir)
    replace_program(data_dir, "psql", f'echo "{REFUSAL}" >&2; exit 2', monkeypatch)
    monkeypatch.setattr(readiness, "RECOVERY_SECONDS", 0.0)
    with pytest.raises(StoreUnavailableError, match=REFUSAL):
        await start(data_dir, settings=FAST)
    assert (await status(data_dir)).client_count == 1


async def test_a_database_that_cannot_be_made_says_why_at_once(
    data_dir: Path, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drop_the_database((await join(data_dir)).dsn)
    script = "echo 'createdb: error: No space left on device' >&2; exit 1"
    runs = replace_program(data_dir, "createdb", script, monkeypatch)
    with pytest.raises(StoreUnavailableError, match=r"nor made: createdb: .*No space left"):
        await start(data_dir, settings=FAST)
    assert len(runs.read_text(encoding="utf-8")) == 1


async def test_a_server_that_ends_each_time_is_given_up(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = find_home(data_dir)
    kill = 'kill -QUIT "$pid"; while kill -0 "$pid" 2>/dev/null; do :; done; exit 2'
    script = f'pid="$(head -n 1 {home.cluster}/postmaster.pid)"; {kill}'
    runs = replace_program(data_dir, "psql", script, monkeypatch)
    with pytest.raises(StoreUnavailableError, match="ended 3 times") as caught:
        await start(data_dir, settings=FAST)
    assert "immediate shutdown request" in str(caught.value)  # the log says what ended it
    assert str(home.log_folder) in caught.value.hint
    assert len(runs.read_text(encoding="utf-8")) == server.STARTS
    left = await status(data_dir)
    assert (left.is_running, left.client_count) == (False, 0)
