"""Users, groups and who is in which."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from vestige.models.values import JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Someone who owns memories."""

    id: UUID
    handle: str
    created_at: datetime
    display_name: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Users that share memories."""

    id: UUID
    handle: str
    created_at: datetime
    display_name: str | None = None
    metadata: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupMembership:
    """A user's place in a group."""

    user_id: UUID
    group_id: UUID
    joined_at: datetime
    role: Literal["member", "admin"] = "member"
