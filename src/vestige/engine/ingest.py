"""Remembering and editing: comparing a text with what is known, then writing it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from vestige.cognition.ingest_gate import same_memory
from vestige.embedding.texts import embed_text
from vestige.engine.results import Candidate, EditResult, RememberResult
from vestige.engine.review import review
from vestige.errors import InvalidInputError, MemoryNotFoundError
from vestige.models import MemoryRecord, Rating, SearchQuery
from vestige.storage import limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.clock import Clock
    from vestige.embedding import Embedder
    from vestige.engine.results import ImportText, IngestContext
    from vestige.models import JsonObject, SearchResult
    from vestige.storage.protocol import MemoryStore

COMPARED: Final = 50  # nearest memories that a new text is compared with
CANDIDATES_SHOWN: Final = 5


def new_record(
    content: str,
    *,
    node_type: str,
    tags: Sequence[str],
    context: IngestContext,
    metadata: JsonObject,
    clock: Clock,
) -> MemoryRecord:
    """Return a memory of a text, not stored and without vectors.

    Raises:
        InvalidInputError: a limit; checked here, before any time is spent on embedding.
    """
    limits.check_texts("tags", list(tags), limits.TAGS_MAX, limits.TAG_MAX_CHARACTERS)
    now = clock.now()
    record = MemoryRecord(
        id=uuid4(),
        content=content,
        node_type=node_type,
        tags=tuple(dict.fromkeys(tags)),
        metadata={**metadata, **_context_metadata(context)},
        codebase=context.codebase,
        created_at=now,
        updated_at=now,
    )
    _check(record)
    return record


def imported_record(text: ImportText, node_type: str, clock: Clock) -> MemoryRecord:
    """Return a memory of a text of a file, not stored and without vectors.

    Raises:
        InvalidInputError: a limit.
    """
    record = new_record(
        text.content,
        node_type=node_type if text.node_type is None else text.node_type,
        tags=text.tags,
        context=text.context,
        metadata=text.metadata or {},
        clock=clock,
    )
    if text.created_at is None:
        return record
    limits.check_time("created_at", text.created_at)
    return replace(record, created_at=text.created_at, updated_at=text.created_at)


async def remember(
    store: MemoryStore, embedder: Embedder, clock: Clock, record: MemoryRecord, *, force: bool
) -> RememberResult:
    """Store a memory, or reinforce the one that says the same.

    Args:
        store: where to.
        embedder: makes the vectors.
        clock: tells when a known memory is reinforced.
        record: the memory, without vectors.
        force: store it whatever is known.
    """
    vectors = await embed_text(embedder, record.content)
    record = replace(record, embedding=vectors.embedding, windows=vectors.windows)
    near = await _nearest(store, record)
    candidates = tuple(_candidate(result) for result in near[:CANDIDATES_SHOWN])
    if not force:
        known = _known(near, record)
        if known is not None:
            return await _reinforce(store, clock, known, record, candidates)
    await store.insert(record)
    reason = "stored without comparing, as asked" if force else "no memory says the same"
    if not vectors.is_complete:
        reason += (
            f"; the text is so long that {len(vectors.windows)} windows spread over it are found"
            " by meaning, and its first 200,000 characters by words"
        )
    return RememberResult(id=record.id, action="created", reason=reason, candidates=candidates)


async def remember_once(
    store: MemoryStore, embedder: Embedder, record: MemoryRecord, *, is_dry_run: bool
) -> UUID | None:
    """Store a memory unless one says the same, which is left as it is.

    Args:
        store: where to.
        embedder: makes the vectors.
        record: the memory, without vectors.
        is_dry_run: write nothing.

    Returns:
        The id of the known memory, None when there was none.
    """
    vectors = await embed_text(embedder, record.content)
    record = replace(record, embedding=vectors.embedding, windows=vectors.windows)
    known = _known(await _nearest(store, record), record)
    if known is None and not is_dry_run:
        await store.insert(record)
    return None if known is None else known.id


async def edit(
    store: MemoryStore,
    embedder: Embedder,
    memory_id: UUID,
    *,
    content: str | None,
    node_type: str | None,
    tags: Sequence[str] | None,
    codebase: str | None,
) -> EditResult:
    """Change what is given of a memory; new content is embedded again.

    Raises:
        MemoryNotFoundError: the id is unknown.
        InvalidInputError: nothing is given, or a limit.
    """
    before = await store.get(memory_id)
    if before is None:
        raise MemoryNotFoundError(memory_id)
    changed = replace(
        before,
        content=before.content if content is None else content,
        node_type=before.node_type if node_type is None else node_type,
        tags=before.tags if tags is None else tuple(dict.fromkeys(tags)),
        codebase=before.codebase if codebase is None else codebase or None,
    )
    _check(changed)
    if changed == before:
        raise InvalidInputError(
            "edit", "nothing would change", "Give new content, a type, tags or a codebase."
        )
    if changed.content != before.content:
        vectors = await embed_text(embedder, changed.content)
        changed = replace(changed, embedding=vectors.embedding, windows=vectors.windows)
    await store.update(changed)
    after = await store.get(memory_id)
    return EditResult(before=before, after=after or changed)


def _check(record: MemoryRecord) -> None:
    limits.check_record(record)
    if not record.content.strip():
        raise InvalidInputError("content", "must not be only white space")


async def _nearest(store: MemoryStore, record: MemoryRecord) -> list[SearchResult]:
    return await store.search(
        SearchQuery(embedding=record.embedding, codebase=record.codebase, limit=COMPARED)
    )


def _known(near: Sequence[SearchResult], record: MemoryRecord) -> MemoryRecord | None:
    return next((hit.record for hit in near if _says_the_same(hit.record, record)), None)


async def _reinforce(
    store: MemoryStore,
    clock: Clock,
    known: MemoryRecord,
    record: MemoryRecord,
    candidates: tuple[Candidate, ...],
) -> RememberResult:
    """Count the repetition as a good review, and keep tags that are new."""
    room = limits.TAGS_MAX - len(known.tags)
    added = tuple(tag for tag in record.tags if tag not in known.tags)[:room]
    if added:
        await store.update(replace(known, tags=known.tags + added))
    await review(store, clock, known.id, Rating.GOOD, None)
    reason = "the same text is remembered already"
    if added:
        reason += f"; tags added: {', '.join(added)}"
    return RememberResult(
        id=known.id, action="reinforced", reason=reason, candidates=candidates, added_tags=added
    )


def _says_the_same(known: MemoryRecord, record: MemoryRecord) -> bool:
    return (
        known.codebase == record.codebase
        and known.owner_user_id == record.owner_user_id
        and same_memory(known.content, record.content)
    )


def _candidate(result: SearchResult) -> Candidate:
    return Candidate(id=result.record.id, content=result.record.content, similarity=result.score)


def _context_metadata(context: IngestContext) -> JsonObject:
    metadata: JsonObject = {}
    for name in ("mcp_client_id", "session_id", "file", "source"):
        value = getattr(context, name)
        if value is not None:
            metadata[name] = value
    if context.topics:
        metadata["topics"] = list(context.topics)
    return metadata
