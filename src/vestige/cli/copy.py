"""`vestige migrate copy`: everything from one store to another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, YesOption
from vestige.cli.output import UsageProblem, note, print_json, print_line, print_table, report
from vestige.cli.progress import counting
from vestige.cli.session import configured

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.storage.protocol import MemoryStore
    from vestige.storage.rust.findings import SourceReport
    from vestige.transfer.copy_ends import End
    from vestige.transfer.copy_plan import CopyPlan, CopyReport, RowSource

SHOWN_MAX: Final = 20  # failures and differences that are printed; --json has the first thousand


class SourceKind(StrEnum):
    """What can be copied from."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"
    RUST = "rust"


class DestinationKind(StrEnum):
    """What can be copied to."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


FromOption = Annotated[SourceKind, typer.Option("--from", help="What to copy from.")]
ToOption = Annotated[DestinationKind, typer.Option("--to", help="What to copy to.")]
SqlitePathOption = Annotated[
    Path | None,
    typer.Option(
        "--sqlite-path", metavar="FILE", help="The file of --from sqlite or rust, or else of --to."
    ),
]
PostgresUrlOption = Annotated[
    str | None,
    typer.Option(
        "--postgres-url", metavar="URL", help="The server of --from postgres, or else of --to."
    ),
]
ToSqlitePathOption = Annotated[
    Path | None,
    typer.Option("--to-sqlite-path", metavar="FILE", help="The file of --to, if both are files."),
]
ToPostgresUrlOption = Annotated[
    str | None,
    typer.Option(
        "--to-postgres-url", metavar="URL", help="The server of --to, if both are servers."
    ),
]
BatchSizeOption = Annotated[
    int,
    typer.Option(
        "--batch-size", metavar="ROWS", min=1, max=1000, help="How many rows are written at once."
    ),
]
MaxConnectionsOption = Annotated[
    int,
    typer.Option(
        "--max-connections", metavar="COUNT", min=1, max=100, help="Connections to a server."
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Count rows, and write nothing.")]
UpgradeOption = Annotated[
    bool,
    typer.Option("--allow-source-upgrade", help="Bring a copy of an older file up to date."),
]
ReembedOption = Annotated[
    bool, typer.Option("--reembed", help="Encode the texts anew with the configured model.")
]
KeepModelOption = Annotated[
    bool, typer.Option("--keep-model", help="Keep the vectors, whatever model is configured.")
]
VerifyOption = Annotated[
    bool, typer.Option("--verify/--no-verify", help="Compare every row afterwards.")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """What the options say about where: each is None when the configuration says it."""

    sqlite_path: Path | None
    postgres_url: str | None
    to_sqlite_path: Path | None
    to_postgres_url: str | None


def copy(
    *,
    origin: FromOption,
    target: ToOption,
    sqlite_path: SqlitePathOption = None,
    postgres_url: PostgresUrlOption = None,
    to_sqlite_path: ToSqlitePathOption = None,
    to_postgres_url: ToPostgresUrlOption = None,
    batch_size: BatchSizeOption = 500,
    max_connections: MaxConnectionsOption = 4,
    dry_run: DryRunOption = False,
    allow_source_upgrade: UpgradeOption = False,
    reembed: ReembedOption = False,
    keep_model: KeepModelOption = False,
    verify: VerifyOption = True,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy everything from one store to another; what is there already is left as it is.

    What the options do not name is where the configuration says. Run it again after an
    interruption: only what is missing is copied.
    """
    from vestige.transfer.copy_plan import CopyPlan

    if reembed and keep_model:
        raise UsageProblem("--reembed and --keep-model exclude each other", "Give one of them.")
    config = configured(config_file, data_dir)
    places = Places(
        sqlite_path=sqlite_path,
        postgres_url=postgres_url,
        to_sqlite_path=to_sqlite_path,
        to_postgres_url=to_postgres_url,
    )
    ends = _ends(config, origin, target, places)
    run = _CopyRun(
        config=_with_connections(config, max_connections),
        source=ends[0],
        destination=ends[1],
        plan=CopyPlan(
            batch_rows=batch_size,
            writers=max(1, max_connections - 1) if target == DestinationKind.POSTGRES else 1,
            model="reembed" if reembed else "keep" if keep_model else "same",
            is_verified=verify,
        ),
        allow_upgrade=allow_source_upgrade,
        is_confirmed=yes,
    )
    _print(run, _preview(run) if dry_run else _copy(run), is_dry_run=dry_run, as_json=as_json)


@dataclass(frozen=True, kw_only=True, slots=True)
class _CopyRun:
    """One copy, as the options ask for it."""

    config: Config
    source: End
    destination: End
    plan: CopyPlan
    allow_upgrade: bool
    is_confirmed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What a copy did, and what reading a file of the Rust Vestige found."""

    report: CopyReport
    found: SourceReport | None


def _ends(
    config: Config, origin: SourceKind, target: DestinationKind, places: Places
) -> tuple[End, End]:
    """Return the source and the destination that options and configuration name."""
    from vestige.transfer.copy_ends import End

    is_file = origin != SourceKind.POSTGRES
    if is_file:
        path = places.sqlite_path or config.storage.sqlite.path
        source = End(kind="rust" if origin == SourceKind.RUST else "sqlite", path=path)
    else:
        source = End(kind="postgres", url=_url(config, places.postgres_url))
    if target == DestinationKind.SQLITE:
        other = places.to_sqlite_path if is_file else places.sqlite_path
        destination = End(kind="sqlite", path=other or config.storage.sqlite.path)
    else:
        other_url = places.postgres_url if is_file else places.to_postgres_url
        destination = End(kind="postgres", url=_url(config, other_url))
    if origin == SourceKind.RUST and places.sqlite_path is None:
        raise UsageProblem(
            "the file of the Rust Vestige is not named",
            "Add --sqlite-path FILE, often ~/.local/share/vestige/core/vestige.db.",
        )
    if source == destination or _is_same_file(source.path, destination.path):
        raise UsageProblem(
            f"source and destination are the same: {source}",
            "Name the other one with --to-sqlite-path or --to-postgres-url.",
        )
    return source, destination


def _url(config: Config, given: str | None) -> str:
    configured_url = config.storage.postgres.url
    if given is not None:
        return given
    if configured_url is None:
        raise UsageProblem(
            "no PostgreSQL server is named",
            "Add --postgres-url postgresql://..., or --postgres-url embedded.",
        )
    return configured_url.get_secret_value()


def _is_same_file(one: Path | None, other: Path | None) -> bool:
    try:
        return one is not None and other is not None and one.samefile(other)
    except OSError:  # one of them is not there yet
        return False


def _with_connections(config: Config, max_connections: int) -> Config:
    postgres = config.storage.postgres.model_copy(update={"max_connections": max_connections})
    return replace(config, storage=config.storage.model_copy(update={"postgres": postgres}))


def _preview(run: _CopyRun) -> _Outcome:
    import asyncio

    from vestige.transfer.copy_ends import look_at_destination, open_source
    from vestige.transfer.copy_plan import CopyReport
    from vestige.transfer.copying import preview

    async def count() -> _Outcome:
        async with (
            open_source(run.config, run.source, allow_upgrade=run.allow_upgrade) as source,
            look_at_destination(run.config, run.destination) as destination,
        ):
            plan = await _with_embedder(run, destination)
            await preview(source, destination, plan, report)
            return _outcome(report, source)

    report = CopyReport()
    return asyncio.run(count())


def _copy(run: _CopyRun) -> _Outcome:
    import asyncio

    from vestige.transfer.copy_ends import open_destination, open_source
    from vestige.transfer.copy_plan import CopyReport
    from vestige.transfer.copying import copy as copy_rows

    async def work() -> _Outcome:
        async with (
            open_source(run.config, run.source, allow_upgrade=run.allow_upgrade) as source,
            open_destination(run.config, run.destination) as destination,
        ):
            await _confirm(run, destination)
            await copy_rows(source, destination, await _with_embedder(run, destination), report)
            return _outcome(report, source)

    with counting("copying") as advance:
        report = CopyReport(on_rows=lambda _, count: advance(count))
        try:
            return asyncio.run(work())
        except BaseException:
            written = sum(counts.written for counts in report.tables.values())
            if written:
                note(f"{written} rows were copied; the same command goes on from there")
            raise


async def _confirm(run: _CopyRun, destination: MemoryStore) -> None:
    count = await destination.count()
    if run.is_confirmed or not count:
        return
    need_terminal(f"copying into {run.destination}, which holds {count} memories,")
    if not ask(f"{run.destination} holds {count} memories. Add those of {run.source}?"):
        note("nothing was copied")
        raise typer.Exit(1)


async def _with_embedder(run: _CopyRun, destination: MemoryStore | None) -> CopyPlan:
    """Return the plan with the embedder that the configuration or the destination names."""
    from vestige.embedding import choose_embedder

    registered = None if destination is None else await destination.registered_model()
    if run.plan.model == "keep":
        return run.plan
    return replace(run.plan, embedder=choose_embedder(run.config.embeddings, registered))


def _outcome(report: CopyReport, source: RowSource) -> _Outcome:
    """Return what a copy did, rows that could not be read counted as failed."""
    from vestige.storage.rust.source import RustSource

    found = source.report() if isinstance(source, RustSource) else None
    for table, count in (found.failure_counts if found else {}).items():
        report.tables[table].read += count
        report.tables[table].failed += count
    return _Outcome(report=report, found=found)


def _print(run: _CopyRun, outcome: _Outcome, *, is_dry_run: bool, as_json: bool) -> None:
    from vestige.transfer.views import copy_view, source_view

    if as_json:
        view = copy_view(outcome.report)
        view |= {"from": str(run.source), "to": str(run.destination), "dry_run": is_dry_run}
        if outcome.found is not None:
            view["source"] = source_view(outcome.found)
        print_json(view)
    elif is_dry_run:
        rows = [(table.value, str(counts.read)) for table, counts in outcome.report.tables.items()]
        print_table(("table", "rows"), rows)
        _print_found(outcome.found)
    else:
        print_copied(outcome.report)
        _print_found(outcome.found)
        if run.plan.model == "keep" and outcome.report.destination_model is not None:
            note(f"the destination's vectors are of {outcome.report.destination_model}")
    if not outcome.report.is_complete:
        report(
            "not everything arrived",
            "Read the list above; what arrived is not copied twice when you run it again.",
        )
        raise typer.Exit(1)


def print_copied(done: CopyReport) -> None:
    """Print what became of the rows of each table, and of those that did not arrive."""
    rows = [
        (
            table.value,
            *map(str, (counts.read, counts.written, counts.present, counts.failed)),
            *map(str, (counts.verified, counts.missing, counts.different)),
        )
        for table, counts in done.tables.items()
    ]
    header = ("table", "read", "written", "present", "failed", "equal", "missing", "different")
    print_table(header, rows)
    for renamed in done.renamed:
        note(f"{renamed.table.value}: {renamed.handle} is {renamed.destination_id} there")
    for failure in (*done.failures[:SHOWN_MAX], *done.differences[:SHOWN_MAX]):
        note(f"{failure.table.value} {failure.key}: {failure.reason}")


def _print_found(found: SourceReport | None) -> None:
    if found is None:
        return
    for skipped in found.skipped:
        note(f"left behind: {skipped.rows} of {skipped.name}: {skipped.reason}")
    for column in found.columns:
        note(f"left behind: {column.values} values of {column.table}.{column.column}")
    for change in found.adjusted_counts:
        note(f"changed: {change.count} of {change.table}: {change.what}")
    for failure in found.failures[:SHOWN_MAX]:
        note(f"{failure.table.value} {failure.key}: {failure.reason}")
    print_line(("read", "green"), f" {found.path}, which was not changed")
