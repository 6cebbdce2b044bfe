"""Where the files of a server are, and that nobody else gets access to anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from embedded_clients import ask
from vestige.errors import ConfigError, StoreUnavailableError
from vestige.storage.embedded import accounts, folders, start, status
from vestige.storage.embedded.binaries import find_programs
from vestige.storage.embedded.folders import find_home

if TYPE_CHECKING:
    from embedded_clients import DataDirNamed, Join

with_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or accounts.masked_root() is None,
    reason="only root is shown as somebody else, and only where the system allows it",
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


def modes(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the mode and owner of a folder and of all above it."""
    found = {path: path.stat() for path in (folder, *folder.parents)}
    return {path: (stat.S_IMODE(entry.st_mode), entry.st_uid) for path, entry in found.items()}


async def test_no_folder_above_the_cluster_is_opened_to_others(tmp_path: Path, join: Join) -> None:
    data_dir = tmp_path / "closed" / "data"
    data_dir.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    data_dir.chmod(0o750)
    before = modes(data_dir)
    server = await join(data_dir)
    await server.close()
    assert modes(data_dir) == before
    for path in (data_dir / "postgres", (await status(data_dir)).cluster):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


async def test_a_folder_that_others_may_read_is_closed(data_dir: Path, join: Join) -> None:
    (data_dir / "postgres").chmod(0o755)
    await join(data_dir)
    # Others may pass where the server runs as one of them.
    assert not stat.S_IMODE((data_dir / "postgres").stat().st_mode) & 0o066


async def test_a_path_too_long_for_a_socket_gets_one_elsewhere(
    data_dir_named: DataDirNamed, join: Join
) -> None:
    data_dir = data_dir_named("long-" * 30)
    server = await join(data_dir)
    assert await ask(server.dsn, "SELECT 1") == 1
    folder = Path(find_home(data_dir).socket_record.read_text(encoding="utf-8"))
    assert stat.S_IMODE(folder.lstat().st_mode) == 0o700
    await server.close()
    assert not folder.exists()


async def test_a_socket_folder_is_used_again_only_if_it_is_private(
    data_dir_named: DataDirNamed, join: Join
) -> None:
    home = find_home(data_dir_named("long-" * 30))
    account = accounts.account_of(home.cluster, find_programs() / "postgres")
    first = folders.socket_folder(home, account)
    assert folders.socket_folder(home, account) == first
    first.chmod(0o755)
    server = await join(home.folder.parent)
    assert await ask(server.dsn, "SELECT 1") == 1
    assert not list(first.iterdir())
    first.rmdir()


@pytest.mark.parametrize("name", ["with space & percent %41", 'it\'s, "quoted" \\ '])
async def test_any_printable_path_will_do(
    name: str, data_dir_named: DataDirNamed, join: Join
) -> None:
    server = await join(data_dir_named(name))
    assert await ask(server.dsn, "SELECT 1") == 1


async def test_a_path_with_a_line_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"two\\nlines"):
        await start(tmp_path / "two\nlines")


async def test_a_link_to_another_disk_is_followed(data_dir: Path, join: Join) -> None:
    link = data_dir.with_name("link")
    link.mkdir()
    (link / "postgres").symlink_to(data_dir / "postgres")
    server = await join(link)
    assert (await status(data_dir)).client_count == 1
    await server.close()
    assert not (await status(link)).is_running


async def test_the_server_of_another_user_is_not_touched(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(StoreUnavailableError, match=f"belongs to user {owner}") as caught:
        await start(data_dir)
    assert "Use another data dir" in caught.value.hint


@pytest.fixture
def no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system that refuses user namespaces."""
    monkeypatch.setattr(accounts, "masked_root", lambda: None)


@with_namespaces
async def test_root_keeps_its_files_where_namespaces_are_allowed(
    data_dir: Path, join: Join
) -> None:
    await join(data_dir)
    owners = {path.lstat().st_uid for path in data_dir.rglob("*")}
    assert owners == {0}


@as_root
@pytest.mark.usefixtures("no_namespaces")
async def test_another_user_runs_the_server_in_a_data_dir_that_it_can_reach(
    tmp_path: Path, join: Join
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o755)
    before = modes(data_dir)
    server = await join(data_dir)
    await ask(server.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    found = await status(data_dir)
    assert found.cluster == data_dir / "postgres" / "server" / "cluster"
    assert found.cluster.stat().st_uid != 0
    assert stat.S_IMODE(found.cluster.parent.stat().st_mode) == 0o700
    await server.close()
    assert await ask((await join(data_dir)).dsn, "SELECT answer FROM kept") == 42
    assert modes(data_dir) == before


@as_root
@pytest.mark.usefixtures("no_namespaces")
async def test_another_user_gets_a_cluster_elsewhere_when_the_data_dir_is_closed(
    tmp_path: Path, system_folder: Path, join: Join
) -> None:
    tmp_path.chmod(0o700)
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    before = modes(data_dir)
    server = await join(data_dir)
    assert await ask(server.dsn, "SELECT 1") == 1
    found = await status(data_dir)
    assert found.cluster.is_relative_to(system_folder)
    assert found.cluster.stat().st_uid != 0
    await server.close()
    assert modes(data_dir) == before


@with_namespaces
@pytest.mark.usefixtures("no_namespaces")
async def test_a_cluster_of_root_is_not_replaced_where_namespaces_are_refused(
    data_dir: Path,
) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot run as the owner") as caught:
        await start(data_dir)
    assert "user namespaces" in caught.value.hint


@as_root
@pytest.mark.usefixtures("no_namespaces")
async def test_root_without_any_other_user_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "UNPRIVILEGED_USERS", ("nobody-has-this-name",))
    with pytest.raises(StoreUnavailableError, match="does not run as root") as caught:
        await start(tmp_path)
    assert "user namespaces" in caught.value.hint
