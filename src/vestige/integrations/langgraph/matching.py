"""Which items a filter keeps, and which namespaces a condition matches: the rules of LangGraph."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from vestige.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langgraph.store.base import MatchCondition

Namespace: TypeAlias = tuple[str, ...]

WILDCARD: Final = "*"
EQUALITIES: Final[dict[str, Callable[[object, object], bool]]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
}
ORDERINGS: Final[dict[str, Callable[[int], bool]]] = {
    "$gt": lambda order: order > 0,
    "$gte": lambda order: order >= 0,
    "$lt": lambda order: order < 0,
    "$lte": lambda order: order <= 0,
}


def keeps(conditions: Mapping[str, object], value: Mapping[str, object]) -> bool:
    """Say whether a value has what a filter asks for; a field that it lacks counts as None.

    Raises:
        InvalidInputError: an operator is unknown.
    """
    return all(_matches(value.get(name), wanted) for name, wanted in conditions.items())


def matches_namespace(condition: MatchCondition, namespace: Namespace) -> bool:
    """Say whether a namespace begins or ends with a path, in which `*` is any label.

    Raises:
        InvalidInputError: it is to be matched in another way.
    """
    path = condition.path
    if condition.match_type not in ("prefix", "suffix"):
        raise InvalidInputError(
            "match_type", f"must be prefix or suffix, not {condition.match_type}"
        )
    if len(path) > len(namespace):
        return False
    start = 0 if condition.match_type == "prefix" else len(namespace) - len(path)
    labels = namespace[start : start + len(path)]
    return all(wanted in (WILDCARD, label) for label, wanted in zip(labels, path, strict=True))


def literal_prefix(conditions: Sequence[MatchCondition]) -> Namespace:
    """Return the longest path without `*` with which all that match must begin."""
    prefixes = [condition.path for condition in conditions if condition.match_type == "prefix"]
    literal = [path[: path.index(WILDCARD)] if WILDCARD in path else path for path in prefixes]
    return max(literal, key=len, default=())


def _matches(found: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        conditions = cast("dict[str, object]", wanted)
        if any(name.startswith("$") for name in conditions):
            return all(_compares(found, name, item) for name, item in conditions.items())
        if not isinstance(found, dict):
            return False
        return keeps(conditions, cast("dict[str, object]", found))
    if isinstance(wanted, (list, tuple)):
        items = cast("Sequence[object]", wanted)
        if not isinstance(found, list):
            return False
        there = cast("list[object]", found)
        return len(there) == len(items) and all(map(_matches, there, items))
    return found == wanted


def _compares(found: object, name: str, wanted: object) -> bool:
    if name in EQUALITIES:
        return EQUALITIES[name](found, wanted)
    if name not in ORDERINGS:
        raise InvalidInputError(
            "filter", f"has no operator {name}; there are {', '.join((*EQUALITIES, *ORDERINGS))}"
        )
    order = _order(found, wanted)
    return order is not None and ORDERINGS[name](order)


def _order(found: object, wanted: object) -> int | None:
    """Return below 0, 0 or above 0 for what is less, equal or more; None for what has no order.

    Numbers, also those that are written as text, are compared as such; other texts as texts, which
    is right for dates in ISO 8601.
    """
    if not isinstance(found, (int, float, str)) or not isinstance(wanted, (int, float, str)):
        return None
    try:
        number, other = _number(found), _number(wanted)
    except ValueError:
        if isinstance(found, str) and isinstance(wanted, str):
            return (found > wanted) - (found < wanted)
        return None
    is_ordered = number == number and other == other  # noqa: PLR0124  # not so for NaN
    return (number > other) - (number < other) if is_ordered else None


def _number(value: float | str) -> float:
    return float(value) if isinstance(value, str) else value
