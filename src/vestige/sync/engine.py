"""The engine that is not async, in one class.

Written by `python tools/sync_engine.py --write` from `src/vestige/engine/engine.py`.
"""

from __future__ import annotations

from vestige.sync.orientation import Orientation
from vestige.sync.reminding import Reminding
from vestige.sync.upkeep import Upkeep


class SyncEngine(Orientation, Reminding, Upkeep):
    """Long-term memory like `Engine`, with methods that wait for their answers.

    Several threads may use it at once. Functions that it calls, such as those that are told how far
    a consolidation is, run on its own thread and must not call it.
    """
