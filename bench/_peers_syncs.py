"""Whether an insert of a memory system has reached the disk when it returns, counted by strace.

What is counted are the calls of the process that ask the system to write a file through. A system
whose inserts make none of them may lose what it has acknowledged when the power fails. PostgreSQL
makes them in processes of its own, and is known to when `fsync` and `synchronous_commit` are on.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final

from _peers import System, a_peer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CALLS: Final = "fsync,fdatasync,sync_file_range,msync,sync,syncfs"
LOADED: Final = 100
INSERTED: Final = 20


async def count_all(systems: Sequence[System], environments: Path, out: Path) -> None:
    """Write how often a single insert of each system writes a file through."""
    if shutil.which("strace") is None:
        return
    counts = {
        system.name: await _count(system, environments, out)
        for system in systems
        if not system.is_server
    }
    _write(out / "syncs.json", counts)


async def _count(system: System, environments: Path, out: Path) -> float:
    place, trace = out / "stores" / f"{system.adapter}-syncs", out / f"{system.adapter}.strace"
    _empty(place)
    before = ("strace", "-f", "-qq", "-e", f"trace={CALLS}", "-o", str(trace))
    log = out / f"{system.adapter}.log"
    async with a_peer(system, environments, out / "data", log, before=before) as peer:
        opened = await peer.ask("open", place=str(place), is_new=True)
        await peer.ask("load", start=0, stop=LOADED, seconds=60)
        await peer.ask("finish", rows=LOADED)
        already = _lines(trace)
        kind: str = opened["inserts"][0]
        await peer.ask("insert", kind=kind, start=LOADED, stop=LOADED + INSERTED)
        counted = _lines(trace) - already
        await peer.end()
    shutil.rmtree(place)
    return counted / INSERTED


def _lines(trace: Path) -> int:
    """Return how many calls were made; one that was interrupted takes two lines."""
    lines = trace.read_text(encoding="utf-8").splitlines()
    return sum("resumed" not in line for line in lines)


def _empty(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)


def _write(path: Path, counts: dict[str, float]) -> None:
    path.write_text(json.dumps(counts), encoding="utf-8")
