"""The endpoint that Prometheus reads: `GET /metrics`."""

from __future__ import annotations

import errno
import logging
import socketserver
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PATH: Final = "/metrics"
# Each session of an MCP client has a server of its own, so several run on one machine.
PORTS_TRIED: Final = 10
SEND_BUFFER_BYTES: Final = 1 << 20  # so that a reply is written at once, head and body
TIMEOUT_SECONDS: Final = 10.0  # after which a client that says nothing is left

logger = logging.getLogger("vestige.metrics")


def serve_metrics(address: str, registry: CollectorRegistry) -> str | None:
    """Serve the numbers of a registry on a thread of its own, until the process ends.

    Where the port is taken, the next nine are tried. That none is free, or that the address is not
    this machine's, is said in the log: numbers are no reason for the memory not to run.

    Args:
        address: `HOST:PORT`; port 0 is any that is free.
        registry: the numbers.

    Returns:
        The URL, None when they are not served.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    first = int(port)
    last = min(first + PORTS_TRIED, 65536) if first else 1
    for candidate in range(first, last):
        try:
            server = _Server((host, candidate), _handler(registry))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                logger.warning("metrics are not served: %s: %s", address, error.strerror or error)
                return None
        else:
            Thread(target=server.serve_forever, name="vestige-metrics", daemon=True).start()
            return _served(server, host, first)
    logger.warning("metrics are not served: ports %d to %d are in use", first, last - 1)
    return None


def _served(server: _Server, host: str, wanted: int) -> str:
    port = server.server_address[1]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}{PATH}"
    if wanted and port != wanted:
        logger.warning("port %d is in use, metrics are served at %s", wanted, url)
    else:
        logger.info("metrics are served at %s", url)
    return url


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            import socket  # noqa: PLC0415  # only for addresses of IPv6

            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # That of HTTPServer asks for the name of the address, and waits for an answer.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


def _handler(registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415  # an extra

    class Handler(BaseHTTPRequestHandler):
        server_version = "vestige"
        timeout = TIMEOUT_SECONDS
        wbufsize = SEND_BUFFER_BYTES

        def do_GET(self) -> None:  # the name that the library calls
            """Answer with all numbers, whatever the question mark says."""
            if self.path.partition("?")[0] != PATH:
                self.send_error(404)
                return
            encode, content_type = choose_encoder(self.headers.get("Accept") or "")
            body = encode(registry)
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as inherited
            """Say nothing: who reads numbers does so every few seconds."""

    return Handler
