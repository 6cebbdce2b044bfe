"""The time, as a dependency that tests can replace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock: the only caller of `datetime.now` in the package."""

    def now(self) -> datetime:
        return datetime.now(UTC)
