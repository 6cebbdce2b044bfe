"""The switch to another model on a server: locks, rights, indexes, and what one statement sees."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest

from factories import a_domain, a_memory, a_signature, a_vector
from postgres_server import a_store_database
from vestige.errors import ModelMismatchError, StoreUnavailableError
from vestige.models import EncodedMemory
from vestige.storage.postgres import patience
from vestige.storage.postgres.errors import TableBusyError
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from vestige.models import UnencodedMemory
    from vestige.storage.reembedding_protocol import Encoded

    Server = asyncpg.Connection[asyncpg.Record]

OLD = a_signature()
NEW = a_signature("new", digit="b")
INDEX = "idx_knowledge_nodes_spare_embedding_hnsw"
COLUMN = """
SELECT format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'knowledge_nodes'::regclass AND attname = $1
"""


@pytest.fixture
async def url() -> AsyncGenerator[str]:
    """A store with a few memories that have vectors of the old model."""
    async with a_store_database() as url:
        async with opened(url) as store:
            await store.register_model(OLD)
            await store.insert_many([a_memory(f"m {n}", embedding=a_vector(n)) for n in range(5)])
            await store.upsert_domain(a_domain("work", centroid=a_vector(1)))
        yield url


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[PostgresStore]:
    store = await PostgresStore.connect(url, 3)
    yield store
    await store.close()


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[Server]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


def encode(memories: Sequence[UnencodedMemory]) -> Encoded:
    return [EncodedMemory(id=m.id, embedding=a_vector(len(m.content) + 50)) for m in memories], []


async def search(store: PostgresStore) -> object:
    return await store.vector_search(a_vector(3))


async def classify(store: PostgresStore) -> object:
    return await store.classify(a_vector(3))


@pytest.mark.parametrize("ask", [search, classify])
async def test_a_search_that_began_before_the_switch_compares_with_one_model(
    url: str, monkeypatch: pytest.MonkeyPatch, ask: Callable[[PostgresStore], Awaitable[object]]
) -> None:
    # A pool that is given gets its settings in the transaction of each search, so the switch may
    # fall between the two statements.
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool, opened(url) as other:
        store = await PostgresStore.from_pool(pool)
        await store.register_model(OLD)
        assert await ask(store)
        await other.begin_reembedding(NEW, way="online")
        database = store._db  # pyright: ignore[reportPrivateUsage]  # to come between two statements
        set_local = database.set_local

        async def set_and_switch(raw: object) -> None:
            await set_local(raw)  # pyright: ignore[reportArgumentType]  # passed on as given
            assert await other.switch_model(NEW, encode, 10)

        monkeypatch.setattr(database, "set_local", set_and_switch)
        with pytest.raises(ModelMismatchError):
            await ask(store)


async def test_the_column_and_the_index_change_with_the_model(url: str) -> None:
    longer = a_signature("longer", dimension=24, digit="c")
    async with opened(url) as store, connected(url) as server:
        await store.begin_reembedding(longer, way="online")
        assert await server.fetchval(COLUMN, "spare_embedding") == "vector(24)"
        await store.build_new_index()

        def encode_longer(memories: Sequence[UnencodedMemory]) -> Encoded:
            return [
                EncodedMemory(id=m.id, embedding=a_vector(1, dimension=24)) for m in memories
            ], []

        assert await store.switch_model(longer, encode_longer, 10)
        assert await server.fetchval(COLUMN, "embedding") == "vector(24)"
        assert await server.fetchval(COLUMN, "spare_embedding") == "vector(16)"
        assert await store.find_problems() == []
        await store.forget_old_vectors()
        assert await server.fetchval(COLUMN, "spare_embedding") == "vector"
        assert await server.fetchval("SELECT to_regclass($1)", INDEX) is None


async def test_an_index_that_a_kill_left_behind_is_built_again(url: str) -> None:
    async with opened(url) as store, connected(url) as server:
        await store.begin_reembedding(NEW, way="online")
        await store.build_new_index()
        await server.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::regclass", INDEX
        )
        before = await server.fetchval("SELECT $1::regclass::oid", INDEX)
        await store.build_new_index()
        assert await server.fetchval("SELECT $1::regclass::oid", INDEX) != before
        assert await server.fetchval(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass", INDEX
        )


async def test_a_long_reader_delays_the_switch_and_holds_up_nobody(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url) as store, opened(url) as searcher, connected(url) as reader:
        await store.begin_reembedding(NEW, way="online")
        await searcher.register_model(OLD)
        transaction = reader.transaction()
        await transaction.start()
        await reader.fetch("SELECT id FROM knowledge_nodes")
        monkeypatch.setattr(patience, "BUSY_SECONDS", 0.3)
        with pytest.raises(TableBusyError, match="others use a table"):
            await store.switch_model(NEW, encode, 10)
        assert len(await searcher.vector_search(a_vector(1))) == 5
        await searcher.insert(a_memory("late", embedding=a_vector(9)))
        await transaction.rollback()
        assert await store.switch_model(NEW, encode, 10)


async def test_a_role_that_may_not_change_tables_changes_nothing(url: str) -> None:
    name = f"reader_{uuid4().hex[:8]}"
    async with connected(url) as server:
        await server.execute(
            f"CREATE ROLE {name} LOGIN PASSWORD 'secret';"
            f"GRANT USAGE ON SCHEMA public TO {name};"
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}"
        )
        try:
            role = url.replace("postgresql://vestige@", f"postgresql://{name}:secret@")
            assert role != url
            async with opened(role) as store:
                for way in ("online", "offline"):
                    with pytest.raises(StoreUnavailableError, match="must be owner of"):
                        await store.begin_reembedding(NEW, way=way)
                assert await store.reembedding() is None
                assert await store.registered_model() == OLD
                await store.register_model(OLD)
                assert len(await store.vector_search(a_vector(1))) == 5
        finally:
            await server.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


async def test_rows_changed_by_hand_are_queued(url: str) -> None:
    async with opened(url) as store, connected(url) as server:
        await store.begin_reembedding(NEW, way="online")
        claim = uuid4()
        memories = await store.claim_unencoded(NEW, claim, 10)
        assert await store.write_encoded(NEW, claim, *encode(memories)) == 5
        await server.execute("INSERT INTO knowledge_nodes (content) VALUES ('by hand')")
        await server.execute("UPDATE knowledge_nodes SET content = 'edited' WHERE content = 'm 1'")
        await server.execute("DELETE FROM knowledge_nodes WHERE content = 'm 2'")
        waiting = await store.claim_unencoded(NEW, uuid4(), 10)
        assert {memory.content for memory in waiting} == {"by hand", "edited"}
        spare = "SELECT spare_embedding IS NULL FROM knowledge_nodes WHERE content = 'edited'"
        assert await server.fetchval(spare)
