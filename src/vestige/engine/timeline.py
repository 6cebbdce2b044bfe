"""What was remembered when: memories by days, newest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vestige.cognition.currency import marks_at
from vestige.cognition.days import day_of, day_span
from vestige.engine.orientation_results import Timeline, TimelineDay, TimelineEntry
from vestige.errors import InvalidInputError
from vestige.storage import limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime, tzinfo

    from vestige.models import MemoryFilter, MemoryRecord
    from vestige.storage.protocol import MemoryStore

UTC_NAME: Final = "UTC"


async def timeline(
    store: MemoryStore,
    narrowed: MemoryFilter,
    *,
    now: datetime,
    time_zone: str = UTC_NAME,
    limit: int = 0,
) -> Timeline:
    """Return the newest memories by days; the store is asked three times at most.

    Memories come newest first, so only the last day can be cut, and its count alone is asked for.

    Args:
        store: where to look.
        narrowed: what to keep.
        now: what was superseded or has expired by then is marked.
        time_zone: whose days: a name of the IANA database.
        limit: how many memories, at most 1000; 0 means 10.

    Raises:
        InvalidInputError: the time zone is unknown, or a limit.
    """
    zone = zone_of(time_zone)
    wanted = limits.check_limit(limit)
    page = await store.list_memories(narrowed, limit=wanted)
    days = _by_days(page, zone, now)
    if len(page) < wanted:
        return Timeline(days=tuple(days), count=len(page), time_zone=time_zone)
    last = days[-1]
    of_last = await store.count(_of_day(narrowed, last.day, zone))
    # Another process may have deleted some of them since they were listed.
    days[-1] = replace(last, count=max(of_last, last.count))
    total = max(await store.count(narrowed), len(page) + days[-1].count - last.count)
    return Timeline(days=tuple(days), count=total, time_zone=time_zone)


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name.

    Raises:
        InvalidInputError: the machine knows no such zone.
    """
    if name == UTC_NAME:  # also where there is no database of zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInputError(
            "time_zone",
            f"{name!r} is no time zone that this machine knows",
            "Give a name such as Europe/Berlin, or UTC.",
        ) from error


def _by_days(page: Sequence[MemoryRecord], zone: tzinfo, now: datetime) -> list[TimelineDay]:
    days: list[TimelineDay] = []
    for day, group in groupby(page, lambda record: day_of(record.created_at, zone)):
        entries = tuple(TimelineEntry(record=one, marks=marks_at(one, now)) for one in group)
        days.append(TimelineDay(day=day, count=len(entries), entries=entries))
    return days


def _of_day(narrowed: MemoryFilter, day: date, zone: tzinfo) -> MemoryFilter:
    beginning, end = day_span(day, zone)
    since, until = narrowed.created_after, narrowed.created_before
    if beginning is not None:
        since = beginning if since is None else max(since, beginning)
    if end is not None:
        until = end if until is None else min(until, end)
    return replace(narrowed, created_after=since, created_before=until)
