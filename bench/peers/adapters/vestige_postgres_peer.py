"""Vestige on PostgreSQL; the index of vectors is built after a load, as an import does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _vestige import VestigePeer

from vestige.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from child import Lookup


class Peer(VestigePeer):
    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:
        await self._begin(await PostgresStore.connect(place), lookup)
        if is_new:
            await self._store.suspend_vector_index()

    async def finish(self, rows: int) -> None:  # noqa: ARG002  # the index is for any number
        await self._store.build_vector_index()
