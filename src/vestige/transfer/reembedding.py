"""Changing the embedding model of a store in its place: every memory is encoded anew.

Between the first step and the last the store says that it is unfinished, and holds vectors of the
new model only. Whatever ends the work in between, the same steps finish it: a memory that has a
vector is not encoded again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from vestige.clock import SystemClock
from vestige.embedding.missing import BATCH_TEXTS, EncodeFailure, encode_missing
from vestige.embedding.texts import embed_texts, signature_of
from vestige.errors import TransferError
from vestige.storage.problems import refuse_second_reembedding, unfinished_reembedding
from vestige.transfer.centroids import mean_centroids

if TYPE_CHECKING:
    from collections.abc import Callable

    from vestige.embedding import Embedder
    from vestige.models import ModelSignature
    from vestige.storage.protocol import MemoryStore

SAMPLE_TEXTS: Final = 32  # that a dry run encodes to measure how fast the embedder is
PAGE_ROWS: Final = 500  # memories that are read at once for the centroids

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReembedPlan:
    """How to change the model.

    Attributes:
        batch_size: texts that the embedder is given at once, 1 or more.
        is_resumed: go on with a change that is unfinished, and begin none.
        is_dry_run: count and measure, and write nothing.
    """

    batch_size: int = BATCH_TEXTS
    is_resumed: bool = False
    is_dry_run: bool = False


@dataclass(kw_only=True, slots=True)
class ReembedReport:
    """What a change of the model has done so far; it grows while the change runs.

    Attributes:
        old_model: of the vectors before; None when the store had no model.
        new_model: of the vectors afterwards.
        is_needed: whether there is anything to do: false when the store has the model already.
        is_begun: whether the old vectors are gone, so that only finishing the change helps.
        rows: memories that have no vector of the new model when the run starts.
        updated: of these, those that this run has given a vector.
        skipped: memories that had a vector of the new model already.
        failures: memories whose text the embedder refused, left without a vector.
        encode_seconds: how long encoding and writing took; of a dry run, how long it may take.
        index_seconds: how long building the vector index took.
        on_rows: is told how many more memories were dealt with.
    """

    old_model: ModelSignature | None = None
    new_model: ModelSignature | None = None
    is_needed: bool = False
    is_begun: bool = False
    rows: int = 0
    updated: int = 0
    skipped: int = 0
    failures: tuple[EncodeFailure, ...] = ()
    encode_seconds: float = 0.0
    index_seconds: float = 0.0
    on_rows: Callable[[int], None] = field(default=lambda _count: None)


async def reembed(
    store: MemoryStore, embedder: Embedder, plan: ReembedPlan, report: ReembedReport
) -> None:
    """Give a store another embedding model; ids, texts and times of memories stay as they are.

    Args:
        store: is changed in its place; nobody else should write to it meanwhile.
        embedder: gives the new vectors.
        plan: how.
        report: is filled on the way.

    Raises:
        TransferError: a change is unfinished and the plan does not resume it, or it resumes one
            and there is none.
        StoreError: a change to another model is unfinished, or the store cannot be used.
        EmbeddingError: the embedder failed for many texts in a row; the change stays unfinished.
    """
    model = await signature_of(embedder)
    await _look(store, model, plan, report)
    if plan.is_dry_run:
        report.encode_seconds = await _estimated_seconds(store, embedder, report.rows)
        return
    if not report.is_needed:
        return
    log.info("changing the model from %s to %s", report.old_model, model)
    await store.begin_reembedding(model)
    report.is_begun = True
    started = time.perf_counter()
    result = await encode_missing(store, embedder, report.on_rows, batch_texts=plan.batch_size)
    report.updated, report.failures = result.encoded, result.failures
    await _renew_centroids(store)
    encoded = time.perf_counter()
    report.encode_seconds = encoded - started
    await store.finish_reembedding()
    report.index_seconds = time.perf_counter() - encoded
    log.info("changed the model: %d encoded, %d refused", report.updated, len(report.failures))


async def _look(
    store: MemoryStore, model: ModelSignature, plan: ReembedPlan, report: ReembedReport
) -> None:
    """Find out where the store stands, and refuse what does not fit it."""
    stats = await store.get_stats(SystemClock().now())
    unfinished = await store.reembedding()
    report.new_model, report.old_model = model, stats.model
    report.is_needed = stats.model != model
    if unfinished is not None:
        refuse_second_reembedding(unfinished, model)
        if not plan.is_resumed:
            problem = unfinished_reembedding(unfinished)
            raise TransferError(
                problem.problem,
                f"If no other process is at work on it, go on with `{problem.repair}`.",
            )
        report.old_model, report.is_needed, report.is_begun = unfinished.old, True, True
    elif plan.is_resumed and report.is_needed:
        raise TransferError(
            f"there is no unfinished change of the model, and the store has vectors of"
            f" {stats.model}",
            "Leave --resume out to begin one.",
        )
    report.skipped = stats.embedded_count if stats.model == model else 0
    report.rows = stats.memory_count - report.skipped if report.is_needed else 0


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


async def _renew_centroids(store: MemoryStore) -> None:
    """Give the domains of memories with vectors a centroid again."""
    centroids = await mean_centroids(store, PAGE_ROWS)
    for domain in await store.list_domains():
        if domain.id in centroids:
            await store.upsert_domain(replace(domain, centroid=centroids[domain.id]))
