"""`vestige setup`: make an MCP client start the server of this installation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, YesOption, example
from vestige.cli.output import (
    UsageProblem,
    note,
    print_json,
    print_line,
    print_pairs,
    print_table,
    print_text,
)
from vestige.cli.setup_clients import (
    BY_NAME,
    CLIENTS,
    Client,
    Scope,
    Server,
    entry_for,
    file_of,
    find_server,
    own_command,
    runs_vestige,
    snippet,
)
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from vestige.cli.setup_changes import Change
    from vestige.models import JsonObject, JsonValue

SCOPES: Final[tuple[Scope, ...]] = ("user", "project")

commands = typer.Typer()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """The client to set up, the file of it that counts, and what belongs into it."""

    client: Client
    scope: Scope
    path: Path | None
    server: Server
    entry: JsonObject


def _parse_client(text: str) -> Client:
    if text not in BY_NAME:
        raise UsageProblem(
            f"{text!r} is no client that is known here",
            f"Name one of {', '.join(BY_NAME)}; `vestige setup json` is for any other.",
        )
    return BY_NAME[text]


def _parse_scope(text: str) -> Scope:
    for scope in SCOPES:
        if scope == text:
            return scope
    raise UsageProblem(f"{text!r} is no scope", "Give user for all projects, or project.")


def _complete_client(incomplete: str) -> list[str]:
    return [name for name in BY_NAME if name.startswith(incomplete)]


@commands.command(
    epilog=example("vestige setup claude-code", "vestige setup claude-code --write --yes")
)
def setup(
    client: Annotated[
        Client | None,
        typer.Argument(
            metavar="CLIENT",
            parser=_parse_client,
            autocompletion=_complete_client,
            help=f"One of {', '.join(BY_NAME)}.",
        ),
    ] = None,
    *,
    scope: Annotated[
        Scope,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            parser=_parse_scope,
            help="user, for all projects, or project, for the one in this folder.",
        ),
    ] = "user",
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="The client's file, where it is another."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Change the file; it asks first.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Undo what --write did; it asks first.")
    ] = False,
    list_clients: Annotated[
        bool, typer.Option("--list", help="List the clients, their files and their state.")
    ] = False,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an MCP client use Vestige: print what to put where, or with --write do it."""
    server = find_server(config_file, data_dir)
    if list_clients:
        _list(server, as_json=as_json)
        return
    if client is None:
        raise UsageProblem("there is no client", f"Name one of {', '.join(BY_NAME)}, or --list.")
    if write and remove:
        raise UsageProblem("--write and --remove are opposites", "Give one of them.")
    target = _target(client, scope, file, server)
    if write or remove:
        _change(target, remove=remove, yes=yes, as_json=as_json)
    else:
        _show(target, as_json=as_json)
    if not remove:
        _remark(target)


def _target(client: Client, scope: Scope, file: Path | None, server: Server) -> _Target:
    path = file_of(client, scope) if file is None else file.expanduser().absolute()
    if path is None and client.user_file is not None:
        raise UsageProblem(
            f"{client.title} has no file for a single project",
            "Leave --scope out, or name the file with --file.",
        )
    entry = entry_for(client, server)
    return _Target(client=client, scope=scope, path=path, server=server, entry=entry)


def _show(target: _Target, *, as_json: bool) -> None:
    from vestige.cli.setup_changes import state_of

    state, problem = state_of(target.client, target.path, target.entry, exact=True)
    text = snippet(target.client, target.entry)
    command = own_command(target.client, target.scope, target.server)
    if as_json:
        view = _view(target)
        print_json(view | {"state": state, "problem": problem, "text": text, "command": command})
        return
    _print_place(target, state)
    print_text(f"\nWhat belongs there, beside what it holds already:\n\n{text}\n")
    if command is not None:
        print_text(f"The client has a command for the same:\n\n{command}\n")
    if target.path is not None:
        print_line(f"`vestige setup {target.client.name} --write` puts it there, and asks first.")
    if problem is not None:
        note(problem)


def _change(target: _Target, *, remove: bool, yes: bool, as_json: bool) -> None:
    from vestige.cli.setup_changes import adding, read_file, removing

    if target.path is None:
        raise UsageProblem("no file is named", "Name the file of the client with --file.")
    file = read_file(target.client, target.path)
    if remove and file.entry is not None and not runs_vestige(file.entry):
        raise ConfigError(
            f"file {file.path}: its entry for vestige starts something else",
            "Take it out by hand if it is to go; nothing was changed.",
        )
    change = removing(file) if remove else adding(file, target.entry)
    backup: Path | None = None
    if change.is_needed:
        _confirm(change, yes=yes, as_json=as_json)
        backup = change.apply()
    if as_json:
        action = "unchanged" if not change.is_needed else "removed" if remove else "written"
        print_json(
            _view(target) | {"action": action, "backup": None if backup is None else str(backup)}
        )
        return
    _print_outcome(target, change, backup, remove=remove)


def _confirm(change: Change, *, yes: bool, as_json: bool) -> None:
    """Show a change and ask for it.

    Raises:
        Exit: the answer is no.
    """
    if not yes:
        need_terminal("changing the file")
    if not (yes and as_json):
        note(f"file {change.file.path}")
        for line in change.lines():
            note(line)
    if yes:
        return
    # A file that goes away held nothing else, and is told apart from one that is only shorter.
    if not ask("Take this file away?" if change.text is None else "Change the file like this?"):
        note("nothing was changed")
        raise typer.Exit(1)


def _print_outcome(target: _Target, change: Change, backup: Path | None, *, remove: bool) -> None:
    path = change.file.path
    if not change.is_needed:
        state = "does not name Vestige" if remove else "starts this server already"
        print_line(f"nothing to do: {path} {state}")
        return
    if change.text is None:
        print_line(("removed", "green"), f": {path}, which held nothing else")
    else:
        print_line(("removed" if remove else "written", "green"), f": {path}")
    if backup is not None:
        print_line(f"the former file is {backup}")
    if not remove:
        print_line(f"program: {target.server.program} ({target.server.origin})")
        print_line(target.client.check)


def _list(server: Server, *, as_json: bool) -> None:
    from vestige.cli.setup_changes import state_of

    targets = [
        _Target(
            client=client, scope=scope, path=path, server=server, entry=entry_for(client, server)
        )
        for client in CLIENTS
        for scope in SCOPES
        if (path := file_of(client, scope)) is not None
    ]
    states = [state_of(each.client, each.path, each.entry, exact=False) for each in targets]
    if as_json:
        views: list[JsonValue] = [
            _view(target) | {"state": state, "problem": problem}
            for target, (state, problem) in zip(targets, states, strict=True)
        ]
        print_json({"clients": views})
        return
    rows = [
        (target.client.name, target.scope, state, str(target.path))
        for target, (state, _) in zip(targets, states, strict=True)
    ]
    print_table(("client", "scope", "state", "file"), rows)
    for _, problem in states:
        if problem is not None:
            note(problem)


def _view(target: _Target) -> JsonObject:
    return {
        "client": target.client.name,
        "scope": target.scope,
        "path": None if target.path is None else str(target.path),
        "program": target.server.program,
        "origin": target.server.origin,
        "entry": target.entry,
    }


def _print_place(target: _Target, state: str) -> None:
    path = target.path
    if path is None:
        place = "where the client documents it"
    else:
        place = str(path) if path.exists() else f"{path} (not there yet)"
    print_pairs(
        [
            ("client", target.client.title),
            ("file", place),
            ("program", f"{target.server.program} ({target.server.origin})"),
            ("state", state),
        ]
    )


def _remark(target: _Target) -> None:
    """Say on standard error what may surprise later."""
    given = {"VESTIGE_DATA_DIR": "--data-dir", "VESTIGE_CONFIG": "--config"}
    used = {*target.server.variables, *(["VESTIGE_DATA_DIR"] if target.server.arguments else [])}
    for variable, option in given.items():
        if os.environ.get(variable) and variable not in used:
            note(f"{variable} is set here, but not where a client starts: {option} writes it down")
    if "$" in "".join(
        [target.server.program, *target.server.arguments, *target.server.variables.values()]
    ):
        note(f"{target.client.title} may read the $ in a path as a variable: check what it starts")
    if target.scope == "project" and target.client.project_file is not None:
        note("the program's path is one of this machine: others who use the file need their own")
