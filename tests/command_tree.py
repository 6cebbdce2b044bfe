"""The commands of the command line as it declares them, for the tests of its help and its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import typer.main

from vestige.cli.app import app

if TYPE_CHECKING:
    from typer.core import TyperCommand, TyperGroup, TyperOption

ONE_OF_A_FEW: Final = "KIND"  # what the page calls the value of an option whose help lists them
ROOT: Final = cast("TyperGroup", typer.main.get_command(app))


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredOption:
    """An option as one types it, with its value, and what it is when it is not given."""

    written: str
    default: str | None


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


def declared_options(name: str) -> list[DeclaredOption]:
    """Return the options of a command; a default that says nothing, such as "", is None."""
    return [
        DeclaredOption(
            written=_written(cast("TyperOption", param)),
            default=None if isinstance(param.default, bool) else f"{param.default or ''}" or None,
        )
        for param in _ALL[name].params
        if param.param_type_name == "option"
    ]


def _written(option: TyperOption) -> str:
    names = "/".join((", ".join(option.opts), *option.secondary_opts))
    value = option.metavar or ("" if option.is_flag else ONE_OF_A_FEW)
    return f"{names} {value}".rstrip()
