"""Work in the store that took too long, and SQLite's plan for its slowest statement."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.storage.work import is_explainable, may_be_slow
from vestige.telemetry.slow import SlowLog, is_slow

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from vestige.storage.sqlite.connection import Session
    from vestige.storage.sqlite.driver import Connection, Values
    from vestige.storage.work import Slowest

EXPLAIN: Final = "EXPLAIN QUERY PLAN "
INDENT: Final = "  "


class SlowStatements:
    """Logs slow work of a store, on the thread of the connection that did it.

    Differs from postgres: a plan is had without waiting for anybody, so it is asked for on that
    thread as its next work, when the caller has its answer already.
    """

    def __init__(self, store: str) -> None:
        self._log = SlowLog(store)

    @contextmanager
    def timed(
        self, operation: str, session: Session, later: Callable[[Callable[[], None]], object]
    ) -> Generator[None]:
        """Log the work of the block if it takes too long, also if it fails then.

        Args:
            operation: the function of the store; empty for work that is not looked at.
            session: the connection that does it.
            later: runs a function on this thread when the work is done.
        """
        session.db.forget_slowest()
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            if operation and is_slow(seconds) and not may_be_slow(operation):
                slowest = session.db.forget_slowest()
                if self._log.notice(operation, slowest.sql):
                    with suppress(RuntimeError):  # the program ends, and takes no more work
                        later(lambda: self._write(operation, seconds, slowest, session.db))

    def _write(
        self, operation: str, seconds: float, slowest: Slowest[Values], db: Connection
    ) -> None:
        is_asked = is_explainable(slowest.sql) and db.is_open
        self._log.write(
            operation,
            seconds,
            statement=slowest.sql,
            statement_seconds=slowest.seconds,
            plan=_plan(db, slowest.sql, slowest.values) if is_asked else None,
        )


def _plan(db: Connection, sql: LiteralString, values: Values) -> str:
    """Return the plan as a tree; SQLite names tables and indexes in it, and no values."""
    depths: dict[int, int] = {}
    lines: list[str] = []
    for step, parent, _, detail in cast(
        "list[tuple[int, int, int, str]]", db.rows(EXPLAIN + sql, values)
    ):
        depths[step] = depths.get(parent, -1) + 1
        lines.append(f"{INDENT * depths[step]}{detail}")
    return "\n".join(lines)
