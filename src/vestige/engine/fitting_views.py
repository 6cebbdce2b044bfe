"""Fitted weights as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from vestige.engine.weights import named
from vestige.storage.encoding import time_text

if TYPE_CHECKING:
    from vestige.cognition.fsrs_optimizer import Evaluation
    from vestige.cognition.fsrs_weights import Weights
    from vestige.engine.fitting import FitResult
    from vestige.models import FsrsWeights, JsonObject


def named_weights(weights: Weights) -> dict[str, float]:
    """Return the weights by name, in their published order."""
    return asdict(weights)


def weights_view(stored: FsrsWeights | None) -> JsonObject:
    """Return the weights that are in use; beside the default ones nothing else is known."""
    view: JsonObject = {"is_default": stored is None, "weights": _named(named(stored))}
    if stored is not None:
        view |= {
            "review_count": stored.review_count,
            "log_loss_before": stored.log_loss_before,
            "log_loss_after": stored.log_loss_after,
            "fitted_at": time_text(stored.fitted_at),
        }
    return view


def fit_view(result: FitResult) -> JsonObject:
    """Return what a fit has found, and whether it was applied."""
    return {
        "is_better": result.is_better,
        "is_applied": result.is_applied,
        "weights": _named(result.weights),
        "previous": _named(result.previous),
        "review_count": result.review_count,
        "sample_count": result.sample_count,
        "held_out_count": result.held_out_count,
        "memory_count": result.memory_count,
        "left_out_count": result.left_out_count,
        "before": _evaluation(result.before),
        "after": _evaluation(result.after),
        "refreshed": result.refreshed,
    }


def _named(weights: Weights) -> JsonObject:
    return cast("JsonObject", named_weights(weights))


def _evaluation(evaluation: Evaluation) -> JsonObject:
    return {"log_loss": evaluation.log_loss, "rmse": evaluation.rmse}
