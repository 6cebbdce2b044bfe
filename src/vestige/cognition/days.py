"""Which day a moment falls on in a time zone, and when a day begins and ends.

A day lasts from the first moment of its date to that of the next one. Where clocks were put back
over midnight, a date came twice; the moments between belong to the later day, so that days follow
one another and each is one span of time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import tzinfo

ONE_DAY: Final = timedelta(days=1)


def day_of(at: datetime, zone: tzinfo) -> date:
    """Return the day that a moment falls on.

    Args:
        at: aware.
        zone: whose days.
    """
    day = in_zone(at, zone).date()
    _, end = day_span(day, zone)
    return day + ONE_DAY if end is not None and end <= at else day


def in_zone(at: datetime, zone: tzinfo) -> datetime:
    """Return a moment as the clocks of a zone show it.

    At the ends of the calendar, where a zone has no date for it, those of UTC.
    """
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at.astimezone(UTC)


def day_span(day: date, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Return the first moment of a day and that of the next one, in UTC.

    Args:
        day: of the zone.
        zone: whose day.

    Returns:
        None for a moment that the calendar, which ends with the year 9999, does not have.
    """
    return _beginning(day, zone), None if day == date.max else _beginning(day + ONE_DAY, zone)


def _beginning(day: date, zone: tzinfo) -> datetime | None:
    # Where clocks are put forward over midnight, this is the moment at which they are; where they
    # are put back to midnight or behind it, the first of the two.
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    try:
        return midnight.astimezone(UTC)
    except OverflowError:
        return None
