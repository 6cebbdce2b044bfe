"""The MCP clients that `vestige setup` knows: their files, their formats and their own commands."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from vestige.cli.setup_json import Dialect, pretty
from vestige.cli.setup_toml import entry_lines
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vestige.models import JsonObject, JsonValue

NAME: Final = "vestige"  # of the entry in the client's file
PROGRAM: Final = "vestige-mcp"
STRICT: Final = Dialect(comments=False, trailing_commas=False)
COMMENTED: Final = Dialect(comments=True, trailing_commas=False)
LENIENT: Final = Dialect(comments=True, trailing_commas=True)

Scope = Literal["user", "project"]
Folder = Literal["home", "settings", "claude", "codex", "zed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """What is known of a client.

    Attributes:
        name: what the command line calls it.
        title: what people call it.
        table: the key of its file below which the servers stand.
        dialect: what its JSON may have, None when its file is TOML.
        user_file: the folder and the path in it of the file for all projects.
        project_file: the path in a project, None where the client has no such file.
        names_type: an entry says that its transport is stdio.
        check: how to see that it works.
    """

    name: str
    title: str
    table: str
    dialect: Dialect | None
    user_file: tuple[Folder, str] | None
    project_file: str | None
    names_type: bool = False
    check: str


# Each follows the client's documentation, looked up in November 2026; docs/how-to names it.
CLIENTS: Final = (
    Client(
        name="claude-code",
        title="Claude Code",
        table="mcpServers",
        dialect=STRICT,
        user_file=("claude", ".claude.json"),
        project_file=".mcp.json",
        names_type=True,
        check="Start Claude Code anew; /mcp lists its servers.",
    ),
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        table="mcpServers",
        dialect=STRICT,
        user_file=("settings", "Claude/claude_desktop_config.json"),
        project_file=None,
        check="Quit Claude Desktop and start it again; Settings, Developer lists its servers.",
    ),
    Client(
        name="cursor",
        title="Cursor",
        table="mcpServers",
        dialect=COMMENTED,
        user_file=("home", ".cursor/mcp.json"),
        project_file=".cursor/mcp.json",
        names_type=True,
        check="Restart Cursor; its settings list the servers under MCP.",
    ),
    Client(
        name="vscode",
        title="VS Code",
        table="servers",
        dialect=LENIENT,
        user_file=("settings", "Code/User/mcp.json"),
        project_file=".vscode/mcp.json",
        names_type=True,
        check="Run MCP: List Servers in the command palette, and start it there.",
    ),
    Client(
        name="windsurf",
        title="Windsurf",
        table="mcpServers",
        dialect=STRICT,
        user_file=("home", ".codeium/windsurf/mcp_config.json"),
        project_file=None,
        check="Press refresh in the list of MCP servers of the Cascade panel.",
    ),
    Client(
        name="codex",
        title="Codex",
        table="mcp_servers",
        dialect=None,
        user_file=("codex", "config.toml"),
        project_file=".codex/config.toml",
        check="Start Codex anew; /mcp lists its servers.",
    ),
    Client(
        name="gemini",
        title="Gemini CLI",
        table="mcpServers",
        dialect=COMMENTED,
        user_file=("home", ".gemini/settings.json"),
        project_file=".gemini/settings.json",
        check="Start Gemini CLI anew; /mcp lists its servers.",
    ),
    Client(
        name="zed",
        title="Zed",
        table="context_servers",
        dialect=LENIENT,
        user_file=("zed", "settings.json"),
        project_file=".zed/settings.json",
        check="The settings of the agent panel list the servers, with a green dot beside each.",
    ),
    Client(
        name="json",
        title="any other client",
        table="mcpServers",
        dialect=LENIENT,
        user_file=None,
        project_file=None,
        check="Restart the client, and ask it for the status of Vestige.",
    ),
)
BY_NAME: Final = {client.name: client for client in CLIENTS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """How a client starts the server.

    Attributes:
        program: the absolute path of `vestige-mcp`.
        origin: how it was found.
        arguments: its arguments.
        variables: its environment, beside that of the client.
    """

    program: str
    origin: str
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


def find_server(config_file: Path | None, data_dir: Path | None) -> Server:
    """Return how a client starts the server of this installation.

    Args:
        config_file: the `vestige.toml` that it is to use, if one was given.
        data_dir: the folder of its store, if one was given.

    Raises:
        ConfigError: there is no `vestige-mcp`, or a path cannot be written into a file.
    """
    suffix = ".exe" if sys.platform == "win32" else ""
    beside = Path(sys.executable).parent / f"{PROGRAM}{suffix}"
    found, origin = str(beside), "of this installation"
    if not beside.is_file():
        found, origin = shutil.which(PROGRAM) or "", "found in PATH"
    if not found:
        raise ConfigError(
            f"there is no {PROGRAM} in {beside.parent}, and none in PATH",
            "Install Vestige with pip, which installs it as well.",
        )
    server = Server(
        program=str(Path(found).absolute()),
        origin=origin,
        arguments=() if data_dir is None else ("--data-dir", _absolute(data_dir)),
        variables={} if config_file is None else {"VESTIGE_CONFIG": _absolute(config_file)},
    )
    for text in (server.program, *server.arguments, *server.variables.values()):
        if not _is_unicode(text):
            raise ConfigError(
                f"the path {text!r} is not UTF-8", "Give it a name that can be written in a file."
            )
    return server


def file_of(client: Client, scope: Scope) -> Path | None:
    """Return the file of a client on this system, None where it has none for a scope."""
    if scope == "project":
        return None if client.project_file is None else Path.cwd() / client.project_file
    if client.user_file is None:
        return None
    folder, path = client.user_file
    return _folder(folder) / path


def entry_for(client: Client, server: Server) -> JsonObject:
    """Return what stands in the file of a client for a server."""
    entry: JsonObject = {"type": "stdio"} if client.names_type else {}
    arguments: list[JsonValue] = list(server.arguments)
    entry |= {"command": server.program, "args": arguments}
    if server.variables:
        entry["env"] = dict[str, "JsonValue"](server.variables)
    return entry


def snippet(client: Client, entry: JsonObject) -> str:
    """Return an entry as it stands in a file that holds nothing else."""
    if client.dialect is None:
        return "\n".join(entry_lines(client.table, NAME, entry))
    return pretty({client.table: {NAME: entry}})


def own_command(client: Client, scope: Scope, server: Server) -> str | None:
    """Return the client's own command for the same, None where it has none."""
    run = [server.program, *server.arguments]
    pairs = [f"{key}={value}" for key, value in server.variables.items()]
    env = [part for pair in pairs for part in ("--env", pair)]
    match client.name, scope:
        case "claude-code", _:
            # --env takes every word up to the next option, so it does not stand last.
            words = ["claude", "mcp", "add", *env, "--scope", scope, NAME, "--", *run]
        case "codex", "user":
            words = ["codex", "mcp", "add", NAME, *env, "--", *run]
        case "gemini", _:
            rest = ["--", *server.arguments] if server.arguments else []
            words = ["gemini", "mcp", "add", *env, "--scope", scope, NAME, server.program, *rest]
        case "vscode", "user":
            words = ["code", "--add-mcp", json.dumps({"name": NAME, **entry_for(client, server)})]
        case _:
            return None
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def is_same(entry: JsonValue | None, wanted: JsonObject) -> bool:
    """Say whether two entries start the same server; what clients write by default is no matter."""
    return isinstance(entry, dict) and _essence(entry) == _essence(wanted)


def runs_vestige(entry: JsonValue | None) -> bool:
    """Say whether an entry starts some `vestige-mcp`, wherever it is installed."""
    command = entry.get("command") if isinstance(entry, dict) else None
    name = command.replace("\\", "/").rpartition("/")[2] if isinstance(command, str) else ""
    return name.removesuffix(".exe") == PROGRAM


def _essence(entry: JsonObject) -> JsonObject:
    defaults: JsonObject = {"type": "stdio", "args": [], "env": {}}
    return {key: value for key, value in entry.items() if defaults.get(key) != value}


def _folder(name: Folder) -> Path:
    home = Path.home()
    settings = {
        "win32": Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming"),
        "darwin": home / "Library" / "Application Support",
    }.get(sys.platform, Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config"))
    zed = {"win32": settings / "Zed", "darwin": home / ".config" / "zed"}
    folders: dict[Folder, Path] = {
        "home": home,
        "settings": settings,
        "claude": Path(os.environ.get("CLAUDE_CONFIG_DIR") or home),
        "codex": Path(os.environ.get("CODEX_HOME") or home / ".codex"),
        "zed": zed.get(sys.platform, settings / "zed"),
    }
    return folders[name]


def _absolute(path: Path) -> str:
    # Without following links: the name that was given is the one to keep.
    return str(path.expanduser().absolute())


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
