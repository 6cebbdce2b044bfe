"""Changing the embedding model of a store in its place: every memory is encoded anew.

Offline, the old vectors are taken away first. Between the first step and the last the store says
that it is unfinished, and holds vectors of the new model only. Online, the new vectors are made
beside the old ones, which are searched until all of the new ones are there; one switch lets these
take the place of the old ones, which are kept. Whatever ends the work in between, the same steps
finish it: a memory that has its vector is not encoded again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vestige.clock import SystemClock
from vestige.embedding.missing import BATCH_TEXTS, Patience, encode_now
from vestige.embedding.texts import embed_texts, signature_of
from vestige.errors import ModelMismatchError, TransferError
from vestige.storage.problems import refuse_second_reembedding, unfinished_reembedding
from vestige.transfer.workers import encode_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vestige.embedding import Embedder
    from vestige.models import ModelSignature, Reembedding, RefusedMemory, UnencodedMemory
    from vestige.storage.protocol import MemoryStore
    from vestige.storage.reembedding_protocol import Encoded, Way

SAMPLE_TEXTS: Final = 32  # that a dry run encodes to measure how fast the embedder is
# So many memories may be encoded while writers wait for the switch; twice as many each time that
# others have written more in the meantime.
LAST_FEW: Final = 16
LAST_FEW_MAX: Final = 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReembedPlan:
    """How to change the model.

    Attributes:
        batch_size: texts that the embedder is given at once, 1 or more.
        is_resumed: go on with a change that is unfinished, and begin none.
        is_dry_run: count and measure, and write nothing.
        way: offline or online; one that is resumed goes on as it was begun.
        workers: how many batches are encoded at once, 1 or more.
        keeps_index: offline: keep the vector index up meanwhile, at the same dimension only;
            that of SQLite always is.
        builds_concurrently: offline: build the vector index while others read and write.
    """

    batch_size: int = BATCH_TEXTS
    is_resumed: bool = False
    is_dry_run: bool = False
    way: Way = "offline"
    workers: int = 1
    keeps_index: bool = False
    builds_concurrently: bool = False


@dataclass(kw_only=True, slots=True)
class ReembedReport:
    """What a change of the model has done so far; it grows while the change runs.

    Attributes:
        old_model: of the vectors before; None when the store had no model.
        new_model: of the vectors afterwards.
        is_needed: whether there is anything to do: false when the store has the model already.
        is_begun: whether the change is open in the store, so that only its end closes it.
        way: offline or online.
        rows: memories that have no vector of the new model when the run starts.
        updated: of these, those that this run has given a vector.
        skipped: memories that had a vector of the new model already.
        failures: memories whose text the embedder refused, left without a vector.
        encode_seconds: how long encoding and writing took; of a dry run, how long it may take.
        index_seconds: how long building the vector index took.
        switch_seconds: how long the switch took, in which writers and then searches waited.
        on_rows: is told how many more memories were dealt with.
    """

    old_model: ModelSignature | None = None
    new_model: ModelSignature | None = None
    is_needed: bool = False
    is_begun: bool = False
    way: Way = "offline"
    rows: int = 0
    updated: int = 0
    skipped: int = 0
    failures: tuple[RefusedMemory, ...] = ()
    encode_seconds: float = 0.0
    index_seconds: float = 0.0
    switch_seconds: float = 0.0
    on_rows: Callable[[int], None] = field(default=lambda _count: None)


async def reembed(
    store: MemoryStore,
    embedder: Embedder,
    plan: ReembedPlan | None = None,
    report: ReembedReport | None = None,
) -> ReembedReport:
    """Give a store another embedding model; ids, texts and times of memories stay as they are.

    Args:
        store: is changed in its place; offline, nobody else should write to it meanwhile.
        embedder: gives the new vectors.
        plan: how; offline, with one worker, by default.
        report: is filled on the way, for those who want to watch.

    Returns:
        The report.

    Raises:
        TransferError: a change is unfinished and the plan does not resume it, it resumes one and
            there is none, or it does not fit the store.
        StoreError: another change is unfinished, or the vectors of one are kept, or the store
            cannot be used.
        EmbeddingError: the embedder failed for many texts in a row; the change stays unfinished.
    """
    plan = plan or ReembedPlan()
    report = report or ReembedReport()
    model = await signature_of(embedder)
    await _look(store, model, plan, report)
    if plan.is_dry_run:
        report.encode_seconds = await _estimated_seconds(store, embedder, report.rows)
        return report
    if not report.is_needed:
        return report
    log.info("changing the model from %s to %s, %s", report.old_model, model, report.way)
    await store.begin_reembedding(model, way=report.way, keeps_index=plan.keeps_index)
    report.is_begun = await store.reembedding() is not None
    if report.is_begun:
        await _encode(store, embedder, plan, report)
        await (_end_online if report.way == "online" else _end_offline)(
            store, embedder, plan, report
        )
    log.info("changed the model: %d encoded, %d refused", report.updated, len(report.failures))
    return report


async def roll_back(
    store: MemoryStore,
    open_old: Callable[[ModelSignature], Embedder],
    plan: ReembedPlan | None = None,
    report: ReembedReport | None = None,
) -> ReembedReport:
    """Go back to the model before an online change.

    Before the switch the change is given up. After it the kept vectors take their place again, once
    the memories that came after the switch, or changed since, have vectors of the old model, too;
    then those of the new model are kept.

    Args:
        store: with a change that was begun online.
        open_old: makes the embedder of the old model; only called when a text needs it.
        plan: how many workers and texts at once.
        report: is filled on the way.

    Raises:
        StoreError: nothing is kept that one could go back to.
        ModelMismatchError: what `open_old` returns is not the old model.
        EmbeddingError: the embedder failed for many texts in a row.
    """
    plan = plan or ReembedPlan()
    report = report or ReembedReport()
    change = await store.reembedding()
    if change is None or change.phase == "encoding":
        await store.abandon_reembedding()
        report.old_model = report.new_model = None if change is None else change.old
        return report
    report.way, report.is_needed = "online", True
    report.old_model, report.new_model = change.new, change.old
    report.rows = change.queued
    if not change.queued and await _switch(store, change.old, report):
        return report
    embedder = open_old(change.old)
    signature = await signature_of(embedder)
    if signature != change.old:
        raise ModelMismatchError(change.old, signature)
    report.is_begun = True
    await store.retry_refused()
    await _encode(store, embedder, plan, report)
    await _end_online(store, embedder, plan, report)
    return report


async def _look(
    store: MemoryStore, model: ModelSignature, plan: ReembedPlan, report: ReembedReport
) -> None:
    """Find out where the store stands, and refuse what does not fit it."""
    stats = await store.get_stats(SystemClock().now())
    change = await store.reembedding()
    report.new_model, report.old_model, report.way = model, stats.model, plan.way
    report.is_needed = stats.model != model
    report.rows = stats.memory_count if report.is_needed else 0
    if change is not None:
        _look_at_open(change, model, plan, report)
    elif plan.is_resumed and report.is_needed:
        raise TransferError(
            f"there is no unfinished change of the model, and the store has vectors of"
            f" {stats.model}",
            "Leave --resume out to begin one.",
        )
    report.skipped = stats.memory_count - report.rows if report.is_needed else stats.embedded_count
    if plan.keeps_index and report.is_needed and stats.backend == "postgres":
        _check_index_can_stay(report)


def _look_at_open(
    change: Reembedding, model: ModelSignature, plan: ReembedPlan, report: ReembedReport
) -> None:
    """Find out how to go on with a change that is open, or refuse."""
    way = change.way if plan.is_resumed else plan.way
    refuse_second_reembedding(change, model, way)
    for problem in unfinished_reembedding(change):
        if not plan.is_resumed:
            raise TransferError(
                problem.problem,
                f"If no other process is at work on it, go on with `{problem.repair}`;"
                " if one is, that shares the work.",
            )
        report.old_model, report.way = change.old, change.way
        report.is_needed = report.is_begun = True
        report.rows = change.queued


def _check_index_can_stay(report: ReembedReport) -> None:
    old, new = report.old_model, report.new_model
    if report.way == "online" or None in (old, new):
        return
    if old is not None and new is not None and old.dimension != new.dimension:
        raise TransferError(
            f"the vector index cannot be kept: it is of {old.dimension} dimensions,"
            f" {new.name} has {new.dimension}",
            "Leave --keep-hnsw out.",
        )


async def _estimated_seconds(store: MemoryStore, embedder: Embedder, rows: int) -> float:
    """Return how long encoding so many texts may take, by encoding a few of the store's own."""
    sample = await store.list_memories(limit=SAMPLE_TEXTS) if rows else []
    if not sample:
        return 0.0
    texts = [record.content for record in sample]
    await embed_texts(embedder, texts[:1])  # loads the model
    started = time.perf_counter()
    await embed_texts(embedder, texts)
    return (time.perf_counter() - started) / len(texts) * rows


async def _encode(
    store: MemoryStore, embedder: Embedder, plan: ReembedPlan, report: ReembedReport
) -> None:
    """Give the memories that wait their vectors."""
    started = time.perf_counter()
    model = await signature_of(embedder)
    try:
        report.updated += await encode_queue(
            store,
            embedder,
            model,
            report.on_rows,
            batch_texts=plan.batch_size,
            workers=plan.workers,
            until_dry=report.way == "offline",
        )
    finally:
        report.encode_seconds += time.perf_counter() - started
    report.failures = tuple(await store.list_refused())


async def _end_offline(
    store: MemoryStore, _: Embedder, plan: ReembedPlan, report: ReembedReport
) -> None:
    await store.fill_centroids()
    started = time.perf_counter()
    if plan.builds_concurrently:
        await store.build_new_index()
    await store.finish_reembedding()
    report.index_seconds = time.perf_counter() - started


async def _end_online(
    store: MemoryStore, embedder: Embedder, plan: ReembedPlan, report: ReembedReport
) -> None:
    """Build the index, and switch; what is written meanwhile is encoded in between."""
    started = time.perf_counter()
    await store.build_new_index()
    report.index_seconds = time.perf_counter() - started
    await store.fill_centroids()
    model = await signature_of(embedder)

    made: Encoded = ([], [])

    def encode(memories: Sequence[UnencodedMemory]) -> Encoded:
        nonlocal made
        made = encode_now(embedder, model, memories, Patience())
        return made

    last_few = LAST_FEW
    while True:
        await _encode(store, embedder, plan, report)
        made = ([], [])
        if await _switch(store, model, report, encode, last_few):
            report.updated += len(made[0])
            report.failures = (*report.failures, *made[1])
            return
        last_few = min(2 * last_few, LAST_FEW_MAX)


async def _switch(
    store: MemoryStore,
    model: ModelSignature,
    report: ReembedReport,
    encode: Callable[[Sequence[UnencodedMemory]], Encoded] | None = None,
    limit: int = 0,
) -> bool:
    started = time.perf_counter()
    is_switched = await store.switch_model(model, encode, limit)
    report.switch_seconds = time.perf_counter() - started
    return is_switched
