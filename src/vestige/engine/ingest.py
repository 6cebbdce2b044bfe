"""Remembering: comparing a text with what is known, then writing it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from vestige.cognition import fsrs
from vestige.cognition.currency import is_current
from vestige.cognition.ingest_gate import GateAction, compare
from vestige.engine.links import links_of_new, superseding, with_links_that_hold
from vestige.engine.parts import commit, need
from vestige.engine.results import Candidate, IngestContext, RememberResult
from vestige.engine.weights import insertion, weights_of
from vestige.errors import InvalidInputError, MemoryNotFoundError
from vestige.models import (
    AddReview,
    Change,
    ChangeAction,
    InsertMemory,
    MemoryRecord,
    Rating,
    ReplaceMemory,
    SearchQuery,
)
from vestige.storage import limits
from vestige.storage.changes import memory_account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vestige.clock import Clock
    from vestige.embedding.texts import TextVectors
    from vestige.engine.parts import Parts
    from vestige.engine.results import ImportText, RememberItem
    from vestige.models import JsonObject, PutEdge, SearchResult

COMPARED: Final = 50  # nearest memories that a new text is compared with
CANDIDATES_SHOWN: Final = 5
SIMILARITY_DECIMALS: Final = 6


def new_record(
    content: str,
    *,
    node_type: str,
    tags: Sequence[str],
    context: IngestContext,
    metadata: JsonObject,
    clock: Clock,
    created_at: datetime | None = None,
    valid_until: datetime | None = None,
) -> MemoryRecord:
    """Return a memory of a text, not stored and without vectors; by default it is created now.

    Raises:
        InvalidInputError: a limit; checked here, before any time is spent on embedding.
    """
    limits.check_texts("tags", list(tags), limits.TAGS_MAX, limits.TAG_MAX_CHARACTERS)
    created_at = clock.now() if created_at is None else created_at
    record = MemoryRecord(
        id=uuid4(),
        content=content,
        node_type=node_type,
        tags=tuple(dict.fromkeys(tags)),
        metadata={**metadata, **_context_metadata(context)},
        codebase=context.codebase,
        created_at=created_at,
        updated_at=created_at,
        valid_until=valid_until,
    )
    check_memory(record)
    return record


async def item_record(parts: Parts, item: RememberItem) -> MemoryRecord:
    """Return the memory of an item, not stored and without vectors.

    Raises:
        MemoryNotFoundError: the memory whose place it takes is unknown.
        InvalidInputError: a limit.
    """
    old = None if item.supersedes is None else await need(parts, item.supersedes)
    context = item.context or IngestContext()
    if old is not None and context.codebase is None:
        context = replace(context, codebase=old.codebase)
    return new_record(
        item.content,
        node_type=item.node_type or ("fact" if old is None else old.node_type),
        tags=item.tags or (() if old is None else old.tags),
        context=context,
        metadata=item.metadata or {},
        clock=parts.clock,
        created_at=item.created_at,
        valid_until=item.valid_until,
    )


def imported_record(text: ImportText, node_type: str, clock: Clock) -> MemoryRecord:
    """Return a memory of a text of a file, not stored and without vectors.

    Raises:
        InvalidInputError: a limit.
    """
    return new_record(
        text.content,
        node_type=node_type if text.node_type is None else text.node_type,
        tags=text.tags,
        context=text.context,
        metadata=text.metadata or {},
        clock=clock,
        created_at=text.created_at,
    )


async def remember(
    parts: Parts, record: MemoryRecord, *, supersedes: UUID | None, force: bool
) -> RememberResult:
    """Store a memory, or reinforce the one that says the same.

    Args:
        parts: where to, and what makes the vectors.
        record: the memory, without vectors.
        supersedes: the memory whose place it takes, which stays, marked and linked.
        force: store it whatever is known.

    Raises:
        MemoryNotFoundError: the memory to supersede is unknown.
        InvalidInputError: it says the same, or its place is taken already.
    """
    vectors = await parts.embed(record.content)
    record = replace(record, embedding=vectors.embedding, windows=vectors.windows)
    near = await _nearest(parts, record)
    shown = tuple(candidate for _, candidate in near[:CANDIDATES_SHOWN])
    if supersedes is not None:
        return await _supersede(parts, record, vectors, supersedes, shown)
    known = None if force else _known(near, record)
    if known is not None:
        # Another process may have deleted it since.
        with suppress(MemoryNotFoundError):
            return await _reinforce(parts, known.id, record, shown)
    drawn = () if force else tuple(await links_of_new(parts, record, shown))
    inserted = await insertion(parts, record)

    async def create(links: tuple[PutEdge, ...]) -> Change:
        reason = _account_of(shown, links, force=force)
        change = parts.change(ChangeAction.CREATED, inserted, *links, reason=reason)
        await parts.store.commit(change)
        return change

    change, links = await with_links_that_hold(drawn, create)
    return RememberResult(
        id=record.id,
        action="created",
        reason=_reason(shown, force=force) + _incomplete(vectors),
        change_id=change.id,
        candidates=shown,
        links=tuple(link.edge for link in links),
    )


async def remember_once(parts: Parts, record: MemoryRecord, *, is_dry_run: bool) -> UUID | None:
    """Store a memory unless one says the same, which is left as it is.

    Args:
        parts: where to, and what makes the vectors.
        record: the memory, without vectors.
        is_dry_run: write nothing.

    Returns:
        The id of the known memory, None when there was none.
    """
    vectors = await parts.embed(record.content)
    record = replace(record, embedding=vectors.embedding, windows=vectors.windows)
    known = _known(await _nearest(parts, record), record)
    if known is None and not is_dry_run:
        inserted = await insertion(parts, record)
        await parts.store.commit(parts.change(ChangeAction.CREATED, inserted))
    return None if known is None else known.id


def check_memory(record: MemoryRecord) -> None:
    """Refuse a memory that is outside the limits, or says nothing.

    Raises:
        InvalidInputError: names the field and the limit.
    """
    limits.check_record(record)
    if not record.content.strip():
        raise InvalidInputError("content", "must not be only white space")


async def _nearest(parts: Parts, record: MemoryRecord) -> list[tuple[MemoryRecord, Candidate]]:
    """Return the nearest memories of the same codebase, with what the gate says of each.

    Those that are not current are left out: what a person has hidden is not shown here, and what
    is remembered again after it was hidden is a memory of its own.
    """
    now = parts.clock.now()
    found = await parts.store.search(
        SearchQuery(embedding=record.embedding, codebase=record.codebase, limit=COMPARED)
    )
    near = [(hit.record, _candidate(record, hit)) for hit in found if is_current(hit.record, now)]
    return sorted(near, key=lambda pair: (-pair[1].similarity, pair[1].id))


def _candidate(record: MemoryRecord, hit: SearchResult) -> Candidate:
    # The last digits are those of the machine's arithmetic, and would decide the order of equals.
    similarity = round(hit.score, SIMILARITY_DECIMALS)
    return Candidate(
        id=hit.record.id,
        content=hit.record.content,
        similarity=similarity,
        comparison=compare(record.content, hit.record.content, similarity),
    )


def _known(
    near: Sequence[tuple[MemoryRecord, Candidate]], record: MemoryRecord
) -> MemoryRecord | None:
    """Return the memory that says the same."""
    return next(
        (
            known
            for known, candidate in near
            if candidate.comparison.action == GateAction.DUPLICATE
            and known.codebase == record.codebase
            and known.owner_user_id == record.owner_user_id
        ),
        None,
    )


async def _reinforce(
    parts: Parts, known_id: UUID, record: MemoryRecord, shown: tuple[Candidate, ...]
) -> RememberResult:
    """Count the repetition as a good review, and keep tags that are new."""
    added: tuple[str, ...] = ()
    weights = await weights_of(parts.store)

    async def make() -> Change:
        nonlocal added
        known = await need(parts, known_id)
        state = await parts.store.get_scheduling(known_id)
        now = parts.clock.now()
        state = state or fsrs.initial_state(known_id, known.created_at, weights=weights)
        review = AddReview(
            memory_id=known_id,
            rating=Rating.GOOD,
            new_state=fsrs.review(state, Rating.GOOD, now, weights=weights),
            timestamp=now,
        )
        room = limits.TAGS_MAX - len(known.tags)
        added = tuple(tag for tag in record.tags if tag not in known.tags)[:room]
        if not added:
            return parts.change(ChangeAction.REINFORCED, review)
        tagged = ReplaceMemory(record=replace(known, tags=known.tags + added))
        change = parts.change(ChangeAction.REINFORCED, review, tagged)
        return replace(change, expected={known_id: memory_account(known)})

    change = await commit(parts, make)
    reason = "the same text is remembered already"
    if added:
        reason += f"; tags added: {', '.join(added)}"
    return RememberResult(
        id=known_id,
        action="reinforced",
        reason=reason,
        change_id=change.id,
        candidates=shown,
        added_tags=added,
    )


async def _supersede(
    parts: Parts,
    record: MemoryRecord,
    vectors: TextVectors,
    old_id: UUID,
    shown: tuple[Candidate, ...],
) -> RememberResult:
    old = await need(parts, old_id)
    drawn = await links_of_new(parts, record, shown)
    inserted = await insertion(parts, record)

    async def supersede(links: tuple[PutEdge, ...]) -> Change:
        async def make() -> Change:
            nonlocal old
            old = await need(parts, old_id)
            return _superseding(parts, inserted, old, links)

        return await commit(parts, make)

    change, links = await with_links_that_hold(
        tuple(link for link in drawn if link.edge.target_id != old_id), supersede
    )
    return RememberResult(
        id=record.id,
        action="superseded",
        reason=f"takes the place of {old_id}, which is kept" + _incomplete(vectors),
        change_id=change.id,
        candidates=shown,
        links=tuple(link.edge for link in links),
        previous=old,
    )


def _superseding(
    parts: Parts, inserted: InsertMemory, old: MemoryRecord, links: tuple[PutEdge, ...]
) -> Change:
    """Return the change in which a memory takes the place of another one.

    Raises:
        InvalidInputError: it says the same, or its place is taken already.
    """
    record, now = inserted.record, parts.clock.now()
    if old.superseded_at is not None:
        raise InvalidInputError(
            "supersedes",
            f"another memory has taken the place of {old.id} already",
            "Supersede that one: `vestige neighbors` shows it.",
        )
    if compare(record.content, old.content, None).action == GateAction.DUPLICATE:
        raise InvalidInputError(
            "supersedes",
            f"{old.id} says the same",
            "Leave it out: what is remembered again is reinforced.",
        )
    change = parts.change(
        ChangeAction.SUPERSEDED,
        inserted,
        ReplaceMemory(record=replace(old, superseded_at=now)),
        superseding(record.id, old.id, now),
        *links,
        reason=f"takes the place of {old.id}",
    )
    return replace(change, expected={old.id: memory_account(old)})


def _reason(shown: tuple[Candidate, ...], *, force: bool) -> str:
    if force:
        return "stored without comparing, as asked"
    near = [candidate for candidate in shown if candidate.is_near]
    if not near:
        return "no memory says the same"
    return f"linked to {near[0].id}: {near[0].comparison.reason}" + (
        f", and to {len(near) - 1} more" if len(near) > 1 else ""
    )


def _account_of(shown: tuple[Candidate, ...], links: tuple[PutEdge, ...], *, force: bool) -> str:
    """Return the reason for the changelog, which quotes no memory."""
    if force:
        return "stored without comparing, as asked"
    if not shown:
        return "there was nothing to compare it with"
    return f"nearest: {shown[0].id} ({shown[0].similarity:.2f}); links drawn: {len(links)}"


def _incomplete(vectors: TextVectors) -> str:
    if vectors.is_complete:
        return ""
    return (
        f"; the text is so long that {len(vectors.windows)} windows spread over it are found"
        " by meaning, and its first 200,000 characters by words"
    )


def _context_metadata(context: IngestContext) -> JsonObject:
    metadata: JsonObject = {}
    for name in ("mcp_client_id", "session_id", "file", "source"):
        value = getattr(context, name)
        if value is not None:
            metadata[name] = value
    if context.topics:
        metadata["topics"] = list(context.topics)
    return metadata
