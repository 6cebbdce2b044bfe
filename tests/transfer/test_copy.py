"""Everything goes from any store to any other, and only once."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest

from conftest import BACKENDS
from factories import (
    DAY,
    START,
    ManualClock,
    a_memory,
    a_scheduling,
    a_signature,
    a_user,
    a_vector,
    an_edge,
    an_id,
)
from filled_store import ANA, fill
from vestige.embedding.hashing import HashingEmbedder
from vestige.errors import EmbeddingError, StoreUnavailableError, TransferError
from vestige.models import (
    LOCAL_USER_ID,
    ImportResult,
    ModelSignature,
    Rating,
    ReviewEvent,
    ScheduledMemory,
    TransferPage,
    TransferTable,
    User,
)
from vestige.storage.row_objects import row_object
from vestige.transfer.copy_plan import CopyPlan, CopyReport
from vestige.transfer.copying import copy, preview

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from conftest import OpenHandle
    from vestige.models import JsonObject, TransferRow
    from vestige.storage.protocol import MemoryStore

PAIRS: Final = [(one, other) for one in sorted(BACKENDS) for other in sorted(BACKENDS)]
KEEP: Final = CopyPlan(model="keep", batch_rows=4)


@dataclass(kw_only=True)
class Pair:
    """Where from and where to."""

    source: MemoryStore
    destination: MemoryStore
    open_destination: OpenHandle


@pytest.fixture(params=PAIRS, ids=[f"{one} to {other}" for one, other in PAIRS])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Pair]:
    """A source with something in every table, and an empty destination without a model."""
    one, other = request.param
    clock = ManualClock()
    async with AsyncExitStack() as closing:
        (tmp_path / "one").mkdir()
        (tmp_path / "other").mkdir()
        open_source = await closing.enter_async_context(BACKENDS[one](tmp_path / "one", clock))
        open_other = await closing.enter_async_context(BACKENDS[other](tmp_path / "other", clock))
        source = await open_source()
        await source.register_model(a_signature())
        await fill(source)
        yield Pair(source=source, destination=await open_other(), open_destination=open_other)


async def rows_of(store: MemoryStore, table: TransferTable) -> list[TransferRow]:
    return list((await store.export_page(table, limit=1000)).rows)


async def whole(store: MemoryStore) -> dict[TransferTable, list[JsonObject]]:
    """Return everything that a store holds, in an order that does not depend on the backend."""
    return {
        table: sorted((row_object(table, row) for row in await rows_of(store, table)), key=repr)
        for table in TransferTable
    }


async def copied(source: Source | MemoryStore, to: MemoryStore, plan: CopyPlan) -> CopyReport:
    report = CopyReport()
    await copy(source, to, plan, report)
    return report


async def local_user(store: MemoryStore) -> User:
    user = await store.get_user(LOCAL_USER_ID)
    assert user is not None
    return user


class Source:
    """A store with more rows than it has: some that no store takes."""

    def __init__(self, store: MemoryStore, extra: dict[TransferTable, list[TransferRow]]) -> None:
        self._store = store
        self._extra = extra

    async def registered_model(self) -> ModelSignature | None:
        return await self._store.registered_model()

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        page = await self._store.export_page(table, after=after, limit=limit)
        extra = self._extra.get(table, []) if after is None else []
        return TransferPage(rows=(*extra, *page.rows), next_after=page.next_after)


class Failing:
    """A destination that stops in the middle."""

    def __init__(self, store: MemoryStore, batches: int) -> None:
        self._store = store
        self._left = batches

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def import_rows(self, table: TransferTable, rows: Sequence[TransferRow]) -> ImportResult:
        self._left -= 1
        if self._left < 0:
            raise StoreUnavailableError("pulled the plug")
        return await self._store.import_rows(table, rows)


async def test_everything_arrives_and_is_compared(pair: Pair) -> None:
    report = await copied(pair.source, pair.destination, KEEP)
    assert await whole(pair.destination) == await whole(pair.source)
    assert await pair.destination.registered_model() == a_signature()
    assert report.is_complete
    for counts in report.tables.values():
        assert counts.read == counts.written + counts.present == counts.verified > 0
        assert counts.source_hash == counts.destination_hash != ""


async def test_the_copy_is_searched_like_its_source(pair: Pair) -> None:
    await copied(pair.source, pair.destination, KEEP)
    for seed in range(9):
        found = [
            [
                (hit.record.id, hit.record.content)
                for hit in await store.vector_search(a_vector(seed))
            ]
            for store in (pair.source, pair.destination)
        ]
        assert found[0] == found[1] != []
    (hit,) = await pair.destination.fts_search("bare")
    assert hit.record.content == "bare"


async def test_a_second_run_writes_nothing(pair: Pair) -> None:
    await copied(pair.source, pair.destination, KEEP)
    before = await whole(pair.destination)
    again = await copied(pair.source, pair.destination, KEEP)
    assert await whole(pair.destination) == before
    assert sum(counts.written for counts in again.tables.values()) == 0
    assert all(counts.read == counts.present for counts in again.tables.values())


@pytest.mark.parametrize("batches", [0, 1, 3, 5, 9])
async def test_an_interrupted_copy_goes_on_where_it_ended(pair: Pair, batches: int) -> None:
    with pytest.raises(StoreUnavailableError):
        await copy(
            pair.source,
            Failing(pair.destination, batches),  # pyright: ignore[reportArgumentType]  # it passes on what it lacks
            KEEP,
            CopyReport(),
        )
    report = await copied(pair.source, pair.destination, KEEP)
    assert report.is_complete
    assert await whole(pair.destination) == await whole(pair.source)


async def test_bad_rows_are_listed_and_take_no_other_with_them(pair: Pair) -> None:
    (first, *_) = await rows_of(pair.source, TransferTable.KNOWLEDGE_NODES)
    assert isinstance(first, ScheduledMemory)
    bad = [
        replace(
            first,
            record=a_memory(
                "x" * 1_000_001 if n % 2 else f"of nobody {n}", owner_user_id=an_id("?")
            ),
            scheduling=replace(first.scheduling, memory_id=a_memory(f"of nobody {n}").id),
        )
        for n in range(20)
    ]
    lost = an_edge(first.record.id, an_id("nowhere"))
    source = Source(
        pair.source, {TransferTable.KNOWLEDGE_NODES: [*bad], TransferTable.EDGES: [lost]}
    )
    report = await copied(source, pair.destination, replace(KEEP, batch_rows=100))
    assert await whole(pair.destination) == await whole(pair.source)
    assert report.tables[TransferTable.KNOWLEDGE_NODES].failed == len(bad)
    assert report.tables[TransferTable.EDGES].failed == 1
    assert not report.is_complete
    by_table = {failure.table: failure for failure in report.failures}
    assert str(an_id("nowhere")) in by_table[TransferTable.EDGES].key
    assert "no memory has the id" in by_table[TransferTable.EDGES].reason
    memory = by_table[TransferTable.KNOWLEDGE_NODES]
    assert any(word in memory.reason for word in ("content", "owner_user_id", "memory_id"))


async def test_what_was_said_of_the_local_user_arrives_in_a_new_store(pair: Pair) -> None:
    local = await local_user(pair.source)
    await pair.source.upsert_user(replace(local, handle="kim", metadata={"a": 1}))
    await pair.source.upsert_user(a_user("local"))  # its handle is free now
    for _ in range(2):
        report = await copied(pair.source, pair.destination, KEEP)
        assert report.is_complete
        assert report.renamed == []
        assert await whole(pair.destination) == await whole(pair.source)


async def test_a_local_user_that_the_destination_knows_more_about_is_left(pair: Pair) -> None:
    own = replace(await local_user(pair.destination), handle="lee", metadata={"b": 2})
    await pair.destination.upsert_user(own)
    await pair.source.upsert_user(replace(await local_user(pair.source), handle="kim"))
    report = await copied(pair.source, pair.destination, KEEP)
    assert await local_user(pair.destination) == own
    assert report.tables[TransferTable.USERS].different == 1


async def test_a_local_user_with_a_known_handle_is_who_it_is_at_the_destination(
    pair: Pair,
) -> None:
    own, kim = await local_user(pair.destination), a_user("kim")
    await pair.destination.upsert_user(kim)
    await pair.source.upsert_user(replace(await local_user(pair.source), handle="kim"))
    report = await copied(pair.source, pair.destination, KEEP)
    assert await local_user(pair.destination) == own
    assert [(renamed.handle, renamed.destination_id) for renamed in report.renamed] == [
        ("kim", str(kim.id))
    ]


async def test_a_user_with_a_known_handle_is_who_it_is_at_the_destination(pair: Pair) -> None:
    other_ana = replace(a_user("another"), handle=ANA.handle)
    await pair.destination.upsert_user(other_ana)
    report = await copied(pair.source, pair.destination, KEEP)
    owners = {memory.owner_user_id for memory in await pair.destination.list_memories(limit=100)}
    assert other_ana.id in owners
    assert ANA.id not in owners
    intended = {one.owner_user_id for one in await pair.destination.list_intentions(limit=100)}
    assert other_ana.id in intended
    assert ANA.id not in intended
    assert [(renamed.handle, renamed.destination_id) for renamed in report.renamed] == [
        (ANA.handle, str(other_ana.id))
    ]
    (membership,) = await pair.destination.list_memberships()
    assert membership.user_id == other_ana.id
    accounts = repr(await pair.destination.list_changelog(limit=100))
    assert str(other_ana.id) in accounts
    assert str(ANA.id) not in accounts
    # The destination's own name and metadata stay, and the comparison says so.
    assert report.tables[TransferTable.USERS].different == 1
    again = await copied(pair.source, pair.destination, KEEP)
    assert sum(counts.written for counts in again.tables.values()) == 0


async def test_review_events_whose_ids_are_taken_get_others_and_only_once(pair: Pair) -> None:
    await pair.destination.register_model(a_signature())
    own = a_memory("reviewed at the destination")
    await pair.destination.insert(own)
    for day in range(20):
        state = a_scheduling(own.id, reps=day)
        await pair.destination.record_review(own.id, Rating.EASY, state, START + day * DAY)
    report = await copied(pair.source, pair.destination, replace(KEEP, batch_rows=3))
    assert report.is_complete
    events = await rows_of(pair.source, TransferTable.REVIEW_EVENTS)
    assert report.tables[TransferTable.REVIEW_EVENTS].written == len(events) > 3
    for event in events:
        assert isinstance(event, ReviewEvent)
        (there,) = await pair.destination.list_review_events(event.memory_id)
        assert replace(there, id=event.id) == event
    assert len(await pair.destination.list_review_events(own.id, limit=100)) == 20
    again = await copied(pair.source, pair.destination, replace(KEEP, batch_rows=5))
    assert again.is_complete
    assert again.tables[TransferTable.REVIEW_EVENTS].written == 0
    await pair.destination.record_review(own.id, Rating.EASY, a_scheduling(own.id), START)


async def test_what_was_changed_at_the_destination_is_named(pair: Pair) -> None:
    await copied(pair.source, pair.destination, KEEP)
    (changed, *_) = await pair.destination.list_memories()
    await pair.destination.update(replace(changed, content="changed", tags=("new",)))
    report = await copied(pair.source, pair.destination, KEEP)
    (difference,) = report.differences
    assert difference.key == str(changed.id)
    assert "content" in difference.reason
    assert "tags" in difference.reason
    counts = report.tables[TransferTable.KNOWLEDGE_NODES]
    assert counts.source_hash != counts.destination_hash


async def test_vectors_of_another_model_are_refused_naming_both_and_the_ways_on(
    pair: Pair,
) -> None:
    with pytest.raises(TransferError, match="the configured model is None") as caught:
        await copied(pair.source, pair.destination, CopyPlan())
    assert "--reembed" in caught.value.hint
    assert "--keep-model" in caught.value.hint
    other = replace(a_signature(), hash="f" * 64)
    await pair.destination.register_model(other)
    with pytest.raises(TransferError, match=f"{a_signature().hash[:12]}.*{other.hash[:12]}"):
        await copied(pair.source, pair.destination, KEEP)
    assert await pair.destination.count() == 0


async def test_texts_are_encoded_anew_on_the_way(pair: Pair) -> None:
    embedder = HashingEmbedder(dimension=32)
    plan = replace(KEEP, model="reembed", embedder=embedder)
    report = await copied(pair.source, pair.destination, plan)
    assert report.is_complete
    assert await pair.destination.registered_model() == embedder.signature
    for memory in await pair.destination.list_memories(limit=100):
        assert memory.embedding is not None
        assert memory.embedding.tobytes() == embedder.embed_documents([memory.content])[0].tobytes()
    domain = await pair.destination.get_domain("work")
    members = [m for m in await pair.destination.list_memories(limit=100) if "work" in m.domains]
    assert domain is not None
    assert (domain.centroid is None) == (members == [])
    again = await copied(pair.source, pair.destination, plan)
    assert again.tables[TransferTable.KNOWLEDGE_NODES].written == 0


class Refusing(HashingEmbedder):
    """An embedder that one text is too much for."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if "memory 3" in texts:
            raise EmbeddingError("refused")
        return super().embed_documents(texts)


async def test_a_text_that_the_embedder_refuses_goes_without_a_vector_and_is_named(
    pair: Pair,
) -> None:
    plan = replace(KEEP, model="reembed", embedder=Refusing())
    report = await copied(pair.source, pair.destination, plan)
    assert not report.is_complete
    (difference,) = report.differences
    assert "refused" in difference.reason
    stored = await pair.destination.get(UUID(difference.key))
    assert stored is not None
    assert (stored.content, stored.embedding) == ("memory 3", None)


async def test_a_preview_counts_and_writes_nothing(pair: Pair) -> None:
    report = CopyReport()
    await preview(pair.source, pair.destination, KEEP, report)
    assert report.destination_model == a_signature()
    for table, counts in report.tables.items():
        assert counts.read == len(await rows_of(pair.source, table))
    assert await pair.destination.count() == 0
    assert await pair.destination.registered_model() is None


async def test_several_writers_write_the_same(pair: Pair) -> None:
    plan = replace(KEEP, batch_rows=2, writers=4)
    report = await copied(pair.source, pair.destination, plan)
    assert report.is_complete
    assert await whole(pair.destination) == await whole(pair.source)
