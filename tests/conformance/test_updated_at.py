"""`updated_at` moves when a person's words changed, and only then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_full_memory, a_group, a_user, a_vector
from vestige.models import Visibility

if TYPE_CHECKING:
    from factories import ManualClock
    from vestige.storage.protocol import MemoryStore

CONTENT_CHANGES: list[tuple[str, object]] = [
    ("content", "other words"),
    ("node_type", "note"),
    ("tags", ("storage",)),
    ("tags", ("décision", "storage")),
    ("tags", ()),
    ("metadata", {"source": "mail"}),
    ("metadata", {}),
    ("codebase", "elsewhere"),
    ("codebase", None),
    ("visibility", Visibility.PUBLIC),
    ("shared_with_groups", (a_group("team").id,)),
]
OTHER_CHANGES: list[dict[str, object]] = [
    {"embedding": a_vector(50)},
    {"embedding": None, "windows": ()},
    {"windows": (a_vector(51),)},
    {"windows": ()},
    {"domains": ("garden",)},
    {"domain_scores": {"work": 0.5}},
    {"owner_user_id": a_user("ana").id},
]


@pytest.mark.parametrize(("field", "value"), CONTENT_CHANGES)
async def test_a_change_of_content_makes_updated_at_the_time_of_the_call(
    store: MemoryStore, clock: ManualClock, field: str, value: object
) -> None:
    await store.upsert_group(a_group("team"))
    record = a_full_memory(updated_at=START)
    await store.insert(record)
    now = clock.advance(3 * DAY)
    changed = replace(record, **{field: value})
    await store.update(changed)
    assert await store.get(record.id) == replace(changed, updated_at=now)


@pytest.mark.parametrize("changes", OTHER_CHANGES)
async def test_a_change_of_vectors_domains_or_owner_leaves_updated_at(
    store: MemoryStore, clock: ManualClock, changes: dict[str, object]
) -> None:
    await store.upsert_user(a_user("ana"))
    record = a_full_memory(updated_at=START)
    await store.insert(record)
    clock.advance(3 * DAY)
    changed = replace(record, **changes)
    await store.update(changed)
    assert await store.get(record.id) == changed


async def test_an_update_without_a_change_leaves_updated_at(
    store: MemoryStore, clock: ManualClock
) -> None:
    record = a_full_memory(updated_at=START)
    await store.insert(record)
    clock.advance(3 * DAY)
    await store.update(record)
    assert await store.get(record.id) == record


async def test_metadata_with_its_keys_in_another_order_is_not_a_change(
    store: MemoryStore, clock: ManualClock
) -> None:
    record = a_full_memory(metadata={"a": 1, "b": 2}, updated_at=START)
    await store.insert(record)
    clock.advance(3 * DAY)
    await store.update(replace(record, metadata={"b": 2, "a": 1}))
    stored = await store.get(record.id)
    assert stored is not None
    assert stored.updated_at == START


async def test_a_change_of_content_and_vector_together_counts_as_content(
    store: MemoryStore, clock: ManualClock
) -> None:
    record = a_full_memory(updated_at=START)
    await store.insert(record)
    now = clock.advance(3 * DAY)
    changed = replace(record, content="other words", embedding=a_vector(50))
    await store.update(changed)
    assert await store.get(record.id) == replace(changed, updated_at=now)


async def test_sharing_and_scheduling_of_others_leave_updated_at(
    store: MemoryStore, clock: ManualClock
) -> None:
    record, other = a_full_memory("one"), a_full_memory("other")
    await store.insert_many([record, other])
    clock.advance(3 * DAY)
    await store.update(replace(other, content="changed"))
    assert await store.get(record.id) == record
