"""How long a whole `vestige recall` takes, a process of its own, beside a bare interpreter.

Each round starts every process once, one after the other, because a shared machine drifts. The
store holds made-up texts and vectors, under the signature of the built-in model, which embeds the
question. Usage: python bench/recall_process.py [ROUNDS [MEMORIES]]   (by default 5 10000)
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

from vestige.embedding.minilm import DIMENSION, MiniLMEmbedder
from vestige.models import MemoryRecord
from vestige.storage.sqlite.store import SqliteStore

ROUNDS: Final = 5
MEMORIES: Final = 10_000
WORDS_A_TEXT: Final = 40
VOCABULARY: Final = 20_000
SOURCES: Final = Path(__file__).resolve().parent.parent / "src"
CLI: Final = "from vestige.cli.app import main; main()"
QUESTION: Final = "how often is the w17 of w203 and w4711 tried again?"
CREATED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    rounds, count = [*map(int, sys.argv[1:3]), *(ROUNDS, MEMORIES)[len(sys.argv[1:3]) :]]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(Path(folder) / "vestige.db", count))
        commands = {
            "bare interpreter": ["pass"],
            "vestige --help": [CLI, "--help"],
            "vestige recall": [CLI, "recall", QUESTION, "--data-dir", folder],
        }
        measured = [
            {name: seconds_of(command) for name, command in commands.items()}
            for _ in range(rounds + 1)
        ][1:]  # the first round compiles and reads what the others find in memory
    for name in commands:
        times = [seconds[name] for seconds in measured]
        ratios = [seconds[name] / seconds["bare interpreter"] for seconds in measured]
        print(
            f"{name:18} median {statistics.median(times):.3f} s, max {max(times):.3f},"
            f" {statistics.median(ratios):.0f} times a bare interpreter"
        )


async def fill(path: Path, count: int) -> None:
    random = np.random.default_rng(1)
    words = random.zipf(1.3, (count, WORDS_A_TEXT)) % VOCABULARY
    vectors = random.standard_normal((count, DIMENSION)).astype(np.float32)
    store = await SqliteStore.open(path)
    await store.register_model(MiniLMEmbedder().signature)
    await store.insert_many(
        [
            MemoryRecord(
                id=UUID(int=number),
                content=" ".join(f"w{word}" for word in row),
                embedding=vector,
                created_at=CREATED_AT,
                updated_at=CREATED_AT,
            )
            for number, (row, vector) in enumerate(zip(words, vectors, strict=True), start=1)
        ]
    )
    await store.close()


def seconds_of(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(  # noqa: S603  # starts this project
        [sys.executable, "-c", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
