"""Links between memories, and what is near a memory over them."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from closeness import assert_close
from factories import DAY, START, a_memory, a_numbered_id, an_edge, an_id
from vestige.errors import InvalidInputError, MemoryNotFoundError
from vestige.models import Neighbor

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore

A, B, C, D, E = (a_numbered_id(number) for number in (1, 2, 3, 4, 5))


@pytest.fixture
async def letters(store: MemoryStore) -> MemoryStore:
    """A store with five memories and no link."""
    await store.insert_many(
        [a_memory(name, id=id_) for name, id_ in zip("abcde", (A, B, C, D, E), strict=True)]
    )
    return store


async def test_a_link_comes_back_whole(letters: MemoryStore) -> None:
    edge = an_edge(A, B, weight=1 / 3, edge_type="décision of", created_at=START - DAY)
    await letters.add_edge(edge)
    assert await letters.get_edges(A) == [edge]


async def test_the_same_link_again_changes_only_its_weight(letters: MemoryStore) -> None:
    await letters.add_edge(an_edge(A, B, weight=0.5))
    await letters.add_edge(an_edge(A, B, weight=0.9, created_at=START + DAY))
    assert await letters.get_edges(A) == [an_edge(A, B, weight=0.9, created_at=START)]


async def test_another_type_or_direction_is_another_link(letters: MemoryStore) -> None:
    edges = [an_edge(A, B, edge_type="follows"), an_edge(A, B), an_edge(B, A)]
    for edge in edges:
        await letters.add_edge(edge)
    assert await letters.get_edges(A) == edges


@pytest.mark.parametrize("direction", ["source", "target"])
async def test_a_link_with_an_unknown_end_is_refused_naming_it(
    letters: MemoryStore, direction: str
) -> None:
    unknown = an_id("unknown")
    edge = an_edge(unknown, A) if direction == "source" else an_edge(A, unknown)
    with pytest.raises(MemoryNotFoundError) as caught:
        await letters.add_edge(edge)
    assert caught.value.memory_id == unknown
    assert await letters.get_edges(A) == []


async def test_a_link_of_a_memory_to_itself_is_refused(letters: MemoryStore) -> None:
    with pytest.raises(InvalidInputError):
        await letters.add_edge(an_edge(A, A))
    assert await letters.get_edges(A) == []


@pytest.mark.parametrize("weight", [0.0, -0.0, -1.0, float("nan"), float("inf"), float("-inf")])
async def test_a_weight_that_is_not_above_zero_is_refused(
    letters: MemoryStore, weight: float
) -> None:
    await letters.add_edge(an_edge(A, B, weight=0.5))
    with pytest.raises(InvalidInputError) as caught:
        await letters.add_edge(an_edge(A, B, weight=weight))
    assert caught.value.field == "weight"
    assert await letters.get_edges(A) == [an_edge(A, B, weight=0.5)]


async def test_links_from_and_to_a_memory_are_ordered_by_their_key(letters: MemoryStore) -> None:
    edges = [
        an_edge(A, C, edge_type="zeta"),
        an_edge(C, B, edge_type="alpha"),
        an_edge(C, B, edge_type="beta"),
        an_edge(C, D),
        an_edge(E, C),
    ]
    for edge in [*reversed(edges), an_edge(A, B), an_edge(D, E)]:
        await letters.add_edge(edge)
    assert await letters.get_edges(C) == edges


async def test_links_of_several_memories_come_once_each(letters: MemoryStore) -> None:
    wanted = [an_edge(A, B), an_edge(B, C), an_edge(C, A), an_edge(E, B)]
    for edge in [*reversed(wanted), an_edge(D, E)]:
        await letters.add_edge(edge)
    assert await letters.list_edges([A, B, an_id("unknown")]) == wanted
    assert await letters.list_edges([]) == []


async def test_links_are_narrowed_to_a_type(letters: MemoryStore) -> None:
    wanted = [an_edge(A, B, edge_type="follows"), an_edge(C, A, edge_type="follows")]
    for edge in [*wanted, an_edge(A, B), an_edge(B, C, edge_type="follows")]:
        await letters.add_edge(edge)
    assert await letters.get_edges(A, "follows") == wanted
    assert await letters.get_edges(A, "follow") == []


async def test_links_of_an_unknown_memory_are_none(letters: MemoryStore) -> None:
    await letters.add_edge(an_edge(A, B))
    assert await letters.get_edges(an_id("unknown")) == []


async def test_removing_a_type_removes_that_link_alone(letters: MemoryStore) -> None:
    kept = [an_edge(A, B, edge_type="other"), an_edge(A, C), an_edge(B, A)]
    for edge in [*kept, an_edge(A, B)]:
        await letters.add_edge(edge)
    await letters.remove_edge(A, B, "related")
    assert await letters.get_edges(A) == kept


async def test_removing_without_a_type_removes_all_links_between_the_two(
    letters: MemoryStore,
) -> None:
    kept = [an_edge(A, C), an_edge(C, B)]
    for edge in [*kept, an_edge(A, B), an_edge(A, B, edge_type="other"), an_edge(B, A)]:
        await letters.add_edge(edge)
    await letters.remove_edge(A, B)
    assert await letters.get_edges(A) == [an_edge(A, C)]
    assert await letters.get_edges(B) == [an_edge(C, B)]


async def test_removing_nothing_is_not_an_error(letters: MemoryStore) -> None:
    await letters.add_edge(an_edge(A, B))
    await letters.remove_edge(A, C)
    await letters.remove_edge(A, B, "other")
    await letters.remove_edge(an_id("unknown"), A)
    assert await letters.get_edges(A) == [an_edge(A, B)]


async def test_neighbors_are_found_in_either_direction(letters: MemoryStore) -> None:
    await letters.add_edge(an_edge(A, B, weight=0.5))
    await letters.add_edge(an_edge(C, A, weight=0.25))
    expected = [
        Neighbor(memory_id=B, weight=0.5, hops=1),
        Neighbor(memory_id=C, weight=0.25, hops=1),
    ]
    assert await letters.get_neighbors(A) == expected


async def test_depth_one_is_the_default_and_depth_zero_finds_nothing(letters: MemoryStore) -> None:
    await letters.add_edge(an_edge(A, B))
    await letters.add_edge(an_edge(B, C))
    assert [n.memory_id for n in await letters.get_neighbors(A)] == [B]
    assert await letters.get_neighbors(A, depth=0) == []
    assert [n.memory_id for n in await letters.get_neighbors(A, depth=2)] == [B, C]


async def test_a_neighbor_counts_by_its_best_path_within_the_depth(letters: MemoryStore) -> None:
    for edge in (
        an_edge(A, D, weight=0.125),
        an_edge(A, B, weight=0.5),
        an_edge(B, D, weight=0.5),
        an_edge(B, C, weight=1.0),
        an_edge(C, D, weight=0.75),
    ):
        await letters.add_edge(edge)
    best = {
        depth: next(n for n in await letters.get_neighbors(A, depth) if n.memory_id == D)
        for depth in (1, 2, 3)
    }
    assert best[1] == Neighbor(memory_id=D, weight=0.125, hops=1)
    assert best[2] == Neighbor(memory_id=D, weight=0.25, hops=2)
    assert best[3] == Neighbor(memory_id=D, weight=0.375, hops=3)


async def test_of_several_links_between_two_the_heaviest_counts(letters: MemoryStore) -> None:
    await letters.add_edge(an_edge(A, B, weight=0.25))
    await letters.add_edge(an_edge(A, B, weight=0.75, edge_type="other"))
    await letters.add_edge(an_edge(B, A, weight=0.5))
    assert await letters.get_neighbors(A, 3) == [Neighbor(memory_id=B, weight=0.75, hops=1)]


async def test_equal_neighbors_are_ordered_by_id(letters: MemoryStore) -> None:
    for other in (D, B, E, C):
        await letters.add_edge(an_edge(A, other, weight=0.5))
    assert [n.memory_id for n in await letters.get_neighbors(A)] == [B, C, D, E]


async def test_the_start_is_no_neighbor_of_itself(letters: MemoryStore) -> None:
    for one, other in combinations((A, B, C), 2):
        await letters.add_edge(an_edge(one, other))
    for depth in (1, 2, 3, 16):
        assert {n.memory_id for n in await letters.get_neighbors(A, depth)} == {B, C}


@pytest.mark.parametrize("depth", [0, 1, 16])
async def test_neighbors_of_an_unknown_start_are_refused_naming_it(
    letters: MemoryStore, depth: int
) -> None:
    with pytest.raises(MemoryNotFoundError) as caught:
        await letters.get_neighbors(an_id("unknown"), depth)
    assert caught.value.memory_id == an_id("unknown")


@pytest.mark.parametrize("depth", [-1, 17])
async def test_a_depth_outside_its_range_is_refused(letters: MemoryStore, depth: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await letters.get_neighbors(A, depth)
    assert caught.value.field == "depth"


async def test_a_memory_without_links_has_no_neighbors(letters: MemoryStore) -> None:
    assert await letters.get_neighbors(A, 16) == []


async def test_a_chain_is_followed_to_the_depth_and_no_further(store: MemoryStore) -> None:
    ids = [a_numbered_id(number + 1) for number in range(20)]
    await store.insert_many([a_memory(str(n), id=id_) for n, id_ in enumerate(ids)])
    for n in range(19):
        await store.add_edge(an_edge(ids[n + 1], ids[n], weight=0.5))
    for depth in (3, 16):
        neighbors = await store.get_neighbors(ids[0], depth)
        assert [n.memory_id for n in neighbors] == ids[1 : depth + 1]
        assert [n.weight for n in neighbors] == [0.5**hops for hops in range(1, depth + 1)]
        assert [n.hops for n in neighbors] == list(range(1, depth + 1))


async def test_weights_above_one_do_not_loop(letters: MemoryStore) -> None:
    await letters.add_edge(an_edge(A, B, weight=2.0))
    await letters.add_edge(an_edge(B, C, weight=3.0))
    expected = [
        Neighbor(memory_id=C, weight=6.0, hops=2),
        Neighbor(memory_id=B, weight=2.0, hops=1),
    ]
    assert await letters.get_neighbors(A, 16) == expected


async def test_a_removed_memory_cuts_the_paths_through_it(letters: MemoryStore) -> None:
    await letters.add_edge(an_edge(A, B))
    await letters.add_edge(an_edge(B, C))
    await letters.delete(B)
    assert await letters.get_neighbors(A, 16) == []


async def test_at_most_256_neighbors_are_given_the_best_of_all(store: MemoryStore) -> None:
    ids = [a_numbered_id(number + 1) for number in range(300)]
    hub = a_memory("hub")
    await store.insert_many([hub, *(a_memory(str(n), id=id_) for n, id_ in enumerate(ids))])
    for number, memory_id in enumerate(ids):
        await store.add_edge(an_edge(hub.id, memory_id, weight=(number + 1) / 300))
    neighbors = await store.get_neighbors(hub.id, 2)
    assert [n.memory_id for n in neighbors] == ids[:43:-1]
    assert_close([n.weight for n in neighbors[:2]], [1.0, 299 / 300], tolerance=1e-12)
    assert len(neighbors) == 256


async def test_a_dense_graph_is_answered_at_the_largest_depth(store: MemoryStore) -> None:
    # 60 memories, all linked: listing its paths of 16 links would take longer than the universe.
    ids = [a_numbered_id(number + 1) for number in range(60)]
    await store.insert_many([a_memory(str(n), id=id_) for n, id_ in enumerate(ids)])
    for one, other in combinations(range(60), 2):
        weight = 0.5 if other - one > 1 else 0.96875
        await store.add_edge(an_edge(ids[one], ids[other], weight=weight))
    neighbors = await store.get_neighbors(ids[0], 16)
    assert len(neighbors) == 59
    assert [n.memory_id for n in neighbors[:16]] == ids[1:17]
    weights = [0.96875**hops for hops in range(1, 17)]
    assert_close([n.weight for n in neighbors[:16]], weights, tolerance=1e-12)
