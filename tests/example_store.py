"""A store with what the examples of help use: memories, changes, an intention, reviews."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from reviewers import FORGETFUL, store_reviews
from vestige.embedding import open_embedder
from vestige.models import (
    Change,
    ChangeAction,
    Domain,
    InsertMemory,
    Intention,
    MemoryRecord,
    PutIntention,
    TriggerType,
)
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EXAMPLE_ID: Final = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"
EXAMPLE_INTENTION_ID: Final = "a4d7e1b0-5c92-4f38-8e6a-0b1f2c3d4e5f"
OTHER_EXAMPLE_ID: Final = "c83e0d94-17b6-4a52-b8f1-6e9d2c7a4b05"
TEXTS: Final = {
    EXAMPLE_ID: "Retries stop after 3 attempts",
    OTHER_EXAMPLE_ID: "The provider allows 10 calls a second",
}
EXAMPLE_DOMAIN: Final = "retries"


async def make_example_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a store in a folder, with a configuration file beside it, and go there."""
    monkeypatch.chdir(folder)
    (folder / "vestige.toml").write_text("[defaults]\nlimit = 5\n")
    created_at = datetime(2026, 1, 31, tzinfo=UTC)
    embedder = open_embedder("hashing", "hashing-64")
    store = await SqliteStore.open(folder / "vestige.db")
    await store.register_model(embedder.signature)
    for memory_id, text in TEXTS.items():
        record = MemoryRecord(
            id=UUID(memory_id),
            content=text,
            embedding=embedder.embed_query(text)[0],
            created_at=created_at,
            updated_at=created_at,
        )
        change = Change(
            id=uuid4(),
            action=ChangeAction.CREATED,
            operations=(InsertMemory(record=record),),
        )
        await store.commit(change)
    intention = Intention(
        id=UUID(EXAMPLE_INTENTION_ID),
        content="Look at the error rate",
        trigger_type=TriggerType.EVENT,
        event="deploy",
        created_at=created_at,
        updated_at=created_at,
    )
    operations = (PutIntention(intention=intention),)
    await store.commit(Change(id=uuid4(), action=ChangeAction.INTENDED, operations=operations))
    # As many as `vestige fsrs fit` needs.
    await store_reviews(store, FORGETFUL, memories=60, reviews=8, dimension=64)
    await store.upsert_domain(Domain(id=EXAMPLE_DOMAIN, label="Retries", created_at=created_at))
    await store.close()
