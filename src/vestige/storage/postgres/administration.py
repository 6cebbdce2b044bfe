"""The methods of the store that concern it as a whole, or the people in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.storage import limits
from vestige.storage.postgres import (
    access,
    fsrs_weights,
    maintenance,
    model_change,
    reembedding,
    registry,
    scheduling,
    schema,
    spare,
    transfer,
)
from vestige.storage.postgres.patience import write_when_free
from vestige.storage.postgres.reading import reading
from vestige.storage.weights_limits import check_fsrs_weights

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from uuid import UUID

    from vestige.models import (
        EncodedMemory,
        FsrsWeights,
        Group,
        GroupMembership,
        ImportResult,
        ModelSignature,
        Problem,
        Reembedding,
        RefusedMemory,
        RowKey,
        SchedulingState,
        StoreStats,
        TransferPage,
        TransferRow,
        TransferTable,
        UnencodedMemory,
        User,
    )
    from vestige.storage.migrations import MigrationStatus
    from vestige.storage.postgres.connection import Database
    from vestige.storage.postgres.reading import Reading
    from vestige.storage.reembedding_protocol import EncodeLast, Way


class Administration:
    """The part of a store that looks after it; `vestige.storage.administration_protocol`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    @property
    def name(self) -> str:
        """The backend and the place of its data, without a password."""
        return self._db.name

    async def init(self) -> None:
        if await self._db.read(schema.pending):
            is_new = await self._db.read(schema.version) == 0
            while await self._db.write(schema.apply_next):
                pass
            if is_new:
                await self._db.renew()
        await self._db.read(schema.check_text_search)

    async def migration_status(self) -> list[MigrationStatus]:
        return await self._db.read(schema.status)

    async def revert_migration(self) -> MigrationStatus | None:
        return await self._db.write(schema.revert_last)

    async def registered_model(self) -> ModelSignature | None:
        return await self._db.query(registry.registered_model)

    async def register_model(self, signature: ModelSignature) -> None:
        limits.check_signature(signature)
        stored = await self._db.query(registry.registered_model)
        if stored != signature:
            await self._db.write(registry.register_model, signature)
            await self.init()
        self._db.bind(signature)

    async def begin_reembedding(
        self, signature: ModelSignature, *, way: Way = "offline", keeps_index: bool = False
    ) -> None:
        limits.check_signature(signature)
        await self.init()
        if way == "online":
            await write_when_free(self._db, spare.prepare, signature)
        await write_when_free(self._db, model_change.begin, signature, way, keeps_index=keeps_index)
        await self.init()
        await self._bind_if_registered(signature)

    async def reembedding(self) -> Reembedding | None:
        return await self._db.read(reembedding.current)

    async def claim_unencoded(
        self, signature: ModelSignature, claim: UUID, limit: int
    ) -> list[UnencodedMemory]:
        limits.check_page(limit)
        return await self._db.write(reembedding.claim_unencoded, signature, claim, limit)

    async def renew_claim(self, claim: UUID) -> None:
        await self._db.write(reembedding.renew_claim, claim)

    async def release_claim(self, claim: UUID) -> None:
        await self._db.write(reembedding.release_claim, claim)

    async def write_encoded(
        self,
        signature: ModelSignature,
        claim: UUID,
        encoded: Sequence[EncodedMemory],
        refused: Sequence[RefusedMemory] = (),
    ) -> int:
        limits.check_encoded(encoded, signature)
        return await self._db.write(reembedding.write_encoded, signature, claim, encoded, refused)

    async def list_refused(self) -> list[RefusedMemory]:
        return await self._db.query(reembedding.list_refused)

    async def retry_refused(self) -> None:
        await self._db.write(reembedding.retry_refused)

    async def fill_centroids(self) -> None:
        await self._db.write(reembedding.fill_centroids)

    async def build_new_index(self) -> None:
        await self._db.outside_transaction(model_change.build_new_index)

    async def switch_model(
        self, signature: ModelSignature, encode: EncodeLast | None = None, limit: int = 0
    ) -> bool:
        is_switched = await write_when_free(
            self._db, model_change.switch_model, signature, encode, limit
        )
        if is_switched:
            self._db.bind(signature)
        return is_switched

    async def finish_reembedding(self) -> None:
        await write_when_free(self._db, model_change.finish)

    async def abandon_reembedding(self) -> None:
        await write_when_free(self._db, model_change.abandon)

    async def forget_old_vectors(self) -> None:
        await write_when_free(self._db, model_change.forget_old)

    async def _bind_if_registered(self, signature: ModelSignature) -> None:
        if await self._db.query(registry.registered_model) == signature:
            self._db.bind(signature)

    async def list_users(self) -> list[User]:
        return await self._db.query(access.list_users)

    async def get_user(self, user_id: UUID) -> User | None:
        return await self._db.query(access.get_user, user_id)

    async def upsert_user(self, user: User) -> None:
        limits.check_principal(user)
        await self._db.write(access.upsert_user, user)

    async def delete_user(self, user_id: UUID) -> bool:
        return await self._db.write(access.delete_user, user_id)

    async def list_groups(self) -> list[Group]:
        return await self._db.query(access.list_groups)

    async def get_group(self, group_id: UUID) -> Group | None:
        return await self._db.query(access.get_group, group_id)

    async def upsert_group(self, group: Group) -> None:
        limits.check_principal(group)
        await self._db.write(access.upsert_group, group)

    async def delete_group(self, group_id: UUID) -> bool:
        return await self._db.write(access.delete_group, group_id)

    async def list_memberships(
        self, *, user_id: UUID | None = None, group_id: UUID | None = None
    ) -> list[GroupMembership]:
        return await self._db.query(access.list_memberships, user_id, group_id)

    async def get_membership(self, user_id: UUID, group_id: UUID) -> GroupMembership | None:
        return await self._db.query(access.get_membership, user_id, group_id)

    async def upsert_membership(self, membership: GroupMembership) -> None:
        limits.check_membership(membership)
        await self._db.write(access.upsert_membership, membership)

    async def delete_membership(self, user_id: UUID, group_id: UUID) -> bool:
        return await self._db.write(access.delete_membership, user_id, group_id)

    async def get_stats(self, now: datetime) -> StoreStats:
        limits.check_time("now", now)
        return await self._db.read(maintenance.get_stats, now, self._db.pool_state())

    async def refresh_retrievability(self, states: Sequence[SchedulingState]) -> int:
        for state in states:
            limits.check_scheduling(state)
        return await self._db.write(scheduling.refresh_retrievability, states)

    async def get_fsrs_weights(self) -> FsrsWeights | None:
        return await self._db.query(fsrs_weights.get_fsrs_weights)

    async def set_fsrs_weights(self, weights: FsrsWeights | None) -> None:
        if weights is not None:
            check_fsrs_weights(weights)
        await self._db.write(fsrs_weights.set_fsrs_weights, weights)

    async def vacuum(self) -> None:
        await self._db.outside_transaction(maintenance.vacuum)

    async def erase(self) -> bool:
        return await self._db.outside_transaction(maintenance.erase)

    async def find_problems(self) -> list[Problem]:
        return await self._db.read(maintenance.find_problems)

    async def repair(self) -> list[Problem]:
        return await self._db.write(maintenance.repair)

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        return reading(self._db)

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        limits.check_page(limit)
        return await self._db.query(transfer.export_page, table, after, limit)

    async def export_rows(self, table: TransferTable, keys: Sequence[RowKey]) -> list[TransferRow]:
        return await self._db.query(transfer.export_rows, table, keys)

    async def import_rows(self, table: TransferTable, rows: Sequence[TransferRow]) -> ImportResult:
        return await self._db.write(transfer.import_rows, table, rows)

    async def suspend_vector_index(self) -> bool:
        return await self._db.write(maintenance.suspend_vector_index)

    async def build_vector_index(self) -> None:
        await self._db.write(maintenance.build_vector_index)
