"""The limits of what a store accepts, checked before a backend sees a value.

Every backend calls these functions, so all of them refuse the same things with the same words.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from vestige.cognition import fsrs
from vestige.cognition.fsrs_weights import WEIGHT_BOUNDS
from vestige.errors import InvalidInputError
from vestige.models import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MemoryFilter,
    MemoryRecord,
    Rating,
    SchedulingState,
    SearchQuery,
    Visibility,
)
from vestige.storage.encoding import json_text, utc
from vestige.storage.vectors import check_vector, dimension_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vestige.models import (
        ChangelogEntry,
        ChangelogFilter,
        Domain,
        EncodedMemory,
        Group,
        GroupMembership,
        MemoryCursor,
        MemoryEdge,
        ModelSignature,
        User,
    )

CONTENT_MAX_BYTES: Final = 1_000_000
NODE_TYPE_MAX_CHARACTERS: Final = 64
TAGS_MAX: Final = 64
TAG_MAX_CHARACTERS: Final = 128
METADATA_MAX_BYTES: Final = 1_000_000
CODEBASE_MAX_CHARACTERS: Final = 256
NAME_MAX_CHARACTERS: Final = 256  # handles, labels, ids of domains, names of models
EDGE_TYPE_MAX_CHARACTERS: Final = 64
LIST_MAX: Final = 1000  # domains, groups shared with, values of a filter, windows
QUERY_MAX_BYTES: Final = 1_000_000
DEPTH_MAX: Final = 16
HASH_HEX_DIGITS: Final = 64
DIMENSION_MAX: Final = 65_535
VISIBILITIES: Final = tuple(Visibility)
INTEGER_MAX: Final = 2**31 - 1  # an integer column of PostgreSQL


def check_record(record: MemoryRecord) -> None:
    """Refuse a memory that is outside the limits.

    Raises:
        InvalidInputError: names the field and the limit.
    """
    _check_instance("id", record.id, UUID)
    check_text("content", record.content, max_bytes=CONTENT_MAX_BYTES)
    check_text("node_type", record.node_type, max_characters=NODE_TYPE_MAX_CHARACTERS)
    check_texts("tags", record.tags, TAGS_MAX, TAG_MAX_CHARACTERS)
    check_metadata(record.metadata)
    check_texts("domains", record.domains, LIST_MAX, NAME_MAX_CHARACTERS)
    _check_scores(record.domain_scores)
    if record.embedding is not None:
        check_vector("embedding", record.embedding)
    _check_windows(record)
    if record.codebase is not None:
        check_text("codebase", record.codebase, max_characters=CODEBASE_MAX_CHARACTERS)
    _check_instance("owner_user_id", record.owner_user_id, UUID)
    if record.visibility not in VISIBILITIES:
        allowed = ", ".join(Visibility)
        raise InvalidInputError("visibility", f"must be one of {allowed}, not {record.visibility}")
    _check_count("shared_with_groups", record.shared_with_groups, LIST_MAX)
    for group_id in record.shared_with_groups:
        _check_instance("shared_with_groups", group_id, UUID)
    check_time("created_at", record.created_at)
    check_time("updated_at", record.updated_at)
    for name in ("valid_until", "superseded_at", "suppressed_at"):
        time = getattr(record, name)
        if time is not None:
            check_time(name, time)


def check_scheduling(state: SchedulingState) -> None:
    """Refuse an FSRS-6 state that is out of range."""
    _check_instance("memory_id", state.memory_id, UUID)
    _check_range("stability", state.stability, fsrs.STABILITY_MIN, fsrs.STABILITY_MAX)
    _check_range("difficulty", state.difficulty, fsrs.DIFFICULTY_MIN, fsrs.DIFFICULTY_MAX)
    _check_range("retrievability", state.retrievability, 0.0, 1.0)
    _check_whole("reps", state.reps, 0, INTEGER_MAX)
    _check_whole("lapses", state.lapses, 0, INTEGER_MAX)
    if state.last_review is not None:
        check_time("last_review", state.last_review)
    if state.next_review is not None:
        check_time("next_review", state.next_review)


def check_rating(rating: int) -> Rating:
    """Return the rating as a `Rating`; refuse what is not 1 to 4."""
    if isinstance(rating, bool) or rating not in tuple(Rating):
        raise InvalidInputError("rating", f"must be 1 to 4 (again, hard, good, easy), not {rating}")
    return Rating(rating)


def check_query(query: SearchQuery) -> None:
    """Refuse a search that asks for nothing or whose values are outside the limits."""
    if query.text is None and query.embedding is None:
        raise InvalidInputError(
            "query", "needs text, an embedding, or both", "Give the words to search for."
        )
    if query.text is not None:
        check_text("text", query.text, max_bytes=QUERY_MAX_BYTES, may_be_empty=True)
    if query.embedding is not None:
        check_vector("embedding", query.embedding)
    check_texts("domains", query.domains, LIST_MAX, NAME_MAX_CHARACTERS)
    _check_whole("rrf_k", query.rrf_k, 1, 1_000_000)
    if query.min_retrievability is not None:
        _check_range("min_retrievability", query.min_retrievability, 0.0, 1.0)
    _check_range("decay", query.decay, *WEIGHT_BOUNDS[-1])
    check_limit(query.limit)
    check_filter(
        MemoryFilter(
            codebase=query.codebase,
            tags=query.tags,
            node_types=query.node_types,
            created_after=query.created_after,
            created_before=query.created_before,
            current_at=query.current_at,
        )
    )


def check_filter(memory_filter: MemoryFilter | None) -> None:
    """Refuse a filter whose values could never match because they are outside the limits."""
    if memory_filter is None:
        return
    if memory_filter.codebase is not None:
        check_text("codebase", memory_filter.codebase, max_characters=CODEBASE_MAX_CHARACTERS)
    check_texts("tags", memory_filter.tags, LIST_MAX, TAG_MAX_CHARACTERS)
    check_texts("node_types", memory_filter.node_types, LIST_MAX, NODE_TYPE_MAX_CHARACTERS)
    for name in ("created_after", "created_before", "current_at"):
        time = getattr(memory_filter, name)
        if time is not None:
            check_time(name, time)
    if memory_filter.owner_user_id is not None:
        _check_instance("owner_user_id", memory_filter.owner_user_id, UUID)


def check_changelog_filter(changelog_filter: ChangelogFilter | None) -> None:
    """Refuse a filter of the changelog whose values are outside the limits."""
    if changelog_filter is None:
        return
    for name in ("memory_id", "change_id", "undoes"):
        value = getattr(changelog_filter, name)
        if value is not None:
            _check_instance(name, value, UUID)
    for name in ("since", "until"):
        time = getattr(changelog_filter, name)
        if time is not None:
            check_time(name, time)


def check_entry(entry: ChangelogEntry) -> None:
    """Refuse an entry of a changelog whose values are outside the limits."""
    check_time("timestamp", entry.timestamp)
    for name in ("reason", "client_id", "session_id"):
        value = getattr(entry, name)
        if value is not None:
            check_text(name, value, max_characters=NAME_MAX_CHARACTERS)
    for name in ("before", "after"):
        if "\\u0000" in json.dumps(getattr(entry, name)):
            raise InvalidInputError(name, "holds a NUL character")


def check_ids(field: str, ids: Collection[UUID]) -> None:
    """Refuse more ids than a list may have, and what is no id."""
    _check_count(field, ids, LIST_MAX)
    for item in ids:
        _check_instance(field, item, UUID)


def check_limit(limit: int) -> int:
    """Return how many rows a limit means: 0 is the default; refuse what is not 0 to 1000."""
    _check_whole("limit", limit, 0, MAX_LIMIT)
    return limit or DEFAULT_LIMIT


def check_page(limit: int) -> None:
    """Refuse a page size that is not 1 to 1000."""
    _check_whole("limit", limit, 1, MAX_LIMIT)


def check_cursor(cursor: MemoryCursor | None) -> None:
    """Refuse a cursor without a usable time and id."""
    if cursor is not None:
        check_time("after", cursor.at)
        _check_instance("after", cursor.id, UUID)


def check_same_memory(memory_id: UUID, state: SchedulingState) -> None:
    """Refuse a scheduling state that belongs to another memory."""
    if state.memory_id != memory_id:
        raise InvalidInputError("memory_id", f"the scheduling is of {state.memory_id}")


def check_depth(depth: int) -> None:
    """Refuse a graph depth outside 0 to 16."""
    _check_whole("depth", depth, 0, DEPTH_MAX)


def check_edge(edge: MemoryEdge) -> None:
    """Refuse a self-loop, a weight that is not above 0, or an unusable type."""
    _check_instance("source_id", edge.source_id, UUID)
    _check_instance("target_id", edge.target_id, UUID)
    if edge.source_id == edge.target_id:
        raise InvalidInputError("target_id", "a memory cannot be linked to itself")
    check_text("edge_type", edge.edge_type, max_characters=EDGE_TYPE_MAX_CHARACTERS)
    if not (_is_number(edge.weight) and math.isfinite(edge.weight) and edge.weight > 0):
        raise InvalidInputError("weight", f"must be a number above 0, not {edge.weight}")
    check_time("created_at", edge.created_at)


def check_domain(domain: Domain) -> None:
    """Refuse a domain that is outside the limits."""
    check_text("id", domain.id, max_characters=NAME_MAX_CHARACTERS)
    check_text("label", domain.label, max_characters=NAME_MAX_CHARACTERS)
    check_texts("top_terms", domain.top_terms, LIST_MAX, NAME_MAX_CHARACTERS)
    check_metadata(domain.metadata)
    if domain.centroid is not None:
        check_vector("centroid", domain.centroid)
    _check_whole("memory_count", domain.memory_count, 0, INTEGER_MAX)
    check_time("created_at", domain.created_at)


def check_principal(principal: User | Group) -> None:
    """Refuse a user or group that is outside the limits."""
    _check_instance("id", principal.id, UUID)
    check_text("handle", principal.handle, max_characters=NAME_MAX_CHARACTERS)
    if principal.display_name is not None:
        check_text("display_name", principal.display_name, max_characters=NAME_MAX_CHARACTERS)
    check_metadata(principal.metadata)
    check_time("created_at", principal.created_at)


def check_membership(membership: GroupMembership) -> None:
    """Refuse a membership that is outside the limits."""
    _check_instance("user_id", membership.user_id, UUID)
    _check_instance("group_id", membership.group_id, UUID)
    if membership.role not in ("member", "admin"):
        raise InvalidInputError("role", f"must be member or admin, not {membership.role}")
    check_time("joined_at", membership.joined_at)


def check_signature(signature: ModelSignature) -> None:
    """Refuse a signature without a name, a positive dimension or a hash of 64 hex digits."""
    check_text("name", signature.name, max_characters=NAME_MAX_CHARACTERS)
    _check_whole("dimension", signature.dimension, 1, DIMENSION_MAX)
    digits = signature.hash
    if len(digits) != HASH_HEX_DIGITS or set(digits) - set("0123456789abcdef"):
        raise InvalidInputError("hash", f"must be 64 lower-case hexadecimal digits, not {digits!r}")


def check_encoded(memories: Sequence[EncodedMemory], signature: ModelSignature) -> None:
    """Refuse vectors that cannot be of a model."""
    for memory in memories:
        for vector in (memory.embedding, *memory.windows):
            check_vector("embedding", vector)
            if dimension_of(vector) != signature.dimension:
                raise InvalidInputError(
                    "embedding",
                    f"of {memory.id} has {dimension_of(vector)} dimensions,"
                    f" {signature.name} has {signature.dimension}",
                )


def check_text(
    field: str,
    value: object,
    *,
    max_characters: int | None = None,
    max_bytes: int | None = None,
    may_be_empty: bool = False,
) -> None:
    """Refuse what is not a text, is empty, is too long, or cannot be stored everywhere."""
    if not isinstance(value, str):
        raise InvalidInputError(field, f"must be text, not {type(value).__name__}")
    if not value and not may_be_empty:
        raise InvalidInputError(field, "must not be empty")
    if max_characters is not None and len(value) > max_characters:
        raise InvalidInputError(
            field, f"has {len(value)} characters, at most {max_characters} are allowed"
        )
    if "\0" in value:
        # PostgreSQL's text and jsonb cannot hold it.
        raise InvalidInputError(field, f"holds a NUL character at position {value.index(chr(0))}")
    size = _utf8_size(field, value)
    if max_bytes is not None and size > max_bytes:
        raise InvalidInputError(field, f"has {size} bytes, at most {max_bytes} are allowed")


def check_texts(field: str, values: object, max_count: int, max_characters: int) -> None:
    """Refuse what is not a list of texts within the limits."""
    _check_count(field, values, max_count)
    for value in cast("Collection[object]", values):
        check_text(field, value, max_characters=max_characters)


def check_metadata(value: object) -> None:
    """Refuse metadata that is not a JSON object within the limits."""
    if not isinstance(value, dict):
        raise InvalidInputError("metadata", f"must be an object, not {type(value).__name__}")
    size = len(json_text("metadata", cast("object", value)).encode())
    if size > METADATA_MAX_BYTES:
        raise InvalidInputError(
            "metadata", f"has {size} bytes as JSON, at most {METADATA_MAX_BYTES} are allowed"
        )


def check_time(field: str, value: object) -> None:
    """Refuse what is not a time with a zone that UTC can express."""
    if not isinstance(value, datetime):
        raise InvalidInputError(field, f"must be a datetime, not {type(value).__name__}")
    utc(field, value)


def _check_windows(record: MemoryRecord) -> None:
    _check_count("windows", record.windows, LIST_MAX)
    if record.windows and record.embedding is None:
        raise InvalidInputError("windows", "need an embedding of the whole text beside them")
    for window in record.windows:
        check_vector("windows", window)
        if record.embedding is not None and dimension_of(window) != dimension_of(record.embedding):
            raise InvalidInputError("windows", "must have the dimension of the embedding")


def _check_scores(scores: object) -> None:
    if not isinstance(scores, dict):
        raise InvalidInputError("domain_scores", f"must be an object, not {type(scores).__name__}")
    items = cast("dict[object, object]", scores)
    if len(items) > LIST_MAX:
        raise InvalidInputError("domain_scores", f"has {len(items)} entries, at most {LIST_MAX}")
    for name, score in items.items():
        check_text("domain_scores", name, max_characters=NAME_MAX_CHARACTERS)
        if not _is_number(score) or not math.isfinite(cast("float", score)):
            raise InvalidInputError("domain_scores", f"{name} must be a finite number, not {score}")


def _check_count(field: str, values: object, max_count: int) -> None:
    if not isinstance(values, (tuple, list)):
        raise InvalidInputError(field, f"must be a list, not {type(values).__name__}")
    count = len(cast("Collection[object]", values))
    if count > max_count:
        raise InvalidInputError(field, f"has {count} entries, at most {max_count} are allowed")


def _check_instance(field: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise InvalidInputError(field, f"must be a {kind.__name__}, not {type(value).__name__}")


def _check_range(field: str, value: object, lowest: float, highest: float) -> None:
    if not _is_number(value) or not lowest <= cast("float", value) <= highest:
        raise InvalidInputError(field, f"must be {lowest} to {highest}, not {value}")


def _check_whole(field: str, value: object, lowest: int, highest: int) -> None:
    _check_range(field, value, lowest, highest)
    if not isinstance(value, int):
        raise InvalidInputError(field, f"must be a whole number, not {value}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _utf8_size(field: str, value: str) -> int:
    try:
        return len(value.encode())
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            field, f"is not valid Unicode: a lone surrogate at position {error.start}"
        ) from error
