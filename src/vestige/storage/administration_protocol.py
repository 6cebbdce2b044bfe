"""The part of a store's contract that is about the whole of it: schema, model, care and moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from vestige.models import (
        ImportResult,
        ModelSignature,
        Problem,
        RowKey,
        SchedulingState,
        StoreStats,
        TransferPage,
        TransferRow,
        TransferTable,
    )
    from vestige.storage.migrations import MigrationStatus


class StoreReading(Protocol):
    """One state of a store, which others may change meanwhile; one call at a time."""

    async def registered_model(self) -> ModelSignature | None:
        """Return the signature that the store's vectors come from, None before the first."""
        ...

    async def count_rows(self, table: TransferTable) -> int:
        """Return how many rows a table has."""
        ...

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        """Return one page of a table, as `AdministrationStore.export_page`."""
        ...


class AdministrationStore(Protocol):
    """What operators do with a store; the rules of `vestige.storage.protocol` hold here too."""

    async def init(self) -> None:
        """Bring the schema up to date; a store that is current is not written to.

        Raises:
            MigrationError: the store is newer than this version, or was changed by hand.
        """
        ...

    async def migration_status(self) -> list[MigrationStatus]:
        """Return where every schema step of this version stands, in order.

        Raises:
            MigrationError: the store has a step that this version does not know or that differs.
        """
        ...

    async def revert_migration(self) -> MigrationStatus | None:
        """Undo the last applied schema step, with the data it holds; None when none is left."""
        ...

    async def registered_model(self) -> ModelSignature | None:
        """Return the signature that the store's vectors come from, None before the first."""
        ...

    async def register_model(self, signature: ModelSignature) -> None:
        """Bind this handle to a signature; the first call on a store stamps it.

        Afterwards the vector index exists and this handle may write vectors. A handle writes
        vectors only while its signature is the registered one, so vectors of two models never meet,
        even at the same dimension.

        Raises:
            ModelMismatchError: the store is registered to another signature.
        """
        ...

    async def get_stats(self, now: datetime) -> StoreStats:
        """Return counts and sizes; `now` decides what is due."""
        ...

    async def refresh_retrievability(self, states: Sequence[SchedulingState]) -> int:
        """Write the retrievability of states, and nothing else of them; return how many.

        It follows from the rest of a state, so the changelog says nothing of it. A state that is
        gone, or whose stability or last review is another one by now, is left as it is: whoever
        changed it has written its retrievability, too.

        Raises:
            InvalidInputError: a state outside its limits.
        """
        ...

    async def vacuum(self) -> None:
        """Give space back and refresh what the query planner and the indexes know."""
        ...

    async def erase(self) -> bool:
        """Rewrite the files of the database, so that no byte of what was deleted is left in them.

        Takes as long as the store is large, and others wait meanwhile.

        Returns:
            Whether nothing is left; a server may keep its log, which the role may not end.
        """
        ...

    async def find_problems(self) -> list[Problem]:
        """Return what is not as it should be, each with what repairs it; change nothing.

        Raises:
            MigrationError: the store has a step that this version does not know or that differs.
        """
        ...

    async def repair(self) -> list[Problem]:
        """Repair what can be repaired without an embedder; return the problems that it was.

        Rows are added, indexes are built anew and steps of the schema applied; nothing that a
        person stored is deleted or changed. Until it is done, others wait before they write.

        Raises:
            MigrationError: as for `find_problems`.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[StoreReading]:
        """Read the store as it is now, for as long as it takes; writers are not held up.

        What the context yields sees one state, in which every reference leads somewhere.
        """
        ...

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = 500
    ) -> TransferPage:
        """Return one page of a table, in an order that later inserts do not disturb.

        Args:
            table: what to read.
            after: `next_after` of the previous page.
            limit: rows per page, 1 to 1000.
        """
        ...

    async def export_rows(self, table: TransferTable, keys: Sequence[RowKey]) -> list[TransferRow]:
        """Return the rows with these primary keys that are there, in no order."""
        ...

    async def import_rows(self, table: TransferTable, rows: Sequence[TransferRow]) -> ImportResult:
        """Write rows that are not there yet; a row that cannot be written is reported, not raised.

        A row whose key exists is left as it is and counted as present. One bad row never takes the
        others with it. Memories with vectors need a handle bound to the registered model.
        """
        ...

    async def suspend_vector_index(self) -> bool:
        """Drop the vector index if the store is empty and keeping it up is slow; say whether.

        Filling a store is then many times faster. Searches stay right, and are slow, until
        `build_vector_index`.
        """
        ...

    async def build_vector_index(self) -> None:
        """Build the vector index if it is missing; there is none before a model is registered."""
        ...
