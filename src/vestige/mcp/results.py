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
    """A memory that is near to a new one; `content` is its beginning."""

    id: str
    similarity: float
    content: str


class RememberAnswer(Answer):
    """What became of a text."""

    id: str
    action: Literal["created", "reinforced"]
    reason: str
    candidates: list[CandidateRow]
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


class MemoryAnswer(Answer):
    """A memory after an action: `previous_...` is what was replaced or deleted."""

    id: str
    action: str
    notice: str = NOTICE
    content: str | None = None
    previous_content: str | None = None
    node_type: str | None = None
    previous_node_type: str | None = None
    tags: list[str] | None = None
    previous_tags: list[str] | None = None
    codebase: str | None = None
    previous_codebase: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    metadata: Metadata | None = None
    retrievability: float | None = None
    stability: float | None = None
    previous_stability: float | None = None
    next_review: str | None = None
    reps: int | None = None
    lapses: int | None = None


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
