from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcp_clients import HASHING, config_in, raw_server

if TYPE_CHECKING:
    from pathlib import Path


def test_the_log_goes_to_standard_error_at_the_configured_level_and_in_its_form(
    tmp_path: Path,
) -> None:
    environ = HASHING | {"VESTIGE_LOGGING_LEVEL": "info", "VESTIGE_LOGGING_FORMAT": "json"}
    with raw_server(tmp_path, environ=environ) as server:
        server.initialize()
        server.request("tools/call", name="recall", arguments={"query": ""})
        _, errors = server.process.communicate()
    entries = [json.loads(line) for line in errors.splitlines()]
    assert "recall failed: invalid_input" in [entry["message"] for entry in entries]


def test_the_log_is_quiet_at_the_default_level(tmp_path: Path) -> None:
    with raw_server(tmp_path) as server:
        server.initialize()
        server.request("tools/call", name="recall", arguments={"query": ""})
        _, errors = server.process.communicate()
    assert not errors


async def test_the_log_says_once_that_the_backend_is_ready_and_not_the_password(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    url = "VESTIGE_STORAGE_POSTGRES_URL"
    if url in environ:
        environ[url] = environ[url].replace("vestige@", "vestige:hunter2@")
    config = config_in(tmp_path, **environ)
    logs = {"VESTIGE_LOGGING_LEVEL": "info", "VESTIGE_LOGGING_FORMAT": "json"}
    with raw_server(tmp_path, environ=HASHING | environ | logs) as server:
        server.initialize()
        for _ in range(2):
            server.request("tools/call", name="recall", arguments={"query": "a word"})
        _, errors = server.process.communicate()
    messages = [json.loads(line)["message"] for line in errors.splitlines()]
    ready = [message for message in messages if message.startswith("the backend is ready")]
    assert ready == [f"the backend is ready: {config.store_name}"]
    assert "hunter2" not in errors.decode()
