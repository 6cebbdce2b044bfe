"""The server as the official inspector's command line sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final, cast

import pytest

from mcp_clients import HASHING, SERVE, SOURCES

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.models import JsonObject

pytestmark = pytest.mark.extra

# Every tool with every action that needs no id of an answer before.
CALLS: Final[list[tuple[str, dict[str, str]]]] = [
    ("session", {}),
    ("session", {"action": "timeline"}),
    ("session", {"action": "status"}),
    ("remember", {"content": "The gate opens at nine", "codebase": "dock"}),
    ("recall", {"query": "when does the gate open"}),
    ("memory", {"action": "changelog"}),
    ("codebase", {"action": "get_context", "codebase": "dock"}),
    (
        "codebase",
        {"action": "remember_decision", "codebase": "dock", "decision": "Open at nine."},
    ),
    (
        "codebase",
        {
            "action": "remember_pattern",
            "codebase": "dock",
            "name": "Gates",
            "description": "One class each.",
        },
    ),
    ("intention", {"action": "set", "content": "Paint the gate", "event": "spring"}),
    ("intention", {"action": "check", "event": "spring"}),
    ("intention", {"action": "list"}),
    ("maintain", {"action": "consolidate_plan"}),
    ("maintain", {"action": "consolidate"}),
    ("maintain", {"action": "find_duplicates"}),
    ("maintain", {"action": "find_contradictions"}),
    ("memory", {"action": "undo"}),
]
RESOURCES: Final = ("memory://stats", "memory://recent", "memory://due", "codebase://dock/patterns")


def inspected(packages: Path, folder: Path, backend: str, *arguments: str) -> JsonObject:
    """Run the inspector once, which starts the server and stops it again."""
    program = folder / "server.sh"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{SERVE}" "$@"\n')
    program.chmod(0o755)
    chosen = {"VESTIGE_STORAGE_BACKEND": backend, "VESTIGE_STORAGE_POSTGRES_URL": "embedded"}
    ran = subprocess.run(
        [
            packages / "node_modules/.bin/mcp-inspector",
            *("--cli", str(program), "--", "--data-dir", str(folder / backend)),
            *arguments,
        ],
        env={**os.environ, **HASHING, **chosen, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        check=False,
        text=True,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    return cast("JsonObject", json.loads(ran.stdout))


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
@pytest.mark.timeout(600)
def test_the_inspector_lists_and_calls_everything(
    packages: Path, tmp_path: Path, backend: str
) -> None:
    listed = inspected(packages, tmp_path, backend, "--method", "tools/list")
    tools = cast("list[JsonObject]", listed["tools"])
    assert {str(tool["name"]) for tool in tools} == {tool for tool, _ in CALLS}
    for tool, arguments in CALLS:
        given = [f"{name}={value}" for name, value in arguments.items()]
        options = ("--tool-arg", *given) if given else ()
        answer = inspected(
            packages, tmp_path, backend, "--method", "tools/call", "--tool-name", tool, *options
        )
        # An undo wants the change named: each run of the server is another session.
        is_refused = arguments.get("action") == "undo"
        assert bool(answer.get("isError")) == is_refused, (tool, arguments, answer)
        assert "store" in cast("JsonObject", answer["structuredContent"])
    for uri in RESOURCES:
        answer = inspected(packages, tmp_path, backend, "--method", "resources/read", "--uri", uri)
        assert len(cast("list[JsonObject]", answer["contents"])) == 1
