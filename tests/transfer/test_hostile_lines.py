"""Whatever stands in one line, the lines around it are imported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import a_memory
from filled_store import fill
from transfer.exports import exported, imported
from vestige.models import TransferTable

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.models import JsonValue
    from vestige.storage.protocol import MemoryStore

HOSTILE: list[JsonValue] = [
    *(None, True, -1, 0, 2**31, 2**63, 2**64, 10**400, 1e308, -0.0, 5e-324),
    *("", "\0", "\ud800", "'; DROP TABLE users; --", "x" * 300, "AACAfw==", "AADAfw==", "AAAAAA=="),
    *([], {}, [None], ["\ud800"], [""], {"": None}, {"\ud800": 1.0}, {"a": {"b": ["\0"]}}),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "00000000-0000-0000-0000-000000000001"),
]


@pytest.fixture
async def lines(store: MemoryStore) -> list[bytes]:
    """An export of a store with something in every table."""
    await fill(store)
    return (await exported(store)).splitlines(keepends=True)


@pytest.fixture
async def target(open_handle: OpenHandle, lines: list[bytes]) -> MemoryStore:
    """A store that has what the export has, so that only changed keys are new."""
    target = await open_handle("target")
    await imported(target, b"".join(lines))
    return target


@pytest.mark.parametrize("table", TransferTable)
@given(data=st.data())
async def test_a_hostile_value_is_listed_or_stored_and_stops_nothing(
    target: MemoryStore, lines: list[bytes], table: TransferTable, data: st.DataObject
) -> None:
    ours = [one for one in lines if f'"table":"{table.value}"'.encode() in one]
    row = cast("dict[str, JsonValue]", json.loads(data.draw(st.sampled_from(ours))))
    uuids = st.uuids().map(str)
    for name in ("id", "source_id", "user_id"):
        if name in row:
            row[name] = data.draw(uuids | st.sampled_from(HOSTILE) | st.integers(10**6, 10**9))
    name = data.draw(st.sampled_from([name for name in row if name != "table"]))
    row[name] = data.draw(st.sampled_from(HOSTILE))
    last = a_memory("after")
    memories = (one for one in lines if b'"table":"knowledge_nodes"' in one)
    memory = cast("dict[str, JsonValue]", json.loads(next(memories)))
    memory["id"] = str(last.id)
    cast("dict[str, JsonValue]", memory["scheduling"])["memory_id"] = str(last.id)
    text = b"".join((lines[0], json.dumps(row).encode(), b"\n", json.dumps(memory).encode()))
    counts, failures = await imported(target, text)
    assert {failure.line for failure in failures} <= {2}
    assert counts["knowledge_nodes"][1] >= 1
    assert await target.get(last.id) is not None
    await target.delete(last.id)  # the next example writes it again
