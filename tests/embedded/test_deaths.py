"""Processes that are killed at the worst moments."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from embedded_clients import ask, released, stopped, watchdog_pid
from vestige.storage.embedded import status
from vestige.storage.embedded.binaries import find_programs
from vestige.storage.embedded.folders import find_home
from vestige.storage.embedded.watchdog import is_held

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_clients import Join, Spawn


async def kill_watchdog(data_dir: Path) -> None:
    os.kill(watchdog_pid(data_dir), signal.SIGKILL)
    await released(find_home(data_dir).watchdog_lock)


async def test_the_server_stops_when_its_only_client_is_killed(
    data_dir: Path, spawn: Spawn
) -> None:
    client = spawn(data_dir)
    await client.server_pid()
    client.kill()
    await stopped(data_dir)
    left = await status(data_dir)
    assert (left.is_running, left.is_watched, left.client_count) == (False, False, 0)
    # Stopped in good order: the file would be there after a crash.
    assert not (find_home(data_dir).cluster / "postmaster.pid").exists()


async def test_another_client_keeps_the_server_when_one_is_killed(
    data_dir: Path, spawn: Spawn, join: Join
) -> None:
    server = await join(data_dir)
    client = spawn(data_dir)
    await client.server_pid()
    client.kill()
    assert (await status(data_dir)).client_count == 1
    assert await ask(server.dsn, "SELECT 1") == 1


async def test_a_start_right_after_a_kill_finds_a_server_that_answers(
    data_dir: Path, spawn: Spawn, join: Join
) -> None:
    client = spawn(data_dir)
    await client.server_pid()
    client.kill()
    server = await join(data_dir)  # while the watchdog notices, stops the server, or has stopped it
    assert await ask(server.dsn, "SELECT 1") == 1
    assert (await status(data_dir)).is_watched


async def test_a_start_watches_a_server_whose_watchdog_was_killed(
    data_dir: Path, join: Join
) -> None:
    await join(data_dir)
    before = await status(data_dir)
    await kill_watchdog(data_dir)
    assert not (await status(data_dir)).is_watched
    await join(data_dir)
    after = await status(data_dir)
    assert (after.is_watched, after.pid) == (True, before.pid)


async def test_the_last_client_stops_a_server_whose_watchdog_was_killed(
    data_dir: Path, join: Join
) -> None:
    server = await join(data_dir)
    await kill_watchdog(data_dir)
    await server.close()
    assert not (await status(data_dir)).is_running


async def test_a_server_that_lost_everybody_is_adopted(
    data_dir: Path, spawn: Spawn, join: Join
) -> None:
    client = spawn(data_dir)
    pid = await client.server_pid()
    await kill_watchdog(data_dir)
    client.kill()
    assert (await status(data_dir)).is_orphaned
    server = await join(data_dir)
    adopted = await status(data_dir)
    assert (adopted.pid, adopted.is_orphaned, adopted.client_count) == (pid, False, 1)
    await server.close()
    assert not (await status(data_dir)).is_running


async def test_a_server_that_was_killed_is_started_anew(data_dir: Path, join: Join) -> None:
    server = await join(data_dir)
    await ask(server.dsn, "CREATE TABLE survived AS SELECT 42 AS answer")
    pid = (await status(data_dir)).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    again = await join(data_dir)
    assert (await status(data_dir)).pid != pid
    assert await ask(again.dsn, "SELECT answer FROM survived") == 42
    await server.close()
    await again.close()
    left = await status(data_dir)
    assert (left.is_running, left.is_watched) == (False, False)


async def test_a_server_that_somebody_stops_is_started_anew(data_dir: Path, join: Join) -> None:
    await join(data_dir)
    pid = (await status(data_dir)).pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    await released(find_home(data_dir).server_lock)
    assert await ask((await join(data_dir)).dsn, "SELECT 1") == 1


async def test_the_number_of_a_dead_server_may_belong_to_another_process(
    data_dir: Path, join: Join
) -> None:
    home = find_home(data_dir)
    left = f"{os.getpid()}\n{home.cluster}\n1\n5432\n/nowhere\n\n  1 2\nready   \n"
    (home.cluster / "postmaster.pid").write_text(left, encoding="utf-8")
    assert await ask((await join(data_dir)).dsn, "SELECT 1") == 1
    assert (await status(data_dir)).pid != os.getpid()


PATIENT_INITDB = """
from pathlib import Path
from vestige.storage.embedded import server
server.find_programs = lambda: Path({programs!r})
"""


async def test_a_cluster_whose_maker_was_killed_does_not_count(
    tmp_path: Path, spawn: Spawn, join: Join
) -> None:
    programs, data_dir = tmp_path / "programs", tmp_path / "data"
    programs.mkdir(mode=0o755)
    for path in find_programs().iterdir():
        (programs / path.name).symlink_to(path)
    (programs / "initdb").unlink()
    began, may_end = tmp_path / "began", tmp_path / "may-end"
    for fifo in (began, may_end):
        os.mkfifo(fifo, 0o666)
    script = f'echo 18 >"${{1#--pgdata=}}/PG_VERSION"; : >{began}; read -r _ <{may_end}'
    (programs / "initdb").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (programs / "initdb").chmod(0o755)

    client = spawn(data_dir, PATIENT_INITDB.format(programs=str(programs)))
    began.read_bytes()  # returns when initdb has begun
    client.kill()
    home = find_home(data_dir)
    assert len(list(home.base.glob("cluster.new-*"))) == 1
    assert is_held(home.start_lock)  # by initdb, so that nobody removes what it writes
    with suppress(BrokenPipeError):
        may_end.write_bytes(b"\n")

    server = await join(data_dir)
    assert await ask(server.dsn, "SELECT 1") == 1
    assert not list(home.base.glob("cluster.new-*"))
