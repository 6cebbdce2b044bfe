"""A purged memory leaves no byte in the files of a database: tables, indexes, log or statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vestige.embedding import open_embedder
from vestige.engine.engine import Engine
from vestige.engine.results import IngestContext
from vestige.models import Rating
from vestige.storage.embedded.server import start
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from factories import ManualClock
    from vestige.storage.protocol import MemoryStore

SECRET = "xylophonic7secret"  # noqa: S105  # a text that is nowhere else
OTHERS = 300  # so that the statistics, the segments of the index and the log have something to hold


@pytest.fixture(params=["sqlite", "postgres"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncGenerator[MemoryStore]:
    if request.param == "sqlite":
        opened: MemoryStore = await SqliteStore.open(tmp_path / "vestige.db", clock=clock)
        yield opened
        await opened.close()
        return
    server = await start(tmp_path)
    opened = await PostgresStore.connect(server.dsn, clock=clock)
    yield opened
    await opened.close()
    await server.close()


def files_with(folder: Path, text: str) -> list[str]:
    """Return the files under a folder that hold a text, in whatever case."""
    wanted = text.encode().lower()
    return [
        str(file.relative_to(folder))
        for file in sorted(folder.rglob("*"))
        if file.is_file() and wanted in file.read_bytes().lower()
    ]


async def test_no_byte_of_a_purged_memory_is_left(
    store: MemoryStore, clock: ManualClock, tmp_path: Path
) -> None:
    engine = Engine(store, open_embedder("hashing", "hashing-384"), clock)
    for number in range(OTHERS):
        await engine.remember(f"note {number} about pears", force_create=True)
    memory = await engine.remember(
        f"The password is {SECRET}.",
        tags=[f"tag-{SECRET}"],
        metadata={"note": SECRET},
        context=IngestContext(codebase=f"code-{SECRET}", file=f"{SECRET}.py"),
    )
    await engine.edit(memory.id, content=f"The password was {SECRET}, and is not any more.")
    newer = await engine.remember(f"Now it is {SECRET}2.", supersedes=memory.id)
    await engine.review(memory.id, Rating.GOOD)
    await engine.suppress(memory.id)
    intention = await engine.set_intention(f"Tell {SECRET}", event=SECRET, topic=None)
    done = await engine.complete_intention(intention.intention.id)
    await store.vacuum()
    assert files_with(tmp_path, SECRET)
    result = await engine.purge([memory.id, newer.id, done.intention.id])
    assert result.is_erased
    assert files_with(tmp_path, SECRET) == []
    assert await store.count() == OTHERS
