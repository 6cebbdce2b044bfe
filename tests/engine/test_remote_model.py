"""An engine whose model is on a server: what it stores, finds and refuses."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from embedding_server import KEY, Answer, embedding_server
from vestige.config import load_config
from vestige.embedding.openai import remote_signature
from vestige.engine.opening import open_engine
from vestige.errors import ConfigError, EmbeddingError, ModelMismatchError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from embedding_server import EmbeddingServer
    from vestige.engine.engine import Engine

DIMENSION = 3072
FACTS = [
    "We keep our money in a bank in Zurich.",
    "The cat sleeps on the sofa.",
    "The staging database listens on port 6543.",
]


@pytest.fixture
def server() -> Generator[EmbeddingServer]:
    with embedding_server(DIMENSION) as running:
        yield running


@asynccontextmanager
async def opened(data_dir: Path, base_url: str, model: str = "large") -> AsyncGenerator[Engine]:
    environ = {
        "VESTIGE_EMBEDDINGS_PROVIDER": "openai",
        "VESTIGE_EMBEDDINGS_MODEL": model,
        "VESTIGE_EMBEDDINGS_BASE_URL": base_url,
        "VESTIGE_EMBEDDINGS_API_KEY": KEY,
    }
    async with open_engine(load_config(None, data_dir, environ)) as engine:
        yield engine


async def test_vectors_of_3072_dimensions_are_stored_whole_and_found(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    async with opened(tmp_path, server.base_url) as engine:
        ids = [(await engine.remember(fact)).id for fact in FACTS]
    async with opened(tmp_path, server.base_url) as engine:
        assert (await engine.stats()).model == remote_signature("large", DIMENSION)
        for memory_id, fact in zip(ids, FACTS, strict=True):
            record, _ = await engine.get(memory_id)
            assert record.embedding is not None
            assert record.embedding.shape == (DIMENSION,)
            found = await engine.store.vector_search(record.embedding, 1)
            assert found[0].record.id == memory_id
            # Parts of words only: nothing that the full-text search would find.
            hits = await engine.recall(f"x{fact[5:20].replace(' ', 'x')}x")
            assert hits[0].record.id == memory_id
            assert hits[0].fts_score is None


async def test_a_long_text_is_found_by_its_last_window(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    filler = " ".join(f"On day {day} nothing happened." for day in range(400))
    async with opened(tmp_path, server.base_url) as engine:
        long = await engine.remember(f"{filler} {FACTS[2]}")
        record, _ = await engine.get(long.id)
        assert len(record.windows) > 5
        similarities = np.stack(record.windows) @ engine.embedder.embed_query(FACTS[2])[0]
        assert int(similarities.argmax()) == len(record.windows) - 1


async def test_a_store_is_opened_and_read_while_the_server_is_away(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    async with opened(tmp_path, server.base_url) as engine:
        await engine.remember(FACTS[0])
    asked = len(server.requests)
    async with opened(tmp_path, "http://127.0.0.1:9/v1") as engine:
        assert [record.content for record in await engine.list_memories()] == FACTS[:1]
    assert len(server.requests) == asked


async def test_an_engine_is_opened_without_asking_the_server(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    async with opened(tmp_path, server.base_url) as engine:
        assert (await engine.stats()).memory_count == 0
    assert not server.requests


async def test_nothing_is_stored_when_the_server_fails(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    async with opened(tmp_path, server.base_url) as engine:
        await engine.remember(FACTS[0])
        server.answers.append(Answer(status=401))
        with pytest.raises(EmbeddingError, match="401"):
            await engine.remember(FACTS[1])
        assert (await engine.stats()).memory_count == 1


async def test_another_model_of_the_same_server_is_refused(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    async with opened(tmp_path, server.base_url) as engine:
        await engine.remember(FACTS[0])
    with pytest.raises(ModelMismatchError, match=r"openai:large.*openai:other"):
        async with opened(tmp_path, server.base_url, "other"):
            pass


async def test_without_settings_a_store_of_a_remote_model_says_what_to_configure(
    tmp_path: Path, server: EmbeddingServer
) -> None:
    async with opened(tmp_path, server.base_url) as engine:
        await engine.remember(FACTS[0])
    with pytest.raises(ConfigError, match="openai:large") as caught:
        async with open_engine(load_config(None, tmp_path, {})):
            pass
    assert 'provider = "openai", model = "large"' in caught.value.hint
