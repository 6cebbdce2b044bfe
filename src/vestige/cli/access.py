"""`vestige users list` and `vestige groups list`: who owns memories and shares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import note, print_json, print_table
from vestige.cli.rendering import NOTHING, moment
from vestige.cli.session import configured, with_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.models import Group, User

users = typer.Typer(help="Look at the users that own memories.")
groups = typer.Typer(help="Look at the groups that share memories.")


@users.callback()
def users_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Look at the users that own memories."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@users.command("list", epilog=example("vestige users list"))
def list_users(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the users."""
    from vestige.engine.views import principal_view

    # Without an embedder: users can be looked at whatever model is configured.
    found = with_store(configured(config_file, data_dir), lambda store: store.list_users())
    if as_json:
        print_json({"users": [principal_view(user) for user in found]})
    else:
        _print_table(found)


@groups.callback()
def groups_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Look at the groups that share memories."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@groups.command("list", epilog=example("vestige groups list"))
def list_groups(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the groups."""
    from vestige.engine.views import principal_view

    found = with_store(configured(config_file, data_dir), lambda store: store.list_groups())
    if not found:
        note("there are no groups")
    if as_json:
        print_json({"groups": [principal_view(group) for group in found]})
    elif found:
        _print_table(found)


def _print_table(principals: Sequence[User | Group]) -> None:
    rows = [
        (
            str(principal.id),
            principal.handle,
            NOTHING if principal.display_name is None else principal.display_name,
            moment(principal.created_at),
        )
        for principal in principals
    ]
    print_table(("id", "handle", "name", "created"), rows)
