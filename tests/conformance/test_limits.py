"""Limits of a memory: what is refused names the field and the limit, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast

import pytest

from factories import START, a_full_memory, a_memory, an_id
from vestige.errors import InvalidInputError
from vestige.models import MemoryCursor, MemoryFilter, SearchQuery

if TYPE_CHECKING:
    from vestige.models import JsonObject, JsonValue
    from vestige.storage.protocol import MemoryStore

NUL = "a\0b"
SURROGATE = "a\ud800b"
LARGEST = 2**53 - 1  # the largest integer that every JSON reader keeps
NAIVE = datetime(2024, 5, 17, 9, 30)  # noqa: DTZ001  # that it has no zone is the point


def nested(depth: int) -> JsonObject:
    """Return metadata that is this many levels deep, at least two, itself included."""
    value: JsonValue = {}
    for _ in range(depth - 2):
        value = [value]
    return {"a": value}


def metadata_of_bytes(size: int) -> JsonObject:
    """Return metadata that is this long as compact JSON."""
    return {"a": "x" * (size - len('{"a":""}'))}


REFUSED: list[tuple[str, object, str]] = [
    ("content", "", "empty"),
    ("content", "x" * 1_000_001, "1000000"),
    ("content", "é" * 500_001, "1000000"),
    ("content", NUL, "NUL"),
    ("content", SURROGATE, ""),
    ("content", None, ""),
    ("content", b"bytes", ""),
    ("node_type", "", "empty"),
    ("node_type", "x" * 65, "64"),
    ("node_type", NUL, "NUL"),
    ("node_type", SURROGATE, ""),
    ("node_type", None, ""),
    ("tags", ("x",) * 65, "64"),
    ("tags", ("x" * 129,), "128"),
    ("tags", ("fine", ""), "empty"),
    ("tags", (NUL,), "NUL"),
    ("tags", (SURROGATE,), ""),
    ("tags", "red", ""),
    ("tags", (1,), ""),
    ("tags", None, ""),
    ("metadata", metadata_of_bytes(1_000_001), "1000000"),
    ("metadata", {"a": ["é" * 500_000]}, "1000000"),
    ("metadata", {NUL: 1}, "NUL"),
    ("metadata", {"a": NUL}, "NUL"),
    ("metadata", {"a": [{"b": [NUL]}]}, "NUL"),
    ("metadata", {"a": [{NUL: 1}]}, "NUL"),
    ("metadata", {"a": SURROGATE}, ""),
    ("metadata", {SURROGATE: 1}, ""),
    ("metadata", {"a": float("nan")}, ""),
    ("metadata", {"a": [float("inf")]}, ""),
    ("metadata", {"a": {"b": float("-inf")}}, ""),
    ("metadata", {"a": LARGEST + 1}, "2**53"),
    ("metadata", {"a": [-LARGEST - 1]}, "2**53"),
    ("metadata", {"a": 10**400}, "2**53"),
    ("metadata", {1: "a"}, ""),
    ("metadata", {"a": {None: 1}}, ""),
    ("metadata", {"a": START}, ""),
    ("metadata", {"a": {1, 2}}, ""),
    ("metadata", {"a": b"bytes"}, ""),
    ("metadata", nested(101), "100"),
    ("metadata", nested(50_000), "100"),
    ("metadata", [], ""),
    ("metadata", "{}", ""),
    ("metadata", None, ""),
    ("domains", ("x" * 257,), "256"),
    ("domains", ("",), "empty"),
    ("domains", (NUL,), "NUL"),
    ("domains", "work", ""),
    ("domain_scores", {"work": float("nan")}, ""),
    ("domain_scores", {"work": float("inf")}, ""),
    ("domain_scores", {NUL: 0.5}, "NUL"),
    ("domain_scores", {"work": "high"}, ""),
    ("domain_scores", {"work": None}, ""),
    ("domain_scores", [], ""),
    ("codebase", "", "empty"),
    ("codebase", "x" * 257, "256"),
    ("codebase", NUL, "NUL"),
    ("codebase", SURROGATE, ""),
    ("codebase", 7, ""),
    ("owner_user_id", str(an_id("ana")), ""),
    ("owner_user_id", None, ""),
    ("visibility", "secret", "private"),
    ("visibility", None, ""),
    ("shared_with_groups", ("team",), ""),
    ("shared_with_groups", None, ""),
    ("created_at", NAIVE, ""),
    ("created_at", "2024-05-17T09:30:00Z", ""),
    ("created_at", None, ""),
    ("created_at", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), ""),
    ("created_at", datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-1))), ""),
    ("updated_at", NAIVE, ""),
    ("updated_at", None, ""),
]
ACCEPTED: list[tuple[str, object]] = [
    ("content", "x" * 1_000_000),
    ("content", "é" * 500_000),
    ("content", "🚀" * 250_000),
    ("content", " "),
    ("content", "\ufffe\uffff\U0010ffff"),
    ("node_type", "é" * 64),
    ("tags", tuple(f"{n:é>128}" for n in range(64))),
    ("tags", ("twice", "twice", "Twice")),
    ("metadata", metadata_of_bytes(1_000_000)),
    ("metadata", nested(100)),
    ("metadata", {"largest": LARGEST, "smallest": -LARGEST}),
    ("metadata", {"": {"": ""}}),
    ("domains", ("é" * 256, "twice", "twice")),
    ("domain_scores", {"work": -1e300, "é" * 256: 5e-324}),
    ("codebase", "é" * 256),
    ("shared_with_groups", (an_id("one"), an_id("one"))),
]


def called(table: list[tuple[str, object, str]]) -> list[str]:
    return [f"{field} {number}" for number, (field, *_) in enumerate(table)]


@pytest.mark.parametrize(("field", "value", "limit"), REFUSED, ids=called(REFUSED))
async def test_an_insert_outside_a_limit_is_refused_naming_field_and_limit(
    store: MemoryStore, field: str, value: object, limit: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.insert(replace(a_full_memory(), **{field: value}))
    assert caught.value.field == field
    assert limit in caught.value.problem.replace(",", "").replace("_", "")
    assert field in str(caught.value)
    assert await store.count() == 0


@pytest.mark.parametrize(("field", "value", "limit"), REFUSED, ids=called(REFUSED))
async def test_an_update_outside_a_limit_changes_nothing(
    store: MemoryStore, field: str, value: object, limit: str
) -> None:
    record = a_full_memory()
    await store.insert(record)
    with pytest.raises(InvalidInputError) as caught:
        await store.update(replace(record, **{field: value}))
    assert caught.value.field == field
    assert limit in caught.value.problem.replace(",", "").replace("_", "")
    assert await store.list_memories() == [record]


@pytest.mark.parametrize(
    ("field", "value"), ACCEPTED, ids=[f"{field} {n}" for n, (field, _) in enumerate(ACCEPTED)]
)
async def test_a_value_at_its_limit_is_kept_as_given(
    store: MemoryStore, field: str, value: object
) -> None:
    record = replace(a_memory(), **{field: value})
    await store.insert(record)
    assert await store.get(record.id) == record


@pytest.mark.parametrize("bad_id", ["not a uuid", None, str(an_id("a"))])
async def test_an_id_that_is_no_uuid_is_refused(store: MemoryStore, bad_id: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.insert(replace(a_memory(), id=bad_id))
    assert caught.value.field == "id"
    assert await store.count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("codebase", NUL),
        ("codebase", 7),
        ("tags", "red"),
        ("tags", (NUL,)),
        ("node_types", "note"),
        ("node_types", (SURROGATE,)),
        ("created_after", NAIVE),
        ("created_before", "2024-05-17"),
        ("owner_user_id", "ana"),
    ],
)
async def test_a_filter_outside_its_limits_is_refused_by_name(
    store: MemoryStore, field: str, value: object
) -> None:
    memory_filter = replace(MemoryFilter(), **{field: value})
    for call in (store.list_memories, store.count):
        with pytest.raises(InvalidInputError) as caught:
            await call(memory_filter)
        assert caught.value.field == field


async def test_a_cursor_without_a_time_zone_is_refused(store: MemoryStore) -> None:
    await store.insert(a_memory())
    with pytest.raises(InvalidInputError):
        await store.list_memories(after=MemoryCursor(at=NAIVE, id=an_id("a memory")))


@pytest.mark.parametrize("limit", ["10", 2.5, None, True])
async def test_a_limit_that_is_no_integer_is_refused(store: MemoryStore, limit: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await store.list_memories(limit=cast("int", limit))
    assert caught.value.field == "limit"
    with pytest.raises(InvalidInputError):
        await store.search(SearchQuery(text="a", limit=cast("int", limit)))


async def test_a_memory_of_ten_thousand_lines_is_kept_to_the_last_byte(store: MemoryStore) -> None:
    record = a_memory("".join(f"line {n}\r\n\t" for n in range(10_000)), created_at=START)
    await store.insert(record)
    stored = await store.get(record.id)
    assert stored is not None
    assert stored.content == record.content
    assert stored.created_at.tzinfo is UTC
