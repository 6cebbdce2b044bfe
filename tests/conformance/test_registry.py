"""The registered embedding model, and what it protects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import (
    DIMENSION,
    a_domain,
    a_full_memory,
    a_memory,
    a_scheduling,
    a_signature,
    a_vector,
)
from vestige.errors import InvalidInputError, ModelMismatchError
from vestige.models import ScheduledMemory, SearchQuery, TransferTable

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.models import ModelSignature
    from vestige.storage.protocol import MemoryStore

OTHERS = {
    "another dimension": a_signature("other", dimension=DIMENSION * 2, digit="b"),
    "the same dimension": a_signature("other", digit="b"),
    "the same name and dimension": a_signature(digit="b"),
}
UNUSABLE = {
    "dimension": [replace(a_signature(), dimension=dimension) for dimension in (0, -1)],
    "hash": [
        replace(a_signature(), hash=value)
        for value in ("", "a" * 63, "a" * 65, "g" * 64, " " + "a" * 63)
    ],
}


async def test_a_new_store_has_no_model(unbound_store: MemoryStore) -> None:
    assert await unbound_store.registered_model() is None


async def test_the_first_call_stamps_the_store(unbound_store: MemoryStore) -> None:
    await unbound_store.register_model(a_signature())
    assert await unbound_store.registered_model() == a_signature()


async def test_the_same_signature_again_does_nothing(store: MemoryStore) -> None:
    record = a_full_memory()
    await store.insert(record)
    await store.register_model(a_signature())
    assert await store.registered_model() == a_signature()
    assert await store.get(record.id) == record
    assert [hit.record for hit in await store.vector_search(a_vector(1))] == [record]


async def test_every_handle_sees_the_registered_model(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    assert await store.registered_model() == a_signature()
    other = await open_handle()
    assert await other.registered_model() == a_signature()


async def test_the_registered_model_survives_opening_again(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    await store.close()
    again = await open_handle()
    assert await again.registered_model() == a_signature()
    await again.register_model(a_signature())
    await again.insert(a_full_memory())


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
async def test_another_signature_is_refused_naming_both_and_the_way_on(
    store: MemoryStore, open_handle: OpenHandle, other: ModelSignature
) -> None:
    for handle in (store, await open_handle()):
        with pytest.raises(ModelMismatchError) as caught:
            await handle.register_model(other)
        assert (caught.value.stored, caught.value.given) == (a_signature(), other)
        assert str(a_signature()) in str(caught.value)
        assert str(other) in str(caught.value)
        assert "vestige migrate reembed" in caught.value.hint
    assert await store.registered_model() == a_signature()


async def test_a_refused_handle_writes_no_vectors(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    other = await open_handle()
    with pytest.raises(ModelMismatchError):
        await other.register_model(a_signature("other", digit="b"))
    with pytest.raises((InvalidInputError, ModelMismatchError)):
        await other.insert(a_full_memory())
    assert await store.count() == 0


async def test_a_bound_handle_stays_bound_after_a_refused_signature(store: MemoryStore) -> None:
    with pytest.raises(ModelMismatchError):
        await store.register_model(a_signature("other", digit="b"))
    await store.insert(a_full_memory())
    assert len(await store.vector_search(a_vector(1))) == 1


@pytest.mark.parametrize(
    ("field", "signature"),
    [(field, signature) for field, unusable in UNUSABLE.items() for signature in unusable],
)
async def test_an_unusable_signature_is_refused_and_nothing_is_stamped(
    unbound_store: MemoryStore, field: str, signature: ModelSignature
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await unbound_store.register_model(signature)
    assert caught.value.field == field
    assert await unbound_store.registered_model() is None


async def test_an_unbound_handle_accepts_memories_without_vectors(
    unbound_store: MemoryStore,
) -> None:
    record = a_memory()
    await unbound_store.insert(record)
    await unbound_store.insert_many([a_memory("another")])
    await unbound_store.update(replace(record, content="changed"))
    await unbound_store.upsert_domain(a_domain("work"))
    assert await unbound_store.count() == 2


async def test_an_unbound_handle_refuses_vectors(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    known = a_memory("known")
    await store.insert(known)
    unbound = await open_handle()
    with pytest.raises(InvalidInputError):
        await unbound.insert(a_full_memory())
    with pytest.raises(InvalidInputError):
        await unbound.insert_many([a_memory("plain"), a_full_memory()])
    with pytest.raises(InvalidInputError):
        await unbound.update(replace(known, embedding=a_vector(1)))
    with pytest.raises(InvalidInputError):
        await unbound.upsert_domain(a_domain("work", centroid=a_vector(1)))
    assert await store.list_memories() == [known]
    assert await store.list_domains() == []


async def test_a_store_without_a_model_refuses_vectors(unbound_store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await unbound_store.insert(a_full_memory())
    assert caught.value.field == "embedding"
    assert await unbound_store.count() == 0


async def test_an_unbound_handle_reports_imported_vectors_and_writes_the_rest(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    plain, with_vector = a_memory("plain"), a_full_memory("with a vector")
    rows = [
        ScheduledMemory(record=record, scheduling=a_scheduling(record.id))
        for record in (with_vector, plain)
    ]
    unbound = await open_handle()
    result = await unbound.import_rows(TransferTable.KNOWLEDGE_NODES, rows)
    assert (result.written, result.present) == (1, 0)
    assert [failure.key for failure in result.failures] == [str(with_vector.id)]
    assert await store.list_memories() == [plain]


async def test_memories_without_vectors_stay_when_a_model_is_registered(
    unbound_store: MemoryStore,
) -> None:
    record = a_memory("early")
    await unbound_store.insert(record)
    await unbound_store.register_model(a_signature())
    assert await unbound_store.get(record.id) == record
    assert await unbound_store.vector_search(a_vector(1)) == []
    await unbound_store.update(replace(record, embedding=a_vector(1)))
    assert len(await unbound_store.vector_search(a_vector(1))) == 1


async def test_a_handle_bound_to_a_model_that_was_replaced_neither_writes_nor_searches_vectors(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    other, replacement = await open_handle(), a_signature("replacement", digit="b")
    while await other.revert_migration() is not None:
        pass
    await other.init()
    await other.register_model(replacement)
    await other.insert(a_full_memory("new"))
    for call in (
        lambda: store.insert(a_full_memory("old")),
        lambda: store.insert_many([a_full_memory("old")]),
        lambda: store.update(a_full_memory("new", embedding=a_vector(9))),
        lambda: store.search(SearchQuery(embedding=a_vector(1))),
        lambda: store.search(SearchQuery(text="new", embedding=a_vector(1))),
        lambda: store.vector_search(a_vector(1)),
        lambda: store.upsert_domain(a_domain("work", centroid=a_vector(1))),
    ):
        with pytest.raises(ModelMismatchError) as caught:
            await call()
        assert (caught.value.stored, caught.value.given) == (replacement, a_signature())
    assert await other.list_memories() == [a_full_memory("new")]
    assert await other.list_domains() == []
