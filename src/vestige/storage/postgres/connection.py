"""The pool of connections to one PostgreSQL database, and transactions on them.

A connection is borrowed for one operation. What the server or the network breaks is tried again
where that is safe: everything up to the COMMIT, whose outcome alone can be unknown.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate, Final, Literal, ParamSpec, TypeVar
from weakref import WeakSet

import asyncpg
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from vestige.errors import PoolTimeoutError, StoreUnavailableError
from vestige.storage.postgres.driver import Connection, prepare_types
from vestige.storage.postgres.errors import (
    CONFLICTS,
    LOST,
    ProtocolError,
    translated,
    unreachable,
)
from vestige.storage.postgres.frequencies import WordStatistics
from vestige.storage.postgres.slow import SlowStatements
from vestige.storage.work import name_of
from vestige.telemetry.observing import observed
from vestige.telemetry.watched import forget_pool, watch_pool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from asyncpg.pool import PoolConnectionProxy
    from asyncpg.transaction import Transaction

    from vestige.clock import Clock
    from vestige.config import PostgresSettings
    from vestige.models import ModelSignature

    Proxy = PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS: Final = 10.0
ATTEMPTS: Final = 5  # of a transaction that others or a lost connection undid
LONGEST_WAIT_SECONDS: Final = 1.0
# One statement sees one state by itself, and sees it after it has its locks: a search that waited
# for the switch to another model must not see the model from before it.
ISOLATION: Final[dict[str, Literal["read_committed", "repeatable_read"]]] = {
    "query": "read_committed",
    "read": "repeatable_read",
    "write": "read_committed",
}
# Settings of a transaction, where the server does not know those of the connection.
SET_LOCAL: Final = (
    "SELECT set_config(name, value, true)"
    " FROM unnest($1::text[], $2::text[]) AS settings (name, value)"
)


@dataclass(kw_only=True, slots=True)
class Session:
    """A borrowed connection, with what its store knows; the first argument of every function.

    Attributes:
        db: the connection to the server.
        clock: where the time comes from.
        options: the section [storage.postgres].
        location: server and database, without a password.
        signature: the model that the store's handle is bound to, None before `register_model`.
        statistics: what the store knows of its words, the same for all its connections.
    """

    db: Connection
    clock: Clock
    options: PostgresSettings
    location: str
    signature: ModelSignature | None = None
    statistics: WordStatistics = field(default_factory=WordStatistics)


@dataclass(kw_only=True, slots=True)
class PoolState:
    """How many connections there are: open, of these idle, and at most."""

    size: int
    idle: int
    limit: int


@dataclass(kw_only=True, eq=False)
class Database:
    """A pool of connections, and the work that is done on them.

    Attributes:
        pool: the connections.
        location: server and database, without a password.
        clock: where the time comes from.
        options: the section [storage.postgres].
        owns_pool: whether `close` ends the pool; one that was given is left to its giver.
        local_settings: what each transaction sets first, because the connection could not.
        signature: the model that the store's handle is bound to, None before `register_model`.
        on_close: called once after the pool is closed.
        statistics: what searches know of the words in the store.
    """

    pool: Pool
    location: str
    clock: Clock
    options: PostgresSettings
    owns_pool: bool = True
    local_settings: dict[str, str] = field(default_factory=dict)
    signature: ModelSignature | None = None
    on_close: Callable[[], Awaitable[None]] | None = None
    statistics: WordStatistics = field(default_factory=WordStatistics)
    _is_closed: bool = False
    _prepared: WeakSet[asyncpg.Connection[asyncpg.Record]] = field(default_factory=WeakSet)

    def __post_init__(self) -> None:
        self.name = f"postgres:{self.location}"
        self._slow = SlowStatements(self)
        watch_pool(self)

    async def read(
        self,
        function: Callable[Concatenate[Session, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function in a transaction that sees one state of the database."""
        return await self._run(
            "read", name_of(function), lambda session: function(session, *args, **kwargs)
        )

    async def query(
        self,
        function: Callable[Concatenate[Session, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function that sends one reading statement: it needs no transaction around it."""
        return await self._run(
            "query", name_of(function), lambda session: function(session, *args, **kwargs)
        )

    async def write(
        self,
        function: Callable[Concatenate[Session, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function in a transaction; it may run again when others undid it."""
        return await self._run(
            "write", name_of(function), lambda session: function(session, *args, **kwargs)
        )

    async def outside_transaction(self, function: Callable[[Session], Awaitable[T]]) -> T:
        """Run a function on a connection without a transaction around it, once."""
        with observed("store", name_of(function), store=self.name), translated(self.location):
            async with self.borrowed() as raw:
                return await function(self.session(raw))

    def bind(self, signature: ModelSignature) -> None:
        """Let the sessions know which model the handle is bound to."""
        self.signature = signature

    def pool_state(self) -> PoolState:
        """Return how many connections are open, idle and allowed."""
        pool = self.pool
        return PoolState(size=pool.get_size(), idle=pool.get_idle_size(), limit=pool.get_max_size())

    async def renew(self) -> None:
        """Replace connections when they are free: there is a type that they do not know."""
        await self.pool.expire_connections()

    async def close(self) -> None:
        """Close the pool, unless it was given; a second call does nothing."""
        if self._is_closed:
            return
        await self._slow.finish()
        self._is_closed = True
        forget_pool(self)
        if self.owns_pool:
            with translated(self.location):
                await self.pool.close()
        if self.on_close is not None:
            await self.on_close()

    async def _run(self, kind: str, name: str, function: Callable[[Session], Awaitable[T]]) -> T:
        with observed("store", name, store=self.name), translated(self.location):
            try:
                return await self._once(kind, name, function)
            except (*CONFLICTS, *LOST):
                return await AsyncRetrying(
                    retry=retry_if_exception_type((*CONFLICTS, *LOST)),
                    stop=stop_after_attempt(ATTEMPTS - 1),
                    wait=wait_random_exponential(multiplier=0.02, max=LONGEST_WAIT_SECONDS),
                    reraise=True,
                )(self._once, kind, name, function)

    async def _once(self, kind: str, name: str, function: Callable[[Session], Awaitable[T]]) -> T:
        async with self.borrowed() as raw:
            session = self.session(raw)
            with self._slow.timed(name, session):
                if kind == "query" and not self.local_settings:
                    return await function(session)
                return await self._transaction(kind, raw, session, function)

    async def _transaction(
        self, kind: str, raw: Proxy, session: Session, function: Callable[[Session], Awaitable[T]]
    ) -> T:
        transaction = raw.transaction(isolation=ISOLATION[kind], readonly=kind != "write")
        await transaction.start()
        try:
            await self.set_local(raw)
            result = await function(session)
        except BaseException:
            with suppress(*LOST, asyncpg.InterfaceError):
                await transaction.rollback()
            raise
        await self._commit(transaction, kind)
        return result

    async def _commit(self, transaction: Transaction, kind: str) -> None:
        try:
            await transaction.commit()
        except (*LOST, asyncpg.InterfaceError, ProtocolError) as error:
            if kind != "write":
                raise
            raise StoreUnavailableError(
                f"{self.location}: the connection was lost while the change was being stored",
                "It may or may not be there: look before you do it again.",
            ) from error

    async def set_local(self, raw: Proxy) -> None:
        if self.local_settings:
            await raw.execute(SET_LOCAL, [*self.local_settings], [*self.local_settings.values()])

    @asynccontextmanager
    async def borrowed(self) -> AsyncGenerator[Proxy]:
        if self._is_closed:
            raise StoreUnavailableError(f"the store {self.location} is closed", "Open it again.")
        with observed("pool", "acquire", store=self.name):
            raw = await self._acquire()
        try:
            if not self.owns_pool:
                await self._prepare(raw)
            yield raw
        except (asyncpg.InterfaceError, ProtocolError) as error:
            # What the driver says when the server ended a connection between two statements.
            if _is_closed(raw) or isinstance(error, ProtocolError):
                raise ConnectionResetError("the server closed the connection") from error
            raise
        finally:
            # A transaction that could not be ended, and a connection past its time, go no further.
            if not _is_closed(raw) and (raw.is_in_transaction() or self._is_old(raw)):
                raw.terminate()
            with suppress(asyncpg.InternalClientError):  # it was lost just now, and is given back
                await self.pool.release(raw)

    async def _acquire(self) -> Proxy:
        try:
            return await self._try_to_acquire()
        except LOST:
            # A server that restarts takes a moment; connections that it closed are made anew.
            # One that stays away is an error at once then: nobody waits for it a second time.
            with translated(self.location):
                return await AsyncRetrying(
                    retry=retry_if_exception_type(LOST),
                    stop=stop_after_delay(self.options.acquire_timeout_seconds),
                    wait=wait_random_exponential(multiplier=0.05, max=LONGEST_WAIT_SECONDS),
                    reraise=True,
                )(self._try_to_acquire)

    async def _try_to_acquire(self) -> Proxy:
        seconds = self.options.acquire_timeout_seconds
        try:
            return await self.pool.acquire(timeout=seconds)
        except TimeoutError as error:
            state = self.pool_state()
            if state.size < state.limit:
                raise unreachable(self.location, error) from error
            raise PoolTimeoutError(
                f"all {state.limit} connections to {self.location} were in use for {seconds:g} s"
            ) from error

    async def _prepare(self, raw: Proxy) -> None:
        connection = raw._con  # noqa: SLF001  # the proxy itself is new each time
        if connection not in self._prepared:
            await prepare_types(raw)
            self._prepared.add(connection)

    def session(self, raw: Proxy) -> Session:
        return Session(
            db=Connection(raw),
            clock=self.clock,
            options=self.options,
            location=self.location,
            signature=self.signature,
            statistics=self.statistics,
        )

    def _is_old(self, raw: Proxy) -> bool:
        lifetime = self.options.lifetime_seconds
        born = getattr(raw, "born", None)  # not on the connections of a pool that was given
        return bool(lifetime and born is not None and time.monotonic() - born > lifetime)


def _is_closed(raw: Proxy) -> bool:
    try:
        return raw.is_closed()
    except asyncpg.InterfaceError:  # it is not even the pool's any more
        return True
