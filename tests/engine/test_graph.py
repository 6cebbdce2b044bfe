"""Links, what they lead to, domains and tidying up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, ManualClock, a_domain, a_group, a_user, an_edge, an_id
from vestige.errors import InvalidInputError, MemoryNotFoundError
from vestige.models import LOCAL_USER_ID

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.engine.engine import Engine

UNKNOWN = an_id("unknown")


async def remembered(engine: Engine, *texts: str) -> list[UUID]:
    return [(await engine.remember(text)).id for text in texts]


async def test_a_link_is_added_with_the_time_of_the_clock(engine: Engine) -> None:
    one, two = await remembered(engine, "one", "two")
    result = await engine.link(one, two)
    assert (result.action, result.previous_weight) == ("added", None)
    assert result.edge == an_edge(one, two)
    assert await engine.links(one) == await engine.links(two) == [result.edge]


async def test_a_link_again_keeps_its_time_and_tells_the_weight_before(
    engine: Engine, clock: ManualClock
) -> None:
    one, two = await remembered(engine, "one", "two")
    await engine.link(one, two, weight=0.5)
    clock.advance(DAY)
    result = await engine.link(one, two, weight=0.75)
    assert (result.action, result.previous_weight) == ("changed", 0.5)
    assert result.edge == an_edge(one, two, weight=0.75, created_at=START)
    assert await engine.links(one) == [result.edge]


async def test_a_link_the_other_way_or_of_another_type_is_another_link(engine: Engine) -> None:
    one, two = await remembered(engine, "one", "two")
    await engine.link(one, two)
    assert (await engine.link(two, one)).action == "added"
    assert (await engine.link(one, two, edge_type="because")).action == "added"
    assert len(await engine.links(one)) == 3


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
async def test_a_weight_that_is_not_above_0_is_refused(engine: Engine, weight: float) -> None:
    one, two = await remembered(engine, "one", "two")
    with pytest.raises(InvalidInputError) as caught:
        await engine.link(one, two, weight=weight)
    assert caught.value.field == "weight"
    assert await engine.links(one) == []


async def test_a_memory_cannot_be_linked_to_itself(engine: Engine) -> None:
    (one,) = await remembered(engine, "one")
    with pytest.raises(InvalidInputError, match="linked to itself"):
        await engine.link(one, one)


async def test_an_unknown_end_is_named_also_when_it_is_to_be_removed(engine: Engine) -> None:
    (one,) = await remembered(engine, "one")
    for ends in ((one, UNKNOWN), (UNKNOWN, one)):
        with pytest.raises(MemoryNotFoundError, match=str(UNKNOWN)):
            await engine.link(*ends)
        with pytest.raises(MemoryNotFoundError, match=str(UNKNOWN)):
            await engine.unlink(*ends)
    with pytest.raises(MemoryNotFoundError):
        await engine.links(UNKNOWN)
    with pytest.raises(MemoryNotFoundError):
        await engine.neighbors(UNKNOWN)


async def test_unlink_returns_what_it_removed(engine: Engine) -> None:
    one, two, three = await remembered(engine, "one", "two", "three")
    there = (await engine.link(one, two)).edge
    back = (await engine.link(two, one)).edge
    typed = (await engine.link(one, two, edge_type="because")).edge
    other = (await engine.link(one, three)).edge
    assert await engine.unlink(one, two, edge_type="related") == [there]
    assert await engine.unlink(one, two, edge_type="related") == []
    assert {edge.edge_type for edge in await engine.unlink(one, two)} == {
        back.edge_type,
        typed.edge_type,
    }
    assert await engine.links(one) == [other]


async def test_neighbors_come_best_first_with_their_memories(engine: Engine) -> None:
    one, two, three = await remembered(engine, "one", "two", "three")
    await engine.link(one, two, weight=0.5)
    await engine.link(three, two, weight=0.5)
    found = await engine.neighbors(one, depth=2)
    assert [(near.record.content, near.weight, near.hops) for near in found] == [
        ("two", 0.5, 1),
        ("three", 0.25, 2),
    ]
    assert [near.record.id for near in await engine.neighbors(one)] == [two]
    assert await engine.neighbors(one, depth=0) == []


@pytest.mark.parametrize("depth", [-1, 17])
async def test_a_depth_outside_its_limits_is_refused(engine: Engine, depth: int) -> None:
    (one,) = await remembered(engine, "one")
    with pytest.raises(InvalidInputError) as caught:
        await engine.neighbors(one, depth=depth)
    assert caught.value.field == "depth"


async def test_domains_are_looked_up_by_id(engine: Engine) -> None:
    await engine.store.upsert_domain(a_domain("work"))
    await engine.store.upsert_domain(a_domain("home"))
    assert await engine.domains() == [a_domain("home"), a_domain("work")]
    assert await engine.domain("work") == a_domain("work")
    with pytest.raises(InvalidInputError, match="'play'") as caught:
        await engine.domain("play")
    assert "vestige domains list" in caught.value.hint


async def test_users_and_groups_are_listed(engine: Engine) -> None:
    await engine.store.upsert_user(a_user("ana"))
    await engine.store.upsert_group(a_group("shop"))
    assert {user.id for user in await engine.users()} == {LOCAL_USER_ID, a_user("ana").id}
    assert await engine.groups() == [a_group("shop")]


async def test_vacuum_tells_the_size_before_and_after(engine: Engine) -> None:
    ids = await remembered(engine, "kept", *(f"{n} " + "word " * 10_000 for n in range(5)))
    for memory_id in ids[1:]:
        await engine.forget(memory_id)
    size = (await engine.stats()).size_bytes
    result = await engine.vacuum()
    assert result.before_bytes == size
    assert result.after_bytes == (await engine.stats()).size_bytes < size
    assert (await engine.recall("kept"))[0].record.id == ids[0]
