"""Patterns and decisions of a codebase: ordinary memories of a fixed form, and those that matter.

The form is the content that `cognition/codebase_texts.py` makes, and its parts in the metadata.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from vestige.cognition.codebase_texts import decision_text, pattern_text
from vestige.cognition.file_paths import Nearness, Surroundings
from vestige.cognition.token_budget import fit
from vestige.engine.orientation_results import CodebaseContext, CodebaseCount, CodebaseMemory
from vestige.engine.recall import recall
from vestige.engine.recall_options import RecallFilter, RecallOptions, check_options
from vestige.engine.results import IngestContext, RememberItem
from vestige.errors import InvalidInputError
from vestige.models import MemoryFilter
from vestige.storage import limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from vestige.engine.orientation_results import Relation
    from vestige.engine.parts import Parts
    from vestige.models import JsonObject, MemoryRecord
    from vestige.storage.protocol import MemoryStore

PATTERN: Final = "pattern"
DECISION: Final = "decision"
NAME_MAX_CHARACTERS: Final = 256
FILES_MAX: Final = 100
FILE_MAX_CHARACTERS: Final = 1024
ALTERNATIVES_MAX: Final = 64
ALTERNATIVE_MAX_CHARACTERS: Final = 4096

CONTEXT_TOKENS: Final = 2000  # the budget of a context where none is given
# What is printed around a content: an id, a date, a type, and why it is shown.
TOKENS_PER_MEMORY: Final = 60
LOOKED_AT_MAX: Final = 1000  # newest ones that are compared with files

_RELATIONS: Final[dict[Nearness, Relation]] = {Nearness.FILE: "file", Nearness.FOLDER: "folder"}


def pattern_item(
    name: str,
    description: str,
    *,
    codebase: str,
    files: Sequence[str] = (),
    tags: Sequence[str] = (),
    context: IngestContext | None = None,
    supersedes: UUID | None = None,
) -> RememberItem:
    """Return what is remembered of a pattern.

    Raises:
        InvalidInputError: a part is empty or outside its limits.
    """
    _check_context(codebase, tags)
    _check_line("name", name, NAME_MAX_CHARACTERS)
    _check_prose("description", description)
    check_files(files)
    return RememberItem(
        content=pattern_text(name, description, files),
        node_type=PATTERN,
        tags=tuple(tags),
        context=_context_in(codebase, context),
        metadata={"name": name, "description": description, "files": [*files]},
        supersedes=supersedes,
    )


def decision_item(
    decision: str,
    *,
    codebase: str,
    rationale: str | None = None,
    alternatives: Sequence[str] = (),
    files: Sequence[str] = (),
    tags: Sequence[str] = (),
    context: IngestContext | None = None,
    supersedes: UUID | None = None,
) -> RememberItem:
    """Return what is remembered of a decision.

    Raises:
        InvalidInputError: a part is empty or outside its limits.
    """
    _check_context(codebase, tags)
    _check_prose("decision", decision)
    if rationale is not None:
        _check_prose("rationale", rationale)
    limits.check_texts("alternatives", alternatives, ALTERNATIVES_MAX, ALTERNATIVE_MAX_CHARACTERS)
    check_files(files)
    metadata: JsonObject = {
        "decision": decision,
        "rationale": rationale,
        "alternatives": [*alternatives],
        "files": [*files],
    }
    return RememberItem(
        content=decision_text(decision, rationale, alternatives, files),
        node_type=DECISION,
        tags=tuple(tags),
        context=_context_in(codebase, context),
        metadata=metadata,
        supersedes=supersedes,
    )


async def codebase_context(
    parts: Parts,
    codebase: str,
    *,
    files: Sequence[str] = (),
    text: str = "",
    token_budget: int = CONTEXT_TOKENS,
    limit: int = 0,
) -> CodebaseContext:
    """Return the patterns and decisions of a codebase that matter now, within a budget.

    The store is asked three times, and for a text as often as a recall asks it, too.

    Raises:
        InvalidInputError: a limit.
        EmbeddingError: the text cannot be embedded.
    """
    wanted = limits.check_limit(limit)
    check_options(RecallOptions(token_budget=token_budget))
    chosen, looked_at = await chosen_memories(parts, codebase, files, text, wanted)
    fitting = fit([one.text for one in chosen], token_budget, tokens_per_text=TOKENS_PER_MEMORY)
    shown = chosen[: len(fitting.kept)]
    if fitting.cut is not None:
        shown.append(replace(chosen[len(shown)], text=fitting.cut.text))
    now = parts.clock.now()
    return CodebaseContext(
        codebase=codebase,
        memories=tuple(shown),
        left_out=fitting.left_out,
        tokens=fitting.tokens,
        pattern_count=await parts.store.count(current_of(codebase, now, PATTERN)),
        decision_count=await parts.store.count(current_of(codebase, now, DECISION)),
        looked_at=looked_at,
    )


async def chosen_memories(
    parts: Parts, codebase: str, files: Sequence[str], text: str, wanted: int
) -> tuple[list[CodebaseMemory], int]:
    """Return the patterns and decisions that matter now, and how many were looked at.

    First those about the files, then those about files beside them, then what answers the text,
    then the newest.
    """
    check_files(files)
    current = current_of(codebase, parts.clock.now())
    limits.check_filter(current)
    near, newest, looked_at = await _looked_at(parts.store, current, files, wanted)
    found = await _found(parts, codebase, text, wanted) if text.strip() else []
    return _each_once(near, found, newest)[:wanted], looked_at


def current_of(codebase: str, now: datetime, *node_types: str) -> MemoryFilter:
    """Return what keeps the patterns and decisions of a codebase that hold now."""
    kinds = node_types or (PATTERN, DECISION)
    return MemoryFilter(codebase=codebase, node_types=kinds, current_at=now)


async def codebases(store: MemoryStore, now: datetime) -> list[CodebaseCount]:
    """Return the codebases that memories belong to, by how many, then by name."""
    stats = await store.get_stats(now)
    found = [CodebaseCount(name=name, memory_count=n) for name, n in stats.codebases.items()]
    return sorted(found, key=lambda one: (-one.memory_count, one.name))


def files_of(record: MemoryRecord) -> list[str]:
    """Return the files that a memory is about, as they were given; none where it does not say."""
    files = record.metadata.get("files")
    if isinstance(files, list):
        return [file for file in files if isinstance(file, str)]
    file = record.metadata.get("file")
    return [file] if isinstance(file, str) else []


def check_files(files: object) -> None:
    """Refuse what is no list of paths within the limits.

    Raises:
        InvalidInputError: names the limit.
    """
    limits.check_texts("files", files, FILES_MAX, FILE_MAX_CHARACTERS)
    for file in cast("Sequence[str]", files):
        _check_line("files", file, FILE_MAX_CHARACTERS)


async def _looked_at(
    store: MemoryStore, current: MemoryFilter, files: Sequence[str], wanted: int
) -> tuple[list[CodebaseMemory], list[CodebaseMemory], int]:
    """Return those near to the files, nearest first, the newest, and how many were looked at."""
    # In one page: of a large codebase, each page costs about as much as all of them.
    page = await store.list_memories(current, limit=LOOKED_AT_MAX if files else wanted)
    newest = [_shown(record, "codebase") for record in page[:wanted]]
    around = Surroundings(files)
    near = [
        (nearness, record)
        for record in page
        if (nearness := around.nearness(files_of(record))) is not Nearness.NONE
    ]
    near.sort(key=lambda pair: -pair[0])  # which keeps the newest first
    return [_shown(record, _RELATIONS[nearness]) for nearness, record in near], newest, len(page)


async def _found(parts: Parts, codebase: str, text: str, wanted: int) -> list[CodebaseMemory]:
    result = await recall(
        parts,
        text,
        narrowed=RecallFilter(codebase=codebase, node_types=(PATTERN, DECISION)),
        options=RecallOptions(),
        limit=wanted,
    )
    return [_shown(hit.record, "text") for hit in result]


def _each_once(*ranked: Sequence[CodebaseMemory]) -> list[CodebaseMemory]:
    """Return several lists as one, each memory where it comes first."""
    first: dict[UUID, CodebaseMemory] = {}
    for one in (memory for memories in ranked for memory in memories):
        first.setdefault(one.record.id, one)
    return [*first.values()]


def _shown(record: MemoryRecord, relation: Relation) -> CodebaseMemory:
    return CodebaseMemory(record=record, text=record.content, relation=relation)


def _context_in(codebase: str, context: IngestContext | None) -> IngestContext:
    return replace(context or IngestContext(), codebase=codebase)


def _check_context(codebase: str, tags: Sequence[str]) -> None:
    limits.check_text("codebase", codebase, max_characters=limits.CODEBASE_MAX_CHARACTERS)
    limits.check_texts("tags", list(tags), limits.TAGS_MAX, limits.TAG_MAX_CHARACTERS)


def _check_line(field: str, value: str, max_characters: int) -> None:
    limits.check_text(field, value, max_characters=max_characters)
    if value.splitlines() != [value]:
        raise InvalidInputError(field, "must be one line")
    _check_prose(field, value)


def _check_prose(field: str, value: str) -> None:
    limits.check_text(field, value, max_bytes=limits.CONTENT_MAX_BYTES)
    if not value.strip():
        raise InvalidInputError(field, "must not be only white space")
