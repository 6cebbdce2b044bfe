"""`vestige config show` and `vestige config check`: the configuration that holds here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import print_json, print_line, print_table
from vestige.cli.session import configured

if TYPE_CHECKING:
    from vestige.config.loading import SettingValue
    from vestige.models import JsonValue

commands = typer.Typer(help="Show and check the configuration.")


@commands.callback()
def config_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Show and check the configuration."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@commands.command(epilog=example("vestige config show"))
def show(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every setting and where it comes from, passwords masked."""
    from vestige.config import effective_settings

    settings = effective_settings(configured(config_file, data_dir))
    if as_json:
        views: list[JsonValue] = [
            {"key": setting.key, "value": setting.value, "source": setting.source}
            for setting in settings
        ]
        print_json({"settings": views})
        return
    rows = [(setting.key, _shown(setting.value), setting.source) for setting in settings]
    print_table(("setting", "value", "source"), rows)


@commands.command(epilog=example("vestige config check --config ./vestige.toml"))
def check(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Check the configuration without opening a store: exit code 0 or 2."""
    from vestige.embedding import choose_embedder
    from vestige.storage.opening import check_backend
    from vestige.telemetry.extras import check_telemetry

    config = configured(config_file, data_dir)
    check_backend(config)
    check_telemetry(config.telemetry)
    choose_embedder(config.embeddings)
    read = "no file" if config.config_file is None else str(config.config_file)
    print_line(("ok", "green"), f": the configuration can be used ({read})")


def _shown(value: SettingValue) -> str:
    if value is None:
        return "not set"
    # As it stands in the file.
    return str(value).lower() if isinstance(value, bool) else str(value)
