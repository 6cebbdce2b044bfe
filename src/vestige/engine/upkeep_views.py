"""What looking a store through has found and done, as JSON objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.engine.views import edge_view, places_view, time_view

if TYPE_CHECKING:
    from vestige.engine.upkeep_results import (
        Consolidation,
        Contradictions,
        DifferentPair,
        DomainRecount,
        DuplicateCluster,
        DuplicatePair,
        Duplicates,
        Excerpt,
        FoundContradiction,
        FoundSecrets,
    )
    from vestige.models import JsonObject


def consolidation_view(result: Consolidation) -> JsonObject:
    """Return a plan, or what became of it."""
    return {
        "is_applied": result.is_applied,
        "memories": result.memories,
        "changes": result.changes,
        "retrievability": result.retrievability,
        "vectors": result.vectors,
        "vector_failures": [
            {"id": str(failure.id), "reason": failure.reason} for failure in result.vector_failures
        ],
        "domains": [_domain_view(domain) for domain in result.domains],
        "links": {**result.links},
        "link_examples": [edge_view(edge) for edge in result.link_examples],
        "pruned": {**result.pruned},
        "pruned_examples": [edge_view(edge) for edge in result.pruned_examples],
        "duplicates": duplicates_view(result.duplicates),
        "contradictions": contradictions_view(result.contradictions),
        "notes": list(result.notes),
    }


def duplicates_view(found: Duplicates) -> JsonObject:
    """Return clusters of memories that say the same."""
    return {
        "clusters": [_cluster_view(cluster) for cluster in found.clusters],
        "cluster_count": found.cluster_count,
        "different": [_different_view(pair) for pair in found.different],
        "different_count": found.different_count,
        "compared": found.compared,
        "notes": list(found.notes),
    }


def contradictions_view(found: Contradictions) -> JsonObject:
    """Return pairs of memories that cannot both be true."""
    return {
        "contradictions": [_contradiction_view(one) for one in found.found],
        "count": found.count,
        "compared": found.compared,
        "notes": list(found.notes),
    }


def secrets_view(found: FoundSecrets) -> JsonObject:
    """Return what holds keys or tokens: ids, kinds and places, never the secrets."""
    return {
        "secrets": [
            {
                "id": str(one.id),
                "where": one.where,
                "kinds": [*dict.fromkeys(place.kind for place in one.places)],
                "places": places_view(one.places),
            }
            for one in found.found
        ],
        "count": found.count,
        "looked_at": found.looked_at,
    }


def _domain_view(domain: DomainRecount) -> JsonObject:
    return {
        "id": domain.domain_id,
        "before": domain.before,
        "after": domain.after,
        "has_moved": domain.has_moved,
    }


def _cluster_view(cluster: DuplicateCluster) -> JsonObject:
    return {
        "size": cluster.size,
        "members": [_excerpt_view(member) for member in cluster.members],
        "pairs": [_pair_view(pair) for pair in cluster.pairs],
    }


def _pair_view(pair: DuplicatePair) -> JsonObject:
    return {
        "older_id": str(pair.older_id),
        "newer_id": str(pair.newer_id),
        "kind": pair.kind,
        "similarity": pair.similarity,
        "reason": pair.reason,
    }


def _different_view(pair: DifferentPair) -> JsonObject:
    return {
        "older": _excerpt_view(pair.older),
        "newer": _excerpt_view(pair.newer),
        "similarity": pair.similarity,
        "reason": pair.reason,
    }


def _contradiction_view(found: FoundContradiction) -> JsonObject:
    return {
        "kind": found.kind.value,
        "subject": list(found.subject),
        "older": _excerpt_view(found.older),
        "newer": _excerpt_view(found.newer),
        "older_value": found.older_value,
        "newer_value": found.newer_value,
        "confidence": found.confidence,
        "similarity": found.similarity,
        "commands": list(found.commands),
    }


def _excerpt_view(excerpt: Excerpt) -> JsonObject:
    return {
        "id": str(excerpt.id),
        "text": excerpt.text,
        "codebase": excerpt.codebase,
        "created_at": time_view(excerpt.created_at),
    }
