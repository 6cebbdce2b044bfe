"""The tables of bench/peers_speed.py, made of the files it has written.

A factor stands beside each figure of another system: how many times as good ours is, Vestige with
the same kind of store and, for a search, in the same mode. Above 1 Vestige is the better one.
"""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from _peers import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MIB: Final = 1 << 20
OURS: Final = {system.is_server: system.name for system in SYSTEMS if system.environment is None}
IS_SERVER: Final = {system.name: system.is_server for system in SYSTEMS}
OUR_MODE: Final = {"vector exact": "vector"}


def print_tables(folder: Path) -> None:
    """Print what was measured with each size."""
    for path in sorted(folder.glob("speed-*.json"), key=lambda one: int(one.stem.split("-")[1])):
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        print(f"\n### {results['size']:,} memories\n")
        _print_stores(results["systems"])
        _print_searches(results)


def _print_stores(systems: dict[str, dict[str, Any]]) -> None:
    print(
        "| system | load, rows/s | of it index | one insert, p50 ms | MiB resident | MiB on disk |"
    )
    print("|---|---|---|---|---|---|")
    for name, row in systems.items():
        if "left_out" in row:
            print(f"| {name} | {row['left_out']} | | | | |")
            continue
        ours = systems.get(OURS[IS_SERVER[name]], {})
        load = row["load"]
        share = load["index_seconds"] / (load["seconds"] + load["index_seconds"])
        rate = f"{load['rate']:,.0f}"
        single = " / ".join(
            f"{kind} {1000 * statistics.median(times):.1f}"
            for kind, times in row["inserts"].items()
        )
        if ours and ours is not row:
            rate += _factor(ours["load"]["rate"], load["rate"])
            single += _factor(_insert(row), _insert(ours))
        print(f"| {name} | {rate} | {share:.0%} | {single} | {_memory(row)} | {_disk(row)} |")


def _insert(row: dict[str, Any]) -> float:
    """Return the median of the first kind of insert, that without comparisons."""
    return statistics.median(next(iter(row["inserts"].values())))


def _factor(better: float, worse: float) -> str:
    return f" ({better / worse:.2g})"


def _disk(row: dict[str, Any]) -> str:
    return f"{row['disk'] / MIB:,.0f}"


def _memory(row: dict[str, Any]) -> str:
    if "memory" not in row:
        return ""
    resident, before = row["memory"]["resident"], row["open"]["memory_before"]["resident"]
    text = f"{resident / MIB:,.0f} ({before / MIB:,.0f} of it before it was opened)"
    if "sessions" in row:
        sessions = row["sessions"]
        text += f" + {sessions['anonymous'] / MIB:,.0f} in {sessions['sessions']} sessions"
    return text


def _print_searches(results: dict[str, Any]) -> None:
    floor = 1000 * statistics.median(results["exact"]["times"])
    print(f"\nnumpy, exact: {floor:.2f} ms\n")
    print("| system, search | p50 / p95 / p99 ms | 8 clients, searches/s | their p95 | recall@10 |")
    print("|---|---|---|---|---|")
    for name, row in results["systems"].items():
        ours = results["systems"].get(OURS[IS_SERVER[name]], {})
        for mode, rounds in row.get("searches", {}).items():
            same = ours.get("searches", {}).get(OUR_MODE.get(mode, mode))
            beside = same if rounds and same and ours is not row else None
            if rounds:
                print(f"| {name}, {mode} | {_cells(rounds, beside, results)} |")


def _cells(
    rounds: Sequence[dict[str, Any]],
    beside: Sequence[dict[str, Any]] | None,
    results: dict[str, Any],
) -> str:
    """Return the times of all rounds together, and the middle of their rates."""
    alone, rate = _alone(rounds), _rate(rounds)
    shared = [1000 * time for one in rounds for time in one["together"]["times"]]
    times = " / ".join(f"{percentile(alone, share):.1f}" for share in (0.5, 0.95, 0.99))
    rates = f"{rate:,.0f}"
    if beside is not None:
        times += _factor(percentile(alone, 0.5), percentile(_alone(beside), 0.5))
        rates += _factor(_rate(beside), rate)
    found = _overlap(rounds[0]["alone"]["found"], results["exact"]["nearest"])
    return f"{times} | {rates} | {percentile(shared, 0.95):.0f} ms | {found:.3f}"


def _alone(rounds: Sequence[dict[str, Any]]) -> list[float]:
    return [1000 * time for one in rounds for time in one["alone"]["times"]]


def _rate(rounds: Sequence[dict[str, Any]]) -> float:
    return statistics.median(
        len(one["together"]["times"]) / one["together"]["seconds"] for one in rounds
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which so large a share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _overlap(found: dict[str, list[str]], nearest: Sequence[Sequence[int]]) -> float:
    """Return how many of the true neighbours were found."""
    shares = [
        len({UUID(one).int - 1 for one in ids} & {*nearest[int(number)]})
        / len(nearest[int(number)])
        for number, ids in found.items()
    ]
    return statistics.mean(shares)
