"""The weights of FSRS-6 that a store keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FsrsWeights:
    """Weights of FSRS-6 that were fitted to the reviews of a store; a store has one set or none.

    Attributes:
        weights: the 21 weights in their published order, w0 to w20.
        review_count: how many reviews they were fitted to.
        log_loss_before: of the weights they were compared with, on reviews kept out of the fit.
        log_loss_after: of a fit without those reviews, on the same ones; lower is better.
        fitted_at: when; aware.
    """

    id: ClassVar[int] = 1  # the key of the only row
    weights: tuple[float, ...]
    review_count: int
    log_loss_before: float
    log_loss_after: float
    fitted_at: datetime
