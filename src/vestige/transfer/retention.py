"""Which backups are kept: the newest of each of the last days, weeks and months that have one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    Period: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """For how many days, weeks and months a backup is kept, each 0 or more.

    Attributes:
        daily: days of UTC.
        weekly: weeks of ISO 8601, which begin on a Monday.
        monthly: months of the calendar.
    """

    daily: int = 7
    weekly: int = 4
    monthly: int = 3


def to_keep(times: Sequence[datetime], retention: Retention) -> set[int]:
    """Return which backups are kept, by their place in the sequence.

    Only days, weeks and months that have a backup count, so none is lost because none were made
    for a while. The newest is kept in any case.

    Args:
        times: when each backup was made, aware, in any order.
        retention: how many of each period.
    """
    newest_first = sorted(range(len(times)), key=lambda place: times[place], reverse=True)
    kept = set(newest_first[:1])
    for count, period in (
        (retention.daily, _day),
        (retention.weekly, _week),
        (retention.monthly, _month),
    ):
        kept |= _newest_of_each(newest_first, times, count, period)
    return kept


def _newest_of_each(
    newest_first: Sequence[int],
    times: Sequence[datetime],
    count: int,
    period: Callable[[datetime], Period],
) -> set[int]:
    found: dict[Period, int] = {}
    for place in newest_first:
        if len(found) < count:
            found.setdefault(period(times[place].astimezone(UTC)), place)
    return set(found.values())


def _day(time: datetime) -> Period:
    return time.year, time.month, time.day


def _week(time: datetime) -> Period:
    year, week, _ = time.isocalendar()
    return year, week


def _month(time: datetime) -> Period:
    return time.year, time.month
