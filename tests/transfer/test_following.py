"""An engine whose store is given another model by others goes on with that one."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from vestige.config import EmbeddingsSettings
from vestige.embedding import embedder_of
from vestige.embedding.hashing import HashingEmbedder
from vestige.engine.engine import Engine
from vestige.errors import ConfigError, EmbeddingError, ModelMismatchError
from vestige.transfer.reembedding import ReembedPlan, reembed, roll_back

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.embedding import Embedder
    from vestige.models import ModelSignature

OLD = HashingEmbedder(64, "old")
NEW = HashingEmbedder(64, "new")
LONGER = HashingEmbedder(96, "longer")
KNOWN = {embedder.signature: embedder for embedder in (OLD, NEW, LONGER)}
ONLINE = ReembedPlan(way="online")


async def an_engine(open_handle: OpenHandle, embedder: Embedder = OLD) -> Engine:
    return Engine(await open_handle(), embedder, open_embedder=KNOWN.__getitem__)


@pytest.fixture
async def engine(open_handle: OpenHandle) -> Engine:
    """An engine that knows the old model, with a few memories."""
    engine = await an_engine(open_handle)
    for hour in range(5):
        await engine.remember(f"the harbour opens at {hour}")
    return engine


@pytest.mark.parametrize("new", [NEW, LONGER], ids=["as long", "longer"])
@pytest.mark.parametrize("way", ["offline", "online"])
async def test_a_recall_after_the_change_finds_by_the_new_model(
    engine: Engine, open_handle: OpenHandle, new: HashingEmbedder, way: str
) -> None:
    plan = ONLINE if way == "online" else ReembedPlan()
    await reembed(await open_handle(), new, plan)
    (hit, *_) = await engine.recall("the harbour opens at 3")
    assert hit.record.content == "the harbour opens at 3"
    assert hit.vector_score == pytest.approx(1.0, abs=1e-5)
    assert engine.embedder is new


async def test_a_write_after_the_change_has_a_vector_of_the_new_model(
    engine: Engine, open_handle: OpenHandle
) -> None:
    await reembed(await open_handle(), LONGER, ONLINE)
    made = await engine.remember("the lighthouse is white")
    assert made.action == "created"
    edited = await engine.edit(made.id, content="the lighthouse is red")
    assert edited.after.embedding is not None
    assert edited.after.embedding.shape == (96,)
    assert (await engine.stats()).memory_count == 6


async def test_it_follows_the_way_back_too(engine: Engine, open_handle: OpenHandle) -> None:
    store = await open_handle()
    await reembed(store, NEW, ONLINE)
    await engine.remember("written between the two")
    await roll_back(store, KNOWN.__getitem__)
    (hit, *_) = await engine.recall("written between the two")
    assert hit.record.content == "written between the two"
    assert hit.vector_score == pytest.approx(1.0, abs=1e-5)
    assert engine.embedder is OLD


async def test_calls_at_once_open_one_embedder(open_handle: OpenHandle) -> None:
    opened: list[str] = []

    def open_embedder(signature: ModelSignature) -> Embedder:
        opened.append(signature.name)
        return KNOWN[signature]

    engine = Engine(await open_handle(), OLD, open_embedder=open_embedder)
    await engine.remember("the harbour opens at 3")
    await reembed(await open_handle(), NEW, ONLINE)
    calls = [engine.recall("the harbour opens at 3") for _ in range(8)]
    writes = [engine.remember(f"note {n}") for n in range(4)]
    found, _ = await asyncio.gather(asyncio.gather(*calls), asyncio.gather(*writes))
    assert found[0][0].vector_score == pytest.approx(1.0, abs=1e-5)
    assert opened == ["new"]


async def test_an_engine_that_was_opened_before_the_first_memory_follows_the_first_model(
    open_handle: OpenHandle,
) -> None:
    early = await an_engine(open_handle, NEW)
    assert not await early.recall("anything")
    await (await an_engine(open_handle)).remember("the harbour opens at 3")
    (hit,) = await early.recall("the harbour opens at 3")
    assert hit.vector_score == pytest.approx(1.0, abs=1e-5)
    assert early.embedder is OLD


async def test_a_model_that_cannot_be_opened_is_an_error_that_names_both(
    open_handle: OpenHandle,
) -> None:
    def open_embedder(signature: ModelSignature) -> Embedder:
        raise EmbeddingError(f"{signature.name} is not installed")

    engine = Engine(await open_handle(), OLD, open_embedder=open_embedder)
    await engine.remember("the harbour opens at 3")
    await reembed(await open_handle(), NEW, ONLINE)
    for _ in range(2):
        with pytest.raises(ConfigError) as caught:
            await engine.recall("harbour")
        for words in (str(OLD.signature), str(NEW.signature), "new is not installed"):
            assert words in str(caught.value)


async def test_another_model_under_the_same_name_is_not_taken(open_handle: OpenHandle) -> None:
    other = HashingEmbedder(32, "new")
    engine = Engine(await open_handle(), OLD, open_embedder=lambda _: other)
    await engine.remember("the harbour opens at 3")
    await reembed(await open_handle(), NEW, ONLINE)
    with pytest.raises(ConfigError, match="is configured under that name is new \\(32"):
        await engine.recall("harbour")


async def test_without_a_way_to_open_models_the_change_is_an_error(
    open_handle: OpenHandle,
) -> None:
    engine = Engine(await open_handle(), OLD)
    await engine.remember("the harbour opens at 3")
    await reembed(await open_handle(), NEW, ONLINE)
    with pytest.raises(ModelMismatchError):
        await engine.recall("harbour")


async def test_a_recall_says_that_vectors_are_missing(
    engine: Engine, open_handle: OpenHandle
) -> None:
    assert await engine.note(await engine.recall("harbour")) is None
    store = await open_handle()
    await store.begin_reembedding(NEW.signature)
    hits = await engine.recall("harbour")
    assert len(hits) == 5
    note = await engine.note(hits)
    assert note is not None
    assert "5 memories may be found by words alone" in note
    assert "--model new --resume" in note
    await store.retry_refused()
    await reembed(store, NEW, ReembedPlan(is_resumed=True))
    assert await engine.note(await engine.recall("harbour")) is None


async def test_a_change_online_leaves_nothing_to_say(
    engine: Engine, open_handle: OpenHandle
) -> None:
    await (await open_handle()).begin_reembedding(NEW.signature, way="online")
    assert await engine.note([]) is None


@pytest.mark.parametrize(
    ("settings", "name", "found"),
    [
        (EmbeddingsSettings(provider="hashing", model="hashing-64"), "hashing-384", "hashing-384"),
        (EmbeddingsSettings(provider="builtin"), "all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        (
            EmbeddingsSettings(provider="hashing", model="hashing-64"),
            "all-MiniLM-L6-v2",
            "all-MiniLM-L6-v2",
        ),
    ],
)
def test_the_embedder_is_found_by_the_name_of_the_model(
    settings: EmbeddingsSettings, name: str, found: str
) -> None:
    signature = HashingEmbedder(384, name).signature
    assert partial(embedder_of, settings)(signature).signature.name == found


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (EmbeddingsSettings(), "hashing-64"),
        (EmbeddingsSettings(), "unheard-of"),
        (EmbeddingsSettings(), "openai:nomic-embed-text"),
    ],
)
def test_what_cannot_be_known_by_its_name_is_refused(
    settings: EmbeddingsSettings, name: str
) -> None:
    with pytest.raises(ConfigError):
        embedder_of(settings, HashingEmbedder(64, name).signature)
