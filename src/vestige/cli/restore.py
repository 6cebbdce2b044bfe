"""`vestige restore`: a backup back into a store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.backup import back_up_store, backups_folder, checked
from vestige.cli.copy import KeepModelOption, ReembedOption, print_copied
from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, YesOption, example
from vestige.cli.output import UsageProblem, note, print_json, print_line, report
from vestige.cli.progress import counting
from vestige.cli.rendering import moment
from vestige.cli.session import configured, missing_store, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.models import ModelSignature
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.archive_reading import ArchiveInfo
    from vestige.transfer.copy_plan import CopyPlan, CopyReport, ModelChoice

ReplaceOption = Annotated[
    bool,
    typer.Option("--replace", help="Put it in the place of what is there, after a backup of that."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check the backup and the model, and write nothing.")
]

commands = typer.Typer()


@commands.command(
    epilog=example(
        "vestige backup --output memories.jsonl.gz",
        "vestige restore memories.jsonl.gz --data-dir restored",
    )
)
def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A backup that `vestige backup` wrote.")
    ],
    *,
    replace: ReplaceOption = False,
    reembed: ReembedOption = False,
    keep_model: KeepModelOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup into the configured store, on either backend, and compare every row."""
    if reembed and keep_model:
        raise UsageProblem("--reembed and --keep-model exclude each other", "Give one of them.")
    run = _Run(
        config=configured(config_file, data_dir),
        info=checked(file),
        choice="reembed" if reembed else "keep" if keep_model else "same",
        is_replacing=replace,
        is_confirmed=yes,
        as_json=as_json,
    )
    if dry_run:
        _preview(run)
        return
    replaced = _make_room(run)
    _print_restored(run, _restore(run), replaced)


def fail_unless_complete(done: CopyReport) -> None:
    """End with an error when a row did not arrive as it is in the backup."""
    if not done.is_complete:
        report(
            "not everything arrived as it is in the backup",
            "Read the list above; `vestige backup --list` lists other backups.",
        )
        raise typer.Exit(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One restore, as the options ask for it."""

    config: Config
    info: ArchiveInfo
    choice: ModelChoice
    is_replacing: bool
    is_confirmed: bool
    as_json: bool

    @property
    def memories(self) -> str:
        from vestige.models import TransferTable
        from vestige.storage.problems import memories

        return memories(self.info.header.rows[TransferTable.KNOWLEDGE_NODES])

    def plan(self, registered: ModelSignature | None) -> CopyPlan:
        """Return how to restore into a store with this model."""
        from vestige.embedding import choose_embedder
        from vestige.transfer.copy_plan import CopyPlan

        postgres = self.config.storage.postgres
        return CopyPlan(
            model=self.choice,
            embedder=None
            if self.choice == "keep"
            else choose_embedder(self.config.embeddings, registered),
            writers=1
            if self.config.storage.backend == "sqlite"
            else max(1, min(4, postgres.max_connections) - 1),
        )


def _preview(run: _Run) -> None:
    import asyncio

    from vestige.storage.problems import memories
    from vestige.transfer.backup_views import backup_view

    async def look(store: MemoryStore) -> int:
        await _check(run, store)
        return await store.count()

    if missing_store(run.config) is None:
        count = with_store(run.config, look, migrate=False)
    else:
        asyncio.run(_check(run, None))
        count = 0
    if run.as_json:
        print_json({**backup_view(run.info), "replaced_memories": count, "dry_run": True})
        return
    instead = f" in place of {memories(count)}" if count else ""
    print_line(f"would restore {run.memories} of {run.info.path}{instead}")


async def _check(run: _Run, store: MemoryStore | None) -> None:
    """Refuse what cannot be restored there, before anything is changed."""
    from vestige.transfer.recovery import check_model, refuse_memories

    registered = None
    if store is not None and not run.is_replacing:
        await refuse_memories(store)
        registered = await store.registered_model()
    await check_model(run.info, registered, run.plan(registered))


def _make_room(run: _Run) -> ArchiveInfo | None:
    """Empty the store if that is asked for; return the backup of what was in it."""
    import asyncio

    from vestige.clock import SystemClock
    from vestige.transfer.backup import new_name
    from vestige.transfer.recovery import empty

    async def look(store: MemoryStore) -> bool:
        await _check(run, store)
        if not run.is_replacing:
            return False
        count = await store.count()
        if count:
            _confirm(run, count)
        return True

    if missing_store(run.config) is not None:
        asyncio.run(_check(run, None))
        return None
    if not with_store(run.config, look):
        return None
    saved = back_up_store(run.config, new_name(backups_folder(run.config), SystemClock()))
    note(f"what the store held is in {saved.path}")
    with_store(run.config, empty)
    return saved


def _confirm(run: _Run, count: int) -> None:
    from vestige.storage.problems import memories

    note(f"end what uses the store: its {memories(count)} are replaced by {run.memories}")
    if run.is_confirmed:
        return
    need_terminal("replacing what the store holds")
    if not ask(f"Replace it by the backup of {moment(run.info.header.created_at)}?"):
        note("nothing was changed")
        raise typer.Exit(1)


def _restore(run: _Run) -> CopyReport:
    from vestige.transfer.copy_plan import CopyReport
    from vestige.transfer.recovery import restore_backup

    async def work(store: MemoryStore) -> None:
        plan = run.plan(await store.registered_model())
        await restore_backup(run.info.path, store, plan, done)

    with counting("restoring") as advance:
        done = CopyReport(on_rows=lambda _, count: advance(count))
        try:
            with_store(run.config, work)
        except BaseException:
            if any(counts.written for counts in done.tables.values()):
                note("the store holds a part of the backup; --replace begins anew")
            raise
    return done


def _print_restored(run: _Run, done: CopyReport, replaced: ArchiveInfo | None) -> None:
    from vestige.transfer.views import copy_view

    if run.as_json:
        view = copy_view(done)
        view |= {
            "path": str(run.info.path),
            "sha256": run.info.checksum,
            "replaced": None if replaced is None else str(replaced.path),
            "dry_run": False,
        }
        print_json(view)
    else:
        print_copied(done)
        if done.is_complete:
            print_line(
                ("restored", "green"), f" {run.memories}; every row is equal to that of the backup"
            )
        if run.choice == "keep" and done.destination_model is not None:
            note(f"the store's vectors are of {done.destination_model}")
    fail_unless_complete(done)
