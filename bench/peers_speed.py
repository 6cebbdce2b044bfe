"""How fast Vestige is beside other memory systems, on the same texts and the same vectors.

What is compared, how fair it is, and how the environments of the others are made is said in
bench/peers/README.md. FOLDER is one that bench/real_vectors.py has filled. Results are written
after each step; tables are printed at the end, and by `--tables` from what is there.
Usage: python bench/peers_speed.py FOLDER --environments PLACE --out PLACE [--sizes 1000 10000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from _peers import (
    SYSTEMS,
    PeerFailedError,
    PeerProcess,
    Server,
    System,
    a_peer,
    a_server,
    is_installed,
    size_of,
)
from _peers_syncs import count_all
from _peers_tables import print_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from numpy.typing import NDArray

SIZES: Final = (1_000, 10_000, 100_000)
SINGLES: Final = 100  # the last rows of each size are stored one by one
FILLS: Final = 3
QUICK_FILL_SECONDS: Final = 8.0  # one that takes longer is done once
QUESTIONS: Final = 100  # of one client in a round
SHARED_QUESTIONS: Final = 300  # of eight clients together
CLIENTS: Final = 8
WARM_UP: Final = 10
CELL_SECONDS: Final = 10.0
RECALLED: Final = 10


class Bench:
    """The folders, the server and what has been measured so far."""

    def __init__(self, arguments: argparse.Namespace, server: Server) -> None:
        self._arguments = arguments
        self._server = server
        self._data: Path = arguments.out / "data"
        self._rates: dict[str, float] = {}

    async def run(self, size: int, systems: Sequence[System]) -> None:
        """Fill and measure all systems with so many memories."""
        results: dict[str, Any] = {"size": size, "systems": {}, "exact": self._exact(size)}
        filled: list[System] = []
        for system in systems:
            row: dict[str, Any]
            try:
                row = await self._fill_often(system, size)
            except PeerFailedError as error:
                row = {"left_out": f"failed: {error}"}
            results["systems"][system.name] = row
            if "left_out" not in row:
                filled.append(system)
                self._rates[system.name] = row["load"]["rate"]
            self._write(size, results)
            print(f"{size:,} {system.name}: {_short(row)}", file=sys.stderr, flush=True)
        await self._search(size, filled, results)
        self._write(size, results)
        for system in filled:
            await self._remove(system, size)

    async def _fill_often(self, system: System, size: int) -> dict[str, Any]:
        expected = size / self._rates.get(system.name, float("inf"))
        if expected > self._arguments.load_seconds:
            return {"left_out": f"a load would take {expected / 60:.0f} min"}
        fills: list[dict[str, Any]] = []
        while len(fills) < FILLS:
            await self._remove(system, size)
            started = time.perf_counter()
            fills.append(await self._fill(system, size))
            if "left_out" in fills[-1] or time.perf_counter() - started > QUICK_FILL_SECONDS:
                break
        middle = sorted(fills, key=lambda fill: fill.get("load", {}).get("rate", 0))
        return middle[len(fills) // 2] | {"fills": len(fills)}

    async def _fill(self, system: System, size: int) -> dict[str, Any]:
        place = await self._make(system, size)
        async with self._peer(system) as peer:
            opened = await peer.ask("open", place=place, is_new=True)
            filled = await self._store(peer, opened["inserts"], size)
            await peer.end()
        if system.is_server:
            await self._server.settle(_database(system, size))
        return filled | {
            "versions": opened["versions"],
            "modes": opened["modes"],
            "disk": await self._disk(system, size),
        }

    async def _store(self, peer: PeerProcess, kinds: Sequence[str], size: int) -> dict[str, Any]:
        """Store all rows, the last ones one by one."""
        many, limit = size - SINGLES, self._arguments.load_seconds
        load = await peer.ask("load", start=0, stop=many, seconds=limit)
        if load["rows"] < many:
            return {"left_out": f"{load['rows']:,} rows in {load['seconds'] / 60:.0f} min"}
        finish = await peer.ask("finish", rows=many)
        seconds = load["seconds"] + finish["seconds"]
        load |= {"index_seconds": finish["seconds"], "rate": many / seconds}
        share = SINGLES // len(kinds)
        inserts: dict[str, list[float]] = {}
        for number, kind in enumerate(kinds):
            start = many + number * share
            answer = await peer.ask("insert", kind=kind, start=start, stop=start + share)
            inserts[kind] = answer["times"]
        return {"load": load, "inserts": inserts}

    async def _search(self, size: int, systems: Sequence[System], results: dict[str, Any]) -> None:
        """Ask all systems in turns, round by round, while all of them are open."""
        async with AsyncExitStack() as stack:
            peers: list[tuple[System, dict[str, Any], PeerProcess]] = []
            for system in systems:
                row: dict[str, Any] = results["systems"][system.name]
                peer = await stack.enter_async_context(self._peer(system))
                row["open"] = await peer.ask("open", place=self._place(system, size), is_new=False)
                row["searches"] = {mode: [] for mode in row["modes"]}
                for mode in row["modes"]:
                    await _warm_up(peer, mode)
                peers.append((system, row, peer))
            for _ in range(self._arguments.rounds):
                for _, row, peer in peers:
                    for mode in row["modes"]:
                        row["searches"][mode].append(await _ask(peer, mode))
                    self._write(size, results)
            for system, row, peer in peers:
                row["memory"] = (await peer.ask("memory"))["memory"]
                if system.is_server:
                    database = _database(system, size)
                    row["sessions"] = await self._server.sessions_memory(database)
                await peer.end()

    def _exact(self, size: int) -> dict[str, Any]:
        """Return the true neighbours of the questions, and how long finding them takes."""
        documents: NDArray[np.float32] = np.load(self._data / "documents.npy")[:size]
        queries: NDArray[np.float32] = np.load(self._data / "queries.npy")[:QUESTIONS]
        times: list[float] = []
        nearest: list[list[int]] = []
        for query in queries:
            started = time.perf_counter()
            similarities = documents @ query
            best = np.argpartition(-similarities, RECALLED)[:RECALLED]
            nearest.append(best[np.argsort(-similarities[best])].tolist())
            times.append(time.perf_counter() - started)
        return {"times": times, "nearest": nearest}

    def _peer(self, system: System) -> AbstractAsyncContextManager[PeerProcess]:
        log = self._arguments.out / f"{system.adapter}.log"
        return a_peer(system, self._arguments.environments, self._data, log)

    def _place(self, system: System, size: int) -> str:
        if system.is_server:
            return self._server.url_of(_database(system, size))
        return str(self._folder(system, size))

    async def _make(self, system: System, size: int) -> str:
        if system.is_server:
            return await self._server.make(_database(system, size))
        self._folder(system, size).mkdir(parents=True)
        return str(self._folder(system, size))

    async def _remove(self, system: System, size: int) -> None:
        if system.is_server:
            await self._server.drop(_database(system, size))
        else:
            shutil.rmtree(self._folder(system, size), ignore_errors=True)

    async def _disk(self, system: System, size: int) -> int:
        if system.is_server:
            return await self._server.size(_database(system, size))
        return size_of(self._folder(system, size))

    def _folder(self, system: System, size: int) -> Path:
        return self._arguments.out / "stores" / f"{system.adapter}-{size}"

    def _write(self, size: int, results: dict[str, Any]) -> None:
        path: Path = self._arguments.out / f"speed-{size}.json"
        path.write_text(json.dumps(results), encoding="utf-8")


async def _warm_up(peer: PeerProcess, mode: str) -> None:
    await peer.ask("search", mode=mode, clients=1, count=WARM_UP, seconds=CELL_SECONDS)


async def _ask(peer: PeerProcess, mode: str) -> dict[str, Any]:
    alone = await peer.ask("search", mode=mode, clients=1, count=QUESTIONS, seconds=CELL_SECONDS)
    together = await peer.ask(
        "search", mode=mode, clients=CLIENTS, count=SHARED_QUESTIONS, seconds=CELL_SECONDS
    )
    del together["found"]
    return {"alone": alone, "together": together}


def _database(system: System, size: int) -> str:
    return f"{system.adapter}_{size}"


def _short(row: dict[str, Any]) -> str:
    return row.get("left_out") or f"{row['load']['rate']:,.0f} rows/s"


def _prepare(folder: Path, data: Path) -> None:
    """Lay the sentences out as the processes read them."""
    data.mkdir(parents=True, exist_ok=True)
    written = (folder / "sentences.json").read_text(encoding="utf-8")
    # PostgreSQL has no text with a NUL, so nobody gets one.
    sentences: list[str] = [text.replace("\0", " ") for text in json.loads(written)]
    count = len(np.load(folder / "queries.npy", mmap_mode="r"))
    for name, texts in (("queries", sentences[:count]), ("documents", sentences[count:])):
        (data / f"{name}.json").write_text(json.dumps(texts), encoding="utf-8")
        shutil.copyfile(folder / f"{name}.npy", data / f"{name}.npy")


async def _run(arguments: argparse.Namespace) -> None:
    _prepare(arguments.folder, arguments.out / "data")
    wanted = [
        system
        for system in SYSTEMS
        if (not arguments.systems or system.adapter in arguments.systems)
        and is_installed(system, arguments.environments)
    ]
    async with a_server(arguments.out / "server") as server:
        bench = Bench(arguments, server)
        for size in arguments.sizes:
            await bench.run(size, wanted)
    await count_all(wanted, arguments.environments, arguments.out)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="vectors and sentences")
    parser.add_argument("--environments", type=Path, required=True, help="of the other systems")
    parser.add_argument("--out", type=Path, required=True, help="stores, logs and results")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--systems", nargs="+", help="names of adapters; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="of searches")
    parser.add_argument("--load-seconds", type=float, default=240, help="longest load")
    parser.add_argument("--tables", action="store_true", help="print what was measured before")
    if len(sys.argv) == 1:
        parser.print_help()  # `make bench` has none of these folders
        return
    arguments = parser.parse_args()
    (arguments.out / "server").mkdir(parents=True, exist_ok=True)
    if not arguments.tables:
        with suppress(KeyboardInterrupt):
            asyncio.run(_run(arguments))
    print_tables(arguments.out)


if __name__ == "__main__":
    main()
