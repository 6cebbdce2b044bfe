"""The commands of the command line as it declares them, for the tests of its help and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import typer.main

from vestige.cli.app import app

if TYPE_CHECKING:
    from typer.core import TyperCommand, TyperGroup

ROOT: Final = cast("TyperGroup", typer.main.get_command(app))


def _commands(group: TyperGroup, prefix: str = "") -> dict[str, TyperCommand | TyperGroup]:
    found: dict[str, TyperCommand | TyperGroup] = {}
    for name, command in group.commands.items():
        known = cast("TyperCommand | TyperGroup", command)
        found[f"{prefix}{name}"] = known
        if hasattr(known, "commands"):
            found |= _commands(cast("TyperGroup", known), f"{prefix}{name} ")
    return found


_ALL: Final = _commands(ROOT)
GROUPS: Final = tuple(name for name, command in _ALL.items() if hasattr(command, "commands"))
COMMANDS: Final = tuple(name for name in _ALL if name not in GROUPS)


def epilog_of(name: str) -> str:
    """Return what stands below the help of a command; "" is `vestige` itself."""
    return (_ALL[name] if name else ROOT).epilog or ""


def options_of(name: str) -> list[str]:
    """Return the options of a command; "" is `vestige` itself."""
    params = (_ALL[name] if name else ROOT).params
    return [option for param in params for option in param.opts if option.startswith("--")]


def arguments_of(name: str) -> list[str]:
    """Return the arguments of a command, as its help calls them."""
    params = _ALL[name].params
    return [str(param.metavar) for param in params if param.param_type_name == "argument"]
