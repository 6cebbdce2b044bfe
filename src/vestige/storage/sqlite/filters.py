"""Filters of searches and lists as SQL: one text per shape, holding only what is asked for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString

from vestige.cognition.fsrs import stabilities_until
from vestige.storage.encoding import time_text
from vestige.storage.sqlite.rows import list_text

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import MemoryFilter, SearchQuery
    from vestige.storage.sqlite.driver import Value

# Conditions on a memory `m`, by the name of the value that each binds.
CONDITIONS: Final[dict[str, LiteralString]] = {
    "codebase": "m.codebase = :codebase",
    "owner_user_id": "m.owner_user_id = :owner_user_id",
    "node_types": "m.node_type IN (SELECT value FROM json_each(:node_types))",
    "tags": (
        "m.key IN (SELECT t.node_key FROM node_tags AS t"
        " WHERE t.tag IN (SELECT value FROM json_each(:tags)))"
    ),
    "domains": (
        "m.key IN (SELECT d.node_key FROM node_domains AS d"
        " WHERE d.domain IN (SELECT value FROM json_each(:domains)))"
    ),
    "created_after": "m.created_at >= :created_after",
    "created_before": "m.created_at < :created_before",
    "current_at": (
        "m.suppressed_at IS NULL AND (m.superseded_at IS NULL OR m.superseded_at > :current_at)"
        " AND (m.valid_until IS NULL OR m.valid_until > :current_at)"
    ),
    # The forgetting curve at the moment of the query, solved for the days that may have passed.
    "stabilities": (
        "EXISTS (SELECT 1 FROM scheduling AS s WHERE s.memory_id = m.id AND"
        " CASE WHEN s.last_review IS NULL THEN s.retrievability >= :min_retrievability"
        " ELSE julianday(:now) - julianday(s.last_review)"
        " <= min(max(s.stability, 0.001), 36500.0) * :stabilities END)"
    ),
}

Values = dict[str, "Value"]


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
        values["now"] = time_text(now)
    return values


def filter_values(memory_filter: MemoryFilter | None) -> Values:
    """Return the values of a list's active filters."""
    values: Values = {}
    if memory_filter is None:
        return values
    if memory_filter.codebase is not None:
        values["codebase"] = memory_filter.codebase
    if memory_filter.owner_user_id is not None:
        values["owner_user_id"] = str(memory_filter.owner_user_id)
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
    values.update({name: list_text(items) for name, items in lists.items() if items})


def _add_times(values: Values, **times: datetime | None) -> None:
    values.update({name: time_text(time) for name, time in times.items() if time is not None})
