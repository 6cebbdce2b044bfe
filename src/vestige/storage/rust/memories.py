"""The memories of a file: a row of `knowledge_nodes` with its scheduling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vestige.cognition import fsrs
from vestige.models import (
    LOCAL_USER_ID,
    MemoryRecord,
    Rating,
    ScheduledMemory,
    SchedulingState,
    Visibility,
)
from vestige.storage.limits import (
    CODEBASE_MAX_CHARACTERS,
    INTEGER_MAX,
    LIST_MAX,
    NAME_MAX_CHARACTERS,
    NODE_TYPE_MAX_CHARACTERS,
    TAG_MAX_CHARACTERS,
    TAGS_MAX,
)
from vestige.storage.rust.findings import RowNotes
from vestige.storage.rust.layout import CARDS
from vestige.storage.rust.values import (
    NotJsonError,
    json_of,
    number_of,
    storable,
    text_of,
    time_of,
    whole_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from vestige.models import JsonObject, JsonValue, Vector
    from vestige.storage.rust.connection import Cell

DEFAULT_TYPE: Final = "fact"  # the default of the file's own column
CODEBASE_TAG: Final = "codebase:"
# What the file's codebase tool wrote: there, the source is the name of the codebase.
CODEBASE_TYPES: Final = frozenset({"pattern", "decision"})
CODEBASE_TOOL_TAG: Final = "codebase"

# These columns have a place of their own; `has_embedding` and `embedding_model` say of the vectors
# what the vectors say themselves. All others go to the metadata, under their own names.
PLACED: Final = frozenset(
    {
        "id", "content", "node_type", "tags", "codebase", "domains", "domain_scores",
        "created_at", "updated_at", "last_accessed", "next_review",
        "stability", "difficulty", "retention_strength", "reps", "lapses",
        "has_embedding", "embedding_model",
        "owner_user_id", "visibility", "shared_with_groups",
    }
)  # fmt: skip
# Columns about people, and what they hold in a memory of the local user.
OF_LOCAL_USER: Final[dict[str, Cell]] = {
    "owner_user_id": str(LOCAL_USER_ID),
    "visibility": str(Visibility.PRIVATE),
    "shared_with_groups": "[]",
}


def memory_of(
    notes: RowNotes,
    memory_id: UUID,
    row: Mapping[str, Cell],
    *,
    vector: Vector | None,
    card: Mapping[str, Cell] | None,
    last_resort: datetime,
) -> ScheduledMemory:
    """Return a memory with its scheduling; it is not checked yet.

    Args:
        notes: takes what is changed.
        memory_id: what its id became.
        row: its row.
        vector: its vector, if one goes along.
        card: its row of `fsrs_cards`, if the file has one.
        last_resort: the time of its creation when the row tells none.
    """
    metadata = _metadata(notes, row, memory_id)
    if card is not None:
        metadata[CARDS] = {
            name: storable(notes, CARDS, cell)
            for name, cell in card.items()
            if cell is not None and name != "memory_id"
        }
    created_at = created_at_of(notes, row, last_resort)
    node_type = _node_type(notes, row.get("node_type"), metadata)
    tags = names_of(notes, "tags", row, metadata, most=TAGS_MAX, longest=TAG_MAX_CHARACTERS)
    record = MemoryRecord(
        id=memory_id,
        content=text_of(notes, "content", row["content"]) or "",
        node_type=node_type,
        tags=tags,
        codebase=_codebase(notes, row, node_type, tags, metadata),
        domains=names_of(
            notes, "domains", row, metadata, most=LIST_MAX, longest=NAME_MAX_CHARACTERS
        ),
        domain_scores=_scores(notes, row.get("domain_scores"), metadata),
        metadata=metadata,
        embedding=vector,
        created_at=created_at,
        updated_at=_updated_at(notes, row.get("updated_at"), created_at),
    )
    return ScheduledMemory(record=record, scheduling=_scheduling(notes, memory_id, row, created_at))


def created_at_of(notes: RowNotes, row: Mapping[str, Cell], last_resort: datetime) -> datetime:
    """Return when a memory was created, or the earliest that is known of it."""
    created_at = time_of(notes, "created_at", row.get("created_at"))
    if created_at is not None:
        return created_at
    others = ("updated_at", "last_accessed")
    # What is wrong with the other columns is noted where they are read for themselves.
    unnoted = RowNotes(notes.table, notes.key)
    found = (time_of(unnoted, name, row.get(name)) for name in others)
    known = next((time for time in found if time is not None), last_resort)
    notes.adjust("created_at: missing, taken from another time", row.get("created_at"), known)
    return known


def _scheduling(
    notes: RowNotes, memory_id: UUID, row: Mapping[str, Cell], created_at: datetime
) -> SchedulingState:
    return SchedulingState(
        memory_id=memory_id,
        stability=number_of(
            notes,
            "stability",
            row.get("stability"),
            default=fsrs.initial_stability(Rating.GOOD),
            lowest=fsrs.STABILITY_MIN,
            highest=fsrs.STABILITY_MAX,
        ),
        difficulty=number_of(
            notes,
            "difficulty",
            row.get("difficulty"),
            default=fsrs.initial_difficulty(Rating.GOOD),
            lowest=fsrs.DIFFICULTY_MIN,
            highest=fsrs.DIFFICULTY_MAX,
        ),
        retrievability=number_of(
            notes,
            "retention_strength",
            row.get("retention_strength"),
            default=1.0,
            lowest=0.0,
            highest=1.0,
        ),
        last_review=_last_review(notes, row, created_at),
        next_review=time_of(notes, "next_review", row.get("next_review")),
        reps=whole_of(notes, "reps", row.get("reps"), highest=INTEGER_MAX),
        lapses=whole_of(notes, "lapses", row.get("lapses"), highest=INTEGER_MAX),
    )


def _updated_at(notes: RowNotes, cell: Cell, created_at: datetime) -> datetime:
    at = time_of(notes, "updated_at", cell)
    if at is None:
        notes.adjust("updated_at: none, taken from created_at", cell, created_at)
        return created_at
    return at


def _last_review(notes: RowNotes, row: Mapping[str, Cell], created_at: datetime) -> datetime:
    at = time_of(notes, "last_accessed", row.get("last_accessed"))
    if at is None:
        # The Rust program writes an empty text for "never reviewed"; here, that is the creation.
        notes.adjust(
            "last_accessed: none, taken from created_at", row.get("last_accessed"), created_at
        )
        return created_at
    return at


def _node_type(notes: RowNotes, cell: Cell, metadata: JsonObject) -> str:
    text = text_of(notes, "node_type", cell)
    if not text:
        notes.adjust("node_type: none", cell, DEFAULT_TYPE)
        return DEFAULT_TYPE
    if len(text) > NODE_TYPE_MAX_CHARACTERS:
        metadata["node_type"] = text
        notes.adjust("node_type: too long, kept in metadata", text, DEFAULT_TYPE)
        return DEFAULT_TYPE
    return text


def _codebase(
    notes: RowNotes,
    row: Mapping[str, Cell],
    node_type: str,
    tags: tuple[str, ...],
    metadata: JsonObject,
) -> str | None:
    named = text_of(notes, "codebase", row.get("codebase"))
    in_tags = (tag.removeprefix(CODEBASE_TAG) for tag in tags if tag.startswith(CODEBASE_TAG))
    found = named or next((name for name in in_tags if name), None)
    if found is None and node_type in CODEBASE_TYPES and CODEBASE_TOOL_TAG in tags:
        source = metadata.get("source")
        found = source if isinstance(source, str) else None
    if found is not None and len(found) > CODEBASE_MAX_CHARACTERS:
        metadata["codebase"] = found
        notes.adjust("codebase: too long, kept in metadata", found, "none")
        return None
    return found or None


def names_of(
    notes: RowNotes,
    field: str,
    row: Mapping[str, Cell],
    metadata: JsonObject,
    *,
    most: int,
    longest: int,
) -> tuple[str, ...]:
    """Return the names in a column that holds a JSON list; what does not fit goes to metadata."""
    cell = row.get(field)
    if cell is None or cell == "[]":
        return ()
    try:
        value = json_of(cell)
    except NotJsonError:
        value = None
    if not isinstance(value, list):
        metadata[field] = storable(notes, field, cell)
        notes.adjust(f"{field}: not a JSON list, kept in metadata", cell, "[]")
        return ()
    cleaned = [storable(notes, field, item) for item in value]
    kept = [item for item in cleaned if isinstance(item, str) and 0 < len(item) <= longest][:most]
    if len(kept) != len(cleaned):
        metadata[field] = cleaned
        notes.adjust(f"{field}: some do not fit, all kept in metadata", cell, kept)
    return tuple(kept)


def _scores(notes: RowNotes, cell: Cell, metadata: JsonObject) -> dict[str, float]:
    if cell is None or cell == "{}":
        return {}
    try:
        value = json_of(cell)
    except NotJsonError:
        value = None
    if not isinstance(value, dict):
        metadata["domain_scores"] = storable(notes, "domain_scores", cell)
        notes.adjust("domain_scores: not a JSON object, kept in metadata", cell, "{}")
        return {}
    cleaned = storable(notes, "domain_scores", value)
    items = cleaned.items() if isinstance(cleaned, dict) else ()
    kept = [(name, score) for name, score in items if _is_score(name, score)][:LIST_MAX]
    if len(kept) != len(items):
        metadata["domain_scores"] = cleaned
        notes.adjust("domain_scores: some do not fit, all kept in metadata", cell, dict(kept))
    return {name: float(score) for name, score in kept if isinstance(score, (int, float))}


def _is_score(name: str, score: JsonValue) -> bool:
    is_number = isinstance(score, (int, float)) and not isinstance(score, bool)
    return is_number and 0 < len(name) <= NAME_MAX_CHARACTERS


def _metadata(notes: RowNotes, row: Mapping[str, Cell], memory_id: UUID) -> JsonObject:
    metadata: JsonObject = {
        name: storable(notes, name, cell)
        for name, cell in row.items()
        if name not in PLACED and cell is not None
    }
    if row["id"] is not None and row["id"] != str(memory_id):
        # Other columns and texts may still name the memory by this id.
        metadata["id"] = storable(notes, "id", row["id"])
    for name, usual in OF_LOCAL_USER.items():
        cell = row.get(name)
        if cell is not None and cell != usual:
            metadata[name] = _parsed(notes, name, cell)
            notes.adjust(f"{name}: the local user's now, kept in metadata", cell, usual)
    return metadata


def _parsed(notes: RowNotes, name: str, cell: Cell) -> JsonValue:
    if name != "shared_with_groups":
        return storable(notes, name, cell)
    try:
        return storable(notes, name, json_of(cell))
    except NotJsonError:
        return storable(notes, name, cell)
