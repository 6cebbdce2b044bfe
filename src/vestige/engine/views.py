"""Results as JSON objects: what `--json` prints and what the MCP server returns.

Names are those of the values; times are RFC 3339 in UTC, ids are text, vectors are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vestige.engine.results import (
        Candidate,
        DueMemory,
        ImportedText,
        LinkResult,
        NeighborMemory,
        RecallHit,
        RecallResult,
        RememberResult,
        ReviewResult,
        VacuumResult,
    )
    from vestige.errors import VestigeError
    from vestige.models import (
        Domain,
        Group,
        HealthStatus,
        JsonObject,
        JsonValue,
        MemoryEdge,
        MemoryRecord,
        ModelSignature,
        Problem,
        SchedulingState,
        SecretPlace,
        StoreStats,
        User,
    )

CANDIDATE_CHARACTERS: Final = 1_000  # shown of a memory that a new one was compared with


def memory_view(record: MemoryRecord) -> JsonObject:
    """Return a memory."""
    return {
        "id": str(record.id),
        "content": record.content,
        "node_type": record.node_type,
        "tags": list(record.tags),
        "codebase": record.codebase,
        "metadata": record.metadata,
        "domains": list(record.domains),
        "owner_user_id": str(record.owner_user_id),
        "visibility": record.visibility.value,
        "shared_with_groups": [str(group_id) for group_id in record.shared_with_groups],
        "created_at": time_view(record.created_at),
        "updated_at": time_view(record.updated_at),
        "valid_until": _optional_time(record.valid_until),
        "superseded_at": _optional_time(record.superseded_at),
        "suppressed_at": _optional_time(record.suppressed_at),
        "has_embedding": record.embedding is not None,
        "window_count": len(record.windows),
    }


def recall_view(result: RecallResult, *, explain: bool = False) -> JsonObject:
    """Return what was recalled, and with a budget of tokens what did not fit into it."""
    view: JsonObject = {"results": [hit_view(hit, explain=explain) for hit in result]}
    if result.tokens is not None:
        view["left_out"] = result.left_out
        view["tokens"] = result.tokens
    return view


def hit_view(hit: RecallHit, *, explain: bool = False) -> JsonObject:
    """Return a recalled memory with its scores; `explain` adds the parts they are made of."""
    view: JsonObject = {
        "id": str(hit.record.id),
        "content": hit.content,
        "score": hit.score,
        "fts_score": hit.fts_score,
        "vector_score": hit.vector_score,
        "node_type": hit.record.node_type,
        "tags": list(hit.record.tags),
        "codebase": hit.record.codebase,
        "created_at": time_view(hit.record.created_at),
        "updated_at": time_view(hit.record.updated_at),
        "retrievability": hit.retrievability,
        "accessibility": hit.accessibility,
        "marks": list(hit.marks),
        "characters_left_out": len(hit.record.content) - len(hit.content),
    }
    if explain:
        view["explanation"] = {
            "vector_part": hit.vector_part,
            "lexical_part": hit.lexical_part,
            "literal_part": hit.literal_part,
            "activation_part": hit.activation_part,
            "retrievability_part": hit.retrievability_part,
            "recency_part": hit.recency_part,
            "currency_part": hit.currency_part,
            "vector_rank": hit.vector_rank,
            "fts_rank": hit.fts_rank,
            "literals": list(hit.literals),
            "path": [str(memory_id) for memory_id in hit.path],
        }
    return view


def remember_view(result: RememberResult) -> JsonObject:
    """Return what became of a text."""
    previous = result.previous
    return {
        "id": str(result.id),
        "action": result.action,
        "reason": result.reason,
        "candidates": [_candidate_view(candidate) for candidate in result.candidates],
        "added_tags": list(result.added_tags),
        "links": [edge_view(edge) for edge in result.links],
        "previous": None
        if previous is None
        else {"id": str(previous.id), "content": previous.content},
        "change_id": str(result.change_id),
        "removed": places_view(result.removed),
    }


def places_view(places: Sequence[SecretPlace]) -> JsonValue:
    """Return where secrets are, or were."""
    return [{"kind": place.kind, "field": place.field, "line": place.line} for place in places]


def removal_note(places: Sequence[SecretPlace]) -> str:
    """Return which secrets were taken out, for people; empty when there were none."""
    return f"taken out: {', '.join(map(str, places))}" if places else ""


def imported_view(imported: ImportedText) -> JsonObject:
    """Return what became of a text of a file."""
    text = imported.text
    return {
        "place": text.place,
        "action": imported.action,
        "id": None if imported.id is None else str(imported.id),
        "content": text.content[:CANDIDATE_CHARACTERS],
        "tags": list(text.tags),
        "created_at": _optional_time(text.created_at),
        "removed": places_view(imported.removed),
    }


def scheduling_view(state: SchedulingState) -> JsonObject:
    """Return the FSRS-6 state of a memory."""
    return {
        "stability": state.stability,
        "difficulty": state.difficulty,
        "retrievability": state.retrievability,
        "last_review": _optional_time(state.last_review),
        "next_review": _optional_time(state.next_review),
        "reps": state.reps,
        "lapses": state.lapses,
    }


def review_view(result: ReviewResult) -> JsonObject:
    """Return the scheduling of a memory before and after a review."""
    return {
        "id": str(result.memory_id),
        "before": scheduling_view(result.before),
        "after": scheduling_view(result.after),
        "change_id": str(result.change_id),
    }


def due_view(due: DueMemory) -> JsonObject:
    """Return a memory that is due."""
    view = memory_view(due.record)
    view["due_at"] = time_view(due.due_at)
    view["scheduling"] = scheduling_view(due.scheduling)
    view["retrievability"] = due.retrievability
    return view


def edge_view(edge: MemoryEdge) -> JsonObject:
    """Return a link."""
    return {
        "source_id": str(edge.source_id),
        "target_id": str(edge.target_id),
        "edge_type": edge.edge_type,
        "weight": edge.weight,
        "created_at": time_view(edge.created_at),
    }


def link_view(result: LinkResult) -> JsonObject:
    """Return what became of a link."""
    view = edge_view(result.edge)
    view["action"] = result.action
    view["previous_weight"] = result.previous_weight
    return view


def neighbor_view(neighbor: NeighborMemory) -> JsonObject:
    """Return a memory that was reached over links."""
    view = memory_view(neighbor.record)
    view["weight"] = neighbor.weight
    view["hops"] = neighbor.hops
    return view


def domain_view(domain: Domain) -> JsonObject:
    """Return a domain."""
    return {
        "id": domain.id,
        "label": domain.label,
        "top_terms": list(domain.top_terms),
        "memory_count": domain.memory_count,
        "metadata": domain.metadata,
        "created_at": time_view(domain.created_at),
        "has_centroid": domain.centroid is not None,
    }


def principal_view(principal: User | Group) -> JsonObject:
    """Return a user or a group."""
    return {
        "id": str(principal.id),
        "handle": principal.handle,
        "display_name": principal.display_name,
        "metadata": principal.metadata,
        "created_at": time_view(principal.created_at),
    }


def vacuum_view(result: VacuumResult) -> JsonObject:
    """Return the size of a store before and after it was tidied up."""
    return {"before_bytes": result.before_bytes, "after_bytes": result.after_bytes}


def stats_view(stats: StoreStats) -> JsonObject:
    """Return the counts and sizes of a store."""
    return {
        "backend": stats.backend,
        "location": stats.location,
        "schema_version": stats.schema_version,
        "model": None if stats.model is None else model_view(stats.model),
        "memory_count": stats.memory_count,
        "embedded_count": stats.embedded_count,
        "window_count": stats.window_count,
        "edge_count": stats.edge_count,
        "review_event_count": stats.review_event_count,
        "domain_count": stats.domain_count,
        "due_count": stats.due_count,
        "size_bytes": stats.size_bytes,
        "oldest_created_at": _optional_time(stats.oldest_created_at),
        "newest_created_at": _optional_time(stats.newest_created_at),
        "node_types": _counts(stats.node_types),
        "codebases": _counts(stats.codebases),
        "details": {name: value for name, value in stats.details.items()},  # noqa: C416  # a wider value type
    }


def model_view(model: ModelSignature) -> JsonObject:
    """Return the signature of an embedding model."""
    return {"name": model.name, "dimension": model.dimension, "hash": model.hash}


def health_view(health: HealthStatus) -> JsonObject:
    """Return whether a store can be used."""
    return {"status": health.status, "reason": health.reason}


def problem_view(problem: Problem) -> JsonObject:
    """Return what is wrong with a store, and what repairs it."""
    return {
        "problem": problem.problem,
        "repair": problem.repair,
        "is_repairable": problem.is_repairable,
    }


def error_view(error: VestigeError) -> JsonObject:
    """Return an error with its code and the next action."""
    return {"error": {"code": error.code, "message": str(error), "hint": error.hint}}


def time_view(time: datetime) -> str:
    """Return a time of a record, which is in UTC, as RFC 3339."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _candidate_view(candidate: Candidate) -> JsonObject:
    return {
        "id": str(candidate.id),
        "content": candidate.content[:CANDIDATE_CHARACTERS],
        "similarity": candidate.similarity,
        "relation": candidate.comparison.action.value,
        "reason": candidate.comparison.reason,
    }


def _optional_time(time: datetime | None) -> str | None:
    return None if time is None else time_view(time)


def _counts(counts: dict[str, int]) -> JsonValue:
    return {name: count for name, count in counts.items()}  # noqa: C416  # a wider value type
