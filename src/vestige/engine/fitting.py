"""Fitting the weights of FSRS-6 to the reviews of a store, and putting them to use."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Final

from vestige.cognition import fsrs_optimizer
from vestige.cognition.fsrs_histories import Histories
from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS
from vestige.engine.weights import named, refresh_all
from vestige.errors import InvalidInputError
from vestige.models import MAX_LIMIT, FsrsWeights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vestige.cognition.fsrs_histories import Sample
    from vestige.cognition.fsrs_optimizer import Evaluation
    from vestige.cognition.fsrs_weights import Weights
    from vestige.engine.near_pairs import Advance
    from vestige.engine.parts import Parts
    from vestige.storage.protocol import MemoryStore

# The library fits all weights from 64 samples on. A fifth is kept out of the fit, and of fewer than
# 80 such reviews chance alone decides which weights look better.
SAMPLES_MIN: Final = 400
# What is never forgotten fits any curve that is flat enough.
LAPSES_MIN: Final = 20
HELD_OUT_SHARE: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class FitResult:
    """Fitted weights, and how much better they are than those in use.

    Both evaluations are of the latest reviews, which the compared weights were not fitted to; the
    weights that are returned were then fitted to all reviews.

    Attributes:
        weights: fitted to all reviews.
        previous: the weights that were in use.
        review_count: reviews in the store.
        sample_count: of these, those that can be learned from.
        held_out_count: the latest of them, by which the weights were compared.
        memory_count: memories that have been reviewed.
        left_out_count: of these, those whose first reviews are not known.
        before: the evaluation of the weights in use.
        after: that of the fitted ones.
        is_applied: whether the fitted weights are in use now.
        refreshed: how many memories have another stored retrievability.
    """

    weights: Weights
    previous: Weights
    review_count: int
    sample_count: int
    held_out_count: int
    memory_count: int
    left_out_count: int
    before: Evaluation
    after: Evaluation
    is_applied: bool = False
    refreshed: int = 0

    @property
    def is_better(self) -> bool:
        """Whether the fitted weights predict better what they have not seen."""
        return self.after.log_loss < self.before.log_loss


async def fit(parts: Parts, *, is_applied: bool, advance: Advance) -> FitResult:
    """Fit weights to the reviews, and write them if that is asked for and they are better.

    Args:
        parts: where from.
        is_applied: write them; otherwise nothing is written.
        advance: is told of the reviews that were read, then of the memories that are refreshed.

    Raises:
        ConfigError: what fits them is not installed.
        InvalidInputError: there are too few reviews to learn from.
    """
    fsrs_optimizer.check_installed()
    stats = await parts.store.get_stats(parts.clock.now())
    total = stats.review_event_count + stats.memory_count * is_applied
    histories = await _histories(parts.store, lambda count: advance(count, total))
    samples = histories.samples()
    _check_enough(samples, histories)
    previous = named(await parts.store.get_fsrs_weights())
    held_out = samples[-round(len(samples) * HELD_OUT_SHARE) :]
    tried = fsrs_optimizer.fit(samples[: -len(held_out)])
    result = FitResult(
        weights=fsrs_optimizer.fit(samples),
        previous=previous,
        review_count=histories.review_count,
        sample_count=len(samples),
        held_out_count=len(held_out),
        memory_count=histories.memory_count,
        left_out_count=histories.left_out_count,
        before=fsrs_optimizer.evaluate(previous, held_out),
        after=fsrs_optimizer.evaluate(tried, held_out),
    )
    if not (is_applied and result.is_better):
        return result
    await _write(parts, result)
    refreshed = await refresh_all(parts, result.weights.decay, lambda count: advance(count, total))
    return replace(result, is_applied=True, refreshed=refreshed)


async def reset(parts: Parts, *, advance: Advance) -> int:
    """Go back to the default weights; return how many stored values that changed.

    Args:
        parts: where.
        advance: is told of the memories that are refreshed.
    """
    await parts.store.set_fsrs_weights(None)
    total = await parts.store.count()
    return await refresh_all(parts, DEFAULT_WEIGHTS.decay, lambda count: advance(count, total))


async def _histories(store: MemoryStore, done: Callable[[int], None]) -> Histories:
    histories, after = Histories(), None
    while page := await store.list_review_events(after=after, limit=MAX_LIMIT):
        for event in page:
            histories.add(event)
        after = page[-1].id
        done(len(page))
    return histories


def _check_enough(samples: Sequence[Sample], histories: Histories) -> None:
    lapses = sum(not sample.is_recalled for sample in samples)
    if len(samples) >= SAMPLES_MIN and lapses >= LAPSES_MIN:
        return
    raise InvalidInputError(
        "reviews",
        f"{len(samples):,} of {histories.review_count:,} can be learned from, {lapses:,} of them"
        f" rated `again`; needed are {SAMPLES_MIN}, and {LAPSES_MIN} rated `again`",
        "Those count that come a day or more after the one before. Until there are enough, the"
        " default weights serve well.",
    )


async def _write(parts: Parts, result: FitResult) -> None:
    await parts.store.set_fsrs_weights(
        FsrsWeights(
            weights=astuple(result.weights),
            review_count=result.sample_count,
            log_loss_before=result.before.log_loss,
            log_loss_after=result.after.log_loss,
            fitted_at=parts.clock.now(),
        )
    )
