"""The 21 weights of FSRS-6, by name.

Source:
    Defaults and bounds: py-fsrs 6.3, `fsrs/scheduler.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from vestige.models import DEFAULT_DECAY

if TYPE_CHECKING:
    from collections.abc import Sequence

# Lowest and highest value of each weight, as the FSRS optimiser clamps them. Outside of these the
# formulas lose what callers rely on: recall that only falls, stability that only grows by recall.
WEIGHT_BOUNDS: Final = (
    *((0.001, 100.0),) * 4,
    *((1.0, 10.0), (0.001, 4.0), (0.001, 4.0), (0.001, 0.75)),
    *((0.0, 4.5), (0.0, 0.8), (0.001, 3.5)),
    *((0.001, 5.0), (0.001, 0.25), (0.001, 0.9), (0.0, 4.0)),
    *((0.0, 1.0), (1.0, 6.0)),
    *((0.0, 2.0), (0.0, 2.0), (0.0, 0.8)),
    (0.1, 0.8),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """The 21 weights of FSRS-6 in their published order, w0 to w20.

    Attributes:
        initial_stability_again: w0, days after a first `again`.
        initial_stability_hard: w1, days after a first `hard`.
        initial_stability_good: w2, days after a first `good`.
        initial_stability_easy: w3, days after a first `easy`.
        initial_difficulty: w4, difficulty after a first `again`.
        initial_difficulty_growth: w5, how fast a better first rating lowers the difficulty.
        difficulty_step: w6, change of difficulty per grade away from `good`.
        difficulty_reversion: w7, share by which difficulty returns to that of a first `easy`.
        recall_growth: w8, logarithm of how much a recall adds.
        recall_saturation: w9, how much less it adds to a high stability.
        recall_spacing: w10, how much more it adds when recall had become unlikely.
        lapse_scale: w11, stability that is left after a lapse.
        lapse_difficulty: w12, how much less is left of a difficult memory.
        lapse_stability: w13, how much more is left of a stable memory.
        lapse_spacing: w14, how much more is left when recall had become unlikely.
        hard_penalty: w15, factor on the growth for `hard`.
        easy_bonus: w16, factor on the growth for `easy`.
        same_day_growth: w17, effect of a grade within a day.
        same_day_offset: w18, grade that is added within a day.
        same_day_saturation: w19, how much less a review within a day adds to a high stability.
        decay: w20, steepness of the forgetting curve.

    Raises:
        ValueError: a weight is outside `WEIGHT_BOUNDS`.
    """

    initial_stability_again: float = 0.212
    initial_stability_hard: float = 1.2931
    initial_stability_good: float = 2.3065
    initial_stability_easy: float = 8.2956
    initial_difficulty: float = 6.4133
    initial_difficulty_growth: float = 0.8334
    difficulty_step: float = 3.0194
    difficulty_reversion: float = 0.001
    recall_growth: float = 1.8722
    recall_saturation: float = 0.1666
    recall_spacing: float = 0.796
    lapse_scale: float = 1.4835
    lapse_difficulty: float = 0.0614
    lapse_stability: float = 0.2629
    lapse_spacing: float = 1.6483
    hard_penalty: float = 0.6014
    easy_bonus: float = 1.8729
    same_day_growth: float = 0.5425
    same_day_offset: float = 0.0912
    same_day_saturation: float = 0.0658
    decay: float = DEFAULT_DECAY

    def __post_init__(self) -> None:
        for index, (field, (low, high)) in enumerate(zip(fields(self), WEIGHT_BOUNDS, strict=True)):
            value: float = getattr(self, field.name)
            if not low <= value <= high:
                raise ValueError(f"w{index} ({field.name}) is {value}, not {low} to {high}")

    @classmethod
    def from_sequence(cls, values: Sequence[float]) -> Weights:
        """Name the weights of a sequence such as the FSRS optimiser returns.

        Raises:
            ValueError: there are not 21 of them, or one is outside its bounds.
        """
        names = [field.name for field in fields(cls)]
        if len(values) != len(names):
            raise ValueError(f"FSRS-6 has {len(names)} weights, got {len(values)}")
        return cls(**dict(zip(names, values, strict=True)))


DEFAULT_WEIGHTS: Final = Weights()
