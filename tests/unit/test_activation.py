"""Spreading activation against every path of small graphs, and on graphs with too many of them."""

from __future__ import annotations

import math
import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestige.cognition.activation import Activated, Link, spread

keys = st.integers(0, 6)
links = st.lists(
    st.builds(Link[int], keys, keys, st.sampled_from([0.0, 0.2, 0.5, 0.5, 0.9, 1.0, 3.0])),
    max_size=14,
)
seeds = st.dictionaries(keys, st.sampled_from([0.0, 0.3, 0.5, 1.0, 2.0]), max_size=3)
decays = st.sampled_from([0.3, 0.7, 1.0])


def every_path(
    starts: dict[int, float], connections: list[Link[int]], decay: float, hops: int
) -> dict[int, float]:
    """Return the best activation of every key over all walks, by trying each of them."""
    weights: defaultdict[tuple[int, int], float] = defaultdict(float)
    for source, target, weight in connections:
        if source != target:
            for ends in ((source, target), (target, source)):
                weights[ends] = max(weights[ends], min(weight, 1.0))
    best: defaultdict[int, float] = defaultdict(float)
    walks = list(starts.items())
    for _ in range(hops):
        walks = [
            (target, value * weight * decay)
            for end, value in walks
            for (source, target), weight in weights.items()
            if source == end and weight > 0
        ]
        for end, value in walks:
            best[end] = max(best[end], value)
    return {key: value for key, value in best.items() if key not in starts}


@given(starts=seeds, connections=links, decay=decays, hops=st.integers(0, 3))
def test_each_key_gets_what_its_best_path_brings(
    starts: dict[int, float], connections: list[Link[int]], decay: float, hops: int
) -> None:
    found = spread(starts, connections, decay=decay, hops=hops, threshold=0.05)
    expected = every_path(starts, connections, decay, hops)
    assert {result.key: result.activation for result in found} == {
        key: value for key, value in expected.items() if value >= 0.05
    }


@given(starts=seeds, connections=links, decay=decays, limit=st.integers(0, 4))
def test_a_limit_keeps_the_strongest_ties_by_key(
    starts: dict[int, float], connections: list[Link[int]], decay: float, limit: int
) -> None:
    everything = spread(starts, connections, decay=decay)
    assert everything == sorted(everything, key=lambda result: (-result.activation, result.key))
    assert spread(starts, connections, decay=decay, limit=limit) == everything[:limit]


@given(starts=seeds, connections=links, decay=decays, source=st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_direction_of_links_matters(
    starts: dict[int, float], connections: list[Link[int]], decay: float, source: random.Random
) -> None:
    turned = [Link(link.target, link.source, link.weight) for link in connections]
    source.shuffle(turned)
    assert spread(starts, turned, decay=decay) == spread(starts, connections, decay=decay)


@given(starts=seeds, connections=links, decay=decays)
def test_the_path_explains_the_activation(
    starts: dict[int, float], connections: list[Link[int]], decay: float
) -> None:
    weights: defaultdict[frozenset[int], float] = defaultdict(float)
    for source, target, weight in connections:
        ends = frozenset({source, target})
        weights[ends] = max(weights[ends], min(weight, 1.0))
    for result in spread(starts, connections, decay=decay):
        value = starts[result.path[0]]
        for pair in zip(result.path, result.path[1:], strict=False):
            value = value * weights[frozenset(pair)] * decay
        assert value == result.activation
        assert result.path[-1] == result.key
        assert result.key not in starts
        assert 2 <= len(set(result.path)) == len(result.path) <= 4


@given(starts=seeds, connections=links)
def test_more_decay_or_fewer_hops_never_activate_more(
    starts: dict[int, float], connections: list[Link[int]]
) -> None:
    strong = {result.key: result.activation for result in spread(starts, connections, decay=0.9)}
    for weaker in (
        spread(starts, connections, decay=0.6),
        spread(starts, connections, decay=0.9, hops=2),
    ):
        assert all(result.activation <= strong[result.key] for result in weaker)


def test_a_weight_above_one_passes_on_no_more_than_it_gets() -> None:
    assert spread({"a": 1.0}, [Link("a", "b", 50.0)], decay=0.5) == [
        Activated(key="b", activation=0.5, path=("a", "b"))
    ]


def test_a_shorter_path_is_followed_although_a_longer_one_was_better_so_far() -> None:
    connections = [
        Link("a", "b", 0.9),
        Link("b", "c", 0.9),
        Link("a", "c", 0.5),
        Link("c", "d", 1.0),
    ]
    found = {result.key: result for result in spread({"a": 1.0}, connections, decay=1.0, hops=2)}
    assert found["c"].path == ("a", "b", "c")
    assert found["d"].path == ("a", "c", "d")


def test_nothing_is_connected_to_nothing() -> None:
    assert spread({}, [Link(1, 2, 1.0)]) == []
    assert spread({1: 1.0}, []) == []
    assert spread({1: 1.0}, [Link(1, 1, 1.0), Link(1, 2, math.nan), Link(1, 3, -1.0)]) == []


def test_a_dense_graph_is_spread_over_without_trying_its_paths() -> None:
    source = random.Random(7)  # noqa: S311  # weights, not secrets
    connections = [Link(one, other, source.random()) for one in range(300) for other in range(one)]
    found = spread({0: 1.0}, connections, hops=16, decay=1.0, threshold=0.0, limit=1_000)
    assert len(found) == 299  # there are more paths than atoms


@pytest.mark.parametrize(
    ("starts", "settings"),
    [
        ({1: -0.1}, {}),
        ({1: math.nan}, {}),
        ({1: math.inf}, {}),
        ({1: 1.0}, {"decay": 0.0}),
        ({1: 1.0}, {"decay": 1.1}),
        ({1: 1.0}, {"decay": math.nan}),
        ({1: 1.0}, {"hops": -1}),
        ({1: 1.0}, {"limit": -1}),
    ],
)
def test_what_cannot_spread_is_refused(
    starts: dict[int, float], settings: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=r"activation of 1|decay above 0|hops and a limit"):
        spread(starts, [], **settings)  # pyright: ignore[reportArgumentType]  # one table for all
