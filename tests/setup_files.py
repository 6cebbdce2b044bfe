"""Files of MCP clients in tests: where they stand, and what each client's documentation allows."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Final, cast

# By client: the key of the servers, the fields an entry may have, and those it must have.
DOCUMENTED: Final = {
    "claude-code": ("mcpServers", {"type", "command", "args", "env"}, {"command"}),
    "claude-desktop": ("mcpServers", {"command", "args", "env"}, {"command"}),
    "cursor": ("mcpServers", {"type", "command", "args", "env", "envFile"}, {"type", "command"}),
    "vscode": ("servers", {"type", "command", "args", "env", "envFile"}, {"type", "command"}),
    "windsurf": ("mcpServers", {"command", "args", "env"}, {"command"}),
    "codex": ("mcp_servers", {"command", "args", "env", "cwd"}, {"command"}),
    "gemini": ("mcpServers", {"command", "args", "env", "cwd", "timeout", "trust"}, {"command"}),
    "zed": ("context_servers", {"command", "args", "env"}, {"command", "args"}),
    "json": ("mcpServers", {"command", "args", "env"}, {"command"}),
}
JSON_CLIENTS: Final = tuple(name for name in DOCUMENTED if name != "codex")
PROGRAM: Final = str(Path(sys.executable).parent / "vestige-mcp")


def documented_entry(client: str, text: str) -> dict[str, object]:
    """Read a client's file as its documentation describes it; return the entry of Vestige."""
    table, allowed, required = DOCUMENTED[client]
    loaded = tomllib.loads(text) if client == "codex" else json.loads(text)
    servers = cast("dict[str, dict[str, dict[str, object]]]", loaded)[table]
    entry = servers["vestige"]
    assert required <= set(entry) <= allowed
    assert entry.get("type", "stdio") == "stdio"
    assert Path(str(entry["command"])).is_absolute()
    args = cast("list[object]", entry.get("args", []))
    assert all(isinstance(argument, str) for argument in args)
    env = cast("dict[str, object]", entry.get("env", {}))
    assert all(isinstance(value, str) for value in env.values())
    return entry


def without_comments(text: str) -> str:
    """Return JSON of a file whose comments have a line each and whose commas may trail."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    return re.sub(r",(\s*[}\]])", r"\1", "\n".join(lines))
