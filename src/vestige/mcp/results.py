"""What the tools return: flat objects, each with the store and the scope it is about."""

from __future__ import annotations

from typing import Literal, TypeAlias

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel

from vestige.engine.views import error_view
from vestige.errors import VestigeError
from vestige.mcp.text import NOTICE
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
    """A memory after an action: `previous_...` is what was replaced or deleted."""

    id: str | None = None
    action: str
    change_id: str | None = None
    notice: str = NOTICE
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


class StatusAnswer(Answer):
    """Whether the memory can be used, and how much is in it."""

    version: str
    health: str
    reason: str | None = None
    schema_version: int
    model: str | None = None
    dimension: int | None = None
    memory_count: int
    due_count: int
    size_bytes: int
    node_types: dict[str, int]
    codebases: dict[str, int]
    details: dict[str, str]


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
