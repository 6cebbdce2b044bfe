"""Another model in the place of the old one: what changes, what stays, what a failure leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from factories import DAY, START, a_domain, a_full_memory, a_memory
from vestige.embedding.hashing import HashingEmbedder
from vestige.embedding.missing import FAILURES_IN_A_ROW
from vestige.embedding.texts import embed_text
from vestige.errors import EmbeddingError, ModelMismatchError, StoreError, TransferError
from vestige.models import MemoryOrder, TransferTable
from vestige.storage.row_objects import row_object
from vestige.transfer.reembedding import ReembedPlan, ReembedReport, reembed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from conftest import OpenHandle
    from factories import ManualClock
    from vestige.models import JsonObject, MemoryRecord
    from vestige.storage.protocol import MemoryStore

OLD: Final = HashingEmbedder(384, "old")
COUNT: Final = 10
LONG: Final = " ".join(f"word{number}" for number in range(500))
RESUME: Final = ReembedPlan(is_resumed=True)


class CountingEmbedder(HashingEmbedder):
    """Knows which texts it has embedded, refuses some, and dies after a number of calls."""

    def __init__(self, dimension: int = 64, name: str = "new") -> None:
        super().__init__(dimension, name)
        self.seen: list[str] = []
        self.refused: set[str] = set()
        self.calls_left = 1000

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.calls_left == 0:
            raise KeyboardInterrupt
        self.calls_left -= 1
        for text in texts:
            if text in self.refused:
                raise EmbeddingError(f"{text} is too bitter")
        self.seen += texts
        return super().embed_documents(texts)


class FailingStore:
    """A store whose given method fails once."""

    def __init__(self, store: MemoryStore, method: str) -> None:
        self._store = store
        self._method = method

    def __getattr__(self, name: str) -> object:
        if name == self._method:
            self._method = ""
            raise StoreError("the disk is full")
        return getattr(self._store, name)


@pytest.fixture
async def old_store(unbound_store: MemoryStore, clock: ManualClock) -> MemoryStore:
    """Memories with vectors of the old model, some of them in a domain."""
    store = unbound_store
    await store.register_model(OLD.signature)
    texts = [LONG, *(f"the harbour opens at {n}" for n in range(1, COUNT))]
    for number, text in enumerate(texts):
        vectors = await embed_text(OLD, text)
        record = a_full_memory(
            text,
            embedding=vectors.embedding,
            windows=vectors.windows,
            domains=("work",) if number % 2 else (),
            created_at=START - number * DAY,
            updated_at=START - number * DAY / 2,
        )
        await store.insert(record)
    centroid = (await embed_text(OLD, "work")).embedding
    await store.upsert_domain(a_domain("work", centroid=centroid, memory_count=5))
    await store.upsert_domain(a_domain("empty"))
    clock.advance(100 * DAY)
    return store


async def changed(
    store: object, embedder: HashingEmbedder, plan: ReembedPlan | None = None
) -> ReembedReport:
    return await reembed(store, embedder, plan)  # pyright: ignore[reportArgumentType]  # stands in for a store


async def memories(store: MemoryStore) -> list[MemoryRecord]:
    return await store.list_memories(order=MemoryOrder.CREATED, limit=1000)


async def beside_vectors(store: MemoryStore) -> list[JsonObject]:
    """Return everything that a store holds except vectors."""
    rows: list[JsonObject] = []
    for table in TransferTable:
        for row in (await store.export_page(table, limit=1000)).rows:
            view = row_object(table, row)
            rows.append({key: view[key] for key in view if key not in VECTOR_KEYS})
    return rows


VECTOR_KEYS: Final = {"embedding", "windows", "centroid"}


async def is_whole(store: MemoryStore, embedder: HashingEmbedder) -> None:
    """Check that a store is as if its memories had been stored with this embedder."""
    assert await store.registered_model() == embedder.signature
    assert await store.reembedding() is None
    assert await store.find_problems() == []
    for record in await memories(store):
        expected = await embed_text(HashingEmbedder(*_named(embedder)), record.content)
        assert record.embedding is not None
        assert np.array_equal(record.embedding, expected.embedding)
        assert len(record.windows) == len(expected.windows)
    (hit, *_) = await store.vector_search(embedder.embed_query("the harbour opens at 3")[0])
    assert hit.record.content == "the harbour opens at 3"


def _named(embedder: HashingEmbedder) -> tuple[int, str]:
    return embedder.signature.dimension, embedder.signature.name


async def test_the_dimension_goes_down_and_up_and_nothing_but_vectors_changes(
    old_store: MemoryStore,
) -> None:
    before = await beside_vectors(old_store)
    assert len(before) > COUNT
    for dimension in (64, 128, 384):
        embedder = HashingEmbedder(dimension, f"new-{dimension}")
        report = await changed(old_store, embedder)
        assert (report.rows, report.updated, report.skipped) == (COUNT, COUNT, 0)
        assert report.failures == ()
        await is_whole(old_store, embedder)
        assert await beside_vectors(old_store) == before


async def test_centroids_are_the_mean_of_the_new_vectors(old_store: MemoryStore) -> None:
    embedder = HashingEmbedder(384, "new")
    await changed(old_store, embedder)
    total = np.zeros(384)
    for record in await memories(old_store):
        if record.domains:
            assert record.embedding is not None
            total += record.embedding
    empty, work = await old_store.list_domains()
    assert work.centroid is not None
    assert np.allclose(work.centroid, total / np.linalg.norm(total), atol=1e-6)
    assert work.memory_count == 5
    assert empty.centroid is None


async def test_the_same_model_again_calls_no_embedder(old_store: MemoryStore) -> None:
    before = await memories(old_store)
    embedder = CountingEmbedder(384, "old")
    for plan in (ReembedPlan(), RESUME, ReembedPlan(is_dry_run=True)):
        report = await changed(old_store, embedder, plan)
        assert not report.is_needed
        assert (report.rows, report.skipped) == (0, COUNT)
    assert embedder.seen == []
    assert await memories(old_store) == before


async def test_an_empty_store_takes_the_new_model(unbound_store: MemoryStore) -> None:
    await unbound_store.register_model(OLD.signature)
    embedder = CountingEmbedder()
    report = await changed(unbound_store, embedder)
    assert (report.rows, embedder.seen) == (0, [])
    assert await unbound_store.registered_model() == embedder.signature
    assert await unbound_store.reembedding() is None


async def test_texts_go_to_the_embedder_in_batches_and_progress_is_told(
    old_store: MemoryStore,
) -> None:
    calls: list[int] = []

    class Batches(HashingEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            calls.append(len(texts))
            return super().embed_documents(texts)

    done: list[int] = []
    report = ReembedReport(on_rows=done.append)
    await reembed(old_store, Batches(64, "new"), ReembedPlan(batch_size=4), report)
    windows = len(HashingEmbedder().split(LONG))
    assert sum(calls) == COUNT - 1 + windows
    assert len(calls) == 3
    assert sum(done) == COUNT


async def test_a_refused_text_is_listed_and_left_without_a_vector(old_store: MemoryStore) -> None:
    embedder = CountingEmbedder()
    poison = "the harbour opens at 4"
    embedder.refused = {poison}
    before = await beside_vectors(old_store)
    report = await changed(old_store, embedder)
    (failure,) = report.failures
    assert failure.id == a_memory(poison).id
    assert failure.reason == f"{poison} is too bitter"
    assert report.updated == COUNT - 1
    assert await beside_vectors(old_store) == before
    (hit, *_) = await old_store.fts_search(f'"{poison}"')
    assert (hit.record.content, hit.record.embedding) == (poison, None)
    (problem,) = await old_store.find_problems()
    assert problem.problem.startswith("1 memory has no vector")


async def test_an_embedder_that_does_not_work_leaves_a_change_that_can_be_resumed(
    old_store: MemoryStore,
) -> None:
    more = [a_memory(f"more {n}") for n in range(FAILURES_IN_A_ROW)]
    await old_store.insert_many(more)
    embedder = CountingEmbedder()
    embedder.refused = {record.content for record in await memories(old_store)}
    embedder.refused |= set(embedder.split(LONG))
    with pytest.raises(EmbeddingError):
        await changed(old_store, embedder)
    assert await old_store.reembedding() is not None
    embedder.refused = set()
    report = await changed(old_store, embedder, RESUME)
    assert report.updated == COUNT + len(more)
    await is_whole(old_store, embedder)


@pytest.mark.parametrize("calls", range(4))
async def test_what_an_interrupted_run_encoded_is_not_encoded_again(
    old_store: MemoryStore, calls: int
) -> None:
    embedder = CountingEmbedder()
    embedder.calls_left = calls
    with pytest.raises(KeyboardInterrupt):
        await changed(old_store, embedder, ReembedPlan(batch_size=3))
    embedder.calls_left = 1000
    report = await changed(old_store, embedder, replace(RESUME, batch_size=3))
    assert (report.skipped, report.updated) == (3 * calls, COUNT - 3 * calls)
    assert report.old_model == OLD.signature
    assert len(embedder.seen) == len(set(embedder.seen))
    await is_whole(old_store, embedder)


@pytest.mark.parametrize(
    "phase",
    [
        "begin_reembedding",
        "claim_unencoded",
        "write_encoded",
        "fill_centroids",
        "finish_reembedding",
    ],
)
async def test_a_failure_in_any_phase_leaves_a_store_that_says_how_to_go_on(
    old_store: MemoryStore, phase: str
) -> None:
    embedder = CountingEmbedder()
    failing = FailingStore(old_store, phase)
    with pytest.raises(StoreError, match="the disk is full"):
        await changed(failing, embedder)
    is_begun = phase != "begin_reembedding"
    repairs = [problem.repair for problem in await old_store.find_problems()]
    assert repairs == ["vestige migrate reembed --model new --resume"] * is_begun
    encoded_before = len(embedder.seen) if phase != "write_encoded" else 0
    if is_begun:
        await changed(old_store, embedder, RESUME)
    else:
        await changed(old_store, embedder)
    if encoded_before:
        assert len(embedder.seen) == encoded_before
    await is_whole(old_store, embedder)


async def test_an_unfinished_change_is_only_resumed_when_asked(old_store: MemoryStore) -> None:
    embedder = CountingEmbedder()
    await old_store.begin_reembedding(embedder.signature)
    with pytest.raises(TransferError) as caught:
        await changed(old_store, embedder)
    assert str(embedder.signature) in str(caught.value)
    assert "--resume" in caught.value.hint
    with pytest.raises(StoreError) as other:
        await changed(old_store, CountingEmbedder(name="third"), RESUME)
    assert str(embedder.signature) in str(other.value)
    assert embedder.seen == []


async def test_resuming_where_nothing_is_unfinished_begins_nothing(old_store: MemoryStore) -> None:
    before = await memories(old_store)
    with pytest.raises(TransferError, match="there is no unfinished change"):
        await changed(old_store, CountingEmbedder(), RESUME)
    assert await memories(old_store) == before


async def test_a_dry_run_measures_and_changes_nothing(old_store: MemoryStore) -> None:
    before = await memories(old_store)
    embedder = CountingEmbedder()
    report = await changed(old_store, embedder, ReembedPlan(is_dry_run=True))
    assert (report.rows, report.updated, report.skipped) == (COUNT, 0, 0)
    assert (report.old_model, report.new_model) == (OLD.signature, embedder.signature)
    assert report.encode_seconds > 0
    assert embedder.seen
    assert await memories(old_store) == before
    assert await old_store.registered_model() == OLD.signature
    assert await old_store.reembedding() is None


async def test_memories_that_never_had_a_vector_get_one(old_store: MemoryStore) -> None:
    await old_store.insert(a_memory("words alone"))
    embedder = CountingEmbedder()
    assert (await changed(old_store, embedder)).updated == COUNT + 1
    await is_whole(old_store, embedder)


async def test_a_handle_of_the_old_model_is_told_after_the_change(
    old_store: MemoryStore, open_handle: OpenHandle
) -> None:
    other = await open_handle()
    await other.register_model(OLD.signature)
    await changed(old_store, HashingEmbedder(384, "new"))
    with pytest.raises(ModelMismatchError) as caught:
        await other.vector_search(OLD.embed_query("harbour")[0])
    assert "vestige migrate reembed" in caught.value.hint
    assert len(await other.fts_search("harbour")) == COUNT - 1
