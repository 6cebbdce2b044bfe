"""What `make audit` says, asked of a service that runs here and answers as OSV does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, cast

import pytest

from pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

FOUND: Final = {
    "vulns": [
        {
            "id": "GHSA-test-0001",
            "details": "It is a test.",
            "modified": "2026-01-01T00:00:00Z",
            "affected": [
                {
                    "package": {"name": "weak", "ecosystem": "PyPI"},
                    "ranges": [
                        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}
                    ],
                }
            ],
        }
    ]
}


class Answering(BaseHTTPRequestHandler):
    """Knows one vulnerability, of the package `weak`."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        name = cast("dict[str, dict[str, str]]", json.loads(asked))["package"]["name"]
        answer = json.dumps(FOUND if name == "weak" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the library
        """Say nothing."""


@contextmanager
def a_service() -> Generator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def audit(lock: Path, url: str, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "tools" / "audit.py"), "--service", "osv", str(lock)]
    ran = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        check=False,
        env={"PATH": "", "PIP_AUDIT_OSV_URL": url, "HOME": str(lock.parent)},
        text=True,
        timeout=60,
    )
    assert not ran.stderr
    return ran.returncode, ran.stdout


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("sound==2.0\nweak==1.0\n", encoding="utf-8")
    return path


def test_a_known_vulnerability_is_named_with_what_corrects_it_and_fails(lock: Path) -> None:
    with a_service() as url:
        code, printed = audit(lock, url)
    assert code == 1
    assert "weak 1.0: GHSA-test-0001, fixed in 1.1" in printed
    assert "audited: 2 packages of lock.txt with osv, 1 vulnerable" in printed


def test_a_lock_without_vulnerabilities_passes(lock: Path) -> None:
    lock.write_text("sound==2.0\n", encoding="utf-8")
    with a_service() as url:
        code, printed = audit(lock, url, "--strict")
    assert (code, printed) == (0, "audited: 1 packages of lock.txt with osv, 0 vulnerable\n")


@pytest.mark.parametrize(("arguments", "expected"), [((), 0), (("--strict",), 1)])
def test_a_service_that_cannot_be_reached_is_no_audit(
    lock: Path, arguments: tuple[str, ...], expected: int
) -> None:
    with a_service() as url:
        pass  # now nobody listens there
    code, printed = audit(lock, url, *arguments)
    assert code == expected
    assert printed.startswith("not audited: osv: ")
