"""A store that holds the memory whose id the examples of help and documentation use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from vestige.embedding import open_embedder
from vestige.models import MemoryRecord
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EXAMPLE_ID: Final = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"


async def make_example_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a store in a folder, with a configuration file beside it, and go there."""
    monkeypatch.chdir(folder)
    (folder / "vestige.toml").write_text("[defaults]\nlimit = 5\n")
    created_at = datetime(2026, 1, 31, tzinfo=UTC)
    embedder = open_embedder("hashing", "hashing-64")
    record = MemoryRecord(
        id=UUID(EXAMPLE_ID),
        content="Retries stop after 3 attempts",
        embedding=embedder.embed_query("Retries stop after 3 attempts")[0],
        created_at=created_at,
        updated_at=created_at,
    )
    store = await SqliteStore.open(folder / "vestige.db")
    await store.register_model(embedder.signature)
    await store.insert(record)
    await store.close()
