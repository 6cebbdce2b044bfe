"""The rows of a file as rows of a store, page by page; what they lose or change is kept."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, cast

from vestige.errors import InvalidInputError
from vestige.models import TransferPage, TransferTable
from vestige.storage.rust.findings import Findings, RowNotes
from vestige.storage.rust.ids import HAS_ID, Ids
from vestige.storage.rust.intentions import intention_of
from vestige.storage.rust.layout import CARDS, MEMORIES, SOURCES, read_layout
from vestige.storage.rust.memories import memory_of
from vestige.storage.rust.others import domain_of, edge_of, group_of, membership_of, user_of
from vestige.storage.rust.pages import STATEMENTS, read_cards, read_page
from vestige.storage.rust.reviews import Reviews
from vestige.storage.rust.vectors import find_vectors, vector_for
from vestige.storage.transfer_rows import after_key, after_text, check_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from vestige.models import ModelSignature, ScheduledMemory, TransferRow
    from vestige.storage.rust.connection import Cell, Reader
    from vestige.storage.rust.findings import SourceReport
    from vestige.storage.rust.pages import ForeignRow

FIRST_ROWID: Final = -(2**63)
LAST_ROWID: Final = 2**63 - 1
INTENTIONS: Final = "intentions"
WITH_IDS: Final = (MEMORIES, "users", "groups", INTENTIONS)


class Contents:
    """What a copied file holds, as rows of a store; used by one thread at a time.

    Args:
        reader: a connection to the copy.
        path: the file, for messages.
        last_resort: the time of a row that tells none.

    Raises:
        StoreUnavailableError: it is not a file of the Rust Vestige, or it is damaged.
    """

    def __init__(self, reader: Reader, path: Path, last_resort: datetime) -> None:
        self._reader = reader
        self._path = path
        self._last_resort = last_resort
        self._layout = read_layout(reader, path)
        self._findings = Findings()
        self._ids = Ids(reader, [name for name in WITH_IDS if self._layout.has(name)])
        self._vectors = find_vectors(reader, self._layout)
        self._reviews: Reviews | None = None

    @property
    def model(self) -> ModelSignature | None:
        """The model of the vectors that go."""
        return self._vectors.signature

    def counts(self) -> dict[TransferTable, int]:
        """Return how many rows will be read for each table."""
        return {table: self._layout.count(table) for table in TransferTable}

    def report(self) -> SourceReport:
        """Return what was found so far."""
        parts = (*self._vectors.skipped, *self._layout.skipped_parts())
        left_out: Counter[str] = Counter()
        for part in parts:
            left_out[part.name] += part.rows
        return self._findings.report(
            path=str(self._path),
            schema_version=self._layout.schema_version,
            copied=self._layout.copied(left_out),
            skipped=(*self._layout.skipped(), *parts),
        )

    def page(self, table: TransferTable, after: str | None, limit: int) -> TransferPage:
        """Return the rows of a page that can go; those that cannot are kept as failures."""
        start = FIRST_ROWID if after is None else cast("int", after_key(after, (int,))[0]) + 1
        if not FIRST_ROWID <= start <= LAST_ROWID or not self._layout.can_read(table):
            return TransferPage(rows=(), next_after=None)
        if table == TransferTable.REVIEW_EVENTS:
            return self._events(start, limit)
        columns = self._layout.columns[SOURCES[table]]
        found = read_page(self._reader, STATEMENTS[table], columns, start, limit)
        if not found:
            return TransferPage(rows=(), next_after=None)
        build = self._builders(table, found)
        rows = [row for item in found if (row := self._row(table, item, build)) is not None]
        return _page(rows, found[-1].rowid, is_last=len(found) < limit)

    def _row(
        self,
        table: TransferTable,
        found: ForeignRow,
        build: Callable[[RowNotes, ForeignRow, dict[str, Cell]], TransferRow],
    ) -> TransferRow | None:
        """Return a row as the store takes it, None when it cannot go."""
        is_new = self._findings.is_new(table, found.rowid)
        notes = RowNotes(SOURCES[table], found.key)
        problem = found.problem
        if found.cells is not None:
            try:
                row = build(notes, found, found.cells)
                check_row(table, row)
            except InvalidInputError as error:
                problem = str(error)
            else:
                if is_new:
                    self._findings.keep(notes)
                return row
        if is_new:
            self._findings.fail(table, found.key, problem)
        return None

    def _builders(
        self, table: TransferTable, found: Sequence[ForeignRow]
    ) -> Callable[[RowNotes, ForeignRow, dict[str, Cell]], TransferRow]:
        """Return what makes a row of a table, with what it needs of other tables at hand."""
        if table == TransferTable.KNOWLEDGE_NODES:
            return self._memories(found)
        makers: dict[TransferTable, Callable[[RowNotes, ForeignRow, dict[str, Cell]], TransferRow]]
        makers = {
            TransferTable.EDGES: self._edge,
            TransferTable.DOMAINS: self._domain,
            TransferTable.USERS: self._user,
            TransferTable.GROUPS: self._group,
            TransferTable.GROUP_MEMBERSHIPS: self._membership,
            TransferTable.INTENTIONS: self._intention,
        }
        return makers[table]

    def _memories(
        self, found: Sequence[ForeignRow]
    ) -> Callable[[RowNotes, ForeignRow, dict[str, Cell]], ScheduledMemory]:
        first, last = found[0].rowid, found[-1].rowid
        vectors = self._vectors.page(self._reader, first, last)
        cards: dict[int, dict[str, Cell]] = {}
        if self._layout.has(CARDS):
            cards = read_cards(self._reader, self._layout.columns[CARDS], first, last)

        def build(notes: RowNotes, row: ForeignRow, cells: dict[str, Cell]) -> ScheduledMemory:
            memory_id = self._ids.of_row(notes, MEMORIES, cells["id"], row.rowid)
            # Before this column was trusted, a text could be changed without its vector.
            is_trusted = cells.get("has_embedding", 1) not in {0, None}
            vector = vector_for(notes, vectors.get(row.rowid), self._vectors, is_trusted=is_trusted)
            return memory_of(
                notes,
                memory_id,
                cells,
                vector=vector,
                card=cards.get(row.rowid),
                last_resort=self._last_resort,
            )

        return build

    def _edge(self, notes: RowNotes, row: ForeignRow, cells: dict[str, Cell]) -> TransferRow:
        source_id, target_id = (
            self._ids.of_reference(MEMORIES, cells[name]) if is_there else None
            for name, is_there in zip(("source_id", "target_id"), row.refers, strict=True)
        )
        return edge_of(notes, source_id, target_id, cells, self._last_resort)

    def _domain(self, notes: RowNotes, row: ForeignRow, cells: dict[str, Cell]) -> TransferRow:
        del row
        return domain_of(notes, cells, self._vectors, self._last_resort)

    def _user(self, notes: RowNotes, row: ForeignRow, cells: dict[str, Cell]) -> TransferRow:
        user_id = self._ids.of_row(notes, "users", cells["id"], row.rowid)
        return user_of(notes, user_id, cells, self._last_resort)

    def _group(self, notes: RowNotes, row: ForeignRow, cells: dict[str, Cell]) -> TransferRow:
        group_id = self._ids.of_row(notes, "groups", cells["id"], row.rowid)
        return group_of(notes, group_id, cells, self._last_resort)

    def _membership(self, notes: RowNotes, row: ForeignRow, cells: dict[str, Cell]) -> TransferRow:
        user_id, group_id = (
            self._ids.of_reference(table, cells[name]) if is_there else None
            for (table, name), is_there in zip(
                (("users", "user_id"), ("groups", "group_id")), row.refers, strict=True
            )
        )
        return membership_of(notes, user_id, group_id, cells, self._last_resort)

    def _intention(self, notes: RowNotes, row: ForeignRow, cells: dict[str, Cell]) -> TransferRow:
        intention_id = self._ids.of_row(notes, INTENTIONS, cells["id"], row.rowid)
        return intention_of(notes, intention_id, cells, self._memory_id, self._last_resort)

    def _memory_id(self, name: str) -> UUID | None:
        """Return what the id of a memory became, None when it is of none in the file."""
        is_there = self._reader.value(HAS_ID[MEMORIES], (name,))
        return self._ids.of_reference(MEMORIES, name) if is_there else None

    def _events(self, start: int, limit: int) -> TransferPage:
        if self._reviews is None:
            self._reviews = Reviews(
                self._reader, self._layout, self._ids, self._findings, self._last_resort
            )
        events = self._reviews.page(start, limit)
        if not events:
            return TransferPage(rows=(), next_after=None)
        return _page(events, events[-1].id, is_last=len(events) < limit)


def _page(rows: Iterable[TransferRow], last: int, *, is_last: bool) -> TransferPage:
    return TransferPage(rows=tuple(rows), next_after=None if is_last else after_text((last,)))
