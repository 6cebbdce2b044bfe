"""The part of a store's contract that is about how fast its memories fade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vestige.models import FsrsWeights


class WeightsStore(Protocol):
    """The weights of FSRS-6; the rules of `vestige.storage.protocol` hold here too.

    A store keeps them for those who schedule; what it writes by itself has the default ones.
    """

    async def get_fsrs_weights(self) -> FsrsWeights | None:
        """Return the weights that were fitted to this store, None for the default ones."""
        ...

    async def set_fsrs_weights(self, weights: FsrsWeights | None) -> None:
        """Replace the weights; None goes back to the default ones.

        Raises:
            InvalidInputError: there are not 21 of them, one is outside its bounds, or a number
                beside them is.
        """
        ...
