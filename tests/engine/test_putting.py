"""Keeping texts under ids of the caller's, on both backends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from factories import an_id
from vestige.engine.results import PutItem
from vestige.errors import DuplicateMemoryError, InvalidInputError
from vestige.models import ChangeAction, Rating

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from factories import ManualClock
    from vestige.engine.engine import Engine
    from vestige.models import MemoryRecord


async def actions(engine: Engine) -> list[ChangeAction]:
    """Return what was done, the oldest first."""
    return [entry.action for entry in reversed(await engine.changelog(limit=100))]


def let_others_be_quicker(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, found: list[list[MemoryRecord]]
) -> None:
    """Answer the first questions of the engine with what was there before others wrote."""
    get_many = engine.store.get_many

    async def get_what_was(memory_ids: Sequence[UUID]) -> list[MemoryRecord]:
        return found.pop(0) if found else await get_many(memory_ids)

    monkeypatch.setattr(engine.store, "get_many", get_what_was)


async def test_an_id_holds_what_was_put_last(any_engine: Engine) -> None:
    first = PutItem(id=an_id("key"), content="first", tags=("one", "one"), codebase="shop")
    second = PutItem(id=an_id("key"), content="second", node_type="note", metadata={"n": 1})
    (created,) = await any_engine.put([first])
    assert created.action == "created"
    assert (await any_engine.get(first.id))[0].tags == ("one",)
    (edited,) = await any_engine.put([first, second])
    assert edited.action == "edited"
    record, _ = await any_engine.get(first.id)
    assert (record.content, record.node_type, record.tags) == ("second", "note", ())
    assert (record.metadata, record.codebase) == ({"n": 1}, None)
    hit = (await any_engine.recall("second"))[0]
    assert (hit.record.id, hit.vector_score) == (first.id, pytest.approx(1.0))
    assert await actions(any_engine) == ["created", "edited"]


async def test_two_ids_may_hold_the_same_text(any_engine: Engine) -> None:
    items = [PutItem(id=an_id(name), content="the same") for name in ("one", "two")]
    results = await any_engine.put(items)
    assert [result.id for result in results] == [item.id for item in items]
    assert len({result.change_id for result in results}) == 1
    assert len(await any_engine.list_memories()) == 2


async def test_putting_can_be_undone(any_engine: Engine) -> None:
    await any_engine.put([PutItem(id=an_id("key"), content="first")])
    await any_engine.put([PutItem(id=an_id("key"), content="second")])
    await any_engine.undo()
    assert (await any_engine.get(an_id("key")))[0].content == "first"


async def test_what_was_hidden_holds_again_and_its_creation_and_reviews_stay(
    any_engine: Engine, clock: ManualClock
) -> None:
    item = PutItem(id=an_id("key"), content="hidden")
    await any_engine.put([item])
    created = clock.now()
    clock.advance(timedelta(days=1))
    await any_engine.review(item.id, Rating.GOOD)
    await any_engine.suppress(item.id)
    later = clock.advance(timedelta(days=1))
    await any_engine.put([item])
    record, scheduling = await any_engine.get(item.id)
    assert (record.suppressed_at, record.created_at, record.updated_at) == (None, created, later)
    assert scheduling is not None
    assert scheduling.reps == 1


async def test_a_purged_id_is_refused(any_engine: Engine) -> None:
    item = PutItem(id=an_id("key"), content="gone for good")
    await any_engine.put([item])
    await any_engine.purge([item.id], erase=False)
    with pytest.raises(InvalidInputError, match="was purged"):
        await any_engine.put([item])
    await any_engine.put([PutItem(id=an_id("other key"), content="gone for good")])


async def test_an_id_that_was_forgotten_can_be_put_again(any_engine: Engine) -> None:
    item = PutItem(id=an_id("key"), content="forgotten")
    await any_engine.put([item])
    await any_engine.forget(item.id)
    assert [result.action for result in await any_engine.put([item])] == ["created"]


async def test_of_what_is_put_together_all_is_refused_or_nothing(any_engine: Engine) -> None:
    good = PutItem(id=an_id("good"), content="good")
    with pytest.raises(InvalidInputError, match="content"):
        await any_engine.put([good, PutItem(id=an_id("bad"), content=" ")])
    with pytest.raises(InvalidInputError, match="items"):
        await any_engine.put([])
    with pytest.raises(InvalidInputError, match="items"):
        await any_engine.put([good] * 101)
    stats = await any_engine.stats()
    assert (stats.memory_count, stats.model) == (0, None)


async def test_what_others_put_meanwhile_is_replaced(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await any_engine.put([PutItem(id=an_id("key"), content="of others")])
    let_others_be_quicker(any_engine, monkeypatch, [[]])
    items = [PutItem(id=an_id(name), content="ours") for name in ("key", "other")]
    results = await any_engine.put(items)
    assert [result.action for result in results] == ["edited", "created"]
    assert (await any_engine.get(an_id("key")))[0].content == "ours"


async def test_what_others_deleted_meanwhile_is_created(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = PutItem(id=an_id("key"), content="ours")
    await any_engine.put([item])
    record, _ = await any_engine.get(item.id)
    await any_engine.forget(item.id)
    let_others_be_quicker(any_engine, monkeypatch, [[record]])
    assert [result.action for result in await any_engine.put([item])] == ["created"]


async def test_others_who_are_quicker_again_and_again_are_reported(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = PutItem(id=an_id("key"), content="ours")
    await any_engine.put([item])
    let_others_be_quicker(any_engine, monkeypatch, [[] for _ in range(100)])
    with pytest.raises(DuplicateMemoryError):
        await any_engine.put([item])
