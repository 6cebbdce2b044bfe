"""Which backups are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from vestige.transfer.retention import Retention, to_keep

FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
TIMES: Final = st.lists(
    st.datetimes(
        min_value=datetime(2025, 11, 1),  # noqa: DTZ001  # hypothesis wants it so, and adds the zone
        max_value=datetime(2026, 3, 1),  # noqa: DTZ001  # as above
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
    ),
    max_size=40,
)
RETENTIONS: Final = st.builds(
    Retention, daily=st.integers(0, 9), weekly=st.integers(0, 5), monthly=st.integers(0, 4)
)


def days(kept: set[int], times: list[datetime]) -> list[str]:
    return sorted(times[place].strftime("%m-%d %H") for place in kept)


def test_of_a_year_of_two_backups_a_day_days_weeks_and_months_are_kept() -> None:
    times = [FIRST + timedelta(hours=12 * number) for number in range(2 * 31 + 2 * 28 + 2 * 10)]
    assert days(to_keep(times, Retention()), times) == [
        "01-31 12",  # month
        "02-22 12",  # week, which ends on a Sunday
        "02-28 12",  # month
        "03-01 12",  # week
        "03-04 12",
        "03-05 12",
        "03-06 12",
        "03-07 12",
        "03-08 12",
        "03-09 12",
        "03-10 12",
    ]


def test_the_week_is_that_of_iso_8601_also_over_new_year() -> None:
    monday, sunday = datetime(2025, 12, 29, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)
    only_weeks = Retention(daily=0, weekly=2, monthly=0)
    assert to_keep([monday, sunday], only_weeks) == {1}
    assert to_keep([monday - timedelta(days=1), monday], only_weeks) == {0, 1}


def test_a_pause_of_a_year_loses_nothing() -> None:
    times = [FIRST - timedelta(days=365), FIRST]
    assert to_keep(times, Retention(daily=2, weekly=0, monthly=0)) == {0, 1}


def test_without_backups_none_is_kept() -> None:
    assert to_keep([], Retention()) == set()


@given(times=TIMES, retention=RETENTIONS)
def test_the_newest_is_always_kept(times: list[datetime], retention: Retention) -> None:
    kept = to_keep(times, retention)
    assert kept <= set(range(len(times)))
    assert not times or max(times) in {times[place] for place in kept}


@given(times=TIMES, retention=RETENTIONS)
def test_no_more_are_kept_than_the_numbers_allow(
    times: list[datetime], retention: Retention
) -> None:
    allowed = retention.daily + retention.weekly + retention.monthly
    assert len(to_keep(times, retention)) <= max(1, allowed)


@given(times=TIMES, retention=RETENTIONS)
def test_pruning_again_removes_nothing(times: list[datetime], retention: Retention) -> None:
    kept = [times[place] for place in sorted(to_keep(times, retention))]
    assert to_keep(kept, retention) == set(range(len(kept)))


@given(times=TIMES, retention=RETENTIONS)
def test_the_newest_of_each_of_the_last_days_is_kept(
    times: list[datetime], retention: Retention
) -> None:
    newest: dict[str, datetime] = {}
    for time in sorted(times):
        newest[time.astimezone(UTC).date().isoformat()] = time
    expected = [newest[day] for day in sorted(newest, reverse=True)[: retention.daily]]
    kept = {times[place] for place in to_keep(times, retention)}
    assert set(expected) <= kept
