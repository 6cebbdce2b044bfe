"""`vestige migrate copy`: everything from one store to another."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, YesOption, example
from vestige.cli.output import UsageProblem, note, print_json, print_line, print_table, report
from vestige.cli.progress import counting
from vestige.cli.session import configured

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.copy_plan import CopyPlan, CopyReport, ModelChoice, RowSource

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
    typer.Option("--sqlite-path", help="The file of --from sqlite or rust, or else of --to."),
]
PostgresUrlOption = Annotated[
    str | None,
    typer.Option("--postgres-url", help="The server of --from postgres, or else of --to."),
]
ToSqlitePathOption = Annotated[
    Path | None, typer.Option("--to-sqlite-path", help="The file of --to, if both are files.")
]
ToPostgresUrlOption = Annotated[
    str | None, typer.Option("--to-postgres-url", help="The server of --to, if both are servers.")
]
BatchSizeOption = Annotated[
    int, typer.Option("--batch-size", min=1, max=1000, help="Rows that are written at once.")
]
MaxConnectionsOption = Annotated[
    int, typer.Option("--max-connections", min=1, max=100, help="To the server of --to.")
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
class CopyRequest:
    """What the options of one call say."""

    config: Config
    origin: SourceKind
    target: DestinationKind
    sqlite_path: Path | None
    postgres_url: str | None
    to_sqlite_path: Path | None
    to_postgres_url: str | None
    max_connections: int
    allow_source_upgrade: bool
    is_dry_run: bool
    is_confirmed: bool
    model: ModelChoice
    batch_rows: int
    is_verified: bool


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
    if reembed and keep_model:
        raise UsageProblem("--reembed and --keep-model exclude each other", "Give one of them.")
    request = CopyRequest(
        config=configured(config_file, data_dir),
        origin=origin,
        target=target,
        sqlite_path=sqlite_path,
        postgres_url=postgres_url,
        to_sqlite_path=to_sqlite_path,
        to_postgres_url=to_postgres_url,
        max_connections=max_connections,
        allow_source_upgrade=allow_source_upgrade,
        is_dry_run=dry_run,
        is_confirmed=yes,
        model="reembed" if reembed else "keep" if keep_model else "same",
        batch_rows=batch_size,
        is_verified=verify,
    )
    _run(request, as_json=as_json)
