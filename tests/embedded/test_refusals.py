"""What is told when a server cannot be started."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from embedded_clients import FAST
from vestige.errors import ConfigError, MigrationError, StoreUnavailableError
from vestige.storage.embedded import binaries, clients, server, start, status
from vestige.storage.embedded.accounts import account_of
from vestige.storage.embedded.folders import find_home, socket_folder

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "a_package_that_is_not_installed")
    with pytest.raises(ConfigError, match="not installed") as caught:
        await start(tmp_path)
    assert caught.value.hint == 'Run `pip install "vestige[embedded]"`.'
    assert not list(tmp_path.iterdir())


async def test_a_package_without_this_postgresql_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "INSTALL_FOLDER", "pginstall99")
    with pytest.raises(ConfigError, match="has no PostgreSQL 18"):
        await start(tmp_path)


async def test_a_cluster_of_another_version_names_both(tmp_path: Path) -> None:
    cluster = find_home(tmp_path).cluster
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n", encoding="utf-8")
    with pytest.raises(MigrationError, match=r"of PostgreSQL 16, .* is 18") as caught:
        await start(tmp_path)
    assert "pg_dump of PostgreSQL 16" in caught.value.hint
    assert (await status(tmp_path)).client_count == 0


async def test_a_damaged_cluster_is_named_and_kept(tmp_path: Path) -> None:
    base = find_home(tmp_path).cluster / "base"
    base.mkdir(parents=True)
    with pytest.raises(StoreUnavailableError, match="PG_VERSION is missing"):
        await start(tmp_path)
    assert base.is_dir()


async def test_a_server_that_does_not_start_says_what_its_log_says(data_dir: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="invalid value for parameter") as caught:
        await start(data_dir, settings=FAST | {"shared_buffers": "plenty"})
    assert "shared_buffers" in str(caught.value)
    left = await status(data_dir)
    assert (left.is_running, left.client_count) == (False, 0)


async def test_a_server_that_fails_later_says_what_its_own_log_says(data_dir: Path) -> None:
    # It asks for a file that is missing, after it has begun to write its own log.
    signal_file = find_home(data_dir).cluster / "recovery.signal"
    signal_file.touch()
    try:
        with pytest.raises(StoreUnavailableError, match="restore_command"):
            await start(data_dir, settings=FAST)
    finally:
        signal_file.unlink()
    assert not (await status(data_dir)).is_running


async def test_a_failed_initdb_leaves_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for path in binaries.find_programs().iterdir():
        (programs / path.name).symlink_to(path)
    (programs / "initdb").unlink()
    (programs / "initdb").write_text(
        "#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n", encoding="utf-8"
    )
    (programs / "initdb").chmod(0o755)
    monkeypatch.setattr(server, "find_programs", lambda: programs)
    with pytest.raises(StoreUnavailableError, match="No space left on device") as caught:
        await start(tmp_path / "data")
    assert "space on the disk" in caught.value.hint
    assert not list((tmp_path / "data" / "postgres").glob("cluster*"))


@pytest.mark.parametrize("name", ["port", "Unix_Socket_Directories", "work mem", "x = 1\ny"])
async def test_a_setting_that_cannot_be_chosen_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        await start(tmp_path, settings={name: "1"})
    assert repr(name) in str(caught.value)
    assert not list(tmp_path.iterdir())


async def test_a_value_with_a_line_break_is_refused(data_dir: Path) -> None:
    with pytest.raises(ConfigError, match="control character"):
        await start(data_dir, settings={"cluster_name": "a\nport = 1"})


async def test_a_data_dir_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StoreUnavailableError, match=f"{tmp_path / 'data'}"):
        await start(tmp_path / "data")


async def test_waiting_for_another_start_has_an_end(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = find_home(data_dir)
    lock = clients.lock_start(home)
    monkeypatch.setattr(clients, "START_LOCK_SECONDS", 0.0)
    try:
        with pytest.raises(StoreUnavailableError, match=r"start\.lock") as caught:
            await start(data_dir)
    finally:
        os.close(lock)
    assert "fuser" in caught.value.hint


async def test_a_server_started_by_hand_is_not_disturbed(data_dir: Path) -> None:
    home = find_home(data_dir)
    postgres = binaries.find_programs() / "postgres"
    account = account_of(home.cluster, postgres)
    folder = socket_folder(home, account)
    (home.cluster / "vestige.conf").unlink(missing_ok=True)  # the settings of the last test
    options = ["-k", folder, "-h", "", "-F", "-c", "logging_collector=off"]
    command = [*account.prefix, postgres, "-D", home.cluster, *options]
    by_hand = await asyncio.create_subprocess_exec(
        *command, stderr=asyncio.subprocess.PIPE, user=account.user, group=account.group
    )
    try:
        assert by_hand.stderr is not None
        told = b""
        while b"ready to accept" not in told:
            line = await by_hand.stderr.readline()
            assert line, told.decode()
            told += line
        with pytest.raises(StoreUnavailableError, match=f"process {by_hand.pid}") as caught:
            await start(data_dir)
        assert by_hand.returncode is None
    finally:
        by_hand.send_signal(signal.SIGINT)
        await by_hand.communicate()
    assert "pg_ctl stop" in caught.value.hint
