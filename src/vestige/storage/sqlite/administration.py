"""The methods of the store that concern it as a whole, or the people in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.storage import limits
from vestige.storage.sqlite import (
    access,
    maintenance,
    reembedding,
    registry,
    schema,
    transfer,
)
from vestige.storage.sqlite.reading import reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from uuid import UUID

    from vestige.models import (
        Group,
        GroupMembership,
        ImportResult,
        ModelSignature,
        Problem,
        Reembedding,
        RowKey,
        StoreStats,
        TransferPage,
        TransferRow,
        TransferTable,
        User,
    )
    from vestige.storage.migrations import MigrationStatus
    from vestige.storage.sqlite.connection import Database
    from vestige.storage.sqlite.reading import Reading


class Administration:
    """The part of a store that looks after it; `vestige.storage.administration_protocol`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def init(self) -> None:
        if await self._db.read(schema.pending):
            while await self._db.write(schema.apply_next):
                pass

    async def migration_status(self) -> list[MigrationStatus]:
        return await self._db.read(schema.status)

    async def revert_migration(self) -> MigrationStatus | None:
        return await self._db.write(schema.revert_last)

    async def registered_model(self) -> ModelSignature | None:
        return await self._db.read(registry.registered_model)

    async def register_model(self, signature: ModelSignature) -> None:
        limits.check_signature(signature)
        stored = await self._db.read(registry.registered_model)
        if stored != signature:
            await self._db.write(registry.register_model, signature)
            await self.init()
        self._db.bind(signature)

    async def begin_reembedding(self, signature: ModelSignature) -> None:
        limits.check_signature(signature)
        await self.init()
        await self._db.write(reembedding.begin, signature)
        await self.init()
        self._db.bind(signature)

    async def finish_reembedding(self) -> None:
        await self._db.write(reembedding.finish)

    async def reembedding(self) -> Reembedding | None:
        return await self._db.read(reembedding.current)

    async def list_users(self) -> list[User]:
        return await self._db.read(access.list_users)

    async def get_user(self, user_id: UUID) -> User | None:
        return await self._db.read(access.get_user, user_id)

    async def upsert_user(self, user: User) -> None:
        limits.check_principal(user)
        await self._db.write(access.upsert_user, user)

    async def delete_user(self, user_id: UUID) -> bool:
        return await self._db.write(access.delete_user, user_id)

    async def list_groups(self) -> list[Group]:
        return await self._db.read(access.list_groups)

    async def get_group(self, group_id: UUID) -> Group | None:
        return await self._db.read(access.get_group, group_id)

    async def upsert_group(self, group: Group) -> None:
        limits.check_principal(group)
        await self._db.write(access.upsert_group, group)

    async def delete_group(self, group_id: UUID) -> bool:
        return await self._db.write(access.delete_group, group_id)

    async def list_memberships(
        self, *, user_id: UUID | None = None, group_id: UUID | None = None
    ) -> list[GroupMembership]:
        return await self._db.read(access.list_memberships, user_id, group_id)

    async def get_membership(self, user_id: UUID, group_id: UUID) -> GroupMembership | None:
        return await self._db.read(access.get_membership, user_id, group_id)

    async def upsert_membership(self, membership: GroupMembership) -> None:
        limits.check_membership(membership)
        await self._db.write(access.upsert_membership, membership)

    async def delete_membership(self, user_id: UUID, group_id: UUID) -> bool:
        return await self._db.write(access.delete_membership, user_id, group_id)

    async def get_stats(self, now: datetime) -> StoreStats:
        limits.check_time("now", now)
        return await self._db.read(maintenance.get_stats, now)

    async def vacuum(self) -> None:
        await self._db.outside_transaction(maintenance.vacuum)

    async def erase(self) -> bool:
        return await self._db.outside_transaction(maintenance.erase)

    async def find_problems(self) -> list[Problem]:
        # In a writing transaction: the check of the full-text index counts as a change.
        return await self._db.write(maintenance.find_problems)

    async def repair(self) -> list[Problem]:
        return await self._db.write(maintenance.repair)

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        return reading(self._db)

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        limits.check_page(limit)
        return await self._db.read(transfer.export_page, table, after, limit)

    async def export_rows(self, table: TransferTable, keys: Sequence[RowKey]) -> list[TransferRow]:
        return await self._db.read(transfer.export_rows, table, keys)

    async def import_rows(self, table: TransferTable, rows: Sequence[TransferRow]) -> ImportResult:
        return await self._db.write(transfer.import_rows, table, rows)

    async def suspend_vector_index(self) -> bool:
        return await self._db.write(maintenance.suspend_vector_index)

    async def build_vector_index(self) -> None:
        await self._db.write(maintenance.build_vector_index)
