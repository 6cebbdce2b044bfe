"""`vestige backup`: backups of the store are made, listed, checked and, when old, removed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import UsageProblem, note, print_json, print_line, print_pairs, print_table
from vestige.cli.progress import advancing
from vestige.cli.rendering import moment
from vestige.cli.session import configured, need_store, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.archive import ArchiveHeader
    from vestige.transfer.archive_reading import ArchiveInfo
    from vestige.transfer.backup import ListedBackup
    from vestige.transfer.retention import Retention

FOLDER_NAME: Final = "backups"  # in the data dir

OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="PATH",
        help="A folder, or the file to write; by default the folder backups of the data dir.",
    ),
]
ListOption = Annotated[bool, typer.Option("--list", help="List the backups, and make none.")]
VerifyOption = Annotated[
    Path | None,
    typer.Option("--verify", metavar="FILE", help="Read all of a backup, and make none."),
]
PruneOption = Annotated[
    bool, typer.Option("--prune", help="Then remove those that the --keep options do not name.")
]
DailyOption = Annotated[
    int,
    typer.Option("--keep-daily", metavar="DAYS", min=0, help="Keep the newest of so many days."),
]
WeeklyOption = Annotated[
    int,
    typer.Option("--keep-weekly", metavar="WEEKS", min=0, help="Keep the newest of so many weeks."),
]
MonthlyOption = Annotated[
    int,
    typer.Option(
        "--keep-monthly", metavar="MONTHS", min=0, help="Keep the newest of so many months."
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be written and removed; change nothing.")
]

commands = typer.Typer()


@commands.command(
    epilog=example("vestige backup", "vestige backup --prune", "vestige backup --list")
)
def backup(
    *,
    output: OutputOption = None,
    list_: ListOption = False,
    verify: VerifyOption = None,
    prune: PruneOption = False,
    keep_daily: DailyOption = 7,
    keep_weekly: WeeklyOption = 4,
    keep_monthly: MonthlyOption = 3,
    dry_run: DryRunOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole store to a compressed file, while it is used; `vestige restore` reads it."""
    from vestige.transfer.retention import Retention

    if (list_ or verify is not None) and (prune or dry_run or (list_ and verify is not None)):
        raise UsageProblem(
            "--list and --verify make and remove nothing, and exclude each other",
            "Give one of them, without --prune and --dry-run.",
        )
    if verify is not None:
        print_backup("whole", checked(verify), as_json=as_json)
        return
    config = configured(config_file, data_dir)
    if list_:
        _list(_place(config, output).folder, as_json=as_json)
        return
    need_store(config)
    retention = Retention(daily=keep_daily, weekly=keep_weekly, monthly=keep_monthly)
    run = _Run(
        config=config,
        place=_place(config, output),
        retention=retention if prune else None,
        as_json=as_json,
    )
    if dry_run:
        _preview(run)
    else:
        _back_up(run)


def backups_folder(config: Config) -> Path:
    """Return where backups are unless another place is named."""
    return config.data_dir / FOLDER_NAME


def back_up_store(config: Config, target: Path) -> ArchiveInfo:
    """Write a backup of the configured store, and show how far it is."""
    from vestige.clock import SystemClock
    from vestige.transfer.backup import back_up

    async def write(store: MemoryStore) -> ArchiveInfo:
        return await back_up(
            store,
            target,
            backend=config.storage.backend,
            clock=SystemClock(),
            on_rows=advance,
        )

    with advancing("backing up") as advance:
        return with_store(config, write)


def checked(path: Path) -> ArchiveInfo:
    """Read all of a backup.

    Raises:
        TransferError: it is not as it was written.
    """
    from vestige.transfer.archive_reading import verify

    return verify(path)


def print_backup(word: str, info: ArchiveInfo, *, as_json: bool) -> None:
    """Print a backup that was written, or read to its end."""
    from vestige.transfer.backup_views import backup_view

    if as_json:
        print_json(backup_view(info))
        return
    print_line((word, "green"), f" {info.path}")
    header = info.header
    print_pairs(
        [
            ("made", f"{moment(header.created_at)} by vestige {header.version}"),
            ("store", header.backend),
            ("model", "none" if header.model is None else str(header.model)),
            ("size", f"{info.size_bytes} bytes"),
            ("rows", _rows(header)),
            ("sha256", info.checksum),
        ]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a backup goes; `file` is None when it gets its name from the time."""

    folder: Path
    file: Path | None

    def new_file(self) -> Path:
        from vestige.clock import SystemClock
        from vestige.transfer.backup import new_name

        return self.file or new_name(self.folder, SystemClock())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One backup, as the options ask for it; without `retention` nothing is removed."""

    config: Config
    place: _Place
    retention: Retention | None
    as_json: bool


def _place(config: Config, output: str | None) -> _Place:
    if output is None:
        return _Place(folder=backups_folder(config), file=None)
    path = Path(output)
    if path.is_dir() or output.endswith(os.sep):
        return _Place(folder=path, file=None)
    return _Place(folder=path.parent, file=path)


def _back_up(run: _Run) -> None:
    from vestige.clock import SystemClock
    from vestige.transfer.backup import prune, surplus
    from vestige.transfer.backup_views import backup_view

    info = back_up_store(run.config, run.place.new_file())
    removed: list[ListedBackup] = []
    if run.retention is not None:
        removed = surplus(run.place.folder, run.retention, SystemClock().now())
        prune(run.place.folder, removed)
    if run.as_json:
        paths = [str(old.path) for old in removed]
        print_json({**backup_view(info), "removed": [*paths], "dry_run": False})
        return
    print_backup("backed up to", info, as_json=False)
    for old in removed:
        note(f"removed {old.path}")


def _preview(run: _Run) -> None:
    from vestige.clock import SystemClock
    from vestige.transfer.backup import surplus
    from vestige.transfer.recovery import count_rows

    rows = with_store(run.config, count_rows)
    now = SystemClock().now()
    target = run.place.new_file()
    removed = (
        []
        if run.retention is None
        else surplus(run.place.folder, run.retention, now, is_one_made=True)
    )
    if run.as_json:
        paths = [str(old.path) for old in removed]
        counts = {table.value: count for table, count in rows.items()}
        print_json({"path": str(target), "rows": {**counts}, "removed": [*paths], "dry_run": True})
        return
    print_line(f"would write {sum(rows.values())} rows to {target}")
    for old in removed:
        print_line(f"would remove {old.path}")


def _list(folder: Path, *, as_json: bool) -> None:
    from vestige.transfer.backup import list_backups
    from vestige.transfer.backup_views import listed_view

    found = list_backups(folder)
    if as_json:
        print_json({"folder": str(folder), "backups": [listed_view(one) for one in found]})
        return
    if not found:
        note(f"there is no backup in {folder}")
        return
    finished = [one for one in found if one.is_finished]
    if finished:
        rows = [
            (moment(one.header.created_at), _rows(one.header), str(one.size_bytes), str(one.path))
            for one in finished
        ]
        print_table(("made", "rows", "bytes", "file"), rows)
    for one in found:
        if not one.is_finished:
            note(f"{one.path} was left unfinished, and is no backup")


def _rows(header: ArchiveHeader) -> str:
    from vestige.models import TransferTable
    from vestige.storage.problems import memories

    total = sum(header.rows.values())
    return f"{total}, {memories(header.rows[TransferTable.KNOWLEDGE_NODES])}"
