"""`vestige drill`: the trial of a backup, before it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.backup import backups_folder, checked
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import note, print_json, print_line, print_pairs, print_table
from vestige.cli.progress import counting
from vestige.cli.restore import fail_unless_complete
from vestige.cli.session import configured, missing_store, with_store

if TYPE_CHECKING:
    from datetime import timedelta

    from vestige.config import Config
    from vestige.models import TransferTable
    from vestige.transfer.archive_reading import ArchiveInfo
    from vestige.transfer.copy_plan import CopyReport

commands = typer.Typer()


@commands.command(
    epilog=example(
        "vestige backup --output memories.jsonl.gz", "vestige drill memories.jsonl.gz --json"
    )
)
def drill(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A backup; by default the newest of the data dir."),
    ] = None,
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into a throwaway store, and compare every row; nothing else is touched."""
    import asyncio

    from vestige.transfer.copy_plan import CopyReport
    from vestige.transfer.recovery import drill as restore_for_trial

    config = configured(config_file, data_dir)
    info = checked(file or _newest(backups_folder(config)))
    with counting("restoring") as advance:
        done = CopyReport(on_rows=lambda _, count: advance(count))
        asyncio.run(restore_for_trial(info, done))
    _print_drill(info, done, _live(config), as_json=as_json)
    fail_unless_complete(done)


def _newest(folder: Path) -> Path:
    from vestige.errors import TransferError
    from vestige.transfer.backup import list_backups

    for found in list_backups(folder):
        if found.is_finished:
            return found.path
    raise TransferError(
        f"there is no backup in {folder}", "Make one with `vestige backup`, or name its file."
    )


def _live(config: Config) -> dict[TransferTable, int] | None:
    """Return the counts of the store in use, None without one that can be read."""
    from vestige.errors import StoreError
    from vestige.transfer.recovery import count_rows

    if missing_store(config) is not None:
        return None
    try:
        return with_store(config, count_rows, migrate=False)
    except StoreError as error:
        note(f"the store in use cannot be compared: {error}")
        return None


def _print_drill(
    info: ArchiveInfo, done: CopyReport, live: dict[TransferTable, int] | None, *, as_json: bool
) -> None:
    from vestige.clock import SystemClock
    from vestige.transfer.backup_views import drill_view

    now = SystemClock().now()
    if as_json:
        print_json(drill_view(info, done, live, now))
        return
    age = _age(now - info.header.created_at)
    print_pairs([("backup", str(info.path)), ("age", age), ("sha256", info.checksum)])
    rows = [
        (
            table.value,
            str(info.header.rows[table]),
            str(counts.verified),
            "" if live is None else str(live[table]),
            "" if live is None else f"{live[table] - info.header.rows[table]:+}",
        )
        for table, counts in done.tables.items()
    ]
    print_table(("table", "backup", "restored", "store", "since"), rows)
    for failure in (*done.failures, *done.differences):
        note(f"{failure.table.value} {failure.key}: {failure.reason}")
    if done.is_complete:
        print_line(("whole", "green"), ": every row of the backup was restored as it is there")


def _age(age: timedelta) -> str:
    hours = age.seconds // 3600
    minutes = age.seconds % 3600 // 60
    return f"{age.days} d {hours} h {minutes} min"
