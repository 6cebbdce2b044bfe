"""Making the vectors that are missing: what is written, what is skipped, and when it gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory
from vestige.embedding import missing
from vestige.embedding.hashing import HashingEmbedder
from vestige.embedding.missing import FAILURES_IN_A_ROW, EncodeResult, encode_missing
from vestige.engine.maintenance import missing_vectors
from vestige.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from factories import ManualClock
    from vestige.engine.engine import Engine
    from vestige.models import MemoryRecord


class DeadEmbedder(HashingEmbedder):
    """Refuses every text."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise EmbeddingError(f"nobody answers for {texts[0]}")


@pytest.fixture
async def records(engine: Engine) -> list[MemoryRecord]:
    """Memories of two days without vectors, in a store that has a model."""
    await engine.store.register_model(await engine.model())
    records = [a_memory(f"retry {n}", created_at=START + n % 2 * DAY) for n in range(7)]
    await engine.store.insert_many(records)
    return records


async def encode(engine: Engine, advance: Callable[[int], None] = lambda _: None) -> EncodeResult:
    return await encode_missing(engine.store, engine.embedder, advance)


async def test_every_memory_gets_its_vector_and_nothing_else_of_it_changes(
    engine: Engine, records: list[MemoryRecord], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing, "PAGE_ROWS", 2)
    clock.advance(3 * DAY)
    done: list[int] = []
    assert await encode(engine, done.append) == EncodeResult(encoded=7)
    assert sum(done) == 7
    assert missing_vectors(await engine.stats()) == 0
    for record in records:
        stored, _ = await engine.get(record.id)
        assert stored.embedding is not None
        assert (stored.content, stored.updated_at) == (record.content, record.updated_at)
    (hit, *_) = await engine.recall("retry 3")
    assert (hit.record.content, hit.vector_rank) == ("retry 3", 1)


async def test_a_second_time_there_is_nothing_to_do(
    engine: Engine, records: list[MemoryRecord]
) -> None:
    assert missing_vectors(await engine.stats()) == len(records)
    await encode(engine)
    assert await encode(engine) == EncodeResult()


async def test_a_long_text_gets_a_vector_for_each_window(
    engine: Engine, records: list[MemoryRecord]
) -> None:
    text = " ".join(f"word{number}" for number in range(1000))
    await engine.store.insert(a_memory(text))
    assert (await encode(engine)).encoded == len(records) + 1
    stored, _ = await engine.get(a_memory(text).id)
    assert len(stored.windows) > 1


async def test_what_others_did_meanwhile_is_kept(
    engine: Engine, records: list[MemoryRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await engine.list_memories(limit=100)

    async def read_before(**asked: object) -> list[MemoryRecord]:
        return [] if asked["after"] else page

    await engine.edit(records[0].id, content="something else")
    await engine.forget(records[1].id)
    monkeypatch.setattr(engine.store, "list_memories", read_before)
    assert (await encode(engine)).encoded == len(records) - 2
    assert (await engine.get(records[0].id))[0].content == "something else"


@pytest.mark.usefixtures("records")
async def test_a_refused_text_is_reported_and_the_others_go_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = HashingEmbedder.embed_documents

    def refuse(embedder: HashingEmbedder, texts: Sequence[str]) -> NDArray[np.float32]:
        if "retry 2" in texts:
            raise EmbeddingError("too bitter")
        return embed(embedder, texts)

    monkeypatch.setattr(HashingEmbedder, "embed_documents", refuse)
    result = await encode(engine)
    assert result.encoded == 6
    assert [(one.id, one.reason) for one in result.failures] == [
        (a_memory("retry 2").id, "too bitter")
    ]


async def test_an_embedder_that_refuses_everything_is_given_up(
    engine: Engine, records: list[MemoryRecord]
) -> None:
    await engine.store.insert_many([a_memory(f"more {n}") for n in range(FAILURES_IN_A_ROW)])
    done: list[int] = []
    with pytest.raises(EmbeddingError, match="nobody answers"):
        await encode_missing(engine.store, DeadEmbedder(384, "hashing-384"), done.append)
    assert done == []
    assert missing_vectors(await engine.stats()) == len(records) + FAILURES_IN_A_ROW


async def test_without_a_model_no_vector_is_missing(engine: Engine) -> None:
    await engine.store.insert(a_memory("one"))
    assert missing_vectors(await engine.stats()) == 0
