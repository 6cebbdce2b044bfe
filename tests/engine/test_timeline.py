"""The timeline: memories by days, newest first, with the whole count of each day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory, a_numbered_id
from recalling import put, put_all
from vestige.errors import InvalidInputError

if TYPE_CHECKING:
    from vestige.engine.engine import Engine
    from vestige.engine.orientation_results import Timeline

HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 1, 31, tzinfo=UTC)


def contents(timeline: Timeline) -> dict[str, list[str]]:
    return {
        day.day.isoformat(): [entry.record.content for entry in day.entries]
        for day in timeline.days
    }


def counts(timeline: Timeline) -> dict[str, int]:
    return {day.day.isoformat(): day.count for day in timeline.days}


async def put_each_hour(engine: Engine, hours: int) -> None:
    """Store a memory for each of the hours before and from midnight on, the first one first."""
    await put_all(
        engine,
        [
            a_memory(
                f"{number:+}", id=a_numbered_id(number + 50), created_at=MIDNIGHT + number * HOUR
            )
            for number in range(-hours, hours)
        ],
    )


async def test_memories_are_shown_by_days_newest_first(either_engine: Engine) -> None:
    await put_each_hour(either_engine, 2)
    timeline = await either_engine.timeline()
    assert contents(timeline) == {"2026-01-31": ["+1", "+0"], "2026-01-30": ["-1", "-2"]}
    assert [day.day for day in timeline.days] == [date(2026, 1, 31), date(2026, 1, 30)]
    assert (timeline.count, timeline.left_out, timeline.time_zone) == (4, 0, "UTC")


async def test_the_count_of_a_day_is_whole_where_the_limit_cuts_it(either_engine: Engine) -> None:
    await put_each_hour(either_engine, 30)
    timeline = await either_engine.timeline(limit=32)
    assert counts(timeline) == {"2026-02-01": 6, "2026-01-31": 24, "2026-01-30": 24}
    assert contents(timeline)["2026-01-30"] == ["-1", "-2"]
    assert (timeline.count, timeline.left_out) == (60, 28)


async def test_a_limit_that_ends_with_a_day_leaves_its_count_as_it_is(
    either_engine: Engine,
) -> None:
    await put_each_hour(either_engine, 2)
    timeline = await either_engine.timeline(limit=2)
    assert counts(timeline) == {"2026-01-31": 2}
    assert (timeline.count, timeline.left_out) == (4, 2)


async def test_days_are_those_of_the_zone(either_engine: Engine) -> None:
    await put_each_hour(either_engine, 2)
    berlin = await either_engine.timeline(time_zone="Europe/Berlin", limit=3)
    assert contents(berlin) == {"2026-01-31": ["+1", "+0", "-1"]}
    assert counts(berlin) == {"2026-01-31": 3}
    assert berlin.left_out == 1
    new_york = await either_engine.timeline(time_zone="America/New_York")
    assert counts(new_york) == {"2026-01-30": 4}


async def test_the_count_of_a_day_is_of_what_was_asked_for_only(either_engine: Engine) -> None:
    await put_each_hour(either_engine, 6)
    timeline = await either_engine.timeline(
        since=MIDNIGHT - 3 * HOUR, until=MIDNIGHT + HOUR, limit=2
    )
    assert contents(timeline) == {"2026-01-31": ["+0"], "2026-01-30": ["-1"]}
    assert counts(timeline) == {"2026-01-31": 1, "2026-01-30": 3}
    assert timeline.count == 4


async def test_filters_keep_what_they_name(either_engine: Engine) -> None:
    await put(either_engine, "one", codebase="shop", tags=("api",), node_type="decision")
    await put(either_engine, "two", codebase="shop", tags=("api",))
    await put(either_engine, "three", codebase="shop", node_type="decision")
    await put(either_engine, "four", tags=("api",), node_type="decision")
    found = await either_engine.timeline(codebase="shop", tags=["api"], node_types=["decision"])
    assert contents(found) == {"2024-05-17": ["one"]}


async def test_what_does_not_hold_is_shown_on_request_and_marked(either_engine: Engine) -> None:
    await put(either_engine, "holds", valid_until=START + DAY)
    await put(either_engine, "hidden", created_at=START - HOUR, suppressed_at=START + DAY)
    await put(either_engine, "old", created_at=START - 2 * HOUR, superseded_at=START)
    await put(either_engine, "over", created_at=START - 3 * HOUR, valid_until=START)
    assert contents(await either_engine.timeline()) == {"2024-05-17": ["holds"]}
    timeline = await either_engine.timeline(everything=True, limit=1)
    assert (counts(timeline), timeline.count) == ({"2024-05-17": 4}, 4)
    (day,) = (await either_engine.timeline(everything=True)).days
    assert {entry.record.content: entry.marks for entry in day.entries} == {
        "holds": (),
        "hidden": ("suppressed",),
        "old": ("superseded",),
        "over": ("expired",),
    }


async def test_an_empty_store_has_no_days(either_engine: Engine) -> None:
    timeline = await either_engine.timeline()
    assert (timeline.days, timeline.count, timeline.left_out) == ((), 0, 0)


async def test_memories_at_the_ends_of_the_calendar_have_a_day(either_engine: Engine) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)
    await put(either_engine, "first", created_at=first)
    await put(either_engine, "last", created_at=last)
    timeline = await either_engine.timeline(time_zone="Asia/Tokyo", limit=1)
    assert counts(timeline) == {"9999-12-31": 1}
    timeline = await either_engine.timeline(time_zone="America/New_York", limit=2)
    assert counts(timeline) == {"9999-12-31": 1, "0001-01-01": 1}


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../UTC", "Europe", "a\0b"])
async def test_an_unknown_time_zone_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(InvalidInputError, match="is no time zone"):
        await engine.timeline(time_zone=name)


async def test_a_limit_out_of_range_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidInputError, match="limit"):
        await engine.timeline(limit=1001)
