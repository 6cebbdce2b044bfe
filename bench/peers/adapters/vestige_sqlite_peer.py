"""Vestige in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from _vestige import VestigePeer

from vestige import SqliteStore

if TYPE_CHECKING:
    from child import Lookup


class Peer(VestigePeer):
    async def open(self, place: str, lookup: Lookup, *, is_new: bool) -> None:  # noqa: ARG002  # a store makes itself
        await self._begin(await SqliteStore.open(Path(place) / "vestige.db"), lookup)

    async def finish(self, rows: int) -> None:
        """Its index is kept up with each write."""
