"""Times as the versions of the Rust Vestige, its hooks and SQLite itself wrote them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rust.files import Cell, a_file, add_node, changes, the_memory
from vestige.storage.rust.findings import RowNotes
from vestige.storage.rust.values import time_of

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.storage.rust.findings import Adjustment

AT: Final = datetime(2026, 3, 14, 15, 7, 59, tzinfo=UTC)


def read(cell: Cell) -> tuple[datetime | None, list[Adjustment]]:
    notes = RowNotes("knowledge_nodes", "1")
    return time_of(notes, "created_at", cell), notes.adjustments


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-03-14T15:07:59+00:00", 0),
        ("2026-03-14T15:07:59.857+00:00", 857_000),
        ("2026-03-14T15:07:59.857129+00:00", 857_129),
        ("2026-03-14T15:07:59.857129999+00:00", 857_129),
        ("2026-03-14T15:07:59.857129Z", 857_129),
        ("2026-03-14t15:07:59z", 0),
        ("2026-03-14T17:07:59+02:00", 0),
        ("2026-03-14T17:07:59+0200", 0),
        ("2026-03-14T09:37:59.5-05:30", 500_000),
        ("2026-03-14 15:07:59", 0),
        ("2026-03-14 15:07:59.857", 857_000),
        ("2026-03-14 15:07:59.857129123 UTC", 857_129),
        ("2026-03-14 15:07:59 +00:00", 0),
        ("2026-03-14T15:07:59", 0),
        (" 2026-03-14T15:07:59Z\n", 0),
        ("2026-03-14T15:07:59,5Z", 500_000),
        ("2026-03-15T00:07:59+09:00", 0),
    ],
)
def test_a_written_time_is_read_to_the_microsecond(text: str, microseconds: int) -> None:
    at, adjustments = read(text)
    assert at is not None
    assert (at, at.tzinfo) == (AT + timedelta(microseconds=microseconds), UTC)
    assert not adjustments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-14", datetime(2026, 3, 14, tzinfo=UTC)),
        ("2026-03-14T15:07", datetime(2026, 3, 14, 15, 7, tzinfo=UTC)),
        ("2026-03-14T15:07+02:00", datetime(2026, 3, 14, 13, 7, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_at_an_edge_is_read(text: str, expected: datetime) -> None:
    assert read(text) == (expected, [])


@pytest.mark.parametrize(
    "cell",
    [1773500879, "1773500879", 1773500879.0, 1773500879000, 1773500879000000, 1773500879 * 10**9],
)
def test_a_number_is_read_as_a_time_since_1970_and_said_so(cell: Cell) -> None:
    at, adjustments = read(cell)
    assert at == AT
    assert [change.what for change in adjustments] == [
        "created_at: a number, read as time since 1970"
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "yesterday",
        "2026-02-30T00:00:00Z",
        "2026-03-14T25:00:00Z",
        "2026-03-14T15:07:59+99:00",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-02:00",
        "+12026-03-14T15:07:59Z",
        "٢٠٢٦-٠٣-١٤",  # digits of another script
        "-1",
        -5,
        0,
        float("inf"),
        b"2026-03-14",
        "2026-03-14T15:07:59Z; DROP TABLE knowledge_nodes",
        "9" * 400,
    ],
)
def test_what_is_no_time_is_said_to_be_none(cell: Cell) -> None:
    at, adjustments = read(cell)
    assert at is None
    assert [change.what for change in adjustments] == ["created_at: no time that can be read"]


@given(st.one_of(st.text(), st.binary(), st.integers(), st.floats()))
def test_no_value_at_all_makes_reading_a_time_fail(cell: str | bytes | float) -> None:
    at, _ = read(cell)
    assert at is None or at.utcoffset() == timedelta(0)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001  # the zone follows
def test_every_time_of_rust_survives_as_it_was(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    assert read(at.isoformat()) == (at, [])
    assert read(at.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")) == (at, [])


@pytest.mark.parametrize("created_at", ["", "soon", b"\xff"])
async def test_a_memory_without_a_creation_has_that_of_its_other_times(
    created_at: Cell, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, created_at=created_at)
    memory, report = await the_memory(path)
    assert memory.record.created_at == memory.record.updated_at
    assert changes(report)["created_at: missing, taken from another time"] == 1


async def test_a_memory_without_any_time_has_that_of_the_file_in_every_run(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, created_at="", updated_at="", last_accessed="", next_review="never")
    first, report = await the_memory(path)
    second, _ = await the_memory(path)
    assert first == second
    assert first.record.created_at == first.scheduling.last_review
    assert first.scheduling.next_review is None
    assert changes(report)["next_review: no time that can be read"] == 1


async def test_a_memory_that_was_never_reviewed_counts_from_its_creation(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, last_accessed="")
    memory, report = await the_memory(path)
    assert memory.scheduling.last_review == memory.record.created_at
    assert changes(report) == {"last_accessed: none, taken from created_at": 1}
