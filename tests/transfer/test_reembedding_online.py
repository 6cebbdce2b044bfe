"""The model changes online: nothing but vectors changes, and nobody who uses the store notices.

VESTIGE_TEST_MEMORIES is how many memories there are; by default few enough for every run.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from itertools import count
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from factories import DAY, START, a_domain, a_full_memory, a_memory, an_edge, an_id
from vestige.embedding.hashing import HashingEmbedder
from vestige.embedding.missing import FAILURES_IN_A_ROW
from vestige.embedding.texts import embed_text
from vestige.engine.engine import Engine
from vestige.errors import EmbeddingError, ModelMismatchError, StoreError
from vestige.models import MemoryOrder, Rating, SearchQuery, TransferTable
from vestige.storage.row_objects import row_object
from vestige.transfer.reembedding import ReembedPlan, ReembedReport, reembed, roll_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from conftest import OpenHandle
    from vestige.models import MemoryRecord, ModelSignature
    from vestige.storage.protocol import MemoryStore
    from vestige.storage.reembedding_protocol import EncodeLast, Way

COUNT: Final = int(os.environ.get("VESTIGE_TEST_MEMORIES", "200"))
OLD: Final = HashingEmbedder(384, "old")
LONG: Final = HashingEmbedder(768, "long")
SAME: Final = HashingEmbedder(384, "same")
KNOWN: Final = {embedder.signature: embedder for embedder in (OLD, LONG, SAME)}
WORDS: Final = ("harbour", "lantern", "invoice", "compiler", "orchard", "glacier", "violin")
VECTOR_KEYS: Final = {"embedding", "windows", "centroid"}
QUERIES: Final = ("the harbour of number 17", "a glacier and a violin", "invoice 42")


def text_of(number: int) -> str:
    words = [WORDS[(number * step) % len(WORDS)] for step in (1, 2, 3)]
    return f"memory {number} of the {' and the '.join(words)}" + " and so on" * (120 * (number < 2))


class CountingEmbedder(HashingEmbedder):
    """Knows which texts it has embedded, and gives what a test wants for some."""

    def __init__(self, dimension: int = 768, name: str = "long") -> None:
        super().__init__(dimension, name)
        self.seen: list[str] = []
        self.spoiled: dict[str, float | int | Exception] = {}

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.seen += texts
        vectors = super().embed_documents(texts)
        for row, text in enumerate(texts):
            spoiled = self.spoiled.get(text)
            if isinstance(spoiled, Exception):
                raise spoiled
            if spoiled is not None:
                vectors[row] = spoiled
        return vectors


async def filled(store: MemoryStore, embedder: HashingEmbedder) -> MemoryStore:
    """Fill a store with memories, links, reviews and domains, the same every time."""
    await store.register_model(embedder.signature)
    records: list[MemoryRecord] = []
    for number in range(COUNT):
        vectors = await embed_text(embedder, text_of(number))
        records.append(
            a_full_memory(
                text_of(number),
                embedding=vectors.embedding,
                windows=vectors.windows,
                domains=("work",) * (number % 3 == 0),
                created_at=START - number * DAY,
                updated_at=START - number * DAY / 2,
            )
        )
    await store.insert_many(records)
    for number in range(0, COUNT - 1, 10):
        source, target = records[number].id, records[number + 1].id
        await store.add_edge(an_edge(source, target, weight=0.5))
        state = await store.get_scheduling(source)
        assert state is not None
        await store.record_review(source, Rating.GOOD, state, START)
    await store.upsert_domain(a_domain("work", centroid=records[0].embedding))
    return store


async def beside_vectors(store: MemoryStore) -> str:
    """Return a hash of everything that a store holds except vectors."""
    digest = hashlib.sha256()
    for table in TransferTable:
        after: str | None = None
        while True:
            page = await store.export_page(table, after=after, limit=1000)
            for row in page.rows:
                view = row_object(table, row)
                kept = {key: view[key] for key in view if key not in VECTOR_KEYS}
                digest.update(json.dumps(kept, sort_keys=True).encode())
            after = page.next_after
            if after is None:
                break
    return digest.hexdigest()


async def answers(store: MemoryStore, embedder: HashingEmbedder) -> list[list[tuple[str, float]]]:
    """Return the ten nearest memories to each query.

    With a filter, which all memories pass, PostgreSQL compares them one by one. Two HNSW graphs of
    thousands of vectors that were made in another order miss different ones.
    """
    everything = START - COUNT * DAY
    return [
        [
            (hit.record.content, round(hit.vector_score or 0, 4))
            for hit in await store.search(
                SearchQuery(embedding=embedder.embed_query(query)[0], created_after=everything)
            )
        ]
        for query in QUERIES
    ]


@pytest.mark.parametrize("way", ["offline", "online"])
async def test_there_and_back_nothing_but_vectors_changes_and_searches_are_those_of_a_fresh_store(
    open_handle: OpenHandle, way: Way
) -> None:
    store = await filled(await open_handle(), OLD)
    before = await beside_vectors(store)
    for embedder in (LONG, SAME, OLD):
        report = await reembed(store, embedder, ReembedPlan(way=way, batch_size=32))
        assert (report.rows, report.updated, report.failures) == (COUNT, COUNT, ())
        assert await store.registered_model() == embedder.signature
        assert await beside_vectors(store) == before
        assert await store.find_problems() == []
        fresh = await filled(await open_handle(f"fresh {embedder.signature.name}"), embedder)
        assert await answers(store, embedder) == await answers(fresh, embedder)
        if way == "online":
            await store.forget_old_vectors()


async def test_the_same_model_again_calls_no_embedder(open_handle: OpenHandle) -> None:
    store = await filled(await open_handle(), OLD)
    await reembed(store, LONG, ReembedPlan(way="online"))
    embedder = CountingEmbedder()
    for plan in (ReembedPlan(way="online"), ReembedPlan(is_resumed=True), ReembedPlan()):
        report = await reembed(store, embedder, plan)
        assert not report.is_needed
    assert embedder.seen == []


async def test_going_back_encodes_only_what_came_after_the_switch(open_handle: OpenHandle) -> None:
    store = await filled(await open_handle(), OLD)
    before, found = await beside_vectors(store), await answers(store, OLD)
    await reembed(store, LONG, ReembedPlan(way="online"))
    opened: list[str] = []

    def open_old(signature: ModelSignature) -> HashingEmbedder:
        opened.append(signature.name)
        return KNOWN[signature]

    report = await roll_back(store, open_old)
    assert (report.rows, report.updated, opened) == (0, 0, [])
    assert (await beside_vectors(store), await answers(store, OLD)) == (before, found)
    await roll_back(store, open_old)
    engine = Engine(store, LONG)
    late = await engine.remember("the lighthouse is white")
    report = await roll_back(store, open_old)
    assert (report.rows, report.updated, opened) == (1, 1, ["old"])
    (hit, *_) = await store.vector_search(OLD.embed_query("the lighthouse is white")[0])
    assert hit.record.id == late.id


async def test_another_model_is_not_taken_for_the_old_one(open_handle: OpenHandle) -> None:
    store = await filled(await open_handle(), OLD)
    await reembed(store, SAME, ReembedPlan(way="online"))
    await Engine(store, SAME).remember("late")
    with pytest.raises(ModelMismatchError):
        await roll_back(store, lambda _: LONG)
    assert await store.registered_model() == SAME.signature


async def test_several_workers_encode_each_text_once(open_handle: OpenHandle) -> None:
    store = await filled(await open_handle(), OLD)
    embedder = CountingEmbedder()
    report = await reembed(store, embedder, ReembedPlan(way="online", workers=3, batch_size=7))
    assert report.updated == COUNT
    pieces = [piece for number in range(COUNT) for piece in OLD.split(text_of(number))]
    assert sorted(embedder.seen) == sorted(pieces)


async def test_progress_is_told_and_the_report_returned(open_handle: OpenHandle) -> None:
    store = await filled(await open_handle(), OLD)
    done: list[int] = []
    given = ReembedReport(on_rows=done.append)
    report = await reembed(store, LONG, ReembedPlan(way="online", batch_size=64), given)
    assert report is given
    assert sum(done) == COUNT
    assert len(done) == -(-COUNT // 64)
    assert report.switch_seconds > 0


@pytest.mark.parametrize("spoiled", [float("nan"), 0.0, EmbeddingError("too bitter")], ids=str)
@pytest.mark.parametrize("way", ["offline", "online"])
async def test_what_cannot_be_a_vector_is_listed_and_the_rest_goes_on(
    open_handle: OpenHandle, way: Way, spoiled: float | Exception
) -> None:
    store = await filled(await open_handle(), OLD)
    embedder = CountingEmbedder()
    embedder.spoiled = {text_of(5): spoiled, text_of(9): spoiled}
    report = await reembed(store, embedder, ReembedPlan(way=way))
    assert {failure.id for failure in report.failures} == {an_id(text_of(5)), an_id(text_of(9))}
    assert report.updated == COUNT - 2
    (problem,) = await store.find_problems()
    assert problem.problem.startswith("2 memories have no vector")
    bare = await store.get(an_id(text_of(5)))
    assert bare is not None
    assert bare.embedding is None


async def test_vectors_of_the_wrong_length_change_nothing(open_handle: OpenHandle) -> None:
    class Wrong(HashingEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return super().embed_documents(texts)[:, :-1]

    store = await filled(await open_handle(), OLD)
    found = await answers(store, OLD)
    with pytest.raises(EmbeddingError, match="of 767 dimensions instead of 768"):
        await reembed(store, Wrong(768, "long"), ReembedPlan(way="online"))
    assert await answers(store, OLD) == found
    await store.abandon_reembedding()
    assert await store.find_problems() == []


async def test_an_embedder_that_dies_online_leaves_searches_and_can_be_resumed(
    open_handle: OpenHandle,
) -> None:
    store = await filled(await open_handle(), OLD)
    found = await answers(store, OLD)
    embedder = CountingEmbedder()
    await store.begin_reembedding(LONG.signature, way="online")
    batch = await store.claim_unencoded(LONG.signature, an_id("claim"), 50)
    await store.release_claim(an_id("claim"))
    encoded = {memory.content for memory in batch}
    dead = EmbeddingError("nobody answers")
    embedder.spoiled = dict.fromkeys(
        {piece for n in range(COUNT) for piece in OLD.split(text_of(n))} - encoded, dead
    )
    with pytest.raises(EmbeddingError, match="nobody answers"):
        await reembed(store, embedder, ReembedPlan(is_resumed=True, batch_size=5))
    assert await answers(store, OLD) == found
    change = await store.reembedding()
    assert change is not None
    assert 0 < change.queued < COUNT or change.queued == COUNT
    assert change.failed <= FAILURES_IN_A_ROW
    embedder.spoiled = {}
    report = await reembed(store, embedder, ReembedPlan(is_resumed=True))
    assert (report.way, report.rows, report.failures) == ("online", change.queued, ())
    assert len(await store.vector_search(LONG.embed_query("violin")[0])) == 10


async def test_writers_that_never_pause_do_not_keep_the_switch_away(
    open_handle: OpenHandle,
) -> None:
    store = await filled(await open_handle(), OLD)
    other = await open_handle()
    late = (a_memory(f"late {number}") for number in count())

    is_switching = False

    class Switching:
        """Knows when writers wait for the switch."""

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        async def switch_model(
            self, signature: ModelSignature, encode: EncodeLast | None = None, limit: int = 0
        ) -> bool:
            nonlocal is_switching
            is_switching = True
            try:
                return await store.switch_model(signature, encode, limit)
            finally:
                is_switching = False

    class Slow(HashingEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if not is_switching:  # as many come as are encoded
                written = other.insert_many([next(late) for _ in texts])
                asyncio.run_coroutine_threadsafe(written, loop).result(30)
            return super().embed_documents(texts)

    loop = asyncio.get_running_loop()
    plan = ReembedPlan(way="online", batch_size=256)
    report = await reembed(Switching(), Slow(768, "long"), plan)  # pyright: ignore[reportArgumentType]  # stands in for a store
    assert await store.registered_model() == LONG.signature
    assert report.updated == await store.count()


async def test_an_empty_store_is_switched(open_handle: OpenHandle) -> None:
    store = await open_handle()
    await store.register_model(OLD.signature)
    embedder = CountingEmbedder()
    report = await reembed(store, embedder, ReembedPlan(way="online"))
    assert (report.rows, embedder.seen) == (0, [])
    assert await store.registered_model() == LONG.signature


async def test_a_change_given_up_by_others_ends_with_an_error(open_handle: OpenHandle) -> None:
    store = await filled(await open_handle(), OLD)
    other = await open_handle()

    class Interrupting(HashingEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            future = asyncio.run_coroutine_threadsafe(other.abandon_reembedding(), loop)
            if not is_given_up:
                is_given_up.append(future.result(30))
            return super().embed_documents(texts)

    loop = asyncio.get_running_loop()
    is_given_up: list[None] = []
    with pytest.raises(StoreError, match="no change of the model leads to"):
        await reembed(store, Interrupting(768, "long"), ReembedPlan(way="online"))
    assert await store.registered_model() == OLD.signature
    assert await store.find_problems() == []


async def test_searchers_and_writers_go_on_all_the_while(open_handle: OpenHandle) -> None:
    await filled(await open_handle(), OLD)
    is_done = asyncio.Event()
    numbers = count(COUNT)
    followed: set[str] = set()

    async def an_engine() -> Engine:
        return Engine(await open_handle(), OLD, open_embedder=KNOWN.__getitem__)

    async def searching(engine: Engine) -> int:
        asked = 0
        while not is_done.is_set():
            text = text_of(10 + asked % 80)
            (hit, *_) = await engine.recall(text, limit=3)
            # Of mixed vectors, not even a text would be nearest to itself.
            assert hit.record.content == text
            assert hit.vector_score == pytest.approx(1.0, abs=1e-4)
            asked += 1
        followed.add(engine.embedder.signature.name)
        return asked

    async def writing(engine: Engine) -> list[str]:
        made: list[str] = []
        while not is_done.is_set():
            number = next(numbers)
            memory = await engine.remember(f"written meanwhile, number {number}")
            await engine.edit(memory.id, content=f"edited meanwhile, number {number}")
            if number % 3:
                made.append(f"edited meanwhile, number {number}")
            else:
                await engine.forget(memory.id)
        followed.add(engine.embedder.signature.name)
        return made

    async def changing() -> None:
        store = await open_handle()
        try:
            for embedder in (SAME, LONG):
                plan = ReembedPlan(way="online", batch_size=16)
                await reembed(store, embedder, plan)
                await store.forget_old_vectors()
                await asyncio.sleep(0)
        finally:
            is_done.set()

    engines = [await an_engine() for _ in range(6)]
    _, *worked = await asyncio.gather(
        changing(), *map(searching, engines[:4]), *map(writing, engines[4:])
    )
    assert all(worked)
    assert followed <= {"same", "long"}
    store = await open_handle()
    assert await store.find_problems() == []
    for record in await store.list_memories(order=MemoryOrder.CREATED, limit=1000):
        expected = await embed_text(LONG, record.content)
        assert record.embedding is not None
        assert np.allclose(record.embedding, expected.embedding, atol=1e-6)
        assert len(record.windows) == len(expected.windows)
