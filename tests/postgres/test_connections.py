# pyright: reportPrivateUsage=false
# The pool has no other way in than through the store.
"""The pool: what it shows, borrows, replaces and gives back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import asyncpg
import pytest
from asyncpg import exceptions as reported
from asyncpg.transaction import Transaction

from factories import ManualClock, a_memory, a_signature, a_vector
from postgres_server import a_database, a_store_database, url_of
from vestige.config import PostgresSettings
from vestige.errors import BackendError, PoolTimeoutError, StoreUnavailableError
from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from vestige.storage.postgres.connection import Session

# Other databases of the server may be in use by tests that run at the same time.
WAITING = """
SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
WHERE NOT granted AND datname = current_database()
"""
ACTIVITY = "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
BACKEND = "SELECT pg_backend_pid()"


@pytest.fixture
async def url() -> AsyncGenerator[str]:
    async with a_store_database() as made:
        yield made


@asynccontextmanager
async def opened(url: str, connections: int = 2, **options: Any) -> AsyncGenerator[PostgresStore]:
    settings = PostgresSettings(**options)
    store = await PostgresStore.connect(url, connections, options=settings, clock=ManualClock())
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def backend(session: Session) -> int:
    return cast("int", await session.db.value(BACKEND))


async def test_the_server_shows_the_name_of_the_application(url: str) -> None:
    async with opened(url, application_name="ana's laptop"), connected(url) as other:
        names = [name for (name,) in await other.fetch(ACTIVITY)]
    assert "ana's laptop" in names


async def test_an_operation_gives_its_connection_back(url: str) -> None:
    async with opened(url, 1) as store:
        await asyncio.gather(*(store.count() for _ in range(20)))
        state = store._db.pool_state()
    assert (state.size, state.idle, state.limit) == (1, 1, 1)


async def test_a_connection_is_replaced_when_its_time_is_over(url: str) -> None:
    async with opened(url, 1, lifetime_seconds=0) as store:
        first = await store._db.query(backend)
        assert await store._db.query(backend) == first
    async with opened(url, 1, lifetime_seconds=1e-9) as store:
        first = await store._db.query(backend)
        assert await store._db.query(backend) != first


async def test_a_full_pool_is_said_and_health_calls_it_exhausted(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url, 1, acquire_timeout_seconds=0.05) as store:
        async with store._db.pool.acquire():
            with pytest.raises(PoolTimeoutError, match=r"all 1 connections .* for 0\.05 s"):
                await store.count()
            with monkeypatch.context() as patched:
                patched.setattr("vestige.storage.postgres.store.HEALTH_SECONDS", 0.05)
                health = await store.health_check()
        assert (health.status, health.reason) == ("degraded", "pool exhausted")
        assert (await store.health_check()).status == "healthy"


@pytest.mark.parametrize("times", [1, 3])
async def test_connections_that_the_server_ended_are_made_anew(url: str, times: int) -> None:
    async with opened(url, 2) as store, connected(url) as other:
        for _ in range(times):
            await asyncio.gather(store.count(), store.count())
            await other.fetch(END_OTHERS)
            assert await store.count() == 0


async def test_a_write_whose_connection_is_lost_before_the_commit_happens_once(url: str) -> None:
    memory = a_memory("written once")
    async with opened(url, 2) as store, connected(url) as locker, connected(url) as other:
        async with locker.transaction():
            await locker.execute("LOCK TABLE scheduling IN ACCESS EXCLUSIVE MODE")
            writing = asyncio.create_task(store.insert(memory))
            while not await other.fetchval(WAITING):
                pass
            await other.fetch(f"{END_OTHERS} AND application_name = 'vestige'")
        await writing
        assert await store.get(memory.id) == memory
        assert await store.get_scheduling(memory.id) is not None


@pytest.mark.parametrize(
    "error", [reported.SerializationError("again"), reported.DeadlockDetectedError("again")]
)
async def test_a_transaction_that_others_undid_is_tried_again(
    url: str, error: asyncpg.PostgresError
) -> None:
    calls = 0

    async def conflicting(session: Session) -> int:
        nonlocal calls
        calls += 1
        await session.db.run("INSERT INTO groups (handle) VALUES ('g')")
        if calls < 3:
            raise error
        return calls

    async with opened(url) as store:
        assert await store._db.write(conflicting) == 3
        assert len(await store.list_groups()) == 1


async def test_a_conflict_that_never_ends_is_an_error_after_five_attempts(url: str) -> None:
    calls = 0

    async def conflicting(_: Session) -> None:
        nonlocal calls
        calls += 1
        raise reported.SerializationError("again")

    async with opened(url) as store:
        with pytest.raises(BackendError, match="again and again"):
            await store._db.write(conflicting)
    assert calls == 5


async def test_a_write_that_is_lost_in_its_commit_is_not_done_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    commit = Transaction.commit

    async def commit_and_lose(transaction: Transaction) -> None:
        await commit(transaction)
        raise reported.InternalClientError("out of step")

    async def adding(session: Session) -> None:
        nonlocal calls
        calls += 1
        await session.db.run("INSERT INTO groups (handle) VALUES ($1)", (f"group {calls}",))

    async with opened(url) as store:
        with monkeypatch.context() as patched:
            patched.setattr(Transaction, "commit", commit_and_lose)
            with pytest.raises(StoreUnavailableError, match="while the change was being stored"):
                await store._db.write(adding)
        assert (calls, len(await store.list_groups())) == (1, 1)


async def test_a_server_that_stays_away_is_waited_for_once(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url, acquire_timeout_seconds=0.05) as store:
        acquire = store._db._acquire
        calls = 0

        async def refused() -> None:
            raise ConnectionRefusedError("nobody listens")

        async def counted() -> object:
            nonlocal calls
            calls += 1
            return await acquire()

        monkeypatch.setattr(store._db, "_try_to_acquire", refused)
        monkeypatch.setattr(store._db, "_acquire", counted)
        with pytest.raises(StoreUnavailableError, match="nobody listens"):
            await store.count()
        assert calls == 1


async def test_a_statement_is_ended_after_the_timeout_and_says_what_to_look_at(url: str) -> None:
    async with (
        opened(url, statement_timeout_seconds=0.05) as store,
        connected(url) as locker,
        locker.transaction(),
    ):
        await locker.execute("LOCK TABLE knowledge_nodes IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackendError, match="statement timeout") as caught:
            await store.count()
    assert "statement_timeout_seconds" in caught.value.hint


async def test_a_closed_store_says_so(url: str) -> None:
    async with opened(url) as store:
        await store.close()
        with pytest.raises(StoreUnavailableError, match="is closed"):
            await store.count()
        await store.close()


async def test_a_given_pool_is_used_as_it_is_and_never_closed(url: str) -> None:
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        store = await PostgresStore.from_pool(pool)
        await store.register_model(a_signature())
        memory = a_memory("in a given pool", embedding=a_vector(1))
        await store.insert(memory)
        assert await store.get(memory.id) == memory
        (hit,) = await store.vector_search(a_vector(1))
        assert hit.record == memory
        await store.close()
        assert await pool.fetchval("SELECT count(*) FROM knowledge_nodes") == 1


async def test_a_given_pool_is_not_migrated() -> None:
    async with a_database() as url, asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        store = await PostgresStore.from_pool(pool)
        states = [step.state for step in await store.migration_status()]
        assert "applied" not in states
        assert set(states) == {"pending", "waiting"}
        assert (await store.health_check()).status == "unavailable"


async def test_the_password_is_never_shown() -> None:
    secret = "hush" * 3
    url = url_of("nowhere")
    user, _, rest = url.removeprefix("postgresql://").partition("@")
    with pytest.raises(StoreUnavailableError) as caught:
        await PostgresStore.connect(f"postgresql://{user.partition(':')[0]}:{secret}@{rest}")
    assert secret not in str(caught.value) + caught.value.hint
    assert "nowhere" in str(caught.value)


async def test_a_connection_that_is_lost_while_it_is_given_back_fails_nobody(url: str) -> None:
    store = await PostgresStore.connect(url, 1)
    async with store._db.borrowed() as raw:
        lost = raw._con
        assert lost is not None
        asyncio.get_running_loop().call_soon(lost.terminate)
    assert await store.count() == 0
    await store.close()
