"""Users, groups and who is in which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from vestige.errors import InvalidInputError
from vestige.models import LOCAL_USER_ID
from vestige.storage.encoding import json_text, time_text
from vestige.storage.sqlite.errors import (
    FOREIGN_KEY,
    UNIQUE,
    ConstraintError,
    broken_constraint,
)
from vestige.storage.sqlite.rows import group_of, membership_of, user_of

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.models import Group, GroupMembership, User
    from vestige.storage.sqlite.connection import Session

SELECT_USERS: Final = "SELECT id, handle, display_name, created_at, metadata FROM users ORDER BY id"
SELECT_USER: Final = "SELECT id, handle, display_name, created_at, metadata FROM users WHERE id = ?"
UPSERT_USER: Final = """
INSERT INTO users (id, handle, display_name, created_at, metadata) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    handle = excluded.handle, display_name = excluded.display_name, metadata = excluded.metadata
"""
DELETE_USER: Final = "DELETE FROM users WHERE id = ?"
COUNT_OWNED: Final = (
    "SELECT (SELECT count(*) FROM knowledge_nodes WHERE owner_user_id = ?1)"
    " + (SELECT count(*) FROM intentions WHERE owner_user_id = ?1)"
)
SELECT_GROUPS: Final = (
    "SELECT id, handle, display_name, created_at, metadata FROM groups ORDER BY id"
)
SELECT_GROUP: Final = (
    "SELECT id, handle, display_name, created_at, metadata FROM groups WHERE id = ?"
)
UPSERT_GROUP: Final = """
INSERT INTO groups (id, handle, display_name, created_at, metadata) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    handle = excluded.handle, display_name = excluded.display_name, metadata = excluded.metadata
"""
DELETE_GROUP: Final = "DELETE FROM groups WHERE id = ?"
COUNT_SHARED: Final = "SELECT count(*) FROM node_groups WHERE group_id = ?"
SELECT_MEMBERSHIPS: Final = """
SELECT user_id, group_id, role, joined_at FROM group_memberships
WHERE (:user_id IS NULL OR user_id = :user_id) AND (:group_id IS NULL OR group_id = :group_id)
ORDER BY user_id, group_id
"""
UPSERT_MEMBERSHIP: Final = """
INSERT INTO group_memberships (user_id, group_id, role, joined_at) VALUES (?, ?, ?, ?)
ON CONFLICT (user_id, group_id) DO UPDATE SET role = excluded.role
"""
DELETE_MEMBERSHIP: Final = "DELETE FROM group_memberships WHERE user_id = ? AND group_id = ?"


def list_users(session: Session) -> list[User]:
    return [user_of(row) for row in session.db.rows(SELECT_USERS)]


def get_user(session: Session, user_id: UUID) -> User | None:
    row = session.db.row(SELECT_USER, (str(user_id),))
    return None if row is None else user_of(row)


def upsert_user(session: Session, user: User) -> None:
    _upsert(session, UPSERT_USER, user)


def delete_user(session: Session, user_id: UUID) -> bool:
    if user_id == LOCAL_USER_ID:
        raise InvalidInputError("user_id", "the local user cannot be deleted")
    owned = session.db.value(COUNT_OWNED, (str(user_id),))
    if owned:
        raise InvalidInputError(
            "user_id",
            f"{user_id} still owns {owned} memories and intentions",
            "Give them to another owner or delete them first.",
        )
    return session.db.run(DELETE_USER, (str(user_id),)) > 0


def list_groups(session: Session) -> list[Group]:
    return [group_of(row) for row in session.db.rows(SELECT_GROUPS)]


def get_group(session: Session, group_id: UUID) -> Group | None:
    row = session.db.row(SELECT_GROUP, (str(group_id),))
    return None if row is None else group_of(row)


def upsert_group(session: Session, group: Group) -> None:
    _upsert(session, UPSERT_GROUP, group)


def delete_group(session: Session, group_id: UUID) -> bool:
    shared = session.db.value(COUNT_SHARED, (str(group_id),))
    if shared:
        raise InvalidInputError(
            "group_id",
            f"{shared} memories are still shared with {group_id}",
            "Take the group out of their `shared_with_groups` first.",
        )
    return session.db.run(DELETE_GROUP, (str(group_id),)) > 0


def list_memberships(
    session: Session, user_id: UUID | None, group_id: UUID | None
) -> list[GroupMembership]:
    values = {
        "user_id": None if user_id is None else str(user_id),
        "group_id": None if group_id is None else str(group_id),
    }
    return [membership_of(row) for row in session.db.rows(SELECT_MEMBERSHIPS, values)]


def get_membership(session: Session, user_id: UUID, group_id: UUID) -> GroupMembership | None:
    return next(iter(list_memberships(session, user_id, group_id)), None)


def upsert_membership(session: Session, membership: GroupMembership) -> None:
    values = (
        str(membership.user_id),
        str(membership.group_id),
        membership.role,
        time_text(membership.joined_at),
    )
    try:
        session.db.run(UPSERT_MEMBERSHIP, values)
    except ConstraintError as error:
        if broken_constraint(error) != FOREIGN_KEY:
            raise
        known = get_user(session, membership.user_id) is not None
        field, missing = (
            ("group_id", membership.group_id) if known else ("user_id", membership.user_id)
        )
        raise InvalidInputError(field, f"{missing} is unknown to this store") from error


def delete_membership(session: Session, user_id: UUID, group_id: UUID) -> bool:
    return session.db.run(DELETE_MEMBERSHIP, (str(user_id), str(group_id))) > 0


def _upsert(session: Session, sql: LiteralString, principal: User | Group) -> None:
    values = (
        str(principal.id),
        principal.handle,
        principal.display_name,
        time_text(principal.created_at),
        json_text("metadata", principal.metadata),
    )
    try:
        session.db.run(sql, values)
    except ConstraintError as error:
        if broken_constraint(error) not in UNIQUE:
            raise
        raise InvalidInputError(
            "handle", f"{principal.handle!r} is taken", "Choose another handle."
        ) from error
