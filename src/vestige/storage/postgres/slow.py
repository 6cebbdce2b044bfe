"""Work in the store that took too long, and the server's plan for its slowest statement."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, LiteralString

from vestige.errors import StoreError
from vestige.storage.postgres.errors import translated
from vestige.storage.work import is_explainable, may_be_slow
from vestige.telemetry.slow import SlowLog, is_slow

if TYPE_CHECKING:
    from collections.abc import Generator

    from vestige.storage.postgres.connection import Database, Session
    from vestige.storage.postgres.driver import Values

PLAN_SECONDS: Final = 2.0  # how long the server may take to plan
CLOSING_SECONDS: Final = 1.0  # how long a store that is closed waits for plans
# A table that is locked now is no reason to be yet another one that waits for it.
IMPATIENTLY: Final = "SET LOCAL lock_timeout = '100ms'"
EXPLAIN: Final = "EXPLAIN "
LITERAL: Final = re.compile(r"'(?:[^']|'')*'")


class SlowStatements:
    """Logs slow work of a store; the plans are asked for while nobody waits for them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = SlowLog(database.name)
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def timed(self, operation: str, session: Session) -> Generator[None]:
        """Log the work of the block if it takes too long, also if it fails then."""
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            if is_slow(seconds) and not may_be_slow(operation):
                self._notice(operation, seconds, session)

    async def finish(self) -> None:
        """Wait for the lines that are not written yet, but not for long."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)
            for task in late:
                task.cancel()

    def _notice(self, operation: str, seconds: float, session: Session) -> None:
        if self._log.notice(operation, session.db.slowest.sql):
            task = asyncio.create_task(self._write(operation, seconds, session))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _write(self, operation: str, seconds: float, session: Session) -> None:
        slowest = session.db.slowest
        plan = None
        if is_explainable(slowest.sql):
            with suppress(StoreError, TimeoutError):
                plan = await self._plan(slowest.sql, slowest.values)
        self._log.write(
            operation,
            seconds,
            statement=slowest.sql,
            statement_seconds=slowest.seconds,
            plan=plan,
        )

    async def _plan(self, sql: LiteralString, values: Values) -> str | None:
        database = self._database
        state = database.pool_state()
        if not state.idle and state.size >= state.limit:
            return None  # others wait for a connection already
        async with asyncio.timeout(PLAN_SECONDS):
            with translated(database.location):
                async with database.borrowed() as raw, raw.transaction(readonly=True):
                    await database.set_local(raw)
                    session = database.session(raw)
                    await session.db.run(IMPATIENTLY)
                    rows = await session.db.rows(EXPLAIN + sql, values)
        # The values of the query stand in its plan.
        return LITERAL.sub("?", "\n".join(str(row[0]) for row in rows))
