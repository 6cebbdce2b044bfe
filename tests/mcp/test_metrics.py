"""What Prometheus gets from a server that runs, and what the server does without it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, cast
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from mcp_clients import HASHING, SECONDS, SERVE, environment_of, raw_server
from otlp_collector import Collector
from prometheus_text import sample

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from mcp_clients import RawServer

ADDRESS: Final = "VESTIGE_TELEMETRY_METRICS_ADDRESS"
LOGS: Final = {"VESTIGE_LOGGING_LEVEL": "info", "VESTIGE_LOGGING_FORMAT": "json"}
URL: Final = re.compile(r"metrics are served at (http://\S+)")
WITHOUT_PROMETHEUS: Final = f"import sys; sys.modules['prometheus_client'] = None; {SERVE}"

TELL_MODULES: Final = """
import json, sys
from vestige.mcp import main
leave = main._exit
def tell_and_leave(status):
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
    leave(status)
main._exit = tell_and_leave
main.main()
"""


@contextmanager
def served(folder: Path, environ: dict[str, str]) -> Generator[tuple[RawServer, str, str]]:
    """Start a server; yield it, and the level and URL of the line that says where it serves."""
    with raw_server(folder, environ=HASHING | LOGS | environ) as server:
        line = cast("IO[bytes]", server.process.stderr).readline()
        entry = cast("dict[str, str]", json.loads(line))
        found = URL.search(entry["message"])
        assert found is not None, entry
        yield server, entry["level"], found[1]


def scraped(url: str) -> str:
    with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310  # that of our own server
        return cast("bytes", answer.read()).decode()


def test_a_scrape_has_exact_counts_of_the_requests_and_of_the_store(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with served(tmp_path, environ | {ADDRESS: "127.0.0.1:0"}) as (server, _, url):
        server.initialize()
        assert sample(scraped(url), "vestige_store_memories") is None  # nothing opened it yet
        for text in ("one", "two"):
            server.request("tools/call", name="remember", arguments={"content": text})
        for query in ("one", "two", "three"):
            server.request("tools/call", name="recall", arguments={"query": query})
        text = scraped(url)
    assert sample(text, "vestige_requests_total", operation="recall", outcome="ok") == 3
    assert sample(text, "vestige_request_duration_seconds_count", operation="recall") == 3
    assert sample(text, "vestige_store_memories") == 2
    assert sample(text, "vestige_store_up") == 1
    limit = sample(text, "vestige_pool_connections", state="limit")
    assert limit == (10 if environ else None)
    assert "hunter2" not in text


def test_any_other_path_is_not_found(tmp_path: Path) -> None:
    with served(tmp_path, {ADDRESS: "127.0.0.1:0"}) as (_, _, url):
        with pytest.raises(HTTPError, match="404") as raised:
            scraped(url.removesuffix("metrics"))
        raised.value.close()


def test_where_the_port_is_taken_the_next_one_serves_and_the_log_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with served(tmp_path, {ADDRESS: f"127.0.0.1:{port}"}) as (server, level, url):
            assert level == "warning"
            assert f":{port}/" not in url
            assert "vestige_build_info" in scraped(url)
            assert server.initialize()["serverInfo"]


def test_an_address_of_another_machine_is_a_warning_and_no_failure(tmp_path: Path) -> None:
    environ = HASHING | {ADDRESS: "192.0.2.1:9464"}
    with raw_server(tmp_path, environ=environ) as server:
        assert server.initialize()["serverInfo"]
        server.request("tools/call", name="remember", arguments={"content": "x"})
        _, errors = server.process.communicate()
    (line,) = errors.decode().splitlines()
    assert "WARNING vestige.metrics: metrics are not served: 192.0.2.1:9464" in line


def test_without_the_extra_the_server_says_what_to_install(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_PROMETHEUS, "--data-dir", str(tmp_path)],
        capture_output=True,
        check=False,
        env=environment_of({ADDRESS: "127.0.0.1:0"}),
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=SECONDS,
    )
    assert result.returncode == 2
    assert 'hint: Run `pip install "vestige[telemetry]"`.' in result.stderr


def test_a_server_that_nobody_measures_loads_nothing_for_it(tmp_path: Path) -> None:
    with raw_server(tmp_path, TELL_MODULES) as server:
        server.initialize()
        server.request("tools/call", name="remember", arguments={"content": "x"})
        _, errors = server.process.communicate()
    loaded = set(json.loads(errors.splitlines()[-1]))
    assert "vestige.telemetry.observing" in loaded
    assert not loaded & {
        "http.server",
        "opentelemetry.exporter",
        "opentelemetry.sdk",
        "prometheus_client",
    }


def test_a_collector_gets_the_spans_below_those_of_the_protocol(tmp_path: Path) -> None:
    with Collector() as collector:
        environ = {
            "VESTIGE_TELEMETRY_TRACES": "true",
            "OTEL_BSP_SCHEDULE_DELAY": "20",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_SERVICE_NAME": "vestige-in-tests",
        }
        with raw_server(tmp_path, environ=HASHING | environ) as server:
            server.initialize()
            server.request("tools/call", name="recall", arguments={"query": "the vault"})
            recall = collector.span("recall")
            protocol = collector.span("tools/call recall")
            search = collector.span("store search.search")
    assert search.parent_span_id == recall.span_id
    assert recall.parent_span_id == protocol.span_id
    assert recall.trace_id == protocol.trace_id
    assert collector.services == {"vestige-in-tests"}


def test_a_collector_of_traces_that_is_away_harms_neither_request_nor_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]  # accepts a connection, and never answers
        environ = {
            "VESTIGE_TELEMETRY_TRACES": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        }
        with raw_server(tmp_path, environ=HASHING | environ) as server:
            server.initialize()
            answer = server.request("tools/call", name="remember", arguments={"content": "x"})
            assert not answer.get("isError")
            server.stdin.close()
            started = time.monotonic()
            assert server.process.wait(SECONDS) == 0
            # Ten seconds is what the exporter would wait by itself.
            assert time.monotonic() - started < 5
