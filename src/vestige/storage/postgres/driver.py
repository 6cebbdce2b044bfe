"""The one typed wrapper around the PostgreSQL driver: what it returns, and that SQL is never data.

Statements name their values (`:limit`), as those of sqlite do; the numbers that the server wants
are put in here, once per statement.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final, LiteralString, TypeAlias, cast

import numpy as np

from vestige.storage.vectors import FLOAT32
from vestige.storage.work import Slowest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    from vestige.models import Vector

    Raw: TypeAlias = PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]

Row: TypeAlias = "Sequence[object]"
Values: TypeAlias = "Sequence[object] | Mapping[str, object]"

TYPE_SCHEMA: Final = (
    "SELECT n.nspname FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace"
    " WHERE t.oid = to_regtype('vector')"
)
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # of the server's times
FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
VECTOR_HEADER: Final = np.dtype([("dimension", ">u2"), ("unused", ">u2")])

_NAMED: Final = re.compile(r"(?<!:):([a-z_]+)")


class Connection:
    """A connection to the server; used by one task at a time."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self.slowest: Slowest[Values] = Slowest(())

    async def rows(self, sql: LiteralString, values: Values = ()) -> list[Row]:
        """Return all rows of a statement."""
        text, arguments = _bound(sql, values)
        started = time.perf_counter()
        try:
            return cast("list[Row]", await self._raw.fetch(text, *arguments))
        finally:
            self.slowest.note(sql, values, started)

    async def row(self, sql: LiteralString, values: Values = ()) -> Row | None:
        """Return the first row of a statement, None when there is none."""
        text, arguments = _bound(sql, values)
        started = time.perf_counter()
        try:
            return cast("Row | None", await self._raw.fetchrow(text, *arguments))
        finally:
            self.slowest.note(sql, values, started)

    async def value(self, sql: LiteralString, values: Values = ()) -> object:
        """Return the first column of the first row, None when there is none."""
        row = await self.row(sql, values)
        return None if row is None else row[0]

    async def run(self, sql: LiteralString, values: Values = ()) -> int:
        """Run a statement; return how many rows it changed."""
        text, arguments = _bound(sql, values)
        started = time.perf_counter()
        try:
            status = await self._raw.execute(text, *arguments)
        finally:
            self.slowest.note(sql, values, started)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def run_many(self, sql: LiteralString, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a statement once for each of the rows of values."""
        if rows:
            text, names = numbered(sql)
            await self._raw.executemany(text, [[row[name] for name in names] for row in rows])

    async def run_script(self, script: str) -> None:
        """Run the statements of a migration file: the one text that is not a constant here."""
        await self._raw.execute(script)

    async def copy(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Load rows with the same columns by binary COPY."""
        if rows:
            columns = list(rows[0])
            await self._raw.copy_records_to_table(
                table, records=[tuple(row[name] for name in columns) for row in rows],
                columns=columns,
            )  # fmt: skip

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what the block did, and only that, when it raises."""
        async with self._raw.transaction():
            yield


async def prepare_types(raw: Raw) -> None:
    """Let a new connection carry times of all years, and vectors, once the extension is there."""
    # In a transaction, because behind PgBouncer the statements of this would else part ways.
    async with raw.transaction():
        await raw.set_type_codec(
            "timestamptz",
            schema="pg_catalog",
            encoder=_microseconds,
            decoder=_time,
            format="tuple",
        )
        schema = cast("str | None", await raw.fetchval(TYPE_SCHEMA))
        if schema is not None:
            await raw.set_type_codec(
                "vector", schema=schema, encoder=_encoded, decoder=_decoded, format="binary"
            )


def _microseconds(time: datetime) -> tuple[int]:
    # The driver takes the first and the last moment of Python's times for infinities.
    return ((time - EPOCH) // MICROSECOND,)


def _time(microseconds: tuple[int]) -> datetime:
    try:
        return EPOCH + microseconds[0] * MICROSECOND
    except OverflowError:  # an infinity, or a year that Python has not
        return LAST if microseconds[0] > 0 else FIRST


def _encoded(vector: Vector) -> bytes:
    header = np.array((vector.size, 0), dtype=VECTOR_HEADER)
    return header.tobytes() + vector.astype(">f4").tobytes()


def _decoded(data: bytes) -> Vector:
    return np.frombuffer(data, dtype=">f4", offset=VECTOR_HEADER.itemsize).astype(FLOAT32)


def _bound(sql: LiteralString, values: Values) -> tuple[str, Iterable[object]]:
    if not isinstance(values, Mapping):
        return sql, values
    text, names = numbered(sql)
    return text, [values[name] for name in names]


@cache
def numbered(sql: LiteralString) -> tuple[str, tuple[str, ...]]:
    """Return a statement with numbers for its names, and the names in that order."""
    names = tuple(dict.fromkeys(_NAMED.findall(sql)))
    places = {name: f"${place}" for place, name in enumerate(names, start=1)}
    return _NAMED.sub(lambda match: places[match[1]], sql), names
