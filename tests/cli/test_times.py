from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from vestige.cli import times
from vestige.cli.output import UsageProblem
from vestige.cli.times import parse_time, parse_time_or_ago, parse_time_or_ahead

if TYPE_CHECKING:
    from collections.abc import Callable

NOW: Final = datetime(2026, 3, 15, 12, 30, tzinfo=UTC)


class StoppedClock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "SystemClock", StoppedClock)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31t10:00:00z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31 10:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-01T00:30:00.123456-00:30", datetime(2026, 1, 1, 1, 0, 0, 123456, tzinfo=UTC)),
        (" 2024-02-29 ", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_time_is_returned_in_utc(text: str, time: datetime) -> None:
    assert parse_time(text) == time
    assert parse_time(text).tzinfo is UTC
    assert parse_time_or_ago(text) == time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("12h", datetime(2026, 3, 15, 0, 30, tzinfo=UTC)),
        ("7d", datetime(2026, 3, 8, 12, 30, tzinfo=UTC)),
        ("2w", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("0d", NOW),
    ],
)
def test_a_time_can_be_counted_back_from_now(text: str, time: datetime) -> None:
    assert parse_time_or_ago(text) == time


def test_a_time_can_be_counted_from_now() -> None:
    assert parse_time_or_ahead("30m") == datetime(2026, 3, 15, 13, 0, tzinfo=UTC)
    assert parse_time_or_ahead("2w") == datetime(2026, 3, 29, 12, 30, tzinfo=UTC)
    assert parse_time_or_ahead("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    with pytest.raises(UsageProblem, match="after the year 9999"):
        parse_time_or_ahead("99999999w")


@pytest.mark.parametrize("parse", [parse_time, parse_time_or_ago, parse_time_or_ahead])
def test_a_time_without_a_zone_is_refused_with_how_to_write_it(
    parse: Callable[[str], datetime],
) -> None:
    with pytest.raises(UsageProblem, match="without a zone") as raised:
        parse("2026-01-31T10:00:00")
    assert "2026-01-31T10:00:00Z" in raised.value.hint


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "20260131", "2026-W05-6", "2026-02-30", "2026-13-01", "2026-01-31T25:00Z"),
        *("2026-01-31T10:00+25:00", "0001-01-01T00:00+10:00", "2026-01-31Z", "7", "-7d", "\u0667d"),
        *("7d ago", "1y", "1.5d", "999999999w", "2026-01-31T10:00:00Z\x00"),
    ],
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageProblem) as raised:
        parse_time_or_ago(text)
    assert raised.value.hint


def test_only_a_time_in_the_past_may_be_counted_from_now() -> None:
    with pytest.raises(UsageProblem, match="'7d' is no time"):
        parse_time("7d")
