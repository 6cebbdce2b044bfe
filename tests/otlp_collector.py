"""A collector of traces for tests: it keeps what it is sent by OTLP over HTTP."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

SECONDS: Final = 60  # after which a span counts as not sent


class Collector:
    """Listens while the block runs."""

    def __init__(self) -> None:
        self._arrived = Condition()
        self._batches: list[ResourceSpans] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.keep(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as inherited
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def services(self) -> set[str]:
        """The names of the programs that sent something."""
        return {
            attribute.value.string_value
            for batch in self._batches
            for attribute in batch.resource.attributes
            if attribute.key == "service.name"
        }

    def keep(self, request: ExportTraceServiceRequest) -> None:
        with self._arrived:
            self._batches += request.resource_spans
            self._arrived.notify_all()

    def span(self, name: str) -> Span:
        """Return the span of a name, once it has arrived."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self._named(name), SECONDS), name
            (span,) = self._named(name)
            return span

    def _named(self, name: str) -> list[Span]:
        return [
            span
            for batch in self._batches
            for scope in batch.scope_spans
            for span in scope.spans
            if span.name == name
        ]
