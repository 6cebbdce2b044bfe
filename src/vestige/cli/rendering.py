"""Memories as people read them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vestige.cli.output import print_line, print_pairs, print_table, print_text, shortened
from vestige.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vestige.cli.output import Part
    from vestige.engine.results import DueMemory, NeighborMemory, RecallHit, RememberResult
    from vestige.models import MemoryEdge, MemoryRecord, SchedulingState

GAP: Final = "  "
CONTENT_CHARACTERS: Final = 400  # of a content, before the terminal's width cuts it
NEAREST_CHARACTERS: Final = 200  # of a memory that another one is near to
LINKS_SHOWN: Final = 20  # of a memory, the strongest
NOTHING: Final = "-"
PART_HEADINGS: Final = (
    *("hit", "score", "= cosine", "+ BM25", "+ literal", "+ links"),
    *("+ kept", "+ recent", "+ place"),
)
SOURCE_HEADINGS: Final = ("hit", "cosine", "rank", "BM25", "rank", "retrievability", "state")


def print_memory(record: MemoryRecord, *lead: Part) -> None:
    """Print a memory in three lines: what it is, its content shortened, its id."""
    parts: list[Part] = [*lead, (record.node_type, "bold"), GAP, day(record.created_at)]
    if record.codebase is not None:
        parts += [GAP, "codebase ", (record.codebase, "cyan")]
    if record.tags:
        parts += [GAP, "tags ", (", ".join(record.tags), "cyan")]
    for mark in marks(record):
        parts += [GAP, (mark, "yellow")]
    print_line(*parts)
    print_line("   ", shortened(record.content, CONTENT_CHARACTERS), fit=True)
    print_line("   ", (str(record.id), "dim"))


def print_hits(hits: Sequence[RecallHit]) -> None:
    """Print what was recalled, best first, and what does not hold or is hidden as such."""
    for number, hit in enumerate(hits, start=1):
        lead: list[Part] = [f"{number}. ", (f"{hit.score:.3f}", "green"), GAP]
        if hit.marks:
            lead += [(", ".join(hit.marks), "yellow"), GAP]
        # The content alone: only as much of it may be wanted as a budget allows.
        print_memory(replace(hit.record, content=hit.content), *lead)


def print_explanation(hits: Sequence[RecallHit]) -> None:
    """Print the parts that each hit's score is the sum of, and what they come from."""
    numbered = list(enumerate(hits, start=1))
    parts = [
        (
            f"{number}.",
            f"{hit.score:.3f}",
            f"{hit.vector_part:.3f}",
            f"{hit.lexical_part:.3f}",
            f"{hit.literal_part:.3f}",
            f"{hit.activation_part:.3f}",
            f"{hit.retrievability_part:.3f}",
            f"{hit.recency_part:.3f}",
            f"{hit.currency_part:.3f}",
        )
        for number, hit in numbered
    ]
    sources = [
        (
            f"{number}.",
            _optional(hit.vector_score, ".3f"),
            _optional(hit.vector_rank, "d"),
            _optional(hit.fts_score, ".2f"),
            _optional(hit.fts_rank, "d"),
            f"{hit.retrievability:.3f}",
            hit.accessibility,
        )
        for number, hit in numbered
    ]
    print_text()
    print_table(PART_HEADINGS, parts)
    print_text()
    print_table(SOURCE_HEADINGS, sources)
    for number, hit in numbered:
        if hit.literals:
            print_line(f"{number}. holds literally: {', '.join(hit.literals)}")
        if hit.path:
            print_line(f"{number}. is reached from {' -> '.join(map(str, hit.path))}")


def print_due(due: DueMemory) -> None:
    """Print a memory that is due, and since when."""
    lead = f"due {day(due.due_at)}{GAP}retrievability {due.retrievability:.2f}{GAP}"
    print_memory(due.record, lead)


def print_neighbors(neighbors: Sequence[NeighborMemory]) -> None:
    """Print the memories that links lead to, best first."""
    for number, found in enumerate(neighbors, start=1):
        links = "1 link" if found.hops == 1 else f"{found.hops} links"
        weight = (f"{found.weight:g}", "green")
        print_memory(found.record, f"{number}. ", weight, f"{GAP}{links}{GAP}")


def print_nearest(result: RememberResult) -> None:
    """Print whose place the memory took, what it is near to, and what it was linked to."""
    if result.previous is not None:
        print_line(f"   before  {shortened(result.previous.content, NEAREST_CHARACTERS)}", fit=True)
    shown_already = {result.id, None if result.previous is None else result.previous.id}
    for candidate in result.candidates:
        if candidate.id not in shown_already:
            relation = candidate.comparison.action.value
            similarity = f"   {relation} {candidate.similarity:.2f}  "
            print_line(similarity, (str(candidate.id), "dim"))
            print_line("   ", shortened(candidate.content, NEAREST_CHARACTERS), fit=True)
    for edge in result.links:
        print_line(f"   linked  {edge.edge_type} {edge.weight:.2f}  ", (str(edge.target_id), "dim"))


def print_details(
    record: MemoryRecord, scheduling: SchedulingState | None, links: Sequence[MemoryEdge]
) -> None:
    """Print everything of a memory that people may want to know, its content whole."""
    pairs = [
        ("id", str(record.id)),
        ("type", record.node_type),
        ("tags", ", ".join(record.tags) or NOTHING),
        ("codebase", NOTHING if record.codebase is None else record.codebase),
        ("created", moment(record.created_at)),
        ("updated", moment(record.updated_at)),
        *_end_pairs(record, links),
        ("vectors", str((record.embedding is not None) + len(record.windows))),
    ]
    if record.metadata:
        pairs.append(("metadata", json.dumps(record.metadata, ensure_ascii=False)))
    if scheduling is not None:
        pairs += [
            ("due", moment(scheduling.next_review)),
            ("last review", moment(scheduling.last_review)),
            ("reviews", f"{scheduling.reps}, of them forgotten {scheduling.lapses}"),
            ("stability", f"{scheduling.stability:.2f} days"),
            ("difficulty", f"{scheduling.difficulty:.2f} of 10"),
        ]
    print_pairs([*pairs, *_link_pairs(record, links)])
    print_text()
    print_text(record.content)


def marks(record: MemoryRecord) -> list[str]:
    """Return why a memory is not, or will not always be, recalled; nothing for most."""
    found = [
        mark
        for mark, since in (
            ("suppressed", record.suppressed_at),
            ("superseded", record.superseded_at),
        )
        if since is not None
    ]
    if record.valid_until is not None:
        is_over = record.valid_until <= SystemClock().now()
        found.append(f"{'expired' if is_over else 'valid until'} {day(record.valid_until)}")
    return found


def superseding_ids(
    record: MemoryRecord, links: Sequence[MemoryEdge]
) -> tuple[list[str], list[str]]:
    """Return the ids of what took the place of a memory, and of those whose place it took."""
    from vestige.engine.links import SUPERSEDES

    edges = [edge for edge in links if edge.edge_type == SUPERSEDES]
    newer = [str(edge.source_id) for edge in edges if edge.target_id == record.id]
    return newer, [str(edge.target_id) for edge in edges if edge.source_id == record.id]


def day(time: datetime) -> str:
    """Return the date of a time, which is in UTC."""
    return time.date().isoformat()


def moment(time: datetime | None) -> str:
    """Return a time as RFC 3339."""
    from vestige.engine.views import time_view

    return NOTHING if time is None else time_view(time)


def _end_pairs(record: MemoryRecord, links: Sequence[MemoryEdge]) -> list[tuple[str, str]]:
    """Return what ended a memory or will, and whose place it took."""
    pairs: list[tuple[str, str]] = []
    if record.valid_until is not None:
        is_over = record.valid_until <= SystemClock().now()
        note = f"{GAP}(expired)" if is_over else ""
        pairs.append(("valid until", moment(record.valid_until) + note))
    if record.suppressed_at is not None:
        pairs.append(("suppressed", moment(record.suppressed_at)))
    if record.superseded_at is not None:
        pairs.append(("superseded", moment(record.superseded_at)))
    newer, older = superseding_ids(record, links)
    pairs += [("superseded by", memory_id) for memory_id in newer]
    return pairs + [("supersedes", memory_id) for memory_id in older]


def _link_pairs(record: MemoryRecord, links: Sequence[MemoryEdge]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for edge in sorted(links, key=lambda edge: -edge.weight)[:LINKS_SHOWN]:
        is_outgoing = edge.source_id == record.id
        end = f"to {edge.target_id}" if is_outgoing else f"from {edge.source_id}"
        pairs.append(("link", f"{end}{GAP}{edge.edge_type}, weight {edge.weight:g}"))
    if len(links) > LINKS_SHOWN:
        pairs.append(("links", f"{len(links)}, the strongest {LINKS_SHOWN} above"))
    return pairs


def _optional(number: float | None, form: str) -> str:
    return NOTHING if number is None else format(number, form)
