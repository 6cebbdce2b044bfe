"""The tables of bench/peers_speed.py, made of the files it has written."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MIB: Final = 1 << 20
FIRST: Final = ("Vestige, SQLite", "Vestige, PostgreSQL")


def print_tables(folder: Path) -> None:
    """Print what was measured with each size."""
    for path in sorted(folder.glob("speed-*.json"), key=lambda one: int(one.stem.split("-")[1])):
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        print(f"\n### {results['size']:,} memories\n")
        _print_stores(results["systems"])
        _print_searches(results)


def _print_stores(systems: dict[str, dict[str, Any]]) -> None:
    print("| system | bulk load, rows/s | of it index | one insert, p50 | MiB resident | on disk |")
    print("|---|---|---|---|---|---|")
    for name, row in systems.items():
        if "left_out" in row:
            print(f"| {name} | {row['left_out']} | | | | |")
            continue
        load = row["load"]
        share = load["index_seconds"] / (load["seconds"] + load["index_seconds"])
        singles = ", ".join(
            f"{kind} {1000 * statistics.median(times):.1f} ms"
            for kind, times in row["inserts"].items()
        )
        print(
            f"| {name} | {load['rate']:,.0f} | {share:.0%} | {singles} | {_memory(row)} |"
            f" {row['disk'] / MIB:,.0f} MiB |"
        )


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
        for mode, rounds in row.get("searches", {}).items():
            if rounds:
                print(f"| {name}, {mode} | {_cells(rounds, results['exact']['nearest'])} |")


def _cells(rounds: Sequence[dict[str, Any]], nearest: Sequence[Sequence[int]]) -> str:
    """Return the middle of the rounds."""
    alone = [1000 * time for one in rounds for time in one["alone"]["times"]]
    rates = [len(one["together"]["times"]) / one["together"]["seconds"] for one in rounds]
    shared = [1000 * time for one in rounds for time in one["together"]["times"]]
    parts = (
        " / ".join(f"{percentile(alone, share):.1f}" for share in (0.5, 0.95, 0.99)),
        f"{statistics.median(rates):,.0f}",
        f"{percentile(shared, 0.95):.0f} ms",
        f"{_overlap(rounds[0]['alone']['found'], nearest):.3f}",
    )
    return " | ".join(parts)


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
