"""How easily a memory comes to mind, in four words."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

# Three recalls of four succeed: a memory that nobody reviewed is active for 12 days, one whose
# stability is a month for five months.
ACTIVE_RETRIEVABILITY: Final = 0.75
# Below it the memory is more likely forgotten than not: after 7 months without any review.
DORMANT_RETRIEVABILITY: Final = 0.5


class AccessibilityState(StrEnum):
    """How easily a memory comes to mind."""

    ACTIVE = "active"  # it is known
    DORMANT = "dormant"  # it has faded, and is more likely known than not
    SILENT = "silent"  # it is more likely forgotten than not
    UNAVAILABLE = "unavailable"  # it is suppressed: hidden on purpose, however well it is known


def accessibility(retrievability: float, *, is_suppressed: bool = False) -> AccessibilityState:
    """Return the state that follows from how likely a memory is recalled.

    Only the forgetting curve decides. It already knows of every review, and it falls by itself, so
    nothing stays active for having been looked at often long ago.

    Args:
        retrievability: at this moment, 0 to 1.
        is_suppressed: it was hidden on purpose.

    Raises:
        ValueError: `retrievability` is not in [0, 1].
    """
    if not 0 <= retrievability <= 1:
        raise ValueError(f"need a retrievability of 0 to 1: {retrievability}")
    if is_suppressed:
        return AccessibilityState.UNAVAILABLE
    if retrievability >= ACTIVE_RETRIEVABILITY:
        return AccessibilityState.ACTIVE
    if retrievability >= DORMANT_RETRIEVABILITY:
        return AccessibilityState.DORMANT
    return AccessibilityState.SILENT
