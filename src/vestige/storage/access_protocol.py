"""The part of a store's contract that is about people: users, groups and who is in which.

It is stored from the first day, and enforced once a store is reached over a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.models import Group, GroupMembership, User


class AccessStore(Protocol):
    """Users and groups in a store; the rules of `vestige.storage.protocol` hold here too."""

    async def list_users(self) -> list[User]:
        """Return all users, ordered by id."""
        ...

    async def get_user(self, user_id: UUID) -> User | None:
        """Return a user, or None when the id is unknown."""
        ...

    async def upsert_user(self, user: User) -> None:
        """Add a user or replace all but `created_at`; a taken handle is `InvalidInputError`."""
        ...

    async def delete_user(self, user_id: UUID) -> bool:
        """Delete a user with its memberships; say whether there was one.

        Raises:
            InvalidInputError: it is the local user, or it still owns memories.
        """
        ...

    async def list_groups(self) -> list[Group]:
        """Return all groups, ordered by id."""
        ...

    async def get_group(self, group_id: UUID) -> Group | None:
        """Return a group, or None when the id is unknown."""
        ...

    async def upsert_group(self, group: Group) -> None:
        """Add a group or replace all but `created_at`; a taken handle is `InvalidInputError`."""
        ...

    async def delete_group(self, group_id: UUID) -> bool:
        """Delete a group with its memberships; say whether there was one.

        Raises:
            InvalidInputError: memories are still shared with it.
        """
        ...

    async def list_memberships(
        self, *, user_id: UUID | None = None, group_id: UUID | None = None
    ) -> list[GroupMembership]:
        """Return memberships, of one user or in one group if given, by (user, group)."""
        ...

    async def get_membership(self, user_id: UUID, group_id: UUID) -> GroupMembership | None:
        """Return a user's membership in a group, or None."""
        ...

    async def upsert_membership(self, membership: GroupMembership) -> None:
        """Add a membership, or change the role of the one with the same user and group.

        Raises:
            InvalidInputError: the user or the group is unknown.
        """
        ...

    async def delete_membership(self, user_id: UUID, group_id: UUID) -> bool:
        """Delete a membership; say whether there was one."""
        ...
