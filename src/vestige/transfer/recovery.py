"""Putting a backup into a store, and trying whether that would work."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vestige.errors import TransferError
from vestige.models import TransferTable
from vestige.storage.problems import memories
from vestige.storage.sqlite.store import SqliteStore
from vestige.transfer.archive_reading import verify
from vestige.transfer.archive_source import ArchiveSource
from vestige.transfer.copy_models import choose_model
from vestige.transfer.copy_plan import CopyPlan, CopyReport
from vestige.transfer.copying import copy

if TYPE_CHECKING:
    from vestige.models import ModelSignature
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.archive_reading import ArchiveInfo


async def check_backup(path: Path) -> ArchiveInfo:
    """Read all of a backup without writing anything.

    Raises:
        TransferError: it cannot be read, or is not as it was written; the message says where.
    """
    return await asyncio.to_thread(verify, path)


async def check_model(
    info: ArchiveInfo, registered: ModelSignature | None, plan: CopyPlan
) -> ModelSignature | None:
    """Return the model that a store would have after a restore.

    Args:
        info: the backup.
        registered: the model of the store, None when it has none or is to be emptied.
        plan: what is to become of vectors.

    Raises:
        TransferError: vectors of two models would meet.
    """
    try:
        return await choose_model(info.header.model, registered, plan)
    except TransferError as error:
        raise TransferError(f"{info.path} cannot be restored: {error}", error.hint) from error


async def refuse_memories(store: MemoryStore) -> None:
    """Refuse a store that holds memories.

    Raises:
        TransferError: it does; the hint names what puts the backup in their place.
    """
    count = await store.count()
    if count:
        raise TransferError(
            f"the store holds {memories(count)} already, and a backup needs an empty one",
            "Add --replace to put the backup in their place, after a backup of what is there.",
        )


async def empty(store: MemoryStore) -> None:
    """Remove everything that a store holds; its handles have to be opened anew."""
    while await store.revert_migration() is not None:
        pass
    await store.init()


async def restore_backup(
    path: Path, store: MemoryStore, plan: CopyPlan, report: CopyReport
) -> None:
    """Write the rows of a backup into a store, then compare every row with the backup.

    Args:
        path: a backup that `check_backup` found whole.
        store: where to; empty, or with a part of the same backup.
        plan: what is to become of vectors.
        report: is filled on the way, so it is right also after an interruption.

    Raises:
        TransferError: the backup is not as it was written, or vectors of two models would meet.
        StoreError: the store cannot be used any more.
    """
    await copy(ArchiveSource(path), store, plan, report)


async def drill(info: ArchiveInfo, report: CopyReport) -> None:
    """Restore a backup into a throwaway store, compare every row, and remove the store.

    Args:
        info: a backup that `check_backup` found whole.
        report: is filled on the way.

    Raises:
        StoreError: there is no room for the store, or no right to make one.
    """
    with tempfile.TemporaryDirectory(prefix="vestige-drill-") as folder:
        store = await SqliteStore.open(Path(folder) / "drill.db")
        try:
            await restore_backup(info.path, store, CopyPlan(model="keep"), report)
        finally:
            await store.close()


async def count_rows(store: MemoryStore) -> dict[TransferTable, int]:
    """Return how many rows each table of a store has, at one moment."""
    async with store.reading() as state:
        return {table: await state.count_rows(table) for table in TransferTable}
