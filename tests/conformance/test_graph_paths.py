"""Neighbors on random graphs, against an oracle that tries every path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from factories import a_memory, an_edge, an_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige.storage.protocol import MemoryStore

NODES = 6
Link = tuple[int, int, str, float]  # source, target, type, weight

# Products of up to five of these are exact, so that equal weights are equal in any order.
exact_weights = st.sampled_from([1.0, 0.75, 0.5, 0.25, 0.125])
any_weights = st.floats(min_value=1e-6, max_value=1.0)


def links(weights: st.SearchStrategy[float]) -> st.SearchStrategy[list[Link]]:
    nodes = st.integers(0, NODES - 1)
    link = st.tuples(nodes, nodes, st.sampled_from(["related", "follows"]), weights)
    return st.lists(
        link.filter(lambda one: one[0] != one[1]), max_size=14, unique_by=lambda k: k[:3]
    )


def best_paths(edges: Sequence[Link], depth: int) -> dict[int, tuple[float, set[int]]]:
    """Return, for each node that node 0 reaches, the best product and the lengths that give it."""
    best: dict[int, tuple[float, set[int]]] = {}

    def walk(node: int, visited: frozenset[int], product: float) -> None:
        if len(visited) > 1:
            weight, lengths = best.get(node, (0.0, set[int]()))
            if product > weight:
                lengths = set[int]()
            if product >= weight:
                best[node] = (product, lengths | {len(visited) - 1})
        if len(visited) > depth:
            return
        for source, target, _, weight in edges:
            for here, there in ((source, target), (target, source)):
                if here == node and there not in visited:
                    walk(there, visited | {there}, product * weight)

    walk(0, frozenset({0}), 1.0)
    return best


async def store_graph(store: MemoryStore, edges: Sequence[Link]) -> list[UUID]:
    """Replace what is stored by this graph; return the ids of its nodes."""
    ids = [an_id(f"node {number}") for number in range(NODES)]
    for memory_id in ids:
        if await store.get(memory_id) is not None:
            await store.delete(memory_id)
    await store.insert_many([a_memory(str(n), id=id_) for n, id_ in enumerate(ids)])
    for source, target, edge_type, weight in edges:
        edge = an_edge(ids[source], ids[target], edge_type=edge_type, weight=weight)
        await store.add_edge(edge)
    return ids


@given(edges=links(exact_weights), depth=st.integers(0, 6))
async def test_neighbors_are_those_of_the_best_paths_in_order(
    store: MemoryStore, edges: list[Link], depth: int
) -> None:
    ids = await store_graph(store, edges)
    best = best_paths(edges, depth)
    expected = sorted((-weight, ids[node]) for node, (weight, _) in best.items())
    neighbors = await store.get_neighbors(ids[0], depth)
    assert [(-n.weight, n.memory_id) for n in neighbors] == expected
    lengths = {ids[node]: possible for node, (_, possible) in best.items()}
    assert all(n.hops in lengths[n.memory_id] for n in neighbors)


@given(edges=links(any_weights), depth=st.integers(1, 16))
async def test_weights_of_neighbors_are_the_best_products_up_to_rounding(
    store: MemoryStore, edges: list[Link], depth: int
) -> None:
    ids = await store_graph(store, edges)
    best = {ids[node]: weight for node, (weight, _) in best_paths(edges, depth).items()}
    neighbors = await store.get_neighbors(ids[0], depth)
    assert {n.memory_id for n in neighbors} == set(best)
    assert all(abs(n.weight / best[n.memory_id] - 1) < 1e-9 for n in neighbors)
    weights = [n.weight for n in neighbors]
    assert weights == sorted(weights, reverse=True)
