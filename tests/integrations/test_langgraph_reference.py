"""The store gives the answers of LangGraph's own, whatever is put, deleted and asked for."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from hypothesis import given
from hypothesis import strategies as st
from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

if TYPE_CHECKING:
    from langgraph.store.base import BaseStore, Op

    from vestige.integrations.langgraph import VestigeStore

Namespace: TypeAlias = tuple[str, ...]

ALL: Final = 1_000
LABELS: Final = ("a", "b", "a/b", "%2F", "*x", "Ä b")
KEYS: Final = ("one", "two", "")
SCALARS: Final[st.SearchStrategy[object]] = st.sampled_from(
    (None, True, False, 0, 1, 2, 1.0, 2.5, "1", "text", "")
)
NUMBERS: Final[st.SearchStrategy[object]] = st.sampled_from((0, 1, 1.5, 2, -3))
VALUES: Final[st.SearchStrategy[object]] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from(("x", "y")), SCALARS, max_size=2),
)
# The reference takes what it orders for numbers, and fails where they are none.
FIELDS: Final = st.fixed_dictionaries(
    {"number": NUMBERS}, optional={"field": VALUES, "other": VALUES}
)
COMPARISONS: Final = st.dictionaries(
    st.sampled_from(("$gt", "$gte", "$lt", "$lte", "$eq", "$ne")), NUMBERS, min_size=1, max_size=2
)
EQUALITIES: Final = st.dictionaries(st.sampled_from(("$eq", "$ne")), VALUES, min_size=1)
FILTERS: Final = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {}, optional={"number": COMPARISONS, "field": VALUES | EQUALITIES, "missing": EQUALITIES}
    ),
)
NAMESPACES: Final = st.lists(st.sampled_from(LABELS), max_size=3).map(tuple)
PATHS: Final = st.lists(st.sampled_from((*LABELS, "*")), max_size=3).map(tuple)

_numbers = count()


def operations(root: str) -> st.SearchStrategy[Op]:
    """Operations on a part of a store that nothing else uses."""
    namespaces = NAMESPACES.map(lambda labels: (root, *labels))
    keys = st.sampled_from(KEYS)
    # By tuples: `builds` would make up what is left out, such as an expiry.
    puts = st.tuples(namespaces, keys, st.none() | FIELDS).map(lambda drawn: PutOp(*drawn))
    gets = st.tuples(namespaces, keys).map(lambda drawn: GetOp(*drawn))
    searches = st.tuples(namespaces, FILTERS).map(lambda drawn: SearchOp(*drawn, limit=ALL))
    prefixes = PATHS.map(lambda path: MatchCondition("prefix", (root, *path)))
    suffixes = PATHS.map(lambda path: MatchCondition("suffix", path))
    conditions = st.tuples(prefixes) | st.tuples(prefixes, suffixes)
    depths = st.none() | st.integers(1, 4)
    listings = st.tuples(conditions, depths, st.integers(0, 5), st.integers(0, 2)).map(
        lambda drawn: ListNamespacesOp(*drawn)
    )
    return st.one_of(puts, puts, gets, searches, listings)


def seen(result: object) -> object:
    """Return what is alike in both: not the times, nor the order of items without a query."""
    if isinstance(result, Item):
        return result.namespace, result.key, json.dumps(result.value, sort_keys=True)
    if isinstance(result, list):
        found = cast("list[object]", result)
        if any(isinstance(item, Item) for item in found):
            return sorted(map(repr, map(seen, found)))
        return found
    return result


def without_empty_namespaces(reference: InMemoryStore, root: str) -> InMemoryStore:
    """Return a copy: the reference goes on listing namespaces that were emptied, or only asked."""
    copy = InMemoryStore()
    for item in reference.search((root,), limit=ALL):
        copy.put(item.namespace, item.key, item.value)
    return copy


def answers_of(reference: InMemoryStore, root: str, batch: list[Op]) -> list[object]:
    listing = without_empty_namespaces(reference, root)
    listed = {
        place: listing.batch([op])[0]
        for place, op in enumerate(batch)
        if isinstance(op, ListNamespacesOp)
    }
    answers = reference.batch(batch)
    return [seen(listed.get(place, answer)) for place, answer in enumerate(answers)]


@given(data=st.data())
def test_any_operations_give_the_answers_of_the_reference(
    graph_store: VestigeStore, data: st.DataObject
) -> None:
    root = f"run{next(_numbers)}"
    reference = InMemoryStore()
    batches = data.draw(
        st.lists(st.lists(operations(root), min_size=1, max_size=4), min_size=1, max_size=8)
    )
    for batch in batches:
        assert list(map(seen, graph_store.batch(batch))) == answers_of(reference, root, batch)
    below = (MatchCondition("prefix", (root,)),)
    final: list[Op] = [SearchOp((root,), limit=ALL), ListNamespacesOp(below)]
    assert list(map(seen, graph_store.batch(final))) == answers_of(reference, root, final)


def fill(store: BaseStore, items: list[tuple[Namespace, str]]) -> None:
    for namespace, key in items:
        store.put(namespace, key, {"at": [*namespace, key]})


@given(items=st.lists(st.tuples(NAMESPACES, st.sampled_from(KEYS)), max_size=12, unique=True))
def test_pages_of_a_search_hold_every_item_once(
    graph_store: VestigeStore, items: list[tuple[Namespace, str]]
) -> None:
    root = f"run{next(_numbers)}"
    fill(graph_store, [((root, *namespace), key) for namespace, key in items])
    found: list[tuple[Namespace, str]] = []
    for offset in range(0, len(items) + 5, 5):
        page = graph_store.search((root,), limit=5, offset=offset)
        found += [(item.namespace[1:], item.key) for item in page]
    assert sorted(found) == sorted(items)
