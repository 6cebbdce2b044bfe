"""Rows of the tables to values and back."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from vestige.models import (
    ChangeAction,
    ChangelogEntry,
    Domain,
    Group,
    GroupMembership,
    MemoryEdge,
    MemoryRecord,
    ModelSignature,
    Rating,
    ReviewEvent,
    SchedulingState,
    Tombstone,
    User,
    Visibility,
)
from vestige.storage.changes import account_text
from vestige.storage.encoding import (
    json_list,
    json_object,
    json_text,
    time_text,
    time_value,
)
from vestige.storage.text import search_terms
from vestige.storage.vectors import vector_bytes, vector_of

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import JsonObject, Vector
    from vestige.storage.sqlite.driver import Row, Value

Row = tuple["Value", ...]

# Column lists in the order that the functions below read them; the prefix is the table's alias.
MEMORY_COLUMNS: Final = (
    "m.id, m.content, m.node_type, m.tags, m.metadata, m.domains, m.domain_scores, m.embedding,"
    " m.codebase, m.owner_user_id, m.visibility, m.shared_with_groups, m.created_at, m.updated_at,"
    " m.valid_until, m.superseded_at, m.suppressed_at"
)
MEMORY_COLUMN_COUNT: Final = 17
SCHEDULING_COLUMNS: Final = (
    "s.memory_id, s.stability, s.difficulty, s.retrievability, s.last_review, s.next_review,"
    " s.reps, s.lapses"
)
# Made once: with options, `json.dumps` makes an encoder a call, which takes longer than to encode.
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def memory_values(record: MemoryRecord) -> dict[str, Value]:
    """Return the named values of a memory's row."""
    return {
        "id": str(record.id),
        "content": record.content,
        "search_terms": search_terms(record.content, record.tags),
        "node_type": record.node_type,
        "tags": list_text(record.tags),
        "metadata": json_text("metadata", record.metadata),
        "domains": list_text(record.domains),
        "domain_scores": json_text("domain_scores", record.domain_scores),
        "embedding": vector_value(record.embedding),
        "codebase": record.codebase,
        "owner_user_id": str(record.owner_user_id),
        "visibility": record.visibility.value,
        "shared_with_groups": list_text([str(group) for group in record.shared_with_groups]),
        "created_at": time_text(record.created_at),
        "updated_at": time_text(record.updated_at),
        "valid_until": _optional_text(record.valid_until),
        "superseded_at": _optional_text(record.superseded_at),
        "suppressed_at": _optional_text(record.suppressed_at),
    }


def memory_of(row: Row, windows: tuple[Vector, ...] = ()) -> MemoryRecord:
    """Return the memory of a row of `MEMORY_COLUMNS` and its windows."""
    (
        memory_id, content, node_type, tags, metadata, domains, domain_scores, embedding,
        codebase, owner_user_id, visibility, shared_with_groups, created_at, updated_at,
        valid_until, superseded_at, suppressed_at,
    ) = row[:MEMORY_COLUMN_COUNT]  # fmt: skip
    scores = json_object(cast("str", domain_scores))
    return MemoryRecord(
        id=UUID(cast("str", memory_id)),
        content=cast("str", content),
        node_type=cast("str", node_type),
        tags=tuple(json_list(cast("str", tags))),
        metadata=json_object(cast("str", metadata)),
        domains=tuple(json_list(cast("str", domains))),
        domain_scores={name: float(cast("float", score)) for name, score in scores.items()},
        embedding=_optional_vector(embedding),
        windows=windows,
        codebase=cast("str | None", codebase),
        owner_user_id=_owner(cast("str", owner_user_id)),
        visibility=Visibility(cast("str", visibility)),
        shared_with_groups=tuple(map(UUID, json_list(cast("str", shared_with_groups)))),
        created_at=time_value(cast("str", created_at)),
        updated_at=time_value(cast("str", updated_at)),
        valid_until=_optional_time(valid_until),
        superseded_at=_optional_time(superseded_at),
        suppressed_at=_optional_time(suppressed_at),
    )


def scheduling_values(state: SchedulingState) -> dict[str, Value]:
    """Return the named values of a scheduling row."""
    return {
        "memory_id": str(state.memory_id),
        "stability": float(state.stability),
        "difficulty": float(state.difficulty),
        "retrievability": float(state.retrievability),
        "last_review": _optional_text(state.last_review),
        "next_review": _optional_text(state.next_review),
        "reps": state.reps,
        "lapses": state.lapses,
    }


def scheduling_of(row: Row) -> SchedulingState:
    """Return the state of a row of `SCHEDULING_COLUMNS`."""
    (
        memory_id, stability, difficulty, retrievability, last_review, next_review, reps, lapses,
    ) = row  # fmt: skip
    return SchedulingState(
        memory_id=UUID(cast("str", memory_id)),
        stability=cast("float", stability),
        difficulty=cast("float", difficulty),
        retrievability=cast("float", retrievability),
        last_review=_optional_time(last_review),
        next_review=_optional_time(next_review),
        reps=cast("int", reps),
        lapses=cast("int", lapses),
    )


def state_text(state: SchedulingState) -> str:
    """Return a scheduling state as the JSON that review events keep."""
    return json.dumps(scheduling_values(state), separators=(",", ":"))


def state_of(text: str) -> SchedulingState:
    """Return the scheduling state of a review event's JSON."""
    value = cast("dict[str, Value]", json.loads(text))
    return scheduling_of(tuple(value[column[2:]] for column in SCHEDULING_COLUMNS.split(", ")))


def event_of(row: Row) -> ReviewEvent:
    """Return the event of a row (id, memory_id, timestamp, rating, prior_state, new_state)."""
    event_id, memory_id, timestamp, rating, prior_state, new_state = row
    return ReviewEvent(
        id=cast("int", event_id),
        memory_id=UUID(cast("str", memory_id)),
        timestamp=time_value(cast("str", timestamp)),
        rating=Rating(cast("int", rating)),
        prior_state=state_of(cast("str", prior_state)),
        new_state=state_of(cast("str", new_state)),
    )


def edge_of(row: Row) -> MemoryEdge:
    """Return the edge of a row (source_id, target_id, edge_type, weight, created_at)."""
    source_id, target_id, edge_type, weight, created_at = row
    return MemoryEdge(
        source_id=UUID(cast("str", source_id)),
        target_id=UUID(cast("str", target_id)),
        edge_type=cast("str", edge_type),
        weight=cast("float", weight),
        created_at=time_value(cast("str", created_at)),
    )


def domain_of(row: Row) -> Domain:
    """Return the domain of a row of all its columns, in the order of the schema."""
    domain_id, label, centroid, top_terms, memory_count, created_at, metadata = row
    return Domain(
        id=cast("str", domain_id),
        label=cast("str", label),
        centroid=_optional_vector(centroid),
        top_terms=tuple(json_list(cast("str", top_terms))),
        memory_count=cast("int", memory_count),
        created_at=time_value(cast("str", created_at)),
        metadata=json_object(cast("str", metadata)),
    )


def user_of(row: Row) -> User:
    """Return the user of a row (id, handle, display_name, created_at, metadata)."""
    user_id, handle, display_name, created_at, metadata = _principal(row)
    return User(
        id=user_id,
        handle=handle,
        display_name=display_name,
        created_at=created_at,
        metadata=metadata,
    )


def group_of(row: Row) -> Group:
    """Return the group of a row (id, handle, display_name, created_at, metadata)."""
    group_id, handle, display_name, created_at, metadata = _principal(row)
    return Group(
        id=group_id,
        handle=handle,
        display_name=display_name,
        created_at=created_at,
        metadata=metadata,
    )


def membership_of(row: Row) -> GroupMembership:
    """Return the membership of a row (user_id, group_id, role, joined_at)."""
    user_id, group_id, role, joined_at = row
    return GroupMembership(
        user_id=UUID(cast("str", user_id)),
        group_id=UUID(cast("str", group_id)),
        role="admin" if role == "admin" else "member",
        joined_at=time_value(cast("str", joined_at)),
    )


def entry_values(entry: ChangelogEntry) -> dict[str, Value]:
    """Return the named values of a row of the changelog."""
    return {
        "change_id": str(entry.change_id),
        "memory_id": str(entry.memory_id),
        "action": entry.action.value,
        "timestamp": time_text(entry.timestamp),
        "before": account_text(entry.before),
        "after": account_text(entry.after),
        "reason": entry.reason,
        "client_id": entry.client_id,
        "session_id": entry.session_id,
        "undoes": None if entry.undoes is None else str(entry.undoes),
    }


def entry_of(row: Row) -> ChangelogEntry:
    """Return the entry of a row of all columns of the changelog but its sequence."""
    (
        change_id, memory_id, action, timestamp, before, after, reason, client_id, session_id,
        undoes,
    ) = row  # fmt: skip
    return ChangelogEntry(
        change_id=UUID(cast("str", change_id)),
        memory_id=UUID(cast("str", memory_id)),
        action=ChangeAction(cast("str", action)),
        timestamp=time_value(cast("str", timestamp)),
        before=None if before is None else json_object(cast("str", before)),
        after=None if after is None else json_object(cast("str", after)),
        reason=cast("str | None", reason),
        client_id=cast("str | None", client_id),
        session_id=cast("str | None", session_id),
        undoes=None if undoes is None else UUID(cast("str", undoes)),
    )


def tombstone_of(row: Row) -> Tombstone:
    """Return the tombstone of a row (memory_id, purged_at)."""
    memory_id, purged_at = row
    return Tombstone(
        memory_id=UUID(cast("str", memory_id)), purged_at=time_value(cast("str", purged_at))
    )


def signature_of(row: Row) -> ModelSignature:
    """Return the signature of a row (name, dimension, hash)."""
    name, dimension, digest = row
    return ModelSignature(
        name=cast("str", name), dimension=cast("int", dimension), hash=cast("str", digest)
    )


def list_text(values: object) -> str:
    """Return a list of texts as JSON, to store or to bind for `json_each`."""
    if not values:
        return "[]"
    return _JSON.encode(values)


def vector_value(vector: Vector | None) -> bytes | None:
    """Return a vector as it is stored."""
    return None if vector is None else vector_bytes(vector)


def _principal(row: Row) -> tuple[UUID, str, str | None, datetime, JsonObject]:
    principal_id, handle, display_name, created_at, metadata = row
    return (
        UUID(cast("str", principal_id)),
        cast("str", handle),
        cast("str | None", display_name),
        time_value(cast("str", created_at)),
        json_object(cast("str", metadata)),
    )


@lru_cache(maxsize=1024)
def _owner(text: str) -> UUID:
    """Return the id of an owner; most of the memories that are read have the same."""
    return UUID(text)


def _optional_vector(value: Value) -> Vector | None:
    return None if value is None else vector_of(cast("bytes", value))


def _optional_text(value: datetime | None) -> str | None:
    return None if value is None else time_text(value)


def _optional_time(value: Value) -> datetime | None:
    return None if value is None else time_value(cast("str", value))
