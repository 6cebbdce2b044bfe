"""The ids of a foreign database as UUIDs: the same id gives the same UUID in every run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, LiteralString, cast
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vestige.storage.rust.connection import Cell, Reader
    from vestige.storage.rust.findings import RowNotes

# Made once by chance. Changing it would make every mapped id another one, and a second run of a
# copy would bring all those memories again.
NAMESPACE: Final = UUID("6d0b8f6e-5c0a-4f0e-9a2d-7c1f4be3a915")

CANONICAL: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ANY_CASE: Final = re.compile(CANONICAL.pattern, re.IGNORECASE | re.ASCII)
CANONICAL_LENGTH: Final = 36

_FOUR: Final = "[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"
GLOB: Final = f"{_FOUR}{_FOUR}-{_FOUR}-{_FOUR}-{_FOUR}-{_FOUR}{_FOUR}{_FOUR}"

# The length of the bytes, since GLOB stops at a NUL and would not see what follows it.
ODD_IDS: Final[dict[str, LiteralString]] = {
    "knowledge_nodes": (
        "SELECT rowid, id FROM knowledge_nodes WHERE typeof(id) <> 'text'"
        " OR length(CAST(id AS BLOB)) <> ? OR id NOT GLOB ? ORDER BY rowid"
    ),
    "users": (
        "SELECT rowid, id FROM users WHERE typeof(id) <> 'text'"
        " OR length(CAST(id AS BLOB)) <> ? OR id NOT GLOB ? ORDER BY rowid"
    ),
    "groups": (
        "SELECT rowid, id FROM groups WHERE typeof(id) <> 'text'"
        " OR length(CAST(id AS BLOB)) <> ? OR id NOT GLOB ? ORDER BY rowid"
    ),
    "intentions": (
        "SELECT rowid, id FROM intentions WHERE typeof(id) <> 'text'"
        " OR length(CAST(id AS BLOB)) <> ? OR id NOT GLOB ? ORDER BY rowid"
    ),
}
HAS_ID: Final[dict[str, LiteralString]] = {
    "knowledge_nodes": "SELECT 1 FROM knowledge_nodes WHERE id = ?",
    "users": "SELECT 1 FROM users WHERE id = ?",
    "groups": "SELECT 1 FROM groups WHERE id = ?",
    "intentions": "SELECT 1 FROM intentions WHERE id = ?",
}
# On disk, not in a dictionary: a file may have a million such ids.
CREATE_MAP: Final = (
    "CREATE TEMP TABLE mapped_ids (of_table TEXT, old_id TEXT, new_id TEXT,"
    " PRIMARY KEY (of_table, old_id), UNIQUE (of_table, new_id)) WITHOUT ROWID"
)
ADD_TO_MAP: Final = "INSERT INTO temp.mapped_ids VALUES (?, ?, ?)"
READ_MAP: Final = "SELECT new_id FROM temp.mapped_ids WHERE of_table = ? AND old_id = ?"
IS_TAKEN: Final = "SELECT 1 FROM temp.mapped_ids WHERE of_table = ? AND new_id = ?"


class Ids:
    """Which UUID every row of the file has; made once, before the first row is read."""

    def __init__(self, reader: Reader, tables: Iterable[str]) -> None:
        self._reader = reader
        reader.run(CREATE_MAP)
        reader.run("BEGIN")
        for table in tables:
            for rowid, cell in reader.stream(ODD_IDS[table], (CANONICAL_LENGTH, GLOB)):
                name = _name(cell, cast("int", rowid))
                reader.run(ADD_TO_MAP, (table, name, str(self._new_id(table, cell, name))))
        reader.run("COMMIT")

    def of_row(self, notes: RowNotes, table: str, cell: Cell, rowid: int) -> UUID:
        """Return the UUID of a row, by what its id column holds."""
        found = self._find(table, cell, rowid)
        if found is None:  # the odd ids were all mapped at the start
            raise AssertionError(f"the id {cell!r} of {table} was not mapped")
        if str(found) != cell:
            notes.adjust(_reason(cell, found), cell, found)
        return found

    def of_reference(self, table: str, cell: Cell) -> UUID | None:
        """Return the UUID that a column of another table means, None when it means no row."""
        return None if cell is None else self._find(table, cell, 0)

    def _find(self, table: str, cell: Cell, rowid: int) -> UUID | None:
        if isinstance(cell, str) and CANONICAL.fullmatch(cell):
            return UUID(cell)
        new = self._reader.value(READ_MAP, (table, _name(cell, rowid)))
        return UUID(new) if isinstance(new, str) else None

    def _new_id(self, table: str, cell: Cell, name: str) -> UUID:
        """Return the UUID that an id spells, or a derived one if it spells none or a taken one."""
        if isinstance(cell, str) and ANY_CASE.fullmatch(cell):
            spelt = UUID(cell)
            is_taken = self._reader.value(HAS_ID[table], (str(spelt),)) or self._reader.value(
                IS_TAKEN, (table, str(spelt))
            )
            if not is_taken:
                return spelt
        return uuid5(NAMESPACE, f"{table}:{name}")


def _name(cell: Cell, rowid: int) -> str:
    """Return an id as text that differs from that of every other id, and that can be stored."""
    match cell:
        case None:
            return f"rowid {rowid}"
        case bytes():
            return f"bytes {cell.hex()}"
        case str():
            try:
                cell.encode()
            except UnicodeEncodeError:
                return f"text of bytes {cell.encode('utf-8', 'surrogateescape').hex()}"
            return f"text {cell}"
        case _:
            return f"number {cell}"


def _reason(cell: Cell, found: UUID) -> str:
    if not (isinstance(cell, str) and ANY_CASE.fullmatch(cell)):
        return "id: not a UUID, mapped"
    if UUID(cell) == found:
        return "id: a UUID in upper case"
    return "id: the same UUID as another row's but for upper case, mapped"
