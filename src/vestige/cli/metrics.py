"""`vestige metrics`: what the store holds, for Prometheus to collect from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import print_json, print_text, report
from vestige.cli.session import configured, missing_store, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.models import StoreStats

commands = typer.Typer()


@commands.command(epilog=example("vestige metrics"))
def metrics(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what the store holds in the form of Prometheus; exit code 1 when it is down."""
    from vestige.telemetry.extras import PROMETHEUS, need
    from vestige.telemetry.metrics import store_exposition, store_values

    config = configured(config_file, data_dir)
    need(PROMETHEUS, "vestige metrics")
    stats = _counted(config)
    if as_json:
        print_json({"store": config.store_name, "metrics": dict(store_values(stats))})
    else:
        print_text(store_exposition(config.store_name, stats).rstrip("\n"))
    if stats is None:
        raise typer.Exit(1)


def _counted(config: Config) -> StoreStats | None:
    """Return what the store holds; when it cannot be asked, say why and return None."""
    from vestige.clock import SystemClock
    from vestige.errors import StoreError

    missing = missing_store(config)
    if missing is not None:
        report(f"there is no store at {missing} yet", "Store a first memory, which makes it.")
        return None
    try:
        return with_store(config, lambda store: store.get_stats(SystemClock().now()), migrate=False)
    except StoreError as error:
        report(str(error), error.hint)
        return None
