"""One memory system in a process of its own, told what to do by lines of JSON.

`bench/peers_speed.py` and `bench/peers_quality.py` start this with the interpreter of the system's
environment, so that it imports nothing but numpy and the adapter. A line in is a request, a line
out its answer; what the system itself prints goes to standard error.

The folder of data holds `documents.json`, `documents.npy`, `queries.json`, `queries.npy` and, where
memories belong to groups, `groups.json` with the groups of both. What a process does not need, it
does not read: the memory of one that searches is that of the system.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from uuid import UUID

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ADAPTERS: Final = Path(__file__).resolve().parent / "adapters"
BATCH: Final = 5_000  # given to an adapter at once; it cuts that as its system wants
GROUP: Final = "everybody"  # where the data has no groups
KIB: Final = 1024


class Peer(Protocol):
    """What an adapter makes of a memory system."""

    packages: tuple[str, ...]
    modes: tuple[str, ...]
    inserts: tuple[str, ...]
    uses_threads: bool

    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:
        """Open what is in a folder or database; `is_new` makes it."""
        ...

    async def load(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: NDArray[np.float32],
        groups: Sequence[str],
    ) -> None:
        """Store many."""
        ...

    async def finish(self, rows: int) -> None:
        """Build what is built after a load."""
        ...

    async def insert(
        self, kind: str, memory_id: str, text: str, vector: NDArray[np.float32], group: str
    ) -> None:
        """Store one, so that it is safe when this returns, as far as the system goes."""
        ...

    async def search(
        self, mode: str, text: str, vector: NDArray[np.float32], limit: int, group: str | None
    ) -> list[str]:
        """Return ids, best first, of one group or of all."""
        ...

    async def close(self) -> None: ...


class Lookup:
    """The texts that have vectors; systems that want an embedder get this one."""

    def __init__(self) -> None:
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def learn(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self._vectors.update(zip(texts, vectors, strict=True))

    def forget(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._vectors.pop(text, None)

    def array(self, text: str) -> NDArray[np.float32]:
        return self._vectors[text]

    def floats(self, text: str) -> list[float]:
        return cast("list[float]", self._vectors[text].tolist())


class Child:
    """Answers requests; the methods are their names."""

    def __init__(self, folder: Path, peer: Peer) -> None:
        self._folder = folder
        self._peer = peer
        self._lookup = Lookup()

    @cached_property
    def _documents(self) -> list[str]:
        return json.loads((self._folder / "documents.json").read_text(encoding="utf-8"))

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        return np.load(self._folder / "documents.npy", mmap_mode="r")

    @cached_property
    def _queries(self) -> list[str]:
        return json.loads((self._folder / "queries.json").read_text(encoding="utf-8"))

    @cached_property
    def _query_vectors(self) -> NDArray[np.float32]:
        return np.load(self._folder / "queries.npy")

    @cached_property
    def _groups(self) -> dict[str, list[str]] | None:
        path = self._folder / "groups.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    async def open(self, place: str, *, is_new: bool) -> dict[str, Any]:
        self._lookup.learn(self._queries, self._query_vectors)
        before = memory()
        started = time.perf_counter()
        await self._peer.open(place, self._lookup, is_new=is_new)
        return {
            "seconds": time.perf_counter() - started,
            "memory_before": before,
            "modes": self._peer.modes,
            "inserts": self._peer.inserts,
            "versions": {name: version(name) for name in self._peer.packages},
        }

    async def load(self, start: int, stop: int, seconds: float) -> dict[str, Any]:
        """Store rows until all are stored or the time is over; reading them is not counted."""
        spent, at = 0.0, start
        while at < stop and spent < seconds:
            end = min(at + BATCH, stop)
            rows = self._rows(at, end)
            started = time.perf_counter()
            await self._peer.load(*rows)
            spent += time.perf_counter() - started
            self._lookup.forget(rows[1])
            at = end
        return {"rows": at - start, "seconds": spent}

    async def finish(self, rows: int) -> dict[str, Any]:
        started = time.perf_counter()
        await self._peer.finish(rows)
        return {"seconds": time.perf_counter() - started}

    async def insert(self, kind: str, start: int, stop: int) -> dict[str, Any]:
        times: list[float] = []
        for memory_id, text, vector, group in zip(*self._rows(start, stop), strict=True):
            started = time.perf_counter()
            await self._peer.insert(kind, memory_id, text, vector, group)
            times.append(time.perf_counter() - started)
        return {"times": times}

    async def search(
        self, mode: str, clients: int, count: int, seconds: float, limit: int = 10
    ) -> dict[str, Any]:
        """Ask the first `count` questions, each client its share, until the time is over."""
        numbers = range(min(count, len(self._queries)))
        shares = [numbers[client::clients] for client in range(clients)]
        until = time.perf_counter() + seconds
        started = time.perf_counter()
        if self._peer.uses_threads and clients > 1:
            with ThreadPoolExecutor(clients) as threads:
                waiting = [
                    threads.submit(asyncio.run, self._ask(mode, share, until, limit))
                    for share in shares
                ]
            done = [one.result() for one in waiting]
        else:
            done = await asyncio.gather(*(self._ask(mode, share, until, limit) for share in shares))
        wall = time.perf_counter() - started
        answers = [answer for share in done for answer in share]
        return {
            "seconds": wall,
            "times": [seconds for _, seconds, _ in answers],
            "found": {number: found for number, _, found in answers},
        }

    async def _ask(
        self, mode: str, numbers: Sequence[int], until: float, limit: int
    ) -> list[tuple[int, float, list[str]]]:
        answers: list[tuple[int, float, list[str]]] = []
        for number in numbers:
            started = time.perf_counter()
            if started > until:
                break
            group = self._groups["queries"][number] if self._groups else None
            found = await self._peer.search(
                mode, self._queries[number], self._query_vectors[number], limit, group
            )
            answers.append((number, time.perf_counter() - started, found))
        return answers

    async def memory(self) -> dict[str, Any]:
        return {"memory": memory(), "threads": threading.active_count()}

    async def close(self) -> dict[str, Any]:
        await self._peer.close()
        return {}

    def _rows(
        self, start: int, stop: int
    ) -> tuple[list[str], list[str], NDArray[np.float32], list[str]]:
        texts = self._documents[start:stop]
        vectors = np.array(self._vectors[start:stop])
        self._lookup.learn(texts, vectors)
        groups = self._groups["documents"][start:stop] if self._groups else [GROUP] * len(texts)
        return [id_of(number) for number in range(start, stop)], texts, vectors, groups


def id_of(number: int) -> str:
    """Return the id of a document."""
    return str(UUID(int=number + 1))


def memory() -> dict[str, int]:
    """Return bytes of this process (Linux): resident, and the part that is not of files."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) * KIB for line in lines}
    return {"resident": sizes["Rss"], "anonymous": sizes["Anonymous"]}


async def main() -> None:
    name, folder = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path.insert(0, str(ADAPTERS))
    child = Child(Path(folder), cast("Peer", importlib.import_module(f"{name}_peer").Peer()))
    while line := await asyncio.to_thread(sys.stdin.readline):
        request: dict[str, Any] = json.loads(line)
        answer: dict[str, Any] = await getattr(child, request.pop("do"))(**request)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
