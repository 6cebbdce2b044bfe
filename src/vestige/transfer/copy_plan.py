"""What a copy is told, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from vestige.models import TransferTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vestige.embedding import Embedder
    from vestige.models import ModelSignature, RowKey, TransferPage, TransferRow

BATCH_ROWS: Final = 500
EXAMPLES_MAX: Final = 1000  # of failures and differences that are kept by name; all are counted

ModelChoice: TypeAlias = Literal["same", "keep", "reembed"]


class RowSource(Protocol):
    """What rows are read from: a store, or a file of another program."""

    async def registered_model(self) -> ModelSignature | None:
        """Return the model that the vectors come from, None without vectors."""
        ...

    async def export_page(
        self, table: TransferTable, *, after: str | None = None, limit: int = BATCH_ROWS
    ) -> TransferPage:
        """Return one page of a table, as `MemoryStore.export_page`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyPlan:
    """How to copy.

    Attributes:
        batch_rows: rows that are read and written at once, 1 to 1000.
        writers: batches of memories that are written side by side, 1 or more.
        model: what happens to vectors: `same` wants the destination's model, or the embedder's
            where the destination has none; `keep` registers the source's; `reembed` encodes anew.
        embedder: the configured one; needed by `same` on an empty destination, and by `reembed`.
        is_verified: compare every row afterwards.
    """

    batch_rows: int = BATCH_ROWS
    writers: int = 1
    model: ModelChoice = "same"
    embedder: Embedder | None = None
    is_verified: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyFailure:
    """A row that could not go, and why."""

    table: TransferTable
    key: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Renamed:
    """A user or group that is known under another id at the destination, by its handle."""

    table: TransferTable
    handle: str
    source_id: str
    destination_id: str


@dataclass(kw_only=True, slots=True)
class TableReport:
    """What became of the rows of one table.

    Attributes:
        read: rows of the source.
        written: of these, written by this run.
        present: of these, there already.
        failed: of these, refused.
        verified: of these, found equal afterwards.
        missing: of these, not found afterwards.
        different: of these, found with another content.
        source_hash: of the rows as they were to arrive, in the order of the source; empty before
            the rows were compared.
        destination_hash: of the rows as they arrived.
    """

    read: int = 0
    written: int = 0
    present: int = 0
    failed: int = 0
    verified: int = 0
    missing: int = 0
    different: int = 0
    source_hash: str = ""
    destination_hash: str = ""


@dataclass(kw_only=True, slots=True)
class CopyReport:
    """What a copy has done so far; it grows while the copy runs.

    Attributes:
        source_model: of the source's vectors.
        destination_model: of the destination's vectors, after the copy.
        tables: the counts of each table.
        failures: rows that could not go, the first thousand.
        differences: rows that did not arrive as they should have, the first thousand.
        renamed: users and groups that have another id at the destination.
        index_seconds: how long building the vector index took.
        on_rows: is told how many more rows of a table were dealt with.
    """

    source_model: ModelSignature | None = None
    destination_model: ModelSignature | None = None
    tables: dict[TransferTable, TableReport] = field(
        default_factory=lambda: {table: TableReport() for table in TransferTable}
    )
    failures: list[CopyFailure] = field(default_factory=list)
    differences: list[CopyFailure] = field(default_factory=list)
    renamed: list[Renamed] = field(default_factory=list)
    index_seconds: float = 0.0
    on_rows: Callable[[TransferTable, int], None] = lambda _table, _count: None

    @property
    def is_complete(self) -> bool:
        """Whether every row of the source arrived, as far as was looked."""
        return not any(
            counts.failed or counts.missing or counts.different for counts in self.tables.values()
        )

    def fail(self, table: TransferTable, key: str, reason: str) -> None:
        """Count a row that could not go."""
        self.tables[table].failed += 1
        if len(self.failures) < EXAMPLES_MAX:
            self.failures.append(CopyFailure(table=table, key=key, reason=reason))

    def differ(self, table: TransferTable, key: str, reason: str) -> None:
        """Keep a row that did not arrive as it should have."""
        if len(self.differences) < EXAMPLES_MAX:
            self.differences.append(CopyFailure(table=table, key=key, reason=reason))


class CopyDestination(RowSource, Protocol):
    """What rows are compared with afterwards."""

    async def export_rows(self, table: TransferTable, keys: Sequence[RowKey]) -> list[TransferRow]:
        """Return the rows with these keys, as `MemoryStore.export_rows`."""
        ...
