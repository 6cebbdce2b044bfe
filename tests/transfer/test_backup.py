"""Backups of a store in use: whole, consistent, never half there; and their way back."""

from __future__ import annotations

import asyncio
import resource
import stat
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from conftest import BACKENDS
from factories import (
    DAY,
    START,
    ManualClock,
    a_memory,
    a_numbered_id,
    a_signature,
    a_vector,
    an_edge,
    an_id,
)
from filled_store import fill
from transfer.archives import backed_up, whole
from vestige.embedding.hashing import HashingEmbedder
from vestige.errors import TransferError
from vestige.models import LOCAL_USER_ID, MemoryEdge, ScheduledMemory, TransferTable
from vestige.transfer.archive_reading import read_rows, verify
from vestige.transfer.archive_source import ArchiveSource
from vestige.transfer.backup import ListedBackup, list_backups, new_name, prune, surplus
from vestige.transfer.copy_plan import CopyPlan, CopyReport
from vestige.transfer.recovery import (
    check_model,
    count_rows,
    drill,
    empty,
    refuse_memories,
    restore_backup,
)
from vestige.transfer.retention import Retention

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path
    from uuid import UUID

    from conftest import OpenHandle
    from vestige.models import MemoryRecord
    from vestige.storage.protocol import MemoryStore

KEEP: Final = CopyPlan(model="keep", batch_rows=4)


@pytest.fixture(params=sorted(BACKENDS))
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[MemoryStore]:
    """An empty store on each backend, beside that of the other fixtures."""
    (tmp_path / "target").mkdir()
    async with AsyncExitStack() as closing:
        backend = BACKENDS[str(request.param)](tmp_path / "target", ManualClock(START + DAY))
        yield await (await closing.enter_async_context(backend))()


async def restored(path: Path, store: MemoryStore, plan: CopyPlan = KEEP) -> CopyReport:
    report = CopyReport()
    await restore_backup(path, store, plan, report)
    return report


def bits_of(record: MemoryRecord) -> list[bytes]:
    vectors = [] if record.embedding is None else [record.embedding]
    return [vector.tobytes() for vector in (*vectors, *record.windows)]


@contextmanager
def full_disk(size_bytes: int) -> Generator[None]:
    """Let no file of this process grow beyond a size, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_everything_comes_back_on_any_backend(
    store: MemoryStore, target: MemoryStore, tmp_path: Path
) -> None:
    await fill(store)
    info = await backed_up(store, tmp_path / "backup.jsonl.gz")
    assert verify(info.path) == info
    report = await restored(info.path, target)
    assert await whole(target) == await whole(store)
    assert await target.registered_model() == a_signature()
    assert report.is_complete
    for table, counts in report.tables.items():
        assert counts.read == counts.verified == info.header.rows[table] > 0
        assert counts.source_hash == counts.destination_hash != ""


async def test_vectors_come_back_bit_for_bit_and_are_searched(
    store: MemoryStore, target: MemoryStore, tmp_path: Path
) -> None:
    await fill(store)
    await restored((await backed_up(store, tmp_path / "backup.jsonl.gz")).path, target)
    for seed in range(9):
        before, after = [await one.vector_search(a_vector(seed)) for one in (store, target)]
        assert [hit.record.id for hit in before] == [hit.record.id for hit in after] != []
        assert [bits_of(hit.record) for hit in before] == [bits_of(hit.record) for hit in after]


async def test_what_was_said_of_the_local_user_comes_back(
    store: MemoryStore, target: MemoryStore, tmp_path: Path
) -> None:
    local = await store.get_user(LOCAL_USER_ID)
    assert local is not None
    await store.upsert_user(replace(local, handle="ana", metadata={"a": 1}))
    report = await restored((await backed_up(store, tmp_path / "backup.jsonl.gz")).path, target)
    assert report.is_complete
    found = await target.get_user(LOCAL_USER_ID)
    assert found is not None
    assert (found.handle, found.metadata) == ("ana", {"a": 1})


async def test_a_backup_without_rows_and_model_is_one(
    unbound_store: MemoryStore, target: MemoryStore, tmp_path: Path
) -> None:
    info = await backed_up(unbound_store, tmp_path / "backup.jsonl.gz")
    assert info.header.model is None
    assert (await restored(info.path, target)).is_complete
    assert await target.count() == 0


async def write_until(done: asyncio.Event, store: MemoryStore) -> int:
    """Write memories, a link between each and the one before, and forget some."""
    number = 1000
    while not done.is_set():
        number += 1
        await store.insert(a_memory(f"new {number}", id=a_numbered_id(number)))
        await store.add_edge(an_edge(a_numbered_id(number), a_numbered_id(number - 1)))
        await store.delete(a_numbered_id(number - 1))
        await store.add_edge(an_edge(a_numbered_id(number), a_numbered_id(number % 90)))
    return number - 1000


async def test_a_backup_while_others_write_is_consistent(
    store: MemoryStore, open_handle: OpenHandle, tmp_path: Path
) -> None:
    await store.insert_many(
        [a_memory(f"memory {number}", id=a_numbered_id(number)) for number in range(250)]
    )
    await store.insert(a_memory("new 1000", id=a_numbered_id(1000)))
    done, path = asyncio.Event(), tmp_path / "backup.jsonl.gz"

    async def back_up_and_say_so() -> None:
        try:
            await backed_up(store, path)
        finally:
            done.set()

    written, _ = await asyncio.gather(write_until(done, await open_handle()), back_up_and_say_so())
    assert written > 0
    memories: set[UUID] = set()
    for found in read_rows(path):
        if isinstance(found.row, ScheduledMemory):
            memories.add(found.row.record.id)
        if isinstance(found.row, MemoryEdge):
            assert {found.row.source_id, found.row.target_id} <= memories
    # 250 and at every moment one or two new ones.
    assert 251 <= len(memories) <= 252
    assert verify(path).header.rows[TransferTable.KNOWLEDGE_NODES] == len(memories)


async def test_only_its_owner_may_read_a_backup(store: MemoryStore, tmp_path: Path) -> None:
    info = await backed_up(store, tmp_path / "backups" / "backup.jsonl.gz")
    assert stat.S_IMODE(info.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(info.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in info.path.parent.iterdir()] == ["backup.jsonl.gz"]


async def test_a_file_that_is_there_is_never_replaced(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "backup.jsonl.gz"
    path.write_text("something else")
    with pytest.raises(TransferError, match="is there already"):
        await backed_up(store, path)
    assert path.read_text() == "something else"
    assert [one.name for one in tmp_path.glob("*.gz")] == ["backup.jsonl.gz"]


def test_the_name_is_the_time_and_new_in_its_folder(tmp_path: Path) -> None:
    clock = ManualClock()
    names: list[str] = []
    for _ in range(3):
        path = new_name(tmp_path, clock)
        path.touch()
        names.append(path.name)
    assert names == [
        "vestige-20240517T093000Z.jsonl.gz",
        "vestige-20240517T093000Z-2.jsonl.gz",
        "vestige-20240517T093000Z-3.jsonl.gz",
    ]


async def test_a_full_disk_leaves_nothing_and_is_named(store: MemoryStore, tmp_path: Path) -> None:
    for number in range(40):
        await store.insert(a_memory(f"memory {number}", embedding=a_vector(number)))
    folder = tmp_path / "full"
    folder.mkdir()
    with full_disk(2000), pytest.raises(TransferError) as raised:
        await backed_up(store, folder / "backup.jsonl.gz")
    assert "cannot be written: File too large" in str(raised.value)
    assert "Nothing was left there" in raised.value.hint
    assert not list(folder.iterdir())
    assert verify((await backed_up(store, folder / "backup.jsonl.gz")).path)


async def test_vectors_of_another_model_are_refused_kept_or_made_anew(
    store: MemoryStore, target: MemoryStore, tmp_path: Path
) -> None:
    await fill(store)
    info = await backed_up(store, tmp_path / "backup.jsonl.gz")
    embedder = HashingEmbedder(dimension=32)
    same = CopyPlan(embedder=embedder)
    with pytest.raises(TransferError, match=r"cannot be restored: .*test-model") as raised:
        await check_model(info, None, same)
    assert "--reembed" in raised.value.hint
    with pytest.raises(TransferError):
        await check_model(info, embedder.signature, same)
    assert await check_model(info, None, KEEP) == a_signature()
    report = await restored(info.path, target, replace(same, model="reembed"))
    assert report.is_complete
    assert await target.registered_model() == embedder.signature
    assert await target.count() == await store.count()


async def test_a_store_with_memories_is_refused_and_an_emptied_one_is_not(
    store: MemoryStore, open_handle: OpenHandle, tmp_path: Path
) -> None:
    await refuse_memories(store)
    await fill(store)
    before = await whole(store)
    info = await backed_up(store, tmp_path / "backup.jsonl.gz")
    with pytest.raises(TransferError, match="holds 10 memories already"):
        await refuse_memories(store)
    await empty(store)
    again = await open_handle()
    assert sum((await count_rows(again)).values()) == 1  # the local user
    await refuse_memories(again)
    assert (await restored(info.path, again)).is_complete
    assert await whole(again) == before


async def test_a_drill_restores_everything_and_leaves_nothing(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store)
    info = await backed_up(store, tmp_path / "backup.jsonl.gz")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    report = CopyReport()
    await drill(info, report)
    assert report.is_complete
    assert {table: one.verified for table, one in report.tables.items()} == info.header.rows
    assert not list((tmp_path / "temporary").iterdir())


async def test_a_backup_that_changes_after_its_check_is_noticed(
    store: MemoryStore, target: MemoryStore, tmp_path: Path
) -> None:
    await fill(store)
    info = await backed_up(store, tmp_path / "backup.jsonl.gz")
    info.path.write_bytes(info.path.read_bytes()[:-100])
    with pytest.raises(TransferError, match="is not as it was written"):
        await restored(info.path, target)


async def test_pages_of_a_backup_can_be_read_in_any_order(
    store: MemoryStore, tmp_path: Path
) -> None:
    await fill(store)
    source = ArchiveSource((await backed_up(store, tmp_path / "backup.jsonl.gz")).path)
    nodes, users = TransferTable.KNOWLEDGE_NODES, TransferTable.USERS
    first = await source.export_page(nodes, limit=4)
    second = await source.export_page(nodes, after=first.next_after, limit=4)
    assert len({row for page in (first, second) for row in map(id, page.rows)}) == 8
    assert len((await source.export_page(users)).rows) == 2
    again = await source.export_page(nodes, after=first.next_after, limit=4)
    assert [row.record.id for row in again.rows if isinstance(row, ScheduledMemory)] == [
        row.record.id for row in second.rows if isinstance(row, ScheduledMemory)
    ]
    assert await source.registered_model() == a_signature()


async def backups_of_days(store: MemoryStore, folder: Path, days: int) -> list[Path]:
    clock = ManualClock()
    paths: list[Path] = []
    for _ in range(days):
        paths.append((await backed_up(store, new_name(folder, clock), clock)).path)
        clock.advance(timedelta(days=1))
    return paths


def paths_of(found: list[ListedBackup]) -> list[Path]:
    return [one.path for one in found]


async def test_only_backups_that_are_too_old_are_removed(
    store: MemoryStore, tmp_path: Path
) -> None:
    paths = await backups_of_days(store, tmp_path, 4)
    (tmp_path / "notes.jsonl.gz").write_bytes(b"\x1f\x8bno backup")
    (tmp_path / "vestige-20200101T000000Z.jsonl.gz").write_text("nor is this")
    (tmp_path / "link.jsonl.gz").symlink_to(paths[0])
    (tmp_path / "copy.gz").write_bytes(paths[0].read_bytes())
    assert paths_of(list_backups(tmp_path)) == paths[::-1]
    old = surplus(tmp_path, Retention(daily=2, weekly=0, monthly=0), START + 4 * DAY)
    assert paths_of(old) == [paths[1], paths[0]]
    others = {path.name for path in tmp_path.glob("*.gz")} - {path.name for path in paths[:2]}
    prune(tmp_path, old)
    assert {path.name for path in tmp_path.glob("*.gz")} == others


async def test_nothing_is_removed_while_the_newest_backup_is_damaged(
    store: MemoryStore, tmp_path: Path
) -> None:
    paths = await backups_of_days(store, tmp_path, 3)
    paths[2].write_bytes(paths[2].read_bytes()[:-1])
    old = surplus(tmp_path, Retention(daily=1, weekly=0, monthly=0), START + 3 * DAY)
    with pytest.raises(TransferError, match="is not as it was written"):
        prune(tmp_path, old)
    assert all(path.exists() for path in paths)


async def test_what_a_killed_program_left_is_listed_as_such_and_removed_a_day_later(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = (await backups_of_days(store, tmp_path, 1))[0]
    left = tmp_path / ".vestige-backup-xyz.partial"
    left.write_bytes(path.read_bytes()[:-20])
    assert [(one.path, one.is_finished) for one in list_backups(tmp_path)] == [
        (left, False),
        (path, True),
    ]
    assert not surplus(tmp_path, Retention(), START + DAY)
    assert paths_of(surplus(tmp_path, Retention(), START + 1.1 * DAY)) == [left]


def test_a_folder_that_is_not_there_has_no_backups(tmp_path: Path) -> None:
    assert list_backups(tmp_path / "missing") == []


async def test_the_order_of_the_archive_is_that_of_references(
    store: MemoryStore, tmp_path: Path
) -> None:
    await fill(store)
    info = await backed_up(store, tmp_path / "backup.jsonl.gz")
    tables = list(dict.fromkeys(found.table for found in read_rows(info.path)))
    assert tables == list(TransferTable)
    assert an_id("bare") in {
        found.row.record.id
        for found in read_rows(info.path)
        if isinstance(found.row, ScheduledMemory)
    }
