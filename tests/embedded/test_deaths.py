"""Processes that are killed at the worst moments."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from embedded_clients import PausedProgram, ask, held, released, stopped, watchdog_pid
from vestige.storage.embedded import status
from vestige.storage.embedded.binaries import find_programs
from vestige.storage.embedded.cluster import log_tail
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


async def test_a_cluster_whose_maker_was_killed_does_not_count(
    tmp_path: Path, spawn: Spawn, join: Join
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    initdb = PausedProgram(tmp_path, "initdb", 'echo 18 >"${1#--pgdata=}/PG_VERSION"', "")
    client = spawn(data_dir, initdb.prelude)
    await initdb.began()
    client.kill()
    home = find_home(data_dir)
    assert len(list(home.base.glob("cluster.new-*"))) == 1
    assert is_held(home.start_lock)  # by initdb, so that nobody removes what it writes
    await initdb.go_on()
    server = await join(data_dir)
    assert await ask(server.dsn, "SELECT 1") == 1
    assert not list(home.base.glob("cluster.new-*"))


async def test_no_server_is_left_of_a_client_that_is_killed_while_it_starts(
    data_dir: Path, spawn: Spawn
) -> None:
    run = f'exec {find_programs() / "postgres"} "$@"'
    only_the_server = f'[ "$1" = -D ] || {run}'  # it is asked for its version, too
    postgres = PausedProgram(data_dir.parent, "postgres", only_the_server, run)
    client = spawn(data_dir, postgres.prelude)
    await postgres.began()
    client.kill()
    home = find_home(data_dir)
    assert is_held(home.start_lock)  # by the watchdog, so that nobody starts a second server
    assert is_held(home.server_lock)
    await postgres.go_on()
    await stopped(data_dir)
    assert "ready to accept connections" in log_tail(home)  # it came up first
    assert not (home.cluster / "postmaster.pid").exists()


async def test_a_start_that_meets_a_stopping_server_waits_and_starts_anew(
    data_dir: Path, spawn: Spawn, join: Join
) -> None:
    client = spawn(data_dir)
    pid = await client.server_pid()
    os.kill(pid, signal.SIGSTOP)  # so that it is stopped slowly
    client.kill()
    home = find_home(data_dir)
    try:
        await held(home.start_lock)  # by the watchdog, from when it stops the server to its end
        joining = asyncio.create_task(join(data_dir))
    finally:
        os.kill(pid, signal.SIGCONT)
    server = await joining
    assert (await status(data_dir)).pid != pid
    assert await ask(server.dsn, "SELECT 1") == 1
