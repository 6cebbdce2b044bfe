"""Rows of the tables to values and back."""

from __future__ import annotations

import json
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
from vestige.storage.encoding import json_object, json_text, time_text, time_value
from vestige.storage.text import search_terms

if TYPE_CHECKING:
    from datetime import datetime

    from vestige.models import JsonObject, Vector
    from vestige.storage.postgres.driver import Row

    Named = dict[str, object]

# Column lists in the order that the functions below read them; the prefix is the table's alias.
MEMORY_COLUMNS: Final = (
    "m.id, m.content, m.node_type, m.tags, m.metadata, m.domains, m.domain_scores, m.embedding,"
    " m.codebase, m.owner_user_id, m.visibility, m.shared_with_groups, m.created_at, m.updated_at,"
    " m.valid_until, m.superseded_at, m.suppressed_at,"
    " ARRAY(SELECT w.embedding FROM memory_windows AS w WHERE w.memory_id = m.id"
    " ORDER BY w.position) AS windows"
)
MEMORY_COLUMN_COUNT: Final = 18
SCHEDULING_COLUMNS: Final = (
    "s.memory_id, s.stability, s.difficulty, s.retrievability, s.last_review, s.next_review,"
    " s.reps, s.lapses"
)


def memory_values(record: MemoryRecord) -> Named:
    """Return the named values of a memory's row."""
    return {
        "id": record.id,
        "content": record.content,
        "search_terms": search_terms(record.content, record.tags),
        "node_type": record.node_type,
        "tags": list(record.tags),
        "metadata": json_text("metadata", record.metadata),
        "domains": list(record.domains),
        "domain_scores": json_text("domain_scores", record.domain_scores),
        "embedding": record.embedding,
        "codebase": record.codebase,
        "owner_user_id": record.owner_user_id,
        "visibility": record.visibility.value,
        "shared_with_groups": list(record.shared_with_groups),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "valid_until": record.valid_until,
        "superseded_at": record.superseded_at,
        "suppressed_at": record.suppressed_at,
    }


def memory_of(row: Row) -> MemoryRecord:
    """Return the memory of a row of `MEMORY_COLUMNS`."""
    (
        memory_id, content, node_type, tags, metadata, domains, domain_scores, embedding,
        codebase, owner_user_id, visibility, shared_with_groups, created_at, updated_at,
        valid_until, superseded_at, suppressed_at, windows,
    ) = row[:MEMORY_COLUMN_COUNT]  # fmt: skip
    scores = json_object(cast("str", domain_scores))
    return MemoryRecord(
        id=uuid_of(memory_id),
        content=cast("str", content),
        node_type=cast("str", node_type),
        tags=tuple(cast("list[str]", tags)),
        metadata=json_object(cast("str", metadata)),
        domains=tuple(cast("list[str]", domains)),
        domain_scores={name: float(cast("float", score)) for name, score in scores.items()},
        embedding=cast("Vector | None", embedding),
        windows=tuple(cast("list[Vector]", windows)),
        codebase=cast("str | None", codebase),
        owner_user_id=uuid_of(owner_user_id),
        visibility=Visibility(cast("str", visibility)),
        shared_with_groups=tuple(map(uuid_of, cast("list[object]", shared_with_groups))),
        created_at=cast("datetime", created_at),
        updated_at=cast("datetime", updated_at),
        valid_until=cast("datetime | None", valid_until),
        superseded_at=cast("datetime | None", superseded_at),
        suppressed_at=cast("datetime | None", suppressed_at),
    )


def scheduling_values(state: SchedulingState) -> Named:
    """Return the named values of a scheduling row."""
    return {
        "memory_id": state.memory_id,
        "stability": float(state.stability),
        "difficulty": float(state.difficulty),
        "retrievability": float(state.retrievability),
        "last_review": state.last_review,
        "next_review": state.next_review,
        "reps": state.reps,
        "lapses": state.lapses,
    }


def scheduling_of(row: Row) -> SchedulingState:
    """Return the state of a row of `SCHEDULING_COLUMNS`."""
    (
        memory_id, stability, difficulty, retrievability, last_review, next_review, reps, lapses,
    ) = row  # fmt: skip
    return SchedulingState(
        memory_id=uuid_of(memory_id),
        stability=cast("float", stability),
        difficulty=cast("float", difficulty),
        retrievability=cast("float", retrievability),
        last_review=cast("datetime | None", last_review),
        next_review=cast("datetime | None", next_review),
        reps=cast("int", reps),
        lapses=cast("int", lapses),
    )


def state_text(state: SchedulingState) -> str:
    """Return a scheduling state as the JSON that review events keep."""
    values = scheduling_values(state)
    values["memory_id"] = str(state.memory_id)
    for name in ("last_review", "next_review"):
        time = cast("datetime | None", values[name])
        values[name] = None if time is None else time_text(time)
    return json.dumps(values, separators=(",", ":"))


def state_of(text: str) -> SchedulingState:
    """Return the scheduling state of a review event's JSON."""
    value = cast("dict[str, object]", json.loads(text))
    for name in ("stability", "difficulty", "retrievability"):
        value[name] = float(cast("float", value[name]))
    for name in ("last_review", "next_review"):
        time = cast("str | None", value[name])
        value[name] = None if time is None else time_value(time)
    value["memory_id"] = UUID(cast("str", value["memory_id"]))
    return scheduling_of(tuple(value[column[2:]] for column in SCHEDULING_COLUMNS.split(", ")))


def event_of(row: Row) -> ReviewEvent:
    """Return the event of a row (id, memory_id, timestamp, rating, prior_state, new_state)."""
    event_id, memory_id, timestamp, rating, prior_state, new_state = row
    return ReviewEvent(
        id=cast("int", event_id),
        memory_id=uuid_of(memory_id),
        timestamp=cast("datetime", timestamp),
        rating=Rating(cast("int", rating)),
        prior_state=state_of(cast("str", prior_state)),
        new_state=state_of(cast("str", new_state)),
    )


def edge_of(row: Row) -> MemoryEdge:
    """Return the edge of a row (source_id, target_id, edge_type, weight, created_at)."""
    source_id, target_id, edge_type, weight, created_at = row
    return MemoryEdge(
        source_id=uuid_of(source_id),
        target_id=uuid_of(target_id),
        edge_type=cast("str", edge_type),
        weight=cast("float", weight),
        created_at=cast("datetime", created_at),
    )


def domain_of(row: Row) -> Domain:
    """Return the domain of a row of all its columns, in the order of the schema."""
    domain_id, label, centroid, top_terms, memory_count, created_at, metadata = row
    return Domain(
        id=cast("str", domain_id),
        label=cast("str", label),
        centroid=cast("Vector | None", centroid),
        top_terms=tuple(cast("list[str]", top_terms)),
        memory_count=cast("int", memory_count),
        created_at=cast("datetime", created_at),
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
        user_id=uuid_of(user_id),
        group_id=uuid_of(group_id),
        role="admin" if role == "admin" else "member",
        joined_at=cast("datetime", joined_at),
    )


def entry_values(entry: ChangelogEntry) -> Named:
    """Return the named values of a row of the changelog."""
    return {
        "change_id": entry.change_id,
        "memory_id": entry.memory_id,
        "action": entry.action.value,
        "timestamp": entry.timestamp,
        "before": account_text(entry.before),
        "after": account_text(entry.after),
        "reason": entry.reason,
        "client_id": entry.client_id,
        "session_id": entry.session_id,
        "undoes": entry.undoes,
    }


def entry_of(row: Row) -> ChangelogEntry:
    """Return the entry of a row of all columns of the changelog but its sequence."""
    (
        change_id, memory_id, action, timestamp, before, after, reason, client_id, session_id,
        undoes,
    ) = row  # fmt: skip
    return ChangelogEntry(
        change_id=uuid_of(change_id),
        memory_id=uuid_of(memory_id),
        action=ChangeAction(cast("str", action)),
        timestamp=cast("datetime", timestamp),
        before=None if before is None else json_object(cast("str", before)),
        after=None if after is None else json_object(cast("str", after)),
        reason=cast("str | None", reason),
        client_id=cast("str | None", client_id),
        session_id=cast("str | None", session_id),
        undoes=None if undoes is None else uuid_of(undoes),
    )


def tombstone_of(row: Row) -> Tombstone:
    """Return the tombstone of a row (memory_id, purged_at)."""
    memory_id, purged_at = row
    return Tombstone(memory_id=uuid_of(memory_id), purged_at=cast("datetime", purged_at))


def signature_of(row: Row) -> ModelSignature:
    """Return the signature of a row (name, dimension, hash)."""
    name, dimension, digest = row
    return ModelSignature(
        name=cast("str", name), dimension=cast("int", dimension), hash=cast("str", digest)
    )


def uuid_of(value: object) -> UUID:
    """Return an id as the standard library's type; the driver has a type of its own."""
    return UUID(int=cast("UUID", value).int)


def _principal(row: Row) -> tuple[UUID, str, str | None, datetime, JsonObject]:
    principal_id, handle, display_name, created_at, metadata = row
    return (
        uuid_of(principal_id),
        cast("str", handle),
        cast("str | None", display_name),
        cast("datetime", created_at),
        json_object(cast("str", metadata)),
    )
