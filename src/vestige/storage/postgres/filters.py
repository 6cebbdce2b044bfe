"""Filters of searches and lists as SQL: one text per shape, holding only what is asked for.

A condition that a value switches off (`:x IS NULL OR ...`) would be planned once for all values,
and then as if nothing were filtered.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString

from vestige.cognition.fsrs import stabilities_until

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import MemoryFilter, SearchQuery

# Conditions on a memory `m`, by the name of the value that each binds.
CONDITIONS: Final[dict[str, LiteralString]] = {
    "codebase": "m.codebase = :codebase::text",
    "owner_user_id": "m.owner_user_id = :owner_user_id::uuid",
    "node_types": "m.node_type = ANY(:node_types::text[])",
    "tags": "m.tags && :tags::text[]",
    "domains": "m.domains && :domains::text[]",
    "created_after": "m.created_at >= :created_after::timestamptz",
    "created_before": "m.created_at < :created_before::timestamptz",
    "current_at": (
        "m.suppressed_at IS NULL"
        " AND (m.superseded_at IS NULL OR m.superseded_at > :current_at::timestamptz)"
        " AND (m.valid_until IS NULL OR m.valid_until > :current_at::timestamptz)"
    ),
    # The forgetting curve at the moment of the query, solved for the days that may have passed.
    # A subquery and not EXISTS, which could be turned into a join that ends the order of an index.
    "stabilities": (
        "(SELECT CASE WHEN s.last_review IS NULL"
        " THEN s.retrievability >= :min_retrievability::float8"
        " ELSE extract(epoch FROM :now::timestamptz - s.last_review)::float8 / 86400"
        " <= least(greatest(s.stability, 0.001), 36500.0) * :stabilities::float8 END"
        " FROM scheduling AS s WHERE s.memory_id = m.id)"
    ),
}

Values = dict[str, object]


def query_values(query: SearchQuery, now: datetime) -> Values:
    """Return the values of a search's active filters."""
    values: Values = {}
    if query.codebase is not None:
        values["codebase"] = query.codebase
    _add_lists(values, domains=query.domains, tags=query.tags, node_types=query.node_types)
    _add_times(
        values,
        created_after=query.created_after,
        created_before=query.created_before,
        current_at=query.current_at,
    )
    if query.min_retrievability:
        values["stabilities"] = stabilities_until(query.min_retrievability, decay=query.decay)
        values["min_retrievability"] = query.min_retrievability
        values["now"] = now
    return values


def filter_values(memory_filter: MemoryFilter | None) -> Values:
    """Return the values of a list's active filters."""
    values: Values = {}
    if memory_filter is None:
        return values
    if memory_filter.codebase is not None:
        values["codebase"] = memory_filter.codebase
    if memory_filter.owner_user_id is not None:
        values["owner_user_id"] = memory_filter.owner_user_id
    _add_lists(values, tags=memory_filter.tags, node_types=memory_filter.node_types)
    _add_times(
        values,
        created_after=memory_filter.created_after,
        created_before=memory_filter.created_before,
        current_at=memory_filter.current_at,
    )
    return values


def conditions(values: Values) -> LiteralString:
    """Return the conditions of the active filters, each with AND in front; none is empty."""
    return _joined(tuple(name for name in CONDITIONS if name in values))


@cache
def _joined(names: tuple[str, ...]) -> LiteralString:
    text: LiteralString = ""
    for name in names:
        text = text + " AND " + CONDITIONS[name]
    return text


def _add_lists(values: Values, **lists: tuple[str, ...]) -> None:
    values.update({name: list(items) for name, items in lists.items() if items})


def _add_times(values: Values, **times: datetime | None) -> None:
    values.update({name: time for name, time in times.items() if time is not None})
