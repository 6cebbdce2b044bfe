"""How many searches a second several clients get, beside pgbench with the same statement."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from _postgres_statements import statement_of

from sqlite import Corpus
from vestige.models import SearchQuery
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from _postgres_statements import Statement
    from numpy.typing import NDArray

CLIENTS: Final = (1, 4, 16)
SECONDS: Final = 5
FIXED_QUERIES: Final = 5


async def throughput(url: str, vectors: NDArray[np.float32]) -> None:
    texts = [query.text for query in Corpus(6).queries("question")]
    queries = [
        SearchQuery(text=texts[number], embedding=vectors[number])
        for number in range(FIXED_QUERIES)
    ]
    statements = [await statement_of(url, query) for query in queries]
    program = shutil.which("pgbench")
    print(f"{'clients':>8}{'searches/s':>12}{'pgbench':>10}")
    for clients in CLIENTS:
        own = await _searches(url, queries, clients)
        other = await _pgbench(program, url, statements, clients) if program else None
        share = f"{other:10,.0f} ({own / other:.0%})" if other else "   (pgbench is not here)"
        print(f"{clients:8}{own:12,.0f}{share}", flush=True)


async def _searches(url: str, queries: list[SearchQuery], clients: int) -> float:
    store = await PostgresStore.connect(url, max_connections=clients)
    for query in queries:
        await store.search(query)
    until = time.perf_counter() + SECONDS
    done = 0

    async def client(start: int) -> None:
        nonlocal done
        number = start
        while time.perf_counter() < until:
            await store.search(queries[number % len(queries)])
            done += 1
            number += 1

    await asyncio.gather(*(client(number) for number in range(clients)))
    await store.close()
    return done / SECONDS


async def _pgbench(program: str, url: str, statements: list[Statement], clients: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--no-vacuum", "--protocol=prepared", f"--time={SECONDS}"]
        arguments += [f"--client={clients}", f"--jobs={min(clients, 2)}"]
        for number, statement in enumerate(statements):
            path = Path(folder) / f"{number}.sql"
            path.write_text(
                re.sub(r"\$(\d+)", lambda match, n=number: f":q{n}_{match[1]}", statement.sql) + ";"
            )
            arguments.append(f"--file={path}")
            arguments += [
                f"--define=q{number}_{place}={_as_text(value)}"
                for place, value in enumerate(statement.arguments, start=1)
            ]
        process = await asyncio.create_subprocess_exec(
            program, *arguments, url, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    found = re.search(r"tps = ([\d.]+)", output.decode())
    assert found is not None, output
    return float(found[1])


def _as_text(value: object) -> str:
    """Return a value as the server reads it from text."""
    if isinstance(value, np.ndarray):
        return "[" + ",".join(f"{number:.9g}" for number in value.tolist()) + "]"
    if isinstance(value, list):
        return (
            "{"
            + ",".join(
                "NULL" if item is None else f'"{item}"' for item in cast("list[object]", value)
            )
            + "}"
        )
    return str(value)
