"""What was to be done later in a file: brought along with what brings it up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from factories import ManualClock
from rust.files import CREATED, Cell, a_file, add, add_node, changes, execute, node_id, opened
from vestige.models import Intention, IntentionStatus, Priority, TransferTable, TriggerType
from vestige.storage.sqlite.store import SqliteStore
from vestige.transfer.copy_plan import CopyPlan, CopyReport
from vestige.transfer.copying import copy

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.storage.rust.findings import SourceReport

ID = "0b7f2c9e-3a51-4d86-9f04-e2c15d7a8b63"
AT = datetime(2026, 7, 1, 9, tzinfo=UTC)


def add_intention(path: Path, **cells: Cell) -> None:
    row: dict[str, Cell] = {
        "id": ID,
        "content": "Rotate the key",
        "trigger_type": "time",
        "trigger_data": '{"type":"time","at":"2026-07-01T09:00:00Z"}',
        "created_at": CREATED,
    }
    add(path, "intentions", **{**row, **cells})


async def the_intention(path: Path) -> tuple[Intention, SourceReport]:
    async with opened(path) as source:
        (row,) = (await source.export_page(TransferTable.INTENTIONS)).rows
        assert isinstance(row, Intention)
        return row, source.report()


async def test_an_intention_goes_with_all_that_its_row_says(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, 1)
    add_intention(
        path,
        priority=4,
        status="snoozed",
        deadline="2026-08-01T00:00:00+02:00",
        tags='["ops"]',
        related_memories=json.dumps([node_id(1), node_id(2)]),
        snoozed_until="2026-07-02T09:00:00Z",
        notes="ask Ana",
        reminder_count=3,
    )
    intention, report = await the_intention(path)
    assert str(intention.id) == ID
    assert (intention.trigger_type, intention.trigger_at) == (TriggerType.TIME, AT)
    assert (intention.priority, intention.status) == (Priority.CRITICAL, IntentionStatus.ACTIVE)
    assert intention.deadline == datetime(2026, 7, 31, 22, tzinfo=UTC)
    assert intention.snoozed_until == datetime(2026, 7, 2, 9, tzinfo=UTC)
    assert (intention.tags, [str(item) for item in intention.memory_ids]) == (
        ("ops",),
        [node_id(1)],
    )
    assert intention.metadata == {
        "notes": "ask Ana",
        "reminder_count": 3,
        "source_type": "api",
        "status": "snoozed",
        "trigger_type": "time",
        "trigger_data": {"type": "time", "at": "2026-07-01T09:00:00Z"},
        "related_memories": [node_id(1), node_id(2)],
    }
    assert changes(report) == {"related_memories: some are no memories of the file": 1}
    assert ("intentions", "intentions") in {(table.name, table.becomes) for table in report.copied}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("context", {"codebase": "shop", "topic": "search"}, ("context", "shop", None, "search")),
        ("context", {"filePattern": "*.rs"}, ("context", None, "*.rs", None)),
        ("event", {"condition": "deployed"}, ("event", "deployed", None, None)),
        ("activity", {"activity": "review"}, ("event", "review", None, None)),
        # Of these nothing that this program could act on is known.
        ("compound", {"all": []}, ("event", "compound", None, None)),
        ("time", {}, ("event", "time", None, None)),
        ("time", {"at": "soon"}, ("event", "time", None, None)),
        ("context", {"topic": "x" * 300}, ("event", "context", None, None)),
        ("", {}, ("event", "unknown", None, None)),
    ],
)
async def test_what_brings_it_up_is_found_or_kept(
    tmp_path: Path,
    kind: str,
    data: dict[str, object],
    expected: tuple[str, str | None, str | None, str | None],
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_intention(path, trigger_type=kind, trigger_data=json.dumps(data))
    intention, _ = await the_intention(path)
    named = intention.event or intention.codebase
    assert (intention.trigger_type, named, intention.file_pattern, intention.topic) == expected
    assert intention.metadata["trigger_data"] == data


@pytest.mark.parametrize(
    ("status", "fulfilled_at", "expected"),
    [
        ("active", None, (IntentionStatus.ACTIVE, None)),
        ("triggered", None, (IntentionStatus.ACTIVE, None)),
        ("fulfilled", "2026-07-01T09:00:00Z", (IntentionStatus.COMPLETED, AT)),
        ("cancelled", None, (IntentionStatus.CANCELLED, datetime.fromisoformat(CREATED))),
        ("expired", "", (IntentionStatus.CANCELLED, datetime.fromisoformat(CREATED))),
        ("dreaming", None, (IntentionStatus.ACTIVE, None)),
    ],
)
async def test_the_status_is_one_of_three_and_the_old_one_is_kept(
    tmp_path: Path,
    status: str,
    fulfilled_at: str | None,
    expected: tuple[IntentionStatus, datetime | None],
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_intention(path, status=status, fulfilled_at=fulfilled_at)
    intention, _ = await the_intention(path)
    assert (intention.status, intention.closed_at) == expected
    assert intention.metadata.get("status", status) == status


@pytest.mark.parametrize(
    "cells",
    [
        {"trigger_data": "no JSON"},
        {"trigger_data": b"\xff\x00"},
        {"tags": "no list", "related_memories": "{}"},
        {"priority": 99, "deadline": "soon", "snoozed_until": "\x00"},
        {"priority": "high", "status": b"\xff"},
        {"id": "remind-1"},
        {"id": None},
        {"created_at": ""},
        {"content": "NUL \x00 inside"},
    ],
)
async def test_odd_values_are_brought_into_a_form_that_a_store_takes(
    tmp_path: Path, cells: dict[str, Cell]
) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_intention(path, **cells)
    intention, _ = await the_intention(path)
    again, _ = await the_intention(path)
    assert intention == again
    store = await SqliteStore.open(tmp_path / "new.db", clock=ManualClock())
    result = await store.import_rows(TransferTable.INTENTIONS, [intention])
    assert result.failures == ()
    assert await store.get_intention(intention.id) == intention
    await store.close()


async def test_a_file_without_the_later_columns_and_one_that_cannot_be_read(
    tmp_path: Path,
) -> None:
    path = a_file(tmp_path / "vestige.db")
    execute(path, "DROP TABLE intentions")
    columns = "id TEXT, content TEXT, trigger_type TEXT, trigger_data TEXT"
    execute(path, f"CREATE TABLE intentions ({columns})")
    execute(path, "INSERT INTO intentions VALUES ('a', 'Do it', 'event', '{\"event\":\"x\"}')")
    intention, _ = await the_intention(path)
    assert (intention.content, intention.event) == ("Do it", "x")
    execute(path, "ALTER TABLE intentions DROP COLUMN trigger_data")
    async with opened(path) as source:
        assert (await source.export_page(TransferTable.INTENTIONS)).rows == ()
        (skipped,) = [one for one in source.report().skipped if one.name == "intentions"]
    assert skipped.reason == "cannot be read: it has no column trigger_data"


async def test_a_copy_brings_intentions_and_a_second_one_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    path = a_file(tmp_path / "old" / "vestige.db")
    add_node(path, 1)
    add_intention(path)
    store = await SqliteStore.open(tmp_path / "new.db", clock=ManualClock())
    for written in (1, 0):
        async with opened(path) as source:
            report = CopyReport()
            await copy(source, store, CopyPlan(), report)
        assert report.tables[TransferTable.INTENTIONS].written == written
    (intention,) = await store.list_intentions()
    assert intention.content == "Rotate the key"
    await store.close()
