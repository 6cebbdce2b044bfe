"""Reading one state of a PostgreSQL store for as long as it takes, while others write."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg

from vestige.storage import limits
from vestige.storage.postgres import registry, transfer
from vestige.storage.postgres.errors import LOST, translated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from vestige.models import ModelSignature, TransferPage, TransferTable
    from vestige.storage.postgres.connection import Database, Session


class Reading:
    """One state of a store; what it promises is in `vestige.storage.administration_protocol`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def registered_model(self) -> ModelSignature | None:
        with translated(self._session.location):
            return await registry.registered_model(self._session)

    async def count_rows(self, table: TransferTable) -> int:
        with translated(self._session.location):
            return await transfer.count_rows(self._session, table)

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        limits.check_page(limit)
        with translated(self._session.location):
            return await transfer.export_page(self._session, table, after, limit)


@asynccontextmanager
async def reading(database: Database) -> AsyncGenerator[Reading]:
    # Only calls of the driver are translated: an OSError of the caller, such as that of a full
    # disk, is none of the server's.
    async with database.borrowed() as raw:
        transaction = raw.transaction(isolation="repeatable_read", readonly=True)
        with translated(database.location):
            await transaction.start()
        try:
            with translated(database.location):
                await database.set_local(raw)
                session = database.session(raw)
                # The state is that of the first statement that reads.
                await registry.registered_model(session)
            yield Reading(session)
        finally:
            with suppress(*LOST, asyncpg.PostgresError, asyncpg.InterfaceError):
                await transaction.rollback()
