"""What the tools return: flat objects, each with the store and the scope it is about."""

from __future__ import annotations

from typing import Literal, TypeAlias

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel

from vestige.cognition.quotation import NOTICE
from vestige.engine.views import error_view
from vestige.errors import VestigeError
from vestige.models import JsonObject

Metadata: TypeAlias = dict[str, object]  # JSON; pydantic cannot take its recursive type


class Answer(BaseModel):
    """What every answer has.

    Attributes:
        store: the backend and the place of its data.
        scope: the codebase it is about, or that it is about all.
    """

    store: str
    scope: str


class CandidateRow(BaseModel):
    """A memory that is near to a new one, and how it stands to it; `content` is its beginning."""

    id: str
    similarity: float
    relation: str
    content: str


class ItemRow(BaseModel):
    """What became of one of several texts: the memory, or the code of the error and a hint."""

    id: str | None = None
    action: str | None = None
    reason: str
    change_id: str | None = None
    error: str | None = None
    hint: str | None = None


class RememberAnswer(Answer):
    """What became of a text, or in `results` of each of several."""

    id: str | None = None
    action: Literal["created", "reinforced", "superseded"] | None = None
    reason: str | None = None
    change_id: str | None = None
    previous_id: str | None = None
    previous_content: str | None = None
    links: list[str] | None = None
    candidates: list[CandidateRow] | None = None
    results: list[ItemRow] | None = None
    notice: str = NOTICE


class HitRow(BaseModel):
    """A recalled memory, as far as the level of detail shows it; `is_cut`: there is more of it."""

    id: str
    content: str
    is_cut: bool | None = None
    score: float | None = None
    node_type: str | None = None
    tags: list[str] | None = None
    codebase: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    retrievability: float | None = None
    marks: list[str] | None = None
    metadata: Metadata | None = None
    explanation: Metadata | None = None


class RecallAnswer(Answer):
    """The memories that answer a query, best first.

    Attributes:
        note: what may be missing among them.
        left_out: how many more do not fit into the budget of tokens.
    """

    notice: str = NOTICE
    note: str | None = None
    left_out: int | None = None
    results: list[HitRow]


class ChangeRow(BaseModel):
    """What a change did to a memory; the contents are beginnings, `changed` the other fields."""

    change_id: str
    memory_id: str
    action: str
    timestamp: str
    client_id: str | None = None
    reason: str | None = None
    changed: list[str] | None = None
    previous_content: str | None = None
    content: str | None = None


class MemoryAnswer(Answer):
    """A memory after an action: `previous_...` is what was replaced or deleted.

    `note` names the secrets that were taken out of what was given.
    """

    id: str | None = None
    action: str
    change_id: str | None = None
    notice: str = NOTICE
    note: str | None = None
    content: str | None = None
    previous_content: str | None = None
    node_type: str | None = None
    previous_node_type: str | None = None
    tags: list[str] | None = None
    previous_tags: list[str] | None = None
    codebase: str | None = None
    previous_codebase: str | None = None
    valid_until: str | None = None
    previous_valid_until: str | None = None
    superseded_at: str | None = None
    suppressed_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    metadata: Metadata | None = None
    links: list[str] | None = None
    retrievability: float | None = None
    stability: float | None = None
    previous_stability: float | None = None
    next_review: str | None = None
    reps: int | None = None
    lapses: int | None = None
    is_erased: bool | None = None
    changes: list[ChangeRow] | None = None


class IntentionRow(BaseModel):
    """Something to be done; `trigger` is what brings it up, `reason` why it has come up."""

    id: str
    content: str
    trigger: str
    priority: str
    status: str
    reason: str | None = None
    snoozed_until: str | None = None
    memory_ids: list[str] | None = None


class IntentionAnswer(Answer):
    """The intentions after an action; `total`: how many have come up; `note`: secrets taken out."""

    action: str
    change_id: str | None = None
    notice: str = NOTICE
    note: str | None = None
    total: int | None = None
    intentions: list[IntentionRow]


class CodebaseRow(BaseModel):
    """A pattern or decision; `relation`: whether file, folder, text or codebase led to it."""

    id: str
    node_type: str
    relation: str
    content: str
    is_cut: bool | None = None


class CodebaseAnswer(Answer):
    """What became of a pattern or decision, or in `results` those that matter now, of `total`."""

    action: str
    id: str | None = None
    reason: str | None = None
    change_id: str | None = None
    previous_id: str | None = None
    notice: str = NOTICE
    total: int | None = None
    left_out: int | None = None
    results: list[CodebaseRow] | None = None


class SessionRow(BaseModel):
    """A memory, as much of it as fits."""

    id: str
    node_type: str
    created_at: str
    codebase: str | None = None
    content: str
    is_cut: bool | None = None


class SessionAnswer(Answer):
    """What is good to know: reminders and memories, or whether the memory can be used."""

    action: str
    notice: str = NOTICE
    notes: list[str] | None = None
    reminders: list[IntentionRow] | None = None
    memories: list[SessionRow] | None = None
    left_out: int | None = None
    version: str | None = None
    health: str | None = None
    reason: str | None = None
    schema_version: int | None = None
    model: str | None = None
    dimension: int | None = None
    memory_count: int | None = None
    due_count: int | None = None
    size_bytes: int | None = None
    node_types: dict[str, int] | None = None
    codebases: dict[str, int] | None = None
    details: dict[str, str] | None = None


class FindingRow(BaseModel):
    """Memories that a person should look at: `ids` oldest first, contents of the first two."""

    kind: str
    ids: list[str]
    content: str
    other_content: str
    confidence: float | None = None
    reason: str


class MaintainAnswer(Answer):
    """What was or would be brought up to date, and what is left for a person to decide."""

    notice: str = NOTICE
    changes: dict[str, int] | None = None
    total: int
    findings: list[FindingRow]
    notes: list[str]


def success(answer: Answer, text: str) -> CallToolResult:
    """Return an answer; fields without a value are left out."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=answer.model_dump(mode="json", exclude_none=True),
    )


def failure(error: VestigeError, *, store: str, scope: str) -> CallToolResult:
    """Return an error with its code, its message and the next action."""
    structured: JsonObject = {**error_view(error), "store": store, "scope": scope}
    text = f"{error.code}: {error}\nhint: {error.hint}\n(store {store}, {scope})"
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=structured,
        is_error=True,
    )
