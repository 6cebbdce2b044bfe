"""Reading the lines of an export into a store, as often as it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vestige.errors import InvalidInputError, StoreUnavailableError, TransferError
from vestige.models import (
    ImportResult,
    ModelSignature,
    RowFailure,
    TransferTable,
    User,
)
from vestige.storage import limits
from vestige.storage.jsonl import LINE_MAX_BYTES, parse
from vestige.storage.row_objects import row_of
from vestige.storage.transfer_rows import key_text
from vestige.transfer.export import FORMAT, FORMAT_VERSION
from vestige.transfer.local_user import is_local, take_local_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from vestige.models import JsonObject, JsonValue, TransferRow
    from vestige.storage.jsonl import Line, LineReader
    from vestige.storage.protocol import MemoryStore

BATCH_ROWS: Final = 500
BATCH_BYTES: Final = 32_000_000  # of lines that wait to be written
BASE64_BYTES_PER_FLOAT32: Final = 6  # 5.33, rounded up
_NO_EXPORT: Final = "Name a file that `vestige export` wrote; for lines of plain texts add --texts."


@dataclass(frozen=True, kw_only=True, slots=True)
class LineFailure:
    """A line that could not be imported; `table` is None when the line names none."""

    line: int
    table: TransferTable | None
    reason: str


@dataclass(kw_only=True, slots=True)
class RowCounts:
    """What became of the rows of a table: each is in one of the last three."""

    read: int = 0
    written: int = 0
    present: int = 0
    failed: int = 0


@dataclass(kw_only=True, slots=True)
class RestoreReport:
    """What an import has done so far.

    Attributes:
        tables: the counts of each table.
        unreadable: lines that no table can be named for.
        on_failure: is told about every line that could not be imported.
        on_batch: is told how many lines were dealt with, batch by batch.
    """

    tables: dict[TransferTable, RowCounts] = field(
        default_factory=lambda: {table: RowCounts() for table in TransferTable}
    )
    unreadable: int = 0
    on_failure: Callable[[LineFailure], None] = lambda _: None
    on_batch: Callable[[int], None] = lambda _: None

    @property
    def has_begun(self) -> bool:
        """Whether anything was read."""
        return bool(self.unreadable) or any(counts.read for counts in self.tables.values())

    @property
    def failed(self) -> int:
        """How many lines could not be imported."""
        return self.unreadable + sum(counts.failed for counts in self.tables.values())

    def fail(self, line: int, table: TransferTable | None, reason: str) -> None:
        """Count a line that could not be imported, and say why."""
        if table is None:
            self.unreadable += 1
        else:
            self.tables[table].failed += 1
        self.on_failure(LineFailure(line=line, table=table, reason=reason))


@dataclass(kw_only=True, slots=True)
class _Batch:
    """Rows of one table that wait to be written, each with the number of its line."""

    table: TransferTable
    rows: list[tuple[int, TransferRow]] = field(default_factory=list)
    size_bytes: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= BATCH_ROWS or self.size_bytes >= BATCH_BYTES


def read_header(lines: LineReader) -> ModelSignature | None:
    """Read the first line; return the model of the vectors in the others, None without vectors.

    Raises:
        TransferError: this is no export, or one of a newer format.
    """
    model = _model_of(next(iter(lines), None))
    lines.max_bytes = line_max_bytes(model)
    return model


def line_max_bytes(model: ModelSignature | None) -> int:
    """Return how long the line of a row can be, in bytes, with vectors of a model."""
    if model is None:
        return LINE_MAX_BYTES
    return LINE_MAX_BYTES + (1 + limits.LIST_MAX) * model.dimension * BASE64_BYTES_PER_FLOAT32


def signature_of_header(value: JsonValue) -> ModelSignature | None:
    """Return the model that a header names, None when it says that there are no vectors.

    Raises:
        TransferError: it names none.
    """
    if value is None:
        return None
    match value:
        case {"name": str(name), "dimension": int(dimension), "hash": str(digits)}:
            model = ModelSignature(name=name, dimension=dimension, hash=digits)
        case _:
            raise TransferError("the header does not name its model", _NO_EXPORT)
    try:
        limits.check_signature(model)
    except InvalidInputError as error:
        raise TransferError(f"the model of the header is wrong: {error}", _NO_EXPORT) from error
    return model


async def restore(
    store: MemoryStore, model: ModelSignature | None, lines: LineReader, report: RestoreReport
) -> None:
    """Write the rows of an export that the store does not have yet.

    A row whose key is there is left as it is, so a second run goes on where the first one ended.

    Args:
        store: where to.
        model: what `read_header` returned.
        lines: the lines after the header.
        report: is filled while lines are read, so it is right also after an interruption.

    Raises:
        TransferError: the store holds vectors of another model, and nothing was written; or it
            cannot be written any more.
    """
    await _bind(store, model)
    batch: _Batch | None = None
    for line in lines:
        read = _read(line, report)
        if read is None:
            continue
        table, row = read
        if batch is not None and (batch.table is not table or batch.is_full):
            await _write(store, batch, report)
            batch = None
        batch = batch or _Batch(table=table)
        batch.rows.append((line.number, row))
        batch.size_bytes += len(line.data or b"")
    if batch is not None:
        await _write(store, batch, report)


def _model_of(line: Line | None) -> ModelSignature | None:
    """Return the model of the first line, which says what the others are."""
    if line is None:
        raise TransferError("there is nothing to import: the input is empty", _NO_EXPORT)
    try:
        header = parse(line)
    except ValueError as error:
        raise TransferError(
            f"line {line.number} {error}, so this is no export", _NO_EXPORT
        ) from None
    version = header.get(FORMAT) if isinstance(header, dict) else None
    if not isinstance(header, dict) or version is None:
        raise TransferError(f"line {line.number} is not the header of an export", _NO_EXPORT)
    if isinstance(version, bool) or version != FORMAT_VERSION:
        raise TransferError(
            f"the export has format {version!r}, this version of vestige reads {FORMAT_VERSION}",
            "Install the version of vestige that wrote it, or a newer one.",
        )
    unknown = ", ".join(sorted(map(ascii, header.keys() - {FORMAT, "model"})))
    if unknown:
        raise TransferError(f"the header has the unknown field {unknown}", _NO_EXPORT)
    return signature_of_header(header.get("model"))


async def _bind(store: MemoryStore, model: ModelSignature | None) -> None:
    stored = await store.registered_model()
    if model is not None and stored is not None and stored != model:
        raise TransferError(
            f"the export holds vectors of {model}, the store those of {stored}",
            "Import it into a store of its own, with --data-dir FOLDER; nothing was changed.",
        )
    if model is not None:
        await store.register_model(model)


def _read(line: Line, report: RestoreReport) -> tuple[TransferTable, TransferRow] | None:
    """Return the row of a line, None when it was reported instead."""
    table: TransferTable | None = None
    try:
        value = _object(parse(line))
        table = _table(value)
        report.tables[table].read += 1
        return table, row_of(table, {name: item for name, item in value.items() if name != "table"})
    except InvalidInputError as error:
        report.fail(line.number, table, str(error))
    except ValueError as error:
        report.fail(line.number, table, f"line: {error}")
    return None


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise InvalidInputError("line", "is not a JSON object")
    return value


def _table(value: JsonObject) -> TransferTable:
    name = value.get("table")
    if isinstance(name, str) and name in tuple(TransferTable):
        return TransferTable(name)
    if FORMAT in value:
        raise InvalidInputError("line", "is a second header")
    if name is None:
        raise InvalidInputError("line", "names no table")
    raise InvalidInputError("table", f"{name!a} is unknown")


async def _write(store: MemoryStore, batch: _Batch, report: RestoreReport) -> None:
    rows = [row for _, row in batch.rows]
    try:
        if batch.table is TransferTable.USERS:
            result = await _write_users(store, rows)
        else:
            result = await store.import_rows(batch.table, rows)
    except StoreUnavailableError as error:
        first = batch.rows[0][0]
        raise TransferError(
            f"stopped at line {first}, all before it is dealt with: {error}",
            "Mend that, then run the same command again: what is there is not written twice.",
        ) from error
    counts = report.tables[batch.table]
    counts.written += result.written
    counts.present += result.present
    numbers: dict[str, list[int]] = {}
    for number, row in batch.rows:
        numbers.setdefault(key_text(batch.table, row), []).append(number)
    for failure in result.failures:
        # Of lines with the same key the first ones fail: when one is written, the rest is present.
        report.fail(numbers[failure.key].pop(0), batch.table, failure.reason)
    report.on_batch(len(batch.rows))


async def _write_users(store: MemoryStore, rows: list[TransferRow]) -> ImportResult:
    """Write users; the local one is in every store and takes over what was said about it."""
    result = await store.import_rows(
        TransferTable.USERS, [row for row in rows if not is_local(row)]
    )
    written, present, failures = result.written, result.present, list(result.failures)
    for row in rows:
        if isinstance(row, User) and is_local(row):
            try:
                is_written = await take_local_user(store, row)
                written, present = written + is_written, present + (not is_written)
            except InvalidInputError as error:
                failures.append(RowFailure(key=str(row.id), reason=str(error)))
    return ImportResult(written=written, present=present, failures=tuple(failures))
