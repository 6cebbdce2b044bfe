"""A planted password and a planted key are looked for in everything that leaves the program."""

from __future__ import annotations

import gzip
import json
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from command_line import PROGRAM, run_process
from embedding_server import Answer, embedding_server
from mcp_clients import HASHING, raw_server
from postgres_server import a_store_database
from secret_samples import SECRETS
from vestige.config import effective_settings, load_config
from vestige.engine.opening import open_engine
from vestige.errors import ConfigError, VestigeError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

PASSWORD: Final = "canary-Pa55w0rd-7d1f"  # noqa: S105  # planted
KEY: Final = "canary-api-key-93b2c4"
CANARIES: Final = (PASSWORD, KEY)
NO_SERVER: Final = f"postgresql://vestige:{PASSWORD}@127.0.0.1:1/nothing"
CALLS: Final[list[tuple[str, dict[str, object]]]] = [
    ("remember", {"content": "the deploy runs at nine"}),
    ("recall", {"query": "deploy", "detail_level": "full"}),
    ("session", {"action": "status"}),
    ("memory", {"action": "changelog"}),
    ("memory", {"action": "get", "id": "no id"}),
]
CRASHING: Final = f"""
from vestige.engine import engine
async def crash(self, *args, **kwargs):
    raise RuntimeError("crashed on purpose")
from vestige.storage.postgres.store import PostgresStore
engine.Engine.recall = PostgresStore.get_stats = PostgresStore.list_memories = crash
{PROGRAM}
"""


def with_password(url: str) -> str:
    """Return a URL with the canary for a password, which a server that trusts us does not read."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = parts.username or "postgres"
    return urlunsplit(parts._replace(netloc=f"{user}:{PASSWORD}@{host}"))


def assert_silent(*outputs: str | bytes) -> None:
    for output in outputs:
        text = output.decode(errors="replace") if isinstance(output, bytes) else output
        for canary in CANARIES:
            assert canary not in text


@pytest.fixture
async def url() -> AsyncGenerator[str]:
    async with a_store_database() as without:
        yield with_password(without)


def variables(folder: Path, url: str, **others: str) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "VESTIGE_DATA_DIR": str(folder),
        "VESTIGE_EMBEDDINGS_PROVIDER": "hashing",
        "VESTIGE_EMBEDDINGS_MODEL": "hashing-64",
        "VESTIGE_STORAGE_BACKEND": "postgres",
        "VESTIGE_STORAGE_POSTGRES_URL": url,
        "VESTIGE_LOGGING_LEVEL": "debug",
        **others,
    }


COMMANDS: Final = (
    ["config", "show", "--json"],
    ["config", "check"],
    ["remember", "the deploy runs at nine"],
    ["recall", "deploy", "--explain"],
    ["health", "--json"],
    ["doctor"],
    ["stats", "--json"],
    ["changelog", "--json"],
    ["migrate", "info"],
    ["export"],
    ["show", "00000000-0000-4000-8000-000000000000"],
)


async def test_no_command_prints_the_password_of_its_server(tmp_path: Path, url: str) -> None:
    environ = variables(tmp_path, url)
    for command in COMMANDS:
        ran = run_process(environ, *command)
        assert_silent(ran.out, ran.err)
    backup = tmp_path / "b.jsonl.gz"
    ran = run_process(environ, "backup", "--output", str(backup))
    assert ran.code == 0, ran.err
    assert_silent(ran.out, ran.err, gzip.decompress(backup.read_bytes()))


@pytest.mark.parametrize(
    "command", [["recall", "x"], ["health", "--json"], ["doctor"], ["backup"], ["migrate", "info"]]
)
def test_a_server_that_cannot_be_reached_is_named_without_its_password(
    tmp_path: Path, command: list[str]
) -> None:
    environ = variables(tmp_path, NO_SERVER, VESTIGE_STORAGE_POSTGRES_ACQUIRE_TIMEOUT_SECONDS="1")
    ran = run_process(environ, *command)
    assert ran.code != 0
    assert "127.0.0.1" in ran.out + ran.err
    assert_silent(ran.out, ran.err)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://vestige:{PASSWORD}@[::1/x",
        f"postgresql://vestige:{PASSWORD}@host:port/x",
        f"mysql://vestige:{PASSWORD}@host/x",
        f"postgresql://vestige:{PASSWORD}",
        f"postgresql://vestige:{PASSWORD}#@host/x?sslmode=nothing",
        f"postgresql://host/x?password={PASSWORD}&sslmode=wrong",
        f"vestige:{PASSWORD}@host/x",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    environ = variables(tmp_path, url, VESTIGE_STORAGE_POSTGRES_ACQUIRE_TIMEOUT_SECONDS="1")
    for command in (["config", "show"], ["config", "check"], ["recall", "x"]):
        ran = run_process(environ, *command)
        assert_silent(ran.out, ran.err)
    assert ran.code != 0


@pytest.mark.parametrize("command", [["stats"], ["recall", "x"], ["list"]])
async def test_a_crash_shows_no_password(tmp_path: Path, url: str, command: list[str]) -> None:
    ran = run_process(variables(tmp_path, url), *command, program=CRASHING)
    assert ran.code != 0
    assert "crashed on purpose" in ran.err
    assert_silent(ran.out, ran.err)


def test_the_configuration_hides_its_secrets_wherever_it_is_printed(tmp_path: Path) -> None:
    (tmp_path / "vestige.toml").write_text(
        f'[storage]\nbackend = "postgres"\n[storage.postgres]\nurl = "{NO_SERVER}"\n'
        f'[embeddings]\nprovider = "openai"\nmodel = "m"\nbase_url = "http://h/v1"\n'
        f'api_key = "{KEY}"\n'
    )
    config = load_config(None, tmp_path, {})
    assert_silent(repr(config), str(config), f"{config.storage!r}", str(effective_settings(config)))
    assert_silent(config.storage.model_dump_json(), config.embeddings.model_dump_json())
    with pytest.raises(RuntimeError) as caught:
        crash_with(config)
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "config = Config(" in "".join(trace.format())
    assert_silent("".join(trace.format()))


def crash_with(config: object) -> None:
    raise RuntimeError(config)


@pytest.mark.parametrize(
    "line",
    [
        f'api_kye = "{KEY}"',
        f'api_key = ["{KEY}"]',
        f'api_key = {{ value = "{KEY}" }}',
        f'api_key = "{KEY}',
        f'base_url = "http://user:{KEY}@h/v1"',
        f'base_url = "{KEY}"',
        f'provider = "openai"\napi_key = "{KEY}\\u0000"',
    ],
)
def test_a_mistake_in_the_file_is_named_without_the_key(tmp_path: Path, line: str) -> None:
    (tmp_path / "vestige.toml").write_text(f"[embeddings]\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(None, tmp_path, {})
    formatted = traceback.format_exception(caught.value)
    if "base_url" in line and "user:" not in line:
        return  # what is written where an address belongs is shown as one
    assert_silent(str(caught.value), caught.value.hint, repr(caught.value), *formatted)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
async def test_the_key_of_an_embedding_server_is_in_no_error_and_no_log(
    tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with embedding_server() as server:
        if status != 200:
            server.answers = [Answer(status=status, body={"error": {"message": "no"}})] * 20
        environ = {
            "VESTIGE_EMBEDDINGS_PROVIDER": "openai",
            "VESTIGE_EMBEDDINGS_MODEL": "m",
            "VESTIGE_EMBEDDINGS_BASE_URL": server.base_url,
            "VESTIGE_EMBEDDINGS_API_KEY": KEY,
        }
        config = load_config(None, tmp_path, environ)
        error: VestigeError | None = None
        try:
            async with open_engine(config) as engine:
                await engine.remember("the deploy runs at nine")
        except VestigeError as refusal:
            error = refusal
        formatted = [repr(config), *traceback.format_exception(error)]
        formatted += [str(error), "" if error is None else error.hint]
        assert any(request.authorization == f"Bearer {KEY}" for request in server.requests)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert_silent(caplog.text, *formatted, *files)


def processes_below(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError, IndexError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found += processes_below(int(entry.name))
    return found


def all_command_lines() -> list[bytes]:
    return command_lines(1)


def command_lines(pid: int) -> list[bytes]:
    lines: list[bytes] = []
    for one in processes_below(pid):
        with suppress(OSError):
            lines.append(Path(f"/proc/{one}/cmdline").read_bytes())
    return lines


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
async def test_the_mcp_server_keeps_the_password_to_itself(tmp_path: Path, url: str) -> None:
    """Answers, logs at the level debug, the list of processes, and what the server shows of us."""
    with raw_server(tmp_path, environ=variables(tmp_path, url)) as server:
        server.initialize()
        for tool, arguments in CALLS:
            server.request("tools/call", name=tool, arguments=arguments)
        server.request("resources/read", uri="memory://stats")
        assert_silent(*command_lines(server.process.pid))
        connection = await asyncpg.connect(url)
        activity = await connection.fetch("SELECT application_name, query FROM pg_stat_activity")
        await connection.close()
        assert_silent(str([tuple(row) for row in activity]))
        _, log = server.process.communicate()
    assert log
    assert_silent(json.dumps(server.answers), log)


def test_the_log_of_the_mcp_server_has_no_secret_of_a_refused_text(tmp_path: Path) -> None:
    token = SECRETS["GitHub token"][0]
    environ = HASHING | {"VESTIGE_LOGGING_LEVEL": "debug"}
    with raw_server(tmp_path, environ=environ) as server:
        server.initialize()
        arguments = {"content": f"it is {token}"}
        answer = server.request("tools/call", name="remember", arguments=arguments)
        _, log = server.process.communicate()
    assert "secret_found" in json.dumps(answer)
    assert token not in json.dumps(answer)
    assert log
    assert token.encode() not in log


async def test_the_private_server_has_no_secret_in_its_command_lines(url: str) -> None:
    """The server of these tests is one that this package has started."""
    connection = await asyncpg.connect(url)
    server = await connection.fetchval("SELECT pg_backend_pid()")
    parent = await connection.fetchval("SELECT current_setting('data_directory')")
    line = Path(f"/proc/{server}/cmdline").read_bytes()
    await connection.close()
    assert line.startswith(b"postgres")
    started = [one for one in all_command_lines() if str(parent).encode() in one]
    assert not [one for one in started if b"password" in one.lower() or b"@" in one]
