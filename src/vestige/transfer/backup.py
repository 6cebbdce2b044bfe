"""Writing backups of a store that is in use, listing them, and removing those of long ago."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from vestige.errors import TransferError
from vestige.models import TransferTable
from vestige.storage.private_folders import make_private_folder
from vestige.storage.row_objects import row_object
from vestige.transfer.archive import ArchiveHeader, ArchiveWriter, line_of
from vestige.transfer.archive_reading import ArchiveInfo, read_header, verify
from vestige.transfer.pages import pages_of
from vestige.transfer.retention import to_keep

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from datetime import datetime

    from vestige.clock import Clock
    from vestige.models import TransferPage
    from vestige.storage.administration_protocol import StoreReading
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.retention import Retention

ENDING: Final = ".jsonl.gz"
NAME: Final = "vestige-%Y%m%dT%H%M%SZ"
PARTIAL_PREFIX: Final = ".vestige-backup-"
PARTIAL_ENDING: Final = ".partial"
PARTIAL_AGE: Final = timedelta(days=1)  # after which nobody writes to an unfinished file any more
PAGE_ROWS: Final = 100  # held in memory at once: a hundred texts of the largest size


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedBackup:
    """A file that begins as a backup does.

    Attributes:
        path: the file.
        size_bytes: of the file.
        header: what its first line says.
        is_finished: false for what a killed program left, which is no backup.
    """

    path: Path
    size_bytes: int
    header: ArchiveHeader
    is_finished: bool = True


def new_name(folder: Path, clock: Clock) -> Path:
    """Return a name for a backup that is made now, which nothing in the folder has."""
    stem = clock.now().astimezone(UTC).strftime(NAME)
    path = folder / f"{stem}{ENDING}"
    number = 2
    while os.path.lexists(path):
        path = folder / f"{stem}-{number}{ENDING}"
        number += 1
    return path


async def back_up(
    store: MemoryStore,
    target: Path,
    *,
    backend: str,
    clock: Clock,
    on_rows: Callable[[int, int], None] = lambda _count, _total: None,
) -> ArchiveInfo:
    """Write everything that a store holds at this moment to a new file.

    Others may write to the store meanwhile. The file, which only its owner may read, appears when
    all of it is on the disk; until then and after a failure there is none.

    Args:
        store: of what; only read.
        target: the file; it must not be there yet. Its folder is made where it is missing.
        backend: what the store is on, for the header.
        clock: where the time in the header comes from.
        on_rows: is told how many more rows are written, and how many there are in all.

    Raises:
        TransferError: the file is there already, or cannot be written.
        StoreError: the store cannot be read.
    """
    now = clock.now()  # all that was written before it is in
    async with store.reading() as state:
        header = ArchiveHeader(
            version=version("vestige"),
            backend=backend,
            created_at=now,
            model=await state.registered_model(),
            rows={table: await state.count_rows(table) for table in TransferTable},
        )
        with _writing(target) as stream:
            checksum = await _write_archive(state, stream, header, on_rows)
            size_bytes = stream.tell()
    return ArchiveInfo(path=target, size_bytes=size_bytes, header=header, checksum=checksum)


def list_backups(folder: Path) -> list[ListedBackup]:
    """Return the backups in a folder by what their first lines say, the newest first.

    Links and files of other names are passed over.
    """
    found: list[ListedBackup] = []
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        is_partial = path.name.startswith(PARTIAL_PREFIX) and path.name.endswith(PARTIAL_ENDING)
        if path.is_symlink() or not (is_partial or path.name.endswith(ENDING)):
            continue
        with suppress(TransferError):  # it is something else
            header = read_header(path)
            found.append(
                ListedBackup(
                    path=path,
                    size_bytes=path.stat().st_size,
                    header=header,
                    is_finished=not is_partial,
                )
            )
    return sorted(found, key=lambda listed: listed.header.created_at, reverse=True)


def surplus(
    folder: Path, retention: Retention, now: datetime, *, is_one_made: bool = False
) -> list[ListedBackup]:
    """Return the backups of a folder that are not to be kept, and what killed programs left.

    Args:
        folder: which one.
        retention: what is kept of the backups there.
        now: a file that was left unfinished a day before this is removed.
        is_one_made: count one more backup, made now, as if it were there.
    """
    listed = list_backups(folder)
    backups = [backup for backup in listed if backup.is_finished]
    times = [backup.header.created_at for backup in backups]
    kept = to_keep([*times, now] if is_one_made else times, retention)
    old = [backup for place, backup in enumerate(backups) if place not in kept]
    return old + [
        backup
        for backup in listed
        if not backup.is_finished and now - backup.header.created_at > PARTIAL_AGE
    ]


def prune(folder: Path, removed: Sequence[ListedBackup]) -> None:
    """Remove backups, if the newest that stays is whole.

    Args:
        folder: where they are.
        removed: what `surplus` returned.

    Raises:
        TransferError: the newest backup is damaged, and nothing was removed; or a file cannot be
            removed.
    """
    going = {backup.path for backup in removed}
    if not going:
        return
    staying = [one for one in list_backups(folder) if one.is_finished and one.path not in going]
    if staying:
        verify(staying[0].path)
    for path in sorted(going):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise TransferError(
                f"{path} cannot be removed: {error.strerror}",
                "Give yourself write permission for its folder, then run the command again.",
            ) from error


async def _write_archive(
    state: StoreReading,
    stream: IO[bytes],
    header: ArchiveHeader,
    on_rows: Callable[[int, int], None],
) -> str:
    """Write header, rows and end; return the checksum. Compressing is left to a thread."""
    total = sum(header.rows.values())
    writer = await asyncio.to_thread(ArchiveWriter, stream, header)
    for table in TransferTable:
        async with aclosing(pages_of(state, table, PAGE_ROWS)) as pages:
            async for page in pages:
                await asyncio.to_thread(_write_page, writer, table, page)
                on_rows(len(page.rows), total)
    return await asyncio.to_thread(writer.finish)


def _write_page(writer: ArchiveWriter, table: TransferTable, page: TransferPage) -> None:
    for row in page.rows:
        writer.add_row(table, line_of(row_object(table, row)))


@contextmanager
def _writing(target: Path) -> Generator[IO[bytes]]:
    """Open a file that appears under its name when all of it is written and on the disk."""
    folder = target.parent
    try:
        make_private_folder(folder)
        if os.path.lexists(target):
            raise _taken(target)
        handle, name = tempfile.mkstemp(PARTIAL_ENDING, PARTIAL_PREFIX, folder)  # of mode 0600
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            _publish(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(target, error) from error


def _publish(partial: Path, target: Path) -> None:
    """Give a file its name, unless another one has it, and see that the name is on the disk."""
    try:
        target.hardlink_to(partial)
    except FileExistsError as error:
        raise _taken(target) from error
    except OSError as error:  # a file system without hard links
        if os.path.lexists(target):
            raise _taken(target) from error
        partial.rename(target)
    if hasattr(os, "O_DIRECTORY"):  # not on Windows, where a folder cannot be opened
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _taken(target: Path) -> TransferError:
    return TransferError(
        f"{target} is there already, and a backup replaces nothing",
        "Name another file with --output, or a folder, in which it gets a name of its own.",
    )


def _not_written(target: Path, error: OSError) -> TransferError:
    free = ""
    with suppress(OSError):
        free = f"; {target.parent} has {shutil.disk_usage(target.parent).free} bytes free"
    return TransferError(
        f"the backup {target} cannot be written: {error.strerror or error}",
        f"Name another place with --output{free}. Nothing was left there.",
    )
