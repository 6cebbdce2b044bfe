"""Filters narrow both legs before anything is cut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory, a_scheduling, a_vector_at
from vestige.models import Rating, SearchQuery

if TYPE_CHECKING:
    from factories import ManualClock, MemoryFields
    from vestige.models import MemoryRecord, SearchResult
    from vestige.storage.protocol import MemoryStore

LATER = START + 100 * DAY  # the clock of these tests
MICROSECOND = timedelta(microseconds=1)
LEGS = {
    "text": SearchQuery(text="target"),
    "vector": SearchQuery(embedding=a_vector_at(1.0)),
    "both": SearchQuery(text="target", embedding=a_vector_at(1.0)),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A filter, a memory that it keeps and one that it does not."""

    conditions: dict[str, object]
    kept: MemoryFields
    dropped: MemoryFields


CASES = {
    "domains": Case(
        conditions={"domains": ("work",)},
        kept={"domains": ("home", "work")},
        dropped={"domains": ("home", "workshop")},
    ),
    "tags": Case(
        conditions={"tags": ("red",)},
        kept={"tags": ("blue", "red")},
        dropped={"tags": ("blue", "redder")},
    ),
    "node_types": Case(
        conditions={"node_types": ("note",)},
        kept={"node_type": "note"},
        dropped={"node_type": "fact"},
    ),
    "codebase": Case(
        conditions={"codebase": "vestige"},
        kept={"codebase": "vestige"},
        dropped={"codebase": None},
    ),
    "created_after": Case(
        conditions={"created_after": START},
        kept={"created_at": START},
        dropped={"created_at": START - MICROSECOND},
    ),
    "created_before": Case(
        conditions={"created_before": START},
        kept={"created_at": START - MICROSECOND},
        dropped={"created_at": START},
    ),
    # A new memory was last seen when it was created: after 100 days its retrievability is .56.
    "min_retrievability": Case(
        conditions={"min_retrievability": 0.9},
        kept={"created_at": LATER},
        dropped={"created_at": START},
    ),
}


@pytest.fixture
def clock(clock: ManualClock) -> ManualClock:
    clock.advance(LATER - START)
    return clock


def target(name: str, cosine: float, fields: MemoryFields) -> MemoryRecord:
    return a_memory(f"target {name}", **{**fields, "embedding": a_vector_at(cosine)})


def records(hits: list[SearchResult]) -> list[MemoryRecord]:
    return [hit.record for hit in hits]


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("name", CASES)
async def test_a_filtered_search_looks_behind_better_hits_that_do_not_match(
    store: MemoryStore, name: str, leg: str
) -> None:
    case = CASES[name]
    better = [target(f"{n}", 0.99, case.dropped) for n in range(200)]
    worse = [target(f"{n} {'among many words ' * 9}", 0.3, case.kept) for n in range(12)]
    await store.insert_many([*better, *worse])
    hits = await store.search(replace(LEGS[leg], limit=12, **case.conditions))
    assert {record.id for record in records(hits)} == {record.id for record in worse}
    unfiltered = await store.search(replace(LEGS[leg], limit=12))
    assert not {record.id for record in worse} & {record.id for record in records(unfiltered)}


@pytest.mark.parametrize("leg", LEGS)
async def test_filters_together_keep_what_passes_all_of_them(store: MemoryStore, leg: str) -> None:
    # The window of creation is only as wide as the moment that the other conditions allow.
    conditions: dict[str, object] = {
        **{key: value for case in CASES.values() for key, value in case.conditions.items()},
        "created_after": LATER - DAY,
        "created_before": LATER,
    }
    kept: MemoryFields = {
        "domains": ("work",),
        "tags": ("red",),
        "node_type": "note",
        "codebase": "vestige",
        "created_at": LATER - DAY,
    }
    near_misses = [
        target("domains", 0.9, {**kept, **CASES["domains"].dropped}),
        target("tags", 0.9, {**kept, **CASES["tags"].dropped}),
        target("type", 0.9, {**kept, **CASES["node_types"].dropped}),
        target("codebase", 0.9, {**kept, **CASES["codebase"].dropped}),
        target("too early", 0.9, {**kept, "created_at": LATER - DAY - MICROSECOND}),
        target("too late", 0.9, {**kept, "created_at": LATER}),
    ]
    found, faded = target("found", 0.5, kept), target("faded", 0.9, kept)
    await store.insert_many([*near_misses, found])
    await store.insert(faded, a_scheduling(faded.id, stability=1.0, last_review=START))
    assert records(await store.search(replace(LEGS[leg], **conditions))) == [found]


@pytest.mark.parametrize("field", ["domains", "tags", "node_types"])
async def test_any_of_several_values_is_enough(store: MemoryStore, field: str) -> None:
    wanted = [
        target("one", 0.9, {"domains": ("one",), "tags": ("one",), "node_type": "one"}),
        target("two", 0.8, {"domains": ("two", "x"), "tags": ("x", "two"), "node_type": "two"}),
    ]
    other = target("three", 0.95, {"domains": ("x",), "tags": ("x",), "node_type": "x"})
    await store.insert_many([*wanted, other, target("bare", 0.99, {})])
    hits = await store.search(replace(LEGS["both"], **{field: ("one", "two", "unheard-of")}))
    assert {record.id for record in records(hits)} == {record.id for record in wanted}


@pytest.mark.parametrize("value", ["it's", 'a "b"', "100%", "under_score", "[x]", "a,b", "{}", "é"])
async def test_values_of_filters_are_compared_as_they_are(store: MemoryStore, value: str) -> None:
    fields: MemoryFields = {"domains": (value,), "tags": (value,), "codebase": value}
    record = target("this", 0.9, fields)
    parts = target("parts", 0.99, {"tags": ("a", "b", "x", "100x", "underxscore", "É", "it")})
    await store.insert_many([record, parts])
    for condition in ({"domains": (value,)}, {"tags": (value,)}, {"codebase": value}):
        assert records(await store.search(replace(LEGS["both"], **condition))) == [record]


async def test_an_empty_window_of_time_keeps_nothing(store: MemoryStore) -> None:
    await store.insert(target("this", 0.9, {}))
    window = replace(LEGS["both"], created_after=START, created_before=START)
    assert await store.search(window) == []


@pytest.mark.parametrize("leg", LEGS)
async def test_min_retrievability_follows_the_curve_at_the_moment_of_the_query(
    store: MemoryStore, clock: ManualClock, leg: str
) -> None:
    # A stability of ten days means: recall falls to .9 ten days after the last review.
    record = target("this", 0.9, {})
    state = a_scheduling(record.id, stability=10.0, last_review=clock.now())
    await store.insert(record, state)
    query = replace(LEGS[leg], min_retrievability=0.9)
    assert records(await store.search(query)) == [record]
    clock.advance(9.9 * DAY)
    assert records(await store.search(query)) == [record]
    clock.advance(0.2 * DAY)
    assert await store.search(query) == []
    assert records(await store.search(replace(query, min_retrievability=0.899))) == [record]


async def test_min_retrievability_does_not_trust_the_stored_value(
    store: MemoryStore, clock: ManualClock
) -> None:
    fresh, faded = target("fresh", 0.5, {}), target("faded", 0.9, {})
    await store.insert(fresh, a_scheduling(fresh.id, retrievability=0.0, last_review=clock.now()))
    await store.insert(faded, a_scheduling(faded.id, retrievability=1.0, last_review=START))
    hits = await store.search(replace(LEGS["both"], min_retrievability=0.9))
    assert records(hits) == [fresh]


async def test_a_review_brings_a_faded_memory_back(store: MemoryStore, clock: ManualClock) -> None:
    record = target("this", 0.9, {})
    await store.insert(record, a_scheduling(record.id, stability=1.0, last_review=START))
    query = replace(LEGS["both"], min_retrievability=0.9)
    assert await store.search(query) == []
    state = a_scheduling(record.id, stability=5.0, last_review=clock.now())
    await store.record_review(record.id, Rating.GOOD, state, clock.now())
    assert records(await store.search(query)) == [record]


@pytest.mark.parametrize(("lowest", "found"), [(0.0, 2), (1.0, 1)])
async def test_the_ends_of_min_retrievability_keep_everything_and_the_just_reviewed(
    store: MemoryStore, clock: ManualClock, lowest: float, found: int
) -> None:
    new, old = target("new", 0.9, {"created_at": clock.now()}), target("old", 0.9, {})
    await store.insert_many([new, old])
    hits = await store.search(replace(LEGS["both"], min_retrievability=lowest))
    assert len(hits) == found
    assert new in records(hits)


@pytest.mark.parametrize("name", CASES)
async def test_a_filter_keeps_the_order_and_the_scores_of_the_legs(
    store: MemoryStore, name: str
) -> None:
    case = CASES[name]
    kept = [target(f"{n} {'word ' * n}", 0.9 - n / 20, case.kept) for n in range(6)]
    await store.insert_many([target(f"dropped {n}", 0.95, case.dropped) for n in range(3)] + kept)
    hits = await store.search(replace(LEGS["vector"], **case.conditions))
    assert records(hits) == kept
    everything = {hit.record.id: hit for hit in await store.search(LEGS["vector"])}
    assert [hit.vector_score for hit in hits] == [
        everything[hit.record.id].vector_score for hit in hits
    ]
    assert [hit.vector_rank for hit in hits] == [1, 2, 3, 4, 5, 6]
