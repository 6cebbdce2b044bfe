"""An export imported into an empty store exports the same bytes; bad lines stay out alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given

from factories import START, a_memory, a_scheduling, a_signature, a_vector, an_id
from filled_store import ANA, fill
from strategies import json_objects, texts, times, vectors
from transfer.exports import exported, imported
from vestige.errors import TransferError
from vestige.models import LOCAL_USER_ID, SearchQuery, TransferTable

if TYPE_CHECKING:
    from datetime import datetime

    from conftest import OpenHandle
    from factories import ManualClock
    from vestige.models import JsonObject, Vector
    from vestige.storage.protocol import MemoryStore

HEADER = b'{"vestige_export":1,"model":null}\n'


@pytest.fixture
async def target(open_handle: OpenHandle, clock: ManualClock) -> MemoryStore:
    """A second, empty store without a model, made at another time."""
    clock.advance(START - START.replace(year=2020))
    return await open_handle("target")


def line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def changed(row: bytes, **fields: object) -> bytes:
    return line({**cast("JsonObject", json.loads(row)), **fields})


async def test_an_export_of_an_import_is_the_same_byte_for_byte(
    store: MemoryStore, target: MemoryStore
) -> None:
    await fill(store)
    first = await exported(store)
    counts, failures = await imported(target, first)
    assert not failures
    assert set(counts) == {table.value for table in TransferTable}
    assert await exported(target) == first
    assert await exported(store) == first


async def test_an_imported_store_is_bound_to_the_model_and_searched_like_its_source(
    store: MemoryStore, target: MemoryStore
) -> None:
    await fill(store)
    await imported(target, await exported(store))
    assert await target.registered_model() == a_signature()
    query = SearchQuery(text="memory", embedding=a_vector(3), limit=20)
    assert await target.search(query) == await store.search(query)


async def test_an_import_into_the_same_store_writes_nothing(store: MemoryStore) -> None:
    await fill(store)
    before = await exported(store)
    counts, failures = await imported(store, before)
    assert not failures
    assert all((written, present) == (0, read) for read, written, present, _ in counts.values())
    assert await exported(store) == before


async def test_a_store_without_anything_has_an_export_that_can_be_imported(
    unbound_store: MemoryStore, target: MemoryStore
) -> None:
    data = await exported(unbound_store)
    assert data.startswith(HEADER)
    assert await imported(target, data) == ({"users": (1, 0, 1, 0)}, [])
    assert await exported(target) == data


@given(metadata=json_objects(), at=times(), embedding=vectors(), content=texts(100))
async def test_whatever_a_memory_holds_its_export_can_be_repeated(
    store: MemoryStore, metadata: JsonObject, at: datetime, embedding: Vector, content: str
) -> None:
    record = a_memory(
        content,
        id=an_id("one"),
        metadata=metadata,
        codebase=content,
        tags=(content[:128],),
        embedding=embedding,
        windows=(embedding,),
        updated_at=at,
    )
    await store.insert(record, a_scheduling(record.id, last_review=at))
    data = await exported(store)
    await store.delete(record.id)
    counts, failures = await imported(store, data)
    assert (counts["knowledge_nodes"], failures) == ((1, 1, 0, 0), [])
    assert await exported(store) == data
    assert await store.get(record.id) == record
    await store.delete(record.id)


async def test_what_is_known_of_the_local_user_is_taken_over_and_its_time_is_not(
    store: MemoryStore, target: MemoryStore
) -> None:
    local = await store.get_user(LOCAL_USER_ID)
    own = await target.get_user(LOCAL_USER_ID)
    assert local is not None
    assert own is not None
    await store.upsert_user(replace(local, handle="ana", display_name=None, metadata={"a": 1}))
    data = await exported(store)
    assert (await imported(target, data))[0]["users"] == (1, 1, 0, 0)
    assert (await imported(target, data))[0]["users"] == (1, 0, 1, 0)
    assert await target.get_user(LOCAL_USER_ID) == replace(
        own, handle="ana", display_name=None, metadata={"a": 1}
    )
    assert await exported(target) == data


async def test_a_local_user_that_the_store_knows_more_about_is_left(store: MemoryStore) -> None:
    data = await exported(store)
    local = await store.get_user(LOCAL_USER_ID)
    assert local is not None
    await store.upsert_user(replace(local, handle="mine"))
    before = await exported(store)
    assert (await imported(store, data))[0]["users"] == (1, 0, 1, 0)
    assert await exported(store) == before


async def test_a_local_user_with_a_handle_that_is_taken_is_listed(store: MemoryStore) -> None:
    await store.upsert_user(ANA)
    users = (await exported(store)).splitlines(keepends=True)[1:]
    bad = changed(users[0], handle=ANA.handle)
    counts, failures = await imported(store, HEADER + bad + users[1])
    assert counts["users"] == (2, 0, 1, 1)
    assert failures[0].line == 2
    assert "handle" in failures[0].reason


async def test_twenty_bad_lines_among_five_hundred_are_listed_by_their_number(
    store: MemoryStore, target: MemoryStore
) -> None:
    await store.insert_many([a_memory(f"m {n}", embedding=a_vector(n)) for n in range(480)])
    header, user, *good = (await exported(store)).splitlines(keepends=True)
    model = good[0]
    bad = [
        b'{"table": "knowledge_nodes", "id": \n',
        b"not json at all\n",
        b"[1, 2]\n",
        b"NaN\n",
        b'"\xff\xfe"\n',
        b"[" * 100_000 + b"\n",
        b"1" * 5_000 + b"\n",
        header,
        line({"id": 1}),
        line({"table": "secrets"}),
        line({"table": ["users"]}),
        line({"table": "users"}),
        changed(model, id=str(an_id("x")), color="red"),
        changed(model, id=str(an_id("x")), content=""),
        changed(model, id=str(an_id("x")), content="a\0b"),
        changed(model, id=str(an_id("x")), owner_user_id=str(an_id("nobody"))),
        changed(model, id=str(an_id("x")), embedding="AACAPw=="),
        changed(model, id=str(an_id("x")), embedding="AADAfw=="),
        changed(model, id=str(an_id("x")), created_at="yesterday"),
        changed(model, id="not an id"),
    ]
    lines = [header, user, *good]
    places: list[int] = []
    for number, text in enumerate(bad):
        places.append(2 + number * 25)
        lines.insert(places[-1], text)
    counts, failures = await imported(target, b"".join(lines))
    assert sorted(failure.line for failure in failures) == [place + 1 for place in places]
    assert all(failure.reason for failure in failures)
    assert counts["knowledge_nodes"] == (488, 480, 0, 8)
    assert await exported(target) == await exported(store)


async def test_the_second_line_with_an_id_is_present_already(
    store: MemoryStore, target: MemoryStore
) -> None:
    await store.insert(a_memory("first"))
    header, user, row = (await exported(store)).splitlines(keepends=True)
    data = header + user + row + changed(row, content="second")
    counts, failures = await imported(target, data)
    assert (counts["knowledge_nodes"], failures) == ((2, 1, 1, 0), [])
    assert await exported(target) == header + user + row


async def test_of_two_bad_lines_with_an_id_each_is_listed_once(
    store: MemoryStore, target: MemoryStore
) -> None:
    await store.insert(a_memory("first"))
    header, user, row = (await exported(store)).splitlines(keepends=True)
    empty, long = changed(row, content=""), changed(row, node_type="x" * 65)
    _, failures = await imported(target, header + user + empty + long + row)
    assert [(failure.line, failure.reason.partition(":")[0]) for failure in failures] == [
        (3, "content"),
        (4, "node_type"),
    ]
    assert await exported(target) == header + user + row


@pytest.mark.parametrize("table", TransferTable)
async def test_a_failure_of_each_table_is_listed_with_its_line(
    store: MemoryStore, target: MemoryStore, table: TransferTable
) -> None:
    wrong: dict[TransferTable, dict[str, object]] = {
        TransferTable.USERS: {"id": str(an_id("u")), "handle": ""},
        TransferTable.GROUPS: {"handle": ""},
        TransferTable.GROUP_MEMBERSHIPS: {"user_id": str(an_id("nobody"))},
        TransferTable.KNOWLEDGE_NODES: {"content": ""},
        TransferTable.EDGES: {"target_id": str(an_id("nobody"))},
        TransferTable.REVIEW_EVENTS: {"memory_id": str(an_id("nobody"))},
        TransferTable.DOMAINS: {"label": ""},
        TransferTable.INTENTIONS: {"content": ""},
        TransferTable.FSRS_WEIGHTS: {"weights": [1.0]},
        TransferTable.CHANGELOG: {"reason": ""},
        TransferTable.TOMBSTONES: {"purged_at": "never"},
    }
    await fill(store)
    header, *rows = (await exported(store)).splitlines(keepends=True)
    ours = next(row for row in reversed(rows) if f'"table":"{table.value}"'.encode() in row)
    _, failures = await imported(target, header + changed(ours, **wrong[table]))
    assert [(failure.line, failure.table) for failure in failures] == [(2, table)]


async def test_blank_lines_and_a_byte_order_mark_are_no_rows(
    store: MemoryStore, target: MemoryStore
) -> None:
    await store.insert(a_memory("first"))
    data = await exported(store)
    spaced = b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n\r\n \n")
    assert not (await imported(target, spaced))[1]
    assert await exported(target) == data


async def test_a_file_that_was_cut_off_is_imported_up_to_there(
    store: MemoryStore, target: MemoryStore
) -> None:
    await store.insert_many([a_memory(str(n)) for n in range(3)])
    data = await exported(store)
    counts, failures = await imported(target, data[:-40])
    assert counts["knowledge_nodes"][1] == 2
    assert [failure.line for failure in failures] == [5]
    assert "is not JSON" in failures[0].reason
    await imported(target, data)
    assert await exported(target) == data


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the input is empty"),
        (b"# A note\n", "line 1 is not JSON"),
        (b'{"content": "a text"}\n', "line 1 is not the header of an export"),
        (b"[]\n", "is not the header"),
        (b'{"vestige_export": 2}\n', "format 2, this version of vestige reads 1"),
        (b'{"vestige_export": "1"}\n', "format '1'"),
        (b'{"vestige_export": true}\n', "format True"),
        (b'{"vestige_export": 1, "key": 2}\n', "unknown field 'key'"),
        (b'{"vestige_export": 1, "model": "minilm"}\n', "does not name its model"),
        (
            b'{"vestige_export": 1, "model": {"name": "a", "dimension": 0, "hash": "a"}}\n',
            "dimension",
        ),
    ],
)
async def test_what_is_no_export_of_this_format_is_refused_whole(
    store: MemoryStore, data: bytes, problem: str
) -> None:
    await store.insert(a_memory("first"))
    before = await exported(store)
    _, *rows = before.splitlines(keepends=True)
    with pytest.raises(TransferError) as caught:
        await imported(store, data + b"".join(rows) if data else b"")
    assert problem in str(caught.value)
    assert await exported(store) == before


async def test_vectors_of_another_model_are_refused_naming_both(
    store: MemoryStore, target: MemoryStore
) -> None:
    await store.insert(a_memory("first", embedding=a_vector(1)))
    other = a_signature("other-model", digit="b")
    await target.register_model(other)
    before = await exported(target)
    with pytest.raises(TransferError) as caught:
        await imported(target, await exported(store))
    assert "test-model" in str(caught.value)
    assert "other-model" in str(caught.value)
    assert await exported(target) == before
