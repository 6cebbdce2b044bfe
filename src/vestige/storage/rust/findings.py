"""What reading a foreign file found: what goes, what stays behind, and what was changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vestige.models import TransferTable
    from vestige.storage.rust.connection import Cell

ADJUSTED_EXAMPLES_MAX: Final = 1_000
FAILURES_MAX: Final = 10_000  # listed one by one; the counts go on
VALUE_MAX_CHARACTERS: Final = 200  # of a value in the report


@dataclass(frozen=True, kw_only=True, slots=True)
class CopiedTable:
    """A table of the file whose rows go, and what they become."""

    name: str
    rows: int
    becomes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedTable:
    """Rows of a table that stay behind, and why; of a table that is copied, a part of its rows."""

    name: str
    rows: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedColumn:
    """A column of a copied table that the destination has no place for."""

    table: str
    column: str
    values: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """A value that was changed on the way.

    Attributes:
        table: the table of the file.
        key: the row's key in the file.
        what: the field and what was wrong with it.
        before: the value in the file, shortened.
        after: what it became, shortened.
    """

    table: str
    key: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AdjustmentCount:
    """How many values of a table were changed for one reason."""

    table: str
    what: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFailure:
    """A row that cannot go: where it would have gone, its key in the file, and why."""

    table: TransferTable
    key: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceReport:
    """What was read of a file, and what was not.

    Attributes:
        path: the file.
        schema_version: the number in the file, for people only: two lineages used the same ones.
        copied: the tables whose rows go, all of the file's that have rows and are not skipped.
        skipped: the non-empty tables, or parts of tables, that stay behind.
        columns: the columns of copied tables that stay behind.
        adjusted: the first values that were changed, at most 1,000.
        adjusted_counts: how many were changed in all, by table and reason.
        failures: the first rows that cannot go, at most 10,000.
        failure_counts: how many cannot go in all, by table.
    """

    path: str
    schema_version: int | None
    copied: tuple[CopiedTable, ...]
    skipped: tuple[SkippedTable, ...]
    columns: tuple[SkippedColumn, ...] = ()
    adjusted: tuple[Adjustment, ...] = ()
    adjusted_counts: tuple[AdjustmentCount, ...] = ()
    failures: tuple[SourceFailure, ...] = ()
    failure_counts: dict[TransferTable, int] = field(default_factory=dict)


class RowNotes:
    """What reading one row found."""

    def __init__(self, table: str, key: str) -> None:
        self.table = table
        self.key = key
        self.adjustments: list[Adjustment] = []
        self.columns: list[str] = []

    def adjust(self, what: str, before: object, after: object) -> None:
        """Note that a value was changed."""
        self.adjustments.append(
            Adjustment(
                table=self.table,
                key=self.key,
                what=what,
                before=shown(before),
                after=shown(after),
            )
        )

    def leave_out(self, column: str) -> None:
        """Note that the value of a column stays behind."""
        self.columns.append(column)


class Findings:
    """Everything found so far; bounded however long the tables are."""

    def __init__(self) -> None:
        self._adjusted: list[Adjustment] = []
        self._adjusted_counts: Counter[tuple[str, str]] = Counter()
        self._columns: Counter[tuple[str, str]] = Counter()
        self._failures: list[SourceFailure] = []
        self._failure_counts: Counter[TransferTable] = Counter()
        self._last_seen: dict[TransferTable, int] = {}

    def is_new(self, table: TransferTable, rowid: int) -> bool:
        """Say whether a row is read for the first time; a second reading must not count again."""
        if rowid <= self._last_seen.get(table, -(2**63) - 1):
            return False
        self._last_seen[table] = rowid
        return True

    def keep(self, notes: RowNotes) -> None:
        """Take over what was noted about a row."""
        for adjustment in notes.adjustments:
            self._adjusted_counts[adjustment.table, adjustment.what] += 1
            if len(self._adjusted) < ADJUSTED_EXAMPLES_MAX:
                self._adjusted.append(adjustment)
        self._columns.update((notes.table, column) for column in notes.columns)

    def fail(self, table: TransferTable, key: str, reason: str) -> None:
        """Take over that a row cannot go."""
        self._failure_counts[table] += 1
        if len(self._failures) < FAILURES_MAX:
            self._failures.append(SourceFailure(table=table, key=shown(key), reason=reason))

    def report(
        self,
        *,
        path: str,
        schema_version: int | None,
        copied: tuple[CopiedTable, ...],
        skipped: tuple[SkippedTable, ...],
    ) -> SourceReport:
        """Return all of it as a value."""
        return SourceReport(
            path=path,
            schema_version=schema_version,
            copied=copied,
            skipped=skipped,
            columns=tuple(
                SkippedColumn(table=table, column=column, values=values)
                for (table, column), values in sorted(self._columns.items())
            ),
            adjusted=tuple(self._adjusted),
            adjusted_counts=tuple(
                AdjustmentCount(table=table, what=what, count=count)
                for (table, what), count in sorted(self._adjusted_counts.items())
            ),
            failures=tuple(self._failures),
            failure_counts=dict(self._failure_counts),
        )


def shown(value: object) -> str:
    """Return a value of a file as a report can hold it: printable UTF-8, and short."""
    if isinstance(value, bytes):
        head = value[: VALUE_MAX_CHARACTERS // 2]
        return f"x'{head.hex()}'" + (f"... ({len(value)} bytes)" if head != value else "")
    text = value if isinstance(value, str) else str(value)
    head = text[:VALUE_MAX_CHARACTERS]
    cleaned = head
    if not head.isprintable():
        cleaned = "".join(character if character.isprintable() else "�" for character in head)
    return cleaned + (f"... ({len(text)} characters)" if head != text else "")


def key_of(cell: Cell, rowid: int) -> str:
    """Return the key of a row for a report: its id or, where it has none, its place."""
    return f"rowid {rowid}" if cell is None else shown(cell)
