"""The limits of fitted weights, checked before a backend sees them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vestige.cognition.fsrs_weights import Weights
from vestige.errors import InvalidInputError
from vestige.storage import limits
from vestige.storage.encoding import INTEGER_MAX

if TYPE_CHECKING:
    from vestige.models import FsrsWeights


def check_fsrs_weights(weights: FsrsWeights) -> None:
    """Refuse weights that FSRS-6 cannot count with, or numbers beside them that make no sense.

    Raises:
        InvalidInputError: names the field and the limit.
    """
    for value in weights.weights:
        _check_number("weights", value)
    try:
        Weights.from_sequence(weights.weights)
    except ValueError as error:
        raise InvalidInputError("weights", str(error)) from error
    for name in ("log_loss_before", "log_loss_after"):
        _check_number(name, getattr(weights, name))
    count = weights.review_count
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= INTEGER_MAX:  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise InvalidInputError("review_count", f"must be 0 to {INTEGER_MAX}, not {count}")
    limits.check_time("fitted_at", weights.fitted_at)


def _check_number(field: str, value: float) -> None:
    if isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise InvalidInputError(field, f"must be finite and not negative, not {value}")
