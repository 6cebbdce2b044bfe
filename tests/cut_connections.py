"""A proxy in front of the PostgreSQL server of the tests, which cuts connections."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

CHUNK: Final = 1 << 20


@dataclass(kw_only=True)
class Cut:
    """When the proxy cuts, once.

    Attributes:
        at_text: when a client sends this.
        at_message: when a client has sent so many messages.
        is_answered: the server still gets what the client sent, and only its answer is lost.
    """

    at_text: bytes | None = None
    at_message: int | None = None
    is_answered: bool = False


@dataclass(kw_only=True)
class Proxy:
    """A proxy of one server.

    Attributes:
        url: leads to the database through the proxy.
        cut: what it cuts next, None for nothing.
        cuts: how often it has cut.
    """

    url: str
    cut: Cut | None = None
    cuts: int = 0
    _messages: int = field(default=0)

    def is_due(self, sent: bytes) -> bool:
        """Say whether what a client sends now is where to cut."""
        if self.cut is None:
            return False
        self._messages += 1
        return self._messages == self.cut.at_message or (
            self.cut.at_text is not None and self.cut.at_text in sent
        )


@asynccontextmanager
async def cutting(url: str) -> AsyncGenerator[Proxy]:
    """Run a proxy of a database's server until the end of the block."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    proxy = Proxy(url="")
    sessions: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(proxy, query, reader, writer))
        sessions.add(task)
        task.add_done_callback(sessions.discard)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        proxy.url = f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}?sslmode=disable"
        yield proxy
        for task in list(sessions):
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


async def _serve(
    proxy: Proxy,
    query: dict[str, list[str]],
    client: asyncio.StreamReader,
    to_client: asyncio.StreamWriter,
) -> None:
    path = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
    server, to_server = await asyncio.open_unix_connection(path)
    answering = asyncio.create_task(_forward(server, to_client))
    try:
        while sent := await client.read(CHUNK):
            if not proxy.is_due(sent):
                to_server.write(sent)
                continue
            is_answered = proxy.cut is not None and proxy.cut.is_answered
            proxy.cut = None
            proxy.cuts += 1
            if is_answered:
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
                to_server.write(sent)
                await _anything(server, client)
            break
    except ConnectionError:
        pass
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        for writer in (to_client, to_server):
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _anything(server: asyncio.StreamReader, client: asyncio.StreamReader) -> None:
    """Wait for the answer, or for the rest of a message that has none before it is whole."""
    waiting = [asyncio.create_task(reader.read(CHUNK)) for reader in (server, client)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def _forward(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while received := await source.read(CHUNK):
        to.write(received)
    to.close()  # a client that ends its session waits for this
