"""A server of `/v1/embeddings` on this machine, which answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, cast

from vestige.embedding.hashing import HashingEmbedder

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

KEY: Final = "sk-secret-1234567890"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer that is not the usual one; a text is sent as it is, anything else as JSON."""

    status: int = 200
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    is_silent: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client sent."""

    path: str
    authorization: str | None
    model: str
    texts: list[str]
    dimensions: int | None


class EmbeddingServer(ThreadingHTTPServer):
    """Gives the answers in `answers` first, and after that vectors of shared words.

    Attributes:
        answers: what to answer to the next requests.
        requests: what was asked.
        dimension: length of the vectors where a client asks for no other.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.dimension = dimension
        self.answers: list[Answer] = []
        self.requests: list[Request] = []
        self.closing = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


@contextmanager
def embedding_server(dimension: int = 8) -> Generator[EmbeddingServer]:
    """Run such a server until the end of the block."""
    with EmbeddingServer(dimension) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


def vectors_of(texts: list[str], dimension: int, *, scale: float = 3.0) -> list[list[float]]:
    """Return what the server gives for texts: not of length 1, so that a client has to scale."""
    rows = HashingEmbedder(dimension=dimension).embed_documents(texts)
    return [[scale * float(value) for value in row] for row in rows]


def as_answer(vectors: list[list[float]]) -> dict[str, object]:
    """Return the JSON that holds such vectors."""
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ],
    }


class _Handler(BaseHTTPRequestHandler):
    wbufsize = -1  # one packet per answer: two cost 44 ms, which is Nagle's algorithm

    def do_POST(self) -> None:
        server = cast("EmbeddingServer", self.server)
        length = int(self.headers["Content-Length"])
        sent = cast("dict[str, object]", json.loads(self.rfile.read(length)))
        request = Request(
            path=self.path,
            authorization=self.headers["Authorization"],
            model=cast("str", sent["model"]),
            texts=cast("list[str]", sent["input"]),
            dimensions=cast("int | None", sent.get("dimensions")),
        )
        server.requests.append(request)
        if server.answers:
            self._send(server, server.answers.pop(0))
            return
        vectors = vectors_of(request.texts, request.dimensions or server.dimension)
        self._send(server, Answer(body=as_answer(vectors)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
        """Keep the output of the tests clean."""

    def _send(self, server: EmbeddingServer, answer: Answer) -> None:
        if answer.is_silent:
            server.closing.wait()
            return
        is_text = isinstance(answer.body, str)
        body = (str(answer.body) if is_text else json.dumps(answer.body)).encode()
        self.send_response_only(answer.status)  # without a date, which a test may give
        headers = {"Content-Type": "text/html" if is_text else "application/json"}
        for name, value in (headers | dict(answer.headers)).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
