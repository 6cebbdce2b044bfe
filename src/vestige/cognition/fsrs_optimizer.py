"""Fitting the weights of FSRS-6 with fsrs-rs, an extra: `pip install 'vestige[fsrs]'`.

Both functions keep Python's lock until the library is done, so a thread of its own would free
nobody: about two seconds for 50,000 samples.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS, WEIGHT_BOUNDS, Weights
from vestige.errors import ConfigError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fsrs_rs_python import FSRSItem

    from vestige.cognition.fsrs_histories import Sample

DECIMALS: Final = 4  # as the default weights are published; the library counts in float32
_DEFAULT: Final = astuple(DEFAULT_WEIGHTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """How well weights predict reviews; lower is better.

    Attributes:
        log_loss: mean of -ln of the probability that was given to what happened, in which the
            latest sample weighs four times as much as the first.
        rmse: root mean square of predicted minus measured recall, over bins of like reviews.
    """

    log_loss: float
    rmse: float


def check_installed() -> None:
    """Refuse to go on without the library.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec("fsrs_rs_python") is None:
        raise ConfigError(
            "fsrs-rs-python, which fits the weights, is not installed",
            "Install it: `pip install 'vestige[fsrs]'`.",
        )


def fit(samples: Sequence[Sample]) -> Weights:
    """Return the weights that predict samples best, drawn towards the default ones.

    Of fewer than 64 samples the library fits the first four weights at most. It weighs later
    samples more, and has a fixed seed: the same samples give the same weights.

    Args:
        samples: oldest first.

    Raises:
        ConfigError: the library is not installed.
        InvalidInputError: the library finds too few samples to begin with.
    """
    check_installed()
    from fsrs_rs_python import FSRS  # noqa: PLC0415  # an extra

    try:
        return _rounded(FSRS(_DEFAULT).compute_parameters(_items(samples)))
    except ValueError as error:  # such as NotEnoughData, when no two memories began alike
        raise InvalidInputError(
            "reviews",
            f"{len(samples):,} are too few of a kind to fit weights to: {error}",
            "Review more memories for the first time. Until then the default weights serve well.",
        ) from error


def evaluate(weights: Weights, samples: Sequence[Sample]) -> Evaluation:
    """Return how well weights predict samples, of which there must be one at least.

    Raises:
        ConfigError: the library is not installed.
    """
    check_installed()
    from fsrs_rs_python import FSRS  # noqa: PLC0415  # an extra

    found = FSRS(list(astuple(weights))).evaluate(_items(samples))
    return Evaluation(log_loss=found.log_loss, rmse=found.rmse_bins)


def _items(samples: Sequence[Sample]) -> list[FSRSItem]:
    from fsrs_rs_python import FSRSItem, FSRSReview  # noqa: PLC0415  # an extra

    return [
        FSRSItem([FSRSReview(int(rating), days) for rating, days in sample.reviews])
        for sample in samples
    ]


def _rounded(values: Sequence[float]) -> Weights:
    # A bound such as 0.8 is 0.800000012 in float32, which is outside of it.
    return Weights.from_sequence(
        [
            min(max(round(value, DECIMALS), low), high)
            for value, (low, high) in zip(values, WEIGHT_BOUNDS, strict=True)
        ]
    )
