"""The engine: a store, an embedder and a clock, and what people do with them."""

from __future__ import annotations

from vestige.engine.orientation import Orientation
from vestige.engine.reminding import Reminding
from vestige.engine.upkeep import Upkeep


class Engine(Orientation, Reminding, Upkeep):
    """Long-term memory: remember, recall, and look after what is remembered.

    It owns neither the store nor the embedder; `vestige.engine.opening` opens and closes them. When
    others change the model of the store, the embedder of the new one takes the place of the old.
    """
