"""The operations that take long, what each needs, and what each has to lead to."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from command_line import PROGRAM, Ran, run_process
from factories import ManualClock, a_memory, an_id
from killed_programs import ANY, Place, execute
from transfer.archives import whole
from vestige.embedding.hashing import HashingEmbedder
from vestige.engine.engine import Engine
from vestige.engine.results import PutItem
from vestige.models import JsonObject, Rating, TransferTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vestige.storage.protocol import MemoryStore

Everything = dict[TransferTable, list[JsonObject]]

EMBEDDER: Final = HashingEmbedder(64)
MEMORIES: Final = 40
UNENCODED: Final = "a text without a vector"
PURGED: Final = tuple(f"a secret {number}" for number in range(3))
# Says each id when the memory is stored.
REMEMBERING: Final = """
import asyncio, os
from vestige.config import load_config
from vestige.engine.opening import open_engine

async def remember():
    async with open_engine(load_config(None, None, os.environ)) as memory:
        for number in range(30):
            print((await memory.remember(f"what is told {number}")).id, flush=True)

asyncio.run(remember())
"""
TOLD: Final = {f"what is told {number}" for number in range(30)}
WITHOUT_INDEX: Final = {
    "sqlite": "DELETE FROM vector_chunks",
    "postgres": "DROP INDEX idx_knowledge_nodes_embedding_hnsw",
}
# Tables of the first step, which no undoing of a later one touches.
FIRST_TABLES: Final = (
    TransferTable.KNOWLEDGE_NODES,
    TransferTable.EDGES,
    TransferTable.REVIEW_EVENTS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """Something that takes long.

    Attributes:
        arguments: of its command, in a place.
        is_done: whether a place is as it has to be when it ended well, given what it held before.
        prepare: what it needs beside a filled store.
        program: what is run, where it is no command.
        acknowledges: whether it prints the id of each memory when it is stored.
        removed: the texts that it takes away on purpose.
        statement: pattern of the statements of its longest part.
        victim: who is killed in the short form.
    """

    arguments: Callable[[Place], list[str]]
    is_done: Callable[[Place, Everything], bool]
    prepare: Callable[[Place], object] = lambda _: None
    program: str = PROGRAM
    acknowledges: bool = False
    removed: frozenset[str] = frozenset()
    statement: str = ANY
    victim: str = "writer"

    def run_again(self, place: Place) -> Ran:
        """Do it when nobody is killed."""
        if self.program == PROGRAM:
            return place.run(*self.arguments(place))
        return run_process(place.variables, program=self.program)


def everything(place: Place) -> Everything:
    return place.ask(whole)


def texts(held: Everything) -> list[str]:
    return sorted(str(row["content"]) for row in held[TransferTable.KNOWLEDGE_NODES])


def ids(held: Everything) -> set[str]:
    return {str(row["id"]) for row in held[TransferTable.KNOWLEDGE_NODES]}


def is_as_before(place: Place, before: Everything) -> bool:
    return everything(place) == before


def first_tables_are_as_before(place: Place, before: Everything) -> bool:
    now = everything(place)
    return all(now[table] == before[table] for table in FIRST_TABLES)


def is_told_once(place: Place, before: Everything) -> bool:
    return texts(everything(place)) == sorted([*texts(before), *TOLD])


def is_exported(place: Place, before: Everything) -> bool:
    rows = (place.folder / "out.jsonl").read_bytes().splitlines()
    return len(rows) > sum(map(len, before.values())) and is_as_before(place, before)


def is_backed_up(place: Place, before: Everything) -> bool:
    verified = place.run("backup", "--verify", str(place.folder / "backup.jsonl.gz"))
    return verified.code == 0 and is_as_before(place, before)


def is_consolidated(place: Place, before: Everything) -> bool:
    again = place.run("consolidate", "--apply", "--yes", "--json").json
    assert again["retrievability"] == again["vectors"] == 0
    return texts(everything(place)) == sorted([*texts(before), UNENCODED])


def is_purged(place: Place, before: Everything) -> bool:
    left = [text for text in texts(before) if text not in PURGED]
    if place.backend == "sqlite":
        files = [path for path in place.folder.iterdir() if path.is_file()]
        assert not any(text.encode() in path.read_bytes() for text in PURGED for path in files)
    held = repr(everything(place))
    return texts(everything(place)) == left and not any(text in held for text in PURGED)


def texts_to_import(place: Place) -> list[str]:
    path = place.folder / "texts.jsonl"
    path.write_text("".join(f"{json.dumps(text)}\n" for text in sorted(TOLD)), encoding="utf-8")
    return ["import", "--texts", str(path)]


def source_of(place: Place) -> Place:
    return replace(place, backend="sqlite", server=None, folder=place.folder / "source")


def destination_of(place: Place) -> Place:
    if place.server is None:
        return replace(place, folder=place.folder / "copy")
    return replace(place, database=f"{place.database}_copy")


def make_destination(place: Place) -> None:
    if place.server is not None:
        destination = destination_of(place).database
        execute(place.server.url("postgres"), f"CREATE DATABASE {destination} TEMPLATE template0")


def copy_arguments(place: Place) -> list[str]:
    destination = destination_of(place)
    there = ["--to-sqlite-path", str(destination.folder / "vestige.db")]
    if place.server is not None:
        there = ["--postgres-url", destination.url]
    source = ["--from", "sqlite", "--sqlite-path", str(source_of(place).folder / "vestige.db")]
    return ["migrate", "copy", *source, "--to", place.backend, *there, "--yes"]


def is_copied(place: Place, before: Everything) -> bool:
    copied = everything(destination_of(place)) == everything(source_of(place))
    return copied and is_as_before(place, before)


def back_up_and_go_on(place: Place) -> None:
    assert place.run("backup", "--output", str(place.folder / "backup.jsonl.gz")).code == 0
    assert place.run("remember", "something new").code == 0


def insert_without_vector(place: Place) -> None:
    place.ask(lambda store: store.insert(a_memory(UNENCODED)))


def drop_index(place: Place) -> None:
    place.execute(WITHOUT_INDEX[place.backend])


def revert_steps(place: Place) -> None:
    for _ in range(2):
        assert place.run("migrate", "revert", "--yes").code == 0


def backup_path(place: Place) -> str:
    return str(place.folder / "backup.jsonl.gz")


def back_up_or_verify(place: Place) -> list[str]:
    """Return the command; what has its name is finished, and no backup replaces it."""
    path = backup_path(place)
    return ["backup", "--verify" if Path(path).exists() else "--output", path]


OPERATIONS: Final = {
    "remember": Operation(
        program=REMEMBERING,
        acknowledges=True,
        arguments=lambda _: [],
        is_done=is_told_once,
        statement="INTO knowledge_nodes|^COMMIT",
        victim="both",
    ),
    "import": Operation(
        arguments=texts_to_import,
        is_done=is_told_once,
        statement="INTO knowledge_nodes|^COMMIT",
        victim="server",
    ),
    "migrate copy": Operation(
        arguments=copy_arguments,
        prepare=make_destination,
        is_done=is_copied,
        statement="INTO |COPY ",
        victim="server",
    ),
    "export": Operation(
        arguments=lambda place: ["export", "--output", str(place.folder / "out.jsonl")],
        is_done=is_exported,
        victim="server",
    ),
    "backup": Operation(
        arguments=back_up_or_verify,
        is_done=is_backed_up,
        victim="server",
    ),
    "restore": Operation(
        arguments=lambda place: ["restore", backup_path(place), "--replace", "--yes"],
        prepare=back_up_and_go_on,
        is_done=is_as_before,
        statement="INTO |DROP ",
        victim="both",
    ),
    "consolidate": Operation(
        arguments=lambda _: ["consolidate", "--apply", "--yes"],
        prepare=insert_without_vector,
        is_done=is_consolidated,
        victim="both",
    ),
    "purge": Operation(
        arguments=lambda _: ["purge", *[str(an_id(text)) for text in PURGED], "--yes"],
        is_done=is_purged,
        removed=frozenset(PURGED),
        statement="VACUUM",
        victim="both",
    ),
    "vacuum": Operation(
        arguments=lambda _: ["vacuum"], is_done=is_as_before, statement="VACUUM", victim="server"
    ),
    "building the vector index": Operation(
        arguments=lambda _: ["doctor", "--repair", "--yes"],
        prepare=drop_index,
        is_done=is_as_before,
        statement=r"INTO vector_chunks|vestige_build_vector_index\(\)",
        victim="both",
    ),
    "migrate up": Operation(
        arguments=lambda _: ["migrate", "up"],
        prepare=revert_steps,
        is_done=first_tables_are_as_before,
        statement="INTO vestige_migrations",
        victim="server",
    ),
}


async def fill(store: MemoryStore) -> None:
    """Remember, link, review and forget."""
    memory = Engine(store, EMBEDDER, ManualClock())
    kept = [f"the lamp of house {number} is lit at dusk" for number in range(MEMORIES)]
    await memory.put([PutItem(id=an_id(text), content=text) for text in (*kept, *PURGED)])
    for one, other in pairwise(kept):
        await memory.link(an_id(one), an_id(other))
    for text in kept[::2]:
        await memory.review(an_id(text), Rating.GOOD)
    for text in kept[:3]:
        await memory.forget(an_id(text))
