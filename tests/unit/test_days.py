"""Which day a moment falls on, also where clocks are put forward or back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.cognition.days import ONE_DAY, day_of, day_span

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    UTC,
    BERLIN,
    ZoneInfo("America/St_Johns"),
    ZoneInfo("America/Sao_Paulo"),
    ZoneInfo("America/Havana"),
    ZoneInfo("Pacific/Apia"),
    timezone(timedelta(hours=14)),
    timezone(timedelta(hours=-12)),
]
moments = st.datetimes(timezones=st.just(UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-01-31T22:59:59.999999Z", date(2026, 1, 31)),
        ("2026-01-31T23:00:00Z", date(2026, 2, 1)),
        ("2026-07-31T21:59:59.999999Z", date(2026, 7, 31)),
        ("2026-07-31T22:00:00Z", date(2026, 8, 1)),
    ],
)
def test_a_day_begins_at_midnight_of_its_zone(moment: str, day: date) -> None:
    assert day_of(at(moment), BERLIN) == day


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends"),
    [
        # Summer time begins: 23 hours; it ends: 25.
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        # There is no midnight: clocks are put forward from it.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00Z", "2018-11-05T02:00Z"),
        # Midnight comes twice: clocks are put back to it.
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00Z", "2025-11-03T05:00Z"),
        # Clocks are put back over midnight, one minute after it.
        ("America/St_Johns", date(2010, 11, 7), "2010-11-07T02:30Z", "2010-11-08T03:30Z"),
    ],
)
def test_a_day_lasts_from_its_first_moment_to_that_of_the_next(
    zone: str, day: date, begins: str, ends: str
) -> None:
    assert day_span(day, ZoneInfo(zone)) == (at(begins), at(ends))
    assert day_of(at(begins), ZoneInfo(zone)) == day
    assert day_of(at(ends) - timedelta(microseconds=1), ZoneInfo(zone)) == day
    assert day_of(at(ends), ZoneInfo(zone)) == day + ONE_DAY


def test_a_date_that_a_zone_left_out_has_no_moments() -> None:
    apia = ZoneInfo("Pacific/Apia")
    begins, ends = day_span(date(2011, 12, 30), apia)
    assert begins == ends
    assert day_of(at("2011-12-30T09:59Z"), apia) == date(2011, 12, 29)
    assert day_of(at("2011-12-30T10:00Z"), apia) == date(2011, 12, 31)


@given(moments, st.sampled_from(ZONES))
def test_a_moment_lies_in_the_span_of_its_day(moment: datetime, zone: timezone) -> None:
    begins, ends = day_span(day_of(moment, zone), zone)
    assert begins is None or begins <= moment
    assert ends is None or moment < ends


@given(moments, moments, st.sampled_from(ZONES))
def test_later_moments_fall_on_the_same_day_or_a_later_one(
    one: datetime, other: datetime, zone: timezone
) -> None:
    earlier, later = sorted((one, other))
    assert day_of(earlier, zone) <= day_of(later, zone)


def test_the_ends_of_the_calendar_have_days() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert day_of(first, ZONES[-1]) == date.min
    assert day_of(last, ZONES[-2]) == date.max
    assert day_span(date.min, ZONES[-2])[0] is None
    assert day_span(date.max, ZONES[-1])[1] is None
