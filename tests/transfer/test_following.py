"""An engine whose store is given another model by others goes on with that one."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest

from factories import a_memory, an_edge
from vestige.config import EmbeddingsSettings
from vestige.embedding import embedder_of
from vestige.embedding.hashing import HashingEmbedder
from vestige.engine.engine import Engine
from vestige.engine.question import CANDIDATES_MIN
from vestige.errors import ConfigError, EmbeddingError, ModelMismatchError
from vestige.transfer.reembedding import ReembedPlan, reembed, roll_back

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from conftest import OpenHandle
    from vestige.embedding import Embedder
    from vestige.models import ModelSignature
    from vestige.storage.protocol import MemoryStore

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


class ChangedBefore:
    """A store that others change just before the first call of one of its methods."""

    def __init__(
        self, store: MemoryStore, method: str, change: Callable[[], Awaitable[object]]
    ) -> None:
        self.is_changed = False
        self._store = store
        self._method = method
        self._change = change

    def __getattr__(self, name: str) -> object:
        asked = getattr(self._store, name)
        if name != self._method or self.is_changed:
            return asked

        async def ask(*arguments: object, **named: object) -> object:
            self.is_changed = True
            await self._change()
            return await asked(*arguments, **named)

        return ask


async def put_far_away(store: MemoryStore, question: str) -> UUID:
    """Store more memories near to a question than a recall looks at, and return one that is far."""
    texts = [f"{question} {number}" for number in range(2 * CANDIDATES_MIN)] + ["violins and glue"]
    vectors = OLD.embed_documents(texts)
    records = [
        a_memory(text, embedding=vector) for text, vector in zip(texts, vectors, strict=True)
    ]
    await store.register_model(OLD.signature)
    await store.insert_many(records)
    return records[-1].id


@pytest.mark.parametrize("new", [NEW, LONGER], ids=["as long", "longer"])
@pytest.mark.parametrize("way", ["by a link", "by its id"])
async def test_a_change_between_two_calls_of_a_recall_does_not_mix_the_models(
    open_handle: OpenHandle, new: HashingEmbedder, way: str
) -> None:
    store = await open_handle()
    question = "the harbour opens at"
    far = await put_far_away(store, question)
    if way == "by a link":
        near = [hit.record.id for hit in await store.vector_search(OLD.embed_query(question)[0], 5)]
        for source in near:
            await store.add_edge(an_edge(source, far))
    else:
        question = f"{question} {far}"

    async def change() -> None:
        await reembed(await open_handle(), new, ONLINE)

    changing = ChangedBefore(store, "get_many", change)
    engine = Engine(cast("MemoryStore", changing), OLD, open_embedder=KNOWN.__getitem__)
    found = await engine.recall(question, limit=50)
    assert changing.is_changed
    assert engine.embedder is new
    queried = new.embed_query(question)[0]
    for hit in found:
        expected = float(new.embed_documents([hit.record.content])[0] @ queried)
        assert hit.vector_score == pytest.approx(expected, abs=1e-5)


async def test_a_model_that_a_store_is_given_during_its_first_recall_is_followed(
    open_handle: OpenHandle,
) -> None:
    async def change() -> None:
        await (await an_engine(open_handle)).remember("the harbour opens at 3")

    changing = ChangedBefore(await open_handle(), "search", change)
    engine = Engine(cast("MemoryStore", changing), NEW, open_embedder=KNOWN.__getitem__)
    (hit,) = await engine.recall("the harbour opens at 3")
    assert changing.is_changed
    assert engine.embedder is OLD
    assert hit.vector_score == pytest.approx(1.0, abs=1e-5)


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
