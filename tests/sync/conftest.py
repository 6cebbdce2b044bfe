from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import vestige

if TYPE_CHECKING:
    from collections.abc import Generator

    from factories import ManualClock
    from vestige import Config, SyncEngine


@pytest.fixture
def memory(config: Config, clock: ManualClock) -> Generator[SyncEngine]:
    """An engine that is not async, on each backend in turn."""
    with vestige.open(config, clock=clock) as opened:
        yield opened
