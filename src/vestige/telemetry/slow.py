"""What counts as slow work in a store, and how often it is written to the log."""

from __future__ import annotations

import logging
import time
from typing import Final

from vestige.telemetry.observing import milliseconds, report_slow

DEFAULT_SLOW_MS: Final = 1000
OFF: Final = -1
REPEAT_SECONDS: Final = 60.0  # from one line about a statement to the next
STATEMENTS_MAX: Final = 1000  # that are kept apart; there are a few hundred texts of SQL

logger = logging.getLogger("vestige.slow")


class _Limit:
    """How long work in a store may take, in this process."""

    def __init__(self) -> None:
        self.seconds: float | None = DEFAULT_SLOW_MS / 1000


_limit: Final = _Limit()


def log_slow(slow_ms: int) -> None:
    """Log work in a store that takes longer than this.

    Args:
        slow_ms: milliseconds; 0 logs everything, -1 nothing.
    """
    _limit.seconds = None if slow_ms == OFF else slow_ms / 1000


def is_slow(seconds: float) -> bool:
    """Say whether work in a store has taken too long."""
    return _limit.seconds is not None and seconds >= _limit.seconds


class SlowLog:
    """The lines about slow work in one store; each statement at most once a minute.

    Args:
        store: the backend and the place of its data, without a password.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._logged_at: dict[tuple[str, str], float] = {}

    def notice(self, operation: str, statement: str) -> bool:
        """Take note of slow work; say whether there is to be a line about it.

        Args:
            operation: the function of the store that was slow.
            statement: the SQL that took most of its time, empty without any.
        """
        report_slow(operation, self._store)
        key = (operation, statement)
        now = time.monotonic()
        logged_at = self._logged_at.get(key)
        if logged_at is not None and now - logged_at < REPEAT_SECONDS:
            return False
        if len(self._logged_at) >= STATEMENTS_MAX:
            self._logged_at.clear()
        self._logged_at[key] = now
        return True

    def write(
        self,
        operation: str,
        seconds: float,
        *,
        statement: str,
        statement_seconds: float,
        plan: str | None,
    ) -> None:
        """Write a line.

        Args:
            operation: the function of the store that was slow.
            seconds: how long it took.
            statement: the SQL that took most of it, which holds no value of a query; or nothing.
            statement_seconds: how long that took.
            plan: how the database goes about it, without values; None when it was not to be had.
        """
        fields: dict[str, str | float | None] = {
            "operation": operation,
            "store": self._store,
            "duration_ms": milliseconds(seconds),
        }
        if statement:
            fields["statement"] = " ".join(statement.split())
            fields["statement_ms"] = milliseconds(statement_seconds)
            if plan is not None:
                fields["plan"] = plan
        logger.warning("slow in the store: %s", operation, extra=fields)
