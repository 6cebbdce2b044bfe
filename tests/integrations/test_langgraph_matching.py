"""The rules of filters and namespaces, where the reference has none or gives an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from langgraph.store.base import MatchCondition

from vestige.errors import InvalidInputError
from vestige.integrations.langgraph.matching import keeps, literal_prefix, matches_namespace

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize(
    ("conditions", "is_kept"),
    [
        ({"n": {"$gt": 2}}, True),
        ({"n": {"$gt": 3}}, False),
        ({"n": {"$gte": 3, "$lt": 4}}, True),
        ({"n": {"$lte": "3"}}, True),
        ({"n": {"$gt": float("nan")}}, False),
        ({"n": {"$gte": float("nan")}}, False),
        ({"n": {"$lt": 10**400}}, True),
        ({"n": {"$gt": "text"}}, False),
        ({"n": {"$gt": None}}, False),
        ({"day": {"$gte": "2026-01-31"}}, True),
        ({"day": {"$gt": "2026-02-01"}}, False),
        ({"day": {"$lt": 2027}}, False),
        ({"none": {"$lt": 1}}, False),
        ({"none": {"$ne": 1}}, True),
        ({"none": None}, True),
        ({"list": ["a", {"b": 1}]}, True),
        ({"list": ("a", {"b": {"$gt": 0}})}, True),
        ({"list": ["a"]}, False),
        ({"list": "a"}, False),
        ({"list": {"$eq": ["a", {"b": 1}]}}, True),
        ({"list": {"b": 1}}, False),
        ({"inner": {"deep": 1}}, True),
        ({"inner": {"deep": 2}}, False),
        ({"inner": [1]}, False),
        ({"n": 3, "day": "never"}, False),
        ({}, True),
    ],
)
def test_a_filter_keeps_what_has_all_that_it_asks_for(
    conditions: Mapping[str, object], is_kept: bool
) -> None:
    value = {"n": 3, "day": "2026-02-01", "list": ["a", {"b": 1}], "inner": {"deep": 1, "b": 2}}
    assert keeps(conditions, value) is is_kept


def test_an_unknown_operator_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidInputError, match=r"filter: has no operator \$in; there are \$eq"):
        keeps({"n": {"$in": [1]}}, {"n": 1})


@pytest.mark.parametrize(
    ("kind", "path", "is_match"),
    [
        ("prefix", ("a",), True),
        ("prefix", ("a", "*", "c"), True),
        ("prefix", ("b",), False),
        ("prefix", ("a", "b", "c", "d"), False),
        ("suffix", ("c",), True),
        ("suffix", ("*", "c"), True),
        ("suffix", ("b",), False),
        ("suffix", (), True),
        ("prefix", (), True),
    ],
)
def test_a_namespace_is_matched_from_its_beginning_or_its_end(
    kind: str, path: tuple[str, ...], is_match: bool
) -> None:
    match_type = "prefix" if kind == "prefix" else "suffix"
    condition = MatchCondition(match_type=match_type, path=path)
    assert matches_namespace(condition, ("a", "b", "c")) is is_match


def test_another_kind_of_match_is_refused() -> None:
    condition = MatchCondition("infix", ("a",))  # pyright: ignore[reportArgumentType]  # the point
    with pytest.raises(InvalidInputError, match="prefix or suffix, not infix"):
        matches_namespace(condition, ("a",))


def test_what_is_read_begins_with_the_longest_path_without_a_wildcard() -> None:
    conditions = [
        MatchCondition("prefix", ("a", "b", "*", "d")),
        MatchCondition("prefix", ("a",)),
        MatchCondition("suffix", ("x", "y", "z")),
    ]
    assert literal_prefix(conditions) == ("a", "b")
    assert literal_prefix([]) == ()
