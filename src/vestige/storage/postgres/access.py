"""Users, groups and who is in which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from vestige.errors import InvalidInputError
from vestige.models import LOCAL_USER_ID
from vestige.storage.encoding import json_text
from vestige.storage.postgres.errors import ForeignKeyError, UniqueError
from vestige.storage.postgres.rows import group_of, membership_of, user_of

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.models import Group, GroupMembership, User
    from vestige.storage.postgres.connection import Session

SELECT_USERS: Final = "SELECT id, handle, display_name, created_at, metadata FROM users ORDER BY id"
SELECT_USER: Final = (
    "SELECT id, handle, display_name, created_at, metadata FROM users WHERE id = $1"
)
UPSERT_USER: Final = """
INSERT INTO users (id, handle, display_name, created_at, metadata)
VALUES (:id, :handle, :display_name, :created_at, :metadata)
ON CONFLICT (id) DO UPDATE SET
    handle = excluded.handle, display_name = excluded.display_name, metadata = excluded.metadata
"""
LOCK_USER: Final = "SELECT 1 FROM users WHERE id = $1 FOR UPDATE"
DELETE_USER: Final = "DELETE FROM users WHERE id = $1"
COUNT_OWNED: Final = (
    "SELECT (SELECT count(*) FROM knowledge_nodes WHERE owner_user_id = $1)"
    " + (SELECT count(*) FROM intentions WHERE owner_user_id = $1)"
)
SELECT_GROUPS: Final = (
    "SELECT id, handle, display_name, created_at, metadata FROM groups ORDER BY id"
)
SELECT_GROUP: Final = (
    "SELECT id, handle, display_name, created_at, metadata FROM groups WHERE id = $1"
)
UPSERT_GROUP: Final = """
INSERT INTO groups (id, handle, display_name, created_at, metadata)
VALUES (:id, :handle, :display_name, :created_at, :metadata)
ON CONFLICT (id) DO UPDATE SET
    handle = excluded.handle, display_name = excluded.display_name, metadata = excluded.metadata
"""
DELETE_GROUP: Final = "DELETE FROM groups WHERE id = $1"
COUNT_SHARED: Final = (
    "SELECT count(*) FROM knowledge_nodes WHERE shared_with_groups @> ARRAY[$1::uuid]"
)
SELECT_MEMBERSHIPS: Final = (
    "SELECT user_id, group_id, role, joined_at FROM group_memberships ORDER BY user_id, group_id"
)
SELECT_OF_USER: Final = (
    "SELECT user_id, group_id, role, joined_at FROM group_memberships"
    " WHERE user_id = :user_id ORDER BY group_id"
)
SELECT_IN_GROUP: Final = (
    "SELECT user_id, group_id, role, joined_at FROM group_memberships"
    " WHERE group_id = :group_id ORDER BY user_id"
)
SELECT_MEMBERSHIP: Final = (
    "SELECT user_id, group_id, role, joined_at FROM group_memberships"
    " WHERE user_id = :user_id AND group_id = :group_id"
)
UPSERT_MEMBERSHIP: Final = """
INSERT INTO group_memberships (user_id, group_id, role, joined_at)
VALUES (:user_id, :group_id, :role, :joined_at)
ON CONFLICT (user_id, group_id) DO UPDATE SET role = excluded.role
"""
DELETE_MEMBERSHIP: Final = "DELETE FROM group_memberships WHERE user_id = $1 AND group_id = $2"


async def list_users(session: Session) -> list[User]:
    return [user_of(row) for row in await session.db.rows(SELECT_USERS)]


async def get_user(session: Session, user_id: UUID) -> User | None:
    row = await session.db.row(SELECT_USER, (user_id,))
    return None if row is None else user_of(row)


async def upsert_user(session: Session, user: User) -> None:
    await _upsert(session, UPSERT_USER, user)


async def delete_user(session: Session, user_id: UUID) -> bool:
    if user_id == LOCAL_USER_ID:
        raise InvalidInputError("user_id", "the local user cannot be deleted")
    await session.db.run(LOCK_USER, (user_id,))  # nobody gives this user a memory meanwhile
    owned = await session.db.value(COUNT_OWNED, (user_id,))
    if owned:
        raise InvalidInputError(
            "user_id",
            f"{user_id} still owns {owned} memories and intentions",
            "Give them to another owner or delete them first.",
        )
    return await session.db.run(DELETE_USER, (user_id,)) > 0


async def list_groups(session: Session) -> list[Group]:
    return [group_of(row) for row in await session.db.rows(SELECT_GROUPS)]


async def get_group(session: Session, group_id: UUID) -> Group | None:
    row = await session.db.row(SELECT_GROUP, (group_id,))
    return None if row is None else group_of(row)


async def upsert_group(session: Session, group: Group) -> None:
    await _upsert(session, UPSERT_GROUP, group)


async def delete_group(session: Session, group_id: UUID) -> bool:
    shared = await session.db.value(COUNT_SHARED, (group_id,))
    if shared:
        raise InvalidInputError(
            "group_id",
            f"{shared} memories are still shared with {group_id}",
            "Take the group out of their `shared_with_groups` first.",
        )
    return await session.db.run(DELETE_GROUP, (group_id,)) > 0


async def list_memberships(
    session: Session, user_id: UUID | None, group_id: UUID | None
) -> list[GroupMembership]:
    given = {"user_id": user_id, "group_id": group_id}
    values = {name: value for name, value in given.items() if value is not None}
    sql: LiteralString
    match user_id, group_id:
        case None, None:
            sql = SELECT_MEMBERSHIPS
        case _, None:
            sql = SELECT_OF_USER
        case None, _:
            sql = SELECT_IN_GROUP
        case _:
            sql = SELECT_MEMBERSHIP
    return [membership_of(row) for row in await session.db.rows(sql, values)]


async def get_membership(session: Session, user_id: UUID, group_id: UUID) -> GroupMembership | None:
    return next(iter(await list_memberships(session, user_id, group_id)), None)


async def upsert_membership(session: Session, membership: GroupMembership) -> None:
    values = {
        "user_id": membership.user_id,
        "group_id": membership.group_id,
        "role": membership.role,
        "joined_at": membership.joined_at,
    }
    try:
        async with session.db.savepoint():
            await session.db.run(UPSERT_MEMBERSHIP, values)
    except ForeignKeyError as error:
        known = await get_user(session, membership.user_id) is not None
        field, missing = (
            ("group_id", membership.group_id) if known else ("user_id", membership.user_id)
        )
        raise InvalidInputError(field, f"{missing} is unknown to this store") from error


async def delete_membership(session: Session, user_id: UUID, group_id: UUID) -> bool:
    return await session.db.run(DELETE_MEMBERSHIP, (user_id, group_id)) > 0


async def _upsert(session: Session, sql: LiteralString, principal: User | Group) -> None:
    values = {
        "id": principal.id,
        "handle": principal.handle,
        "display_name": principal.display_name,
        "created_at": principal.created_at,
        "metadata": json_text("metadata", principal.metadata),
    }
    try:
        await session.db.run(sql, values)
    except UniqueError as error:
        raise InvalidInputError(
            "handle", f"{principal.handle!r} is taken", "Choose another handle."
        ) from error
