"""Copying everything from one store to another: batch by batch, as often as it takes."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from vestige.embedding.texts import embed_text
from vestige.errors import EmbeddingError, InvalidInputError
from vestige.models import Domain, ReviewEvent, ScheduledMemory, TransferTable
from vestige.storage.transfer_rows import key_text, row_key
from vestige.transfer.centroids import mean_centroids
from vestige.transfer.copy_models import choose_model
from vestige.transfer.event_ids import find_ids
from vestige.transfer.handles import known_handles
from vestige.transfer.local_user import local_user_of, take_local_user
from vestige.transfer.pages import pages_of
from vestige.transfer.verifying import TableCheck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.embedding import Embedder
    from vestige.models import TransferRow
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.copy_plan import CopyPlan, CopyReport, RowSource
    from vestige.transfer.handles import Handles

LOG_EVERY_ROWS: Final = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Copy:
    """What all parts of one copy share."""

    source: RowSource
    destination: MemoryStore
    plan: CopyPlan
    report: CopyReport
    handles: Handles

    @property
    def is_reembedding(self) -> bool:
        return self.plan.model == "reembed"


async def copy(
    source: RowSource, destination: MemoryStore, plan: CopyPlan, report: CopyReport
) -> None:
    """Copy what the destination does not have yet; what it has is left as it is.

    A second run goes on where the first one ended, and a row that cannot go takes no other with it.

    Args:
        source: where from; only read.
        destination: where to; its schema is up to date.
        plan: how.
        report: is filled on the way, so it is right also after an interruption.

    Raises:
        TransferError: the vectors of source and destination are of two models, and nothing was
            written.
        StoreError: one of the two cannot be used any more.
    """
    report.source_model = await source.registered_model()
    registered = await destination.registered_model()
    model = await choose_model(report.source_model, registered, plan)
    if model is not None:
        await destination.register_model(model)
    report.destination_model = model
    await _take_local_user(source, destination)
    run = _Copy(
        source=source,
        destination=destination,
        plan=plan,
        report=report,
        handles=await known_handles(destination),
    )
    await destination.suspend_vector_index()
    for table in TransferTable:
        await _copy_table(run, table)
    started = time.perf_counter()
    await destination.build_vector_index()
    report.index_seconds = time.perf_counter() - started
    report.renamed = run.handles.renamed
    if plan.is_verified:
        for table in TransferTable:
            await _verify_table(run, table)


async def preview(
    source: RowSource, destination: MemoryStore | None, plan: CopyPlan, report: CopyReport
) -> None:
    """Count what a copy would read, and choose its model; nothing is written.

    Args:
        source: where from.
        destination: where to; None when there is no store yet.
        plan: how.
        report: is filled on the way.

    Raises:
        TransferError: as for `copy`.
    """
    report.source_model = await source.registered_model()
    registered = None if destination is None else await destination.registered_model()
    report.destination_model = await choose_model(report.source_model, registered, plan)
    await _count(source, plan, report)


async def _take_local_user(source: RowSource, destination: MemoryStore) -> None:
    """Say of the local user, which every store has of its own, what the source says.

    Not where somebody else at the destination has its handle, and so stands for it.
    """
    user = await local_user_of(source)
    if user is None:
        return
    handles = await known_handles(destination)
    if handles.users.get(user.handle, user.id) == user.id:
        with suppress(InvalidInputError):  # its row is refused, and listed, with the others
            await take_local_user(destination, user)


async def _count(source: RowSource, plan: CopyPlan, report: CopyReport) -> None:
    for table in TransferTable:
        async for page in pages_of(source, table, plan.batch_rows):
            report.tables[table].read += len(page.rows)
            report.on_rows(table, len(page.rows))


async def _copy_table(run: _Copy, table: TransferTable) -> None:
    log.info("copying %s", table)
    # Only memories are many and independent of each other.
    writers = run.plan.writers if table == TransferTable.KNOWLEDGE_NODES else 1
    writing: set[asyncio.Task[None]] = set()
    try:
        async with aclosing(pages_of(run.source, table, run.plan.batch_rows)) as pages:
            async for page in pages:
                while len(writing) >= writers:
                    writing = await _less_busy(writing)
                writing.add(asyncio.create_task(_write(run, table, page.rows)))
        await asyncio.gather(*writing)
    finally:
        for task in writing:
            task.cancel()
    counts = run.report.tables[table]
    log.info(
        "copied %s: %d read, %d written, %d present, %d refused",
        table,
        counts.read,
        counts.written,
        counts.present,
        counts.failed,
    )


async def _less_busy(writing: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Wait until one of the tasks is done; return the others."""
    done, others = await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return others


async def _write(run: _Copy, table: TransferTable, page: Sequence[TransferRow]) -> None:
    if table == TransferTable.REVIEW_EVENTS:
        events = [row for row in page if isinstance(row, ReviewEvent)]
        await find_ids(run.destination, events, run.handles.events)
    rows = [run.handles.resolve(row) for row in page]
    if run.is_reembedding:
        rows = await _of_the_new_model(run, table, rows)
    counts = run.report.tables[table]
    result = await run.destination.import_rows(table, rows)
    before = counts.read // LOG_EVERY_ROWS
    counts.read += len(rows)
    counts.written += result.written
    counts.present += result.present
    for failure in result.failures:
        run.report.fail(table, failure.key, failure.reason)
    run.report.on_rows(table, len(rows))
    if counts.read // LOG_EVERY_ROWS > before:
        log.info("copying %s: %d rows", table, counts.read)


async def _of_the_new_model(
    run: _Copy, table: TransferTable, rows: list[TransferRow]
) -> list[TransferRow]:
    """Return rows with vectors of the plan's embedder, where they have vectors."""
    if table == TransferTable.KNOWLEDGE_NODES and run.plan.embedder:
        return await _with_vectors(run, rows, run.plan.embedder)
    if table == TransferTable.DOMAINS:
        # Memories come before domains, so theirs are all there.
        centroids = await mean_centroids(run.destination, run.plan.batch_rows)
        return [
            replace(row, centroid=centroids.get(row.id)) if isinstance(row, Domain) else row
            for row in rows
        ]
    return rows


async def _with_vectors(
    run: _Copy, rows: list[TransferRow], embedder: Embedder
) -> list[TransferRow]:
    """Return memories with vectors of another model; those that are there are not encoded."""
    keys = [row_key(row) for row in rows]
    known = await run.destination.export_rows(TransferTable.KNOWLEDGE_NODES, keys)
    present = set(map(row_key, known))
    return [
        row if row_key(row) in present else await _encoded(row, embedder, run.report)
        for row in rows
    ]


async def _encoded(row: TransferRow, embedder: Embedder, report: CopyReport) -> TransferRow:
    if not isinstance(row, ScheduledMemory):
        return row
    try:
        vectors = await embed_text(embedder, row.record.content)
    except EmbeddingError as error:
        report.tables[TransferTable.KNOWLEDGE_NODES].different += 1
        report.differ(
            TransferTable.KNOWLEDGE_NODES,
            key_text(TransferTable.KNOWLEDGE_NODES, row),
            f"copied without a vector, which `vestige doctor --repair` makes: {error}",
        )
        return replace(row, record=replace(row.record, embedding=None, windows=()))
    record = replace(row.record, embedding=vectors.embedding, windows=vectors.windows)
    return replace(row, record=record)


async def _verify_table(run: _Copy, table: TransferTable) -> None:
    log.info("comparing %s", table)
    check = TableCheck(table=table, report=run.report, has_vectors=not run.is_reembedding)
    async with aclosing(pages_of(run.source, table, run.plan.batch_rows)) as pages:
        async for page in pages:
            rows = [run.handles.resolve(row) for row in page.rows]
            await check.compare(rows, run.destination)
    check.finish()
