"""What `vestige health` says of the server of a data dir, and what it leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Final

from command_line import environment, files_of, run_process
from embedded_clients import released, stopped, watchdog_pid
from vestige.storage.embedded import status
from vestige.storage.embedded.folders import find_home

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Ran
    from embedded_clients import Join, Spawn

EMBEDDED: Final = {
    "VESTIGE_STORAGE_BACKEND": "postgres",
    "VESTIGE_STORAGE_POSTGRES_URL": "embedded",
}


async def vestige(data_dir: Path, *arguments: str) -> Ran:
    return await asyncio.to_thread(run_process, environment(data_dir) | EMBEDDED, *arguments)


async def test_a_data_dir_without_a_server_is_left_without_one(tmp_path: Path) -> None:
    for command in ("health", "doctor"):
        ran = await vestige(tmp_path, command)
        assert ran.code == 1
        assert f"there is no store at {tmp_path}" in ran.out + ran.err
    assert files_of(tmp_path) == {}


async def test_a_server_that_is_stopped_runs_for_the_check_alone(data_dir: Path) -> None:
    ran = await vestige(data_dir, "health")
    assert "embedded server: did not run before this check\n" in ran.out
    assert not (await status(data_dir)).is_running


async def test_a_server_in_use_is_told_with_its_version_and_clients(
    data_dir: Path, join: Join
) -> None:
    await join(data_dir)
    version = (await status(data_dir)).version
    ran = await vestige(data_dir, "health", "--json")
    assert ran.json["server"] == {
        "is_running": True,
        "is_orphaned": False,
        "version": version,
        "client_count": 1,
    }
    ran = await vestige(data_dir, "health")
    assert f"embedded server: PostgreSQL {version} runs, with 1 client beside" in ran.out


async def test_a_server_that_runs_for_nobody_is_told_and_stopped(
    data_dir: Path, spawn: Spawn
) -> None:
    client = spawn(data_dir)
    await client.server_pid()
    os.kill(watchdog_pid(data_dir), signal.SIGKILL)
    await released(find_home(data_dir).watchdog_lock)
    client.kill()
    ran = await vestige(data_dir, "health")
    assert "ran for nobody" in ran.out
    await stopped(data_dir)
    assert (await status(data_dir)).client_count == 0


async def test_the_numbers_of_a_store_have_one_name_whether_it_is_up_or_down(
    tmp_path: Path,
) -> None:
    down = await vestige(tmp_path, "metrics", "--json")
    assert (await vestige(tmp_path, "migrate", "up")).code == 0
    up = await vestige(tmp_path, "metrics", "--json")
    assert (down.code, up.code) == (1, 0)
    assert up.json["store"] == down.json["store"] == "postgres:embedded"
