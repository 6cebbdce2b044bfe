"""The machine's clock is set back: what was written is in the future then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import asyncpg
import pytest

from factories import DAY, ManualClock, a_memory
from postgres_server import a_store_database
from vestige.embedding.hashing import HashingEmbedder
from vestige.engine.engine import Engine
from vestige.models import Rating
from vestige.storage.postgres.store import PostgresStore
from vestige.storage.sqlite.store import SqliteStore
from vestige.transfer.reembedding import ReembedPlan, reembed

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.storage.protocol import MemoryStore

OLD: Final = HashingEmbedder(64, "old")
NEW: Final = HashingEmbedder(32, "new")
RESUME: Final = ReembedPlan(is_resumed=True)
TEXT: Final = "The lantern at the harbour is lit at dusk"
# As a claim of before looks to a server whose clock was set back by a day.
SET_BACK: Final = "UPDATE reembedding_queue SET claimed_until = claimed_until + interval '1 day'"
PATIENCE_SECONDS: Final = 30


async def claimed(store: MemoryStore) -> None:
    """Leave what a process leaves that died while it encoded."""
    await store.register_model(OLD.signature)
    (vector,) = OLD.embed_documents([TEXT])
    await store.insert(a_memory(TEXT, embedding=vector))
    await store.begin_reembedding(NEW.signature)
    assert await store.claim_unencoded(NEW.signature, uuid4(), 10)


async def test_a_claim_of_before_holds_nobody_up_in_a_file(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = await SqliteStore.open(tmp_path / "vestige.db", clock=clock)
    await claimed(store)
    clock.advance(-DAY)
    report = await asyncio.wait_for(reembed(store, NEW, RESUME), PATIENCE_SECONDS)
    assert report.updated == 1
    await store.close()


async def test_a_claim_of_before_holds_nobody_up_on_a_server(clock: ManualClock) -> None:
    async with a_store_database() as url:
        store = await PostgresStore.connect(url, 2, clock=clock)
        await claimed(store)
        connection = await asyncpg.connect(url)
        await connection.execute(SET_BACK)
        await connection.close()
        report = await asyncio.wait_for(reembed(store, NEW, RESUME), PATIENCE_SECONDS)
        assert report.updated == 1
        await store.close()


async def test_memories_of_the_future_are_found_reviewed_edited_and_undone(
    unbound_store: MemoryStore, clock: ManualClock
) -> None:
    await unbound_store.register_model(OLD.signature)
    memory = Engine(unbound_store, OLD, clock)
    stored = await memory.remember(TEXT)
    await memory.review(stored.id, Rating.GOOD)
    clock.advance(-DAY)
    hits = await memory.recall("when is the lantern lit?")
    assert [hit.record.id for hit in hits] == [stored.id]
    assert hits[0].retrievability == pytest.approx(1.0)
    review = await memory.review(stored.id, Rating.GOOD)
    assert review.after.reps == review.before.reps + 1
    again = await memory.remember(TEXT)
    assert (again.id, again.action) == (stored.id, "reinforced")
    edited = await memory.edit(stored.id, content=f"{TEXT}, and put out at dawn")
    assert edited.change_id is not None
    await memory.undo(edited.change_id)
    assert (await unbound_store.list_memories())[0].content == TEXT
    assert await unbound_store.find_problems() == []
