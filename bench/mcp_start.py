"""How long a client waits for `initialize`, and how much of that is importing the MCP SDK.

Each round starts a new process; both numbers of a round are taken right after each other, because
a shared machine drifts. Usage: python bench/mcp_start.py [ROUNDS]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROUNDS: Final = 10
SOURCES: Final = Path(__file__).resolve().parent.parent / "src"
SERVE: Final = "from vestige.mcp.main import main; main()"
# Without the end of the interpreter, which the server does not wait for either.
IMPORT_SDK: Final = "import mcp.server, os; os._exit(0)"
INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    },
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        measured = [(seconds_to_initialize(folder), seconds_to_import()) for _ in range(rounds)]
    answers, imports = zip(*measured, strict=True)
    print(f"initialize answered: median {statistics.median(answers):.3f} s, max {max(answers):.3f}")
    print(f"import of the SDK:   median {statistics.median(imports):.3f} s, max {max(imports):.3f}")


def seconds_to_initialize(folder: str) -> float:
    request = f"{json.dumps(INITIALIZE)}\n".encode()
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603  # starts this project
        [sys.executable, "-c", SERVE, "--data-dir", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(request)
        server.stdin.flush()
        answer = json.loads(server.stdout.readline())
        seconds = time.perf_counter() - start
        server.stdin.close()
    assert answer["result"]["serverInfo"]["name"] == "vestige"
    return seconds


def seconds_to_import() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORT_SDK], check=True)  # noqa: S603  # a constant
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
