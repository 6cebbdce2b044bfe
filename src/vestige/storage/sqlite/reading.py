"""Reading one state of a SQLite store for as long as it takes, while others write."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vestige.errors import StoreUnavailableError
from vestige.storage import limits
from vestige.storage.sqlite import registry, transfer
from vestige.storage.sqlite.connection import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from vestige.models import ModelSignature, TransferPage, TransferTable
    from vestige.storage.sqlite.connection import Database, Session


class Reading:
    """One state of a store; what it promises is in `vestige.storage.administration_protocol`."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def registered_model(self) -> ModelSignature | None:
        return await self._worker.run(registry.registered_model)

    async def count_rows(self, table: TransferTable) -> int:
        return await self._worker.run(lambda session: transfer.count_rows(session, table))

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        limits.check_page(limit)
        return await self._worker.run(
            lambda session: transfer.export_page(session, table, after, limit)
        )


@asynccontextmanager
async def reading(database: Database) -> AsyncGenerator[Reading]:
    # A connection of its own: that of the store goes on reading what is new.
    # Differs from postgres: a snapshot is a place in the log, which grows until it is given up.
    if database.is_closed:
        raise StoreUnavailableError(f"the store {database.path} is closed", "Open it again.")
    worker = Worker(database.path, database.clock)
    try:
        await worker.run(_begin)
        yield Reading(worker)
    finally:
        await worker.close()  # which ends the transaction, too


def _begin(session: Session) -> None:
    session.db.run("BEGIN")
    registry.registered_model(session)  # the state is that of the first statement that reads
