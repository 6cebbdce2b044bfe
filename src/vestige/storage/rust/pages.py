"""Pages of the tables of a file, by rowid; a row that cannot be read does not hold up the others.

The copy that is read never changes, so a rowid is a key that lasts, whatever stands in the table's
own key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, LiteralString, cast

from vestige.errors import StoreUnavailableError
from vestige.models import TransferTable
from vestige.storage.rust.connection import is_of_one_row
from vestige.storage.rust.findings import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.storage.rust.connection import Cell, Cells, Reader

MEMORY_PAGE: Final = "SELECT rowid, * FROM knowledge_nodes WHERE rowid >= ? ORDER BY rowid LIMIT ?"
MEMORY_ROW: Final = "SELECT rowid, * FROM knowledge_nodes WHERE rowid = ?"
MEMORY_KEYS: Final = "SELECT rowid, id FROM knowledge_nodes WHERE rowid >= ? ORDER BY rowid LIMIT ?"
# Whether both ends are there is asked here, where the ids are compared as the file holds them.
_CONNECTION: Final = (
    "SELECT c.rowid, EXISTS (SELECT 1 FROM knowledge_nodes WHERE id = c.source_id),"
    " EXISTS (SELECT 1 FROM knowledge_nodes WHERE id = c.target_id), c.*"
    " FROM memory_connections AS c"
)
CONNECTION_PAGE: Final = _CONNECTION + " WHERE c.rowid >= ? ORDER BY c.rowid LIMIT ?"
CONNECTION_ROW: Final = _CONNECTION + " WHERE c.rowid = ?"
CONNECTION_KEYS: Final = (
    "SELECT rowid, source_id FROM memory_connections WHERE rowid >= ? ORDER BY rowid LIMIT ?"
)
DOMAIN_PAGE: Final = "SELECT rowid, * FROM domains WHERE rowid >= ? ORDER BY rowid LIMIT ?"
DOMAIN_ROW: Final = "SELECT rowid, * FROM domains WHERE rowid = ?"
DOMAIN_KEYS: Final = "SELECT rowid, id FROM domains WHERE rowid >= ? ORDER BY rowid LIMIT ?"
USER_PAGE: Final = "SELECT rowid, * FROM users WHERE rowid >= ? ORDER BY rowid LIMIT ?"
USER_ROW: Final = "SELECT rowid, * FROM users WHERE rowid = ?"
USER_KEYS: Final = "SELECT rowid, id FROM users WHERE rowid >= ? ORDER BY rowid LIMIT ?"
GROUP_PAGE: Final = "SELECT rowid, * FROM groups WHERE rowid >= ? ORDER BY rowid LIMIT ?"
GROUP_ROW: Final = "SELECT rowid, * FROM groups WHERE rowid = ?"
GROUP_KEYS: Final = "SELECT rowid, id FROM groups WHERE rowid >= ? ORDER BY rowid LIMIT ?"
_MEMBERSHIP: Final = (
    "SELECT m.rowid, EXISTS (SELECT 1 FROM users WHERE id = m.user_id),"
    " EXISTS (SELECT 1 FROM groups WHERE id = m.group_id), m.* FROM group_memberships AS m"
)
MEMBERSHIP_PAGE: Final = _MEMBERSHIP + " WHERE m.rowid >= ? ORDER BY m.rowid LIMIT ?"
MEMBERSHIP_ROW: Final = _MEMBERSHIP + " WHERE m.rowid = ?"
MEMBERSHIP_KEYS: Final = (
    "SELECT rowid, user_id FROM group_memberships WHERE rowid >= ? ORDER BY rowid LIMIT ?"
)
INTENTION_PAGE: Final = "SELECT rowid, * FROM intentions WHERE rowid >= ? ORDER BY rowid LIMIT ?"
INTENTION_ROW: Final = "SELECT rowid, * FROM intentions WHERE rowid = ?"
INTENTION_KEYS: Final = "SELECT rowid, id FROM intentions WHERE rowid >= ? ORDER BY rowid LIMIT ?"
CARDS_PAGE: Final = (
    "SELECT n.rowid, c.* FROM knowledge_nodes AS n CROSS JOIN fsrs_cards AS c"
    " ON c.memory_id = n.id WHERE n.rowid >= ? AND n.rowid <= ?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Statements:
    """How a table is read.

    Attributes:
        page: SELECT of rows from a rowid on, beginning with the rowid.
        row: SELECT of one row by its rowid, with the same columns.
        keys: SELECT of the rowid and the first column of the key, as `page`.
        key: the columns of the key.
        refers: how many columns after the rowid say whether a row refers to one that is there.
    """

    page: LiteralString
    row: LiteralString
    keys: LiteralString
    key: tuple[str, ...] = ("id",)
    refers: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignRow:
    """A row as it stands in the file.

    Attributes:
        rowid: its place.
        key: its key, for a report.
        refers: whether each row that it refers to is there.
        cells: its columns by name; None when it cannot be read.
        problem: why it cannot be read.
    """

    rowid: int
    key: str
    refers: tuple[bool, ...] = ()
    cells: dict[str, Cell] | None = None
    problem: str = ""


def read_page(
    reader: Reader, statements: Statements, columns: Sequence[str], first: int, limit: int
) -> list[ForeignRow]:
    """Return the rows from a rowid on, those that cannot be read among them.

    Raises:
        StoreUnavailableError: the file is damaged where the table itself is described.
    """
    try:
        rows = reader.rows(statements.page, (first, limit))
    except StoreUnavailableError as error:
        if not is_of_one_row(error.__cause__):
            raise
        keys = reader.rows(statements.keys, (first, limit))
        return [_row_alone(reader, statements, columns, key) for key in keys]
    return [_row(statements, columns, row) for row in rows]


def read_cards(
    reader: Reader, columns: Sequence[str], first: int, last: int
) -> dict[int, dict[str, Cell]]:
    """Return the rows of `fsrs_cards` of the memories in a range, by the memory's rowid."""
    return {
        cast("int", row[0]): dict(zip(columns, row[1:], strict=True))
        for row in reader.rows(CARDS_PAGE, (first, last))
    }


def _row_alone(
    reader: Reader, statements: Statements, columns: Sequence[str], key: Cells
) -> ForeignRow:
    rowid = cast("int", key[0])
    try:
        (row,) = reader.rows(statements.row, (rowid,))
    except StoreUnavailableError as error:
        if not is_of_one_row(error.__cause__):
            raise
        return ForeignRow(rowid=rowid, key=key_of(key[1], rowid), problem=str(error))
    return _row(statements, columns, row)


def _row(statements: Statements, columns: Sequence[str], row: Cells) -> ForeignRow:
    start = 1 + statements.refers
    rowid = cast("int", row[0])
    cells = dict(zip(columns, row[start:], strict=True))
    return ForeignRow(
        rowid=rowid,
        key=" ".join(key_of(cells[name], rowid) for name in statements.key),
        refers=tuple(bool(cell) for cell in row[1:start]),
        cells=cells,
    )


STATEMENTS: Final[dict[TransferTable, Statements]] = {
    TransferTable.USERS: Statements(page=USER_PAGE, row=USER_ROW, keys=USER_KEYS),
    TransferTable.GROUPS: Statements(page=GROUP_PAGE, row=GROUP_ROW, keys=GROUP_KEYS),
    TransferTable.GROUP_MEMBERSHIPS: Statements(
        page=MEMBERSHIP_PAGE,
        row=MEMBERSHIP_ROW,
        keys=MEMBERSHIP_KEYS,
        key=("user_id", "group_id"),
        refers=2,
    ),
    TransferTable.KNOWLEDGE_NODES: Statements(page=MEMORY_PAGE, row=MEMORY_ROW, keys=MEMORY_KEYS),
    TransferTable.EDGES: Statements(
        page=CONNECTION_PAGE,
        row=CONNECTION_ROW,
        keys=CONNECTION_KEYS,
        key=("source_id", "target_id", "link_type"),
        refers=2,
    ),
    TransferTable.DOMAINS: Statements(page=DOMAIN_PAGE, row=DOMAIN_ROW, keys=DOMAIN_KEYS),
    TransferTable.INTENTIONS: Statements(
        page=INTENTION_PAGE, row=INTENTION_ROW, keys=INTENTION_KEYS
    ),
}
