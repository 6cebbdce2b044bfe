"""Any sequence of changes: what a reader expects, the same on both backends, and accounted for.

VESTIGE_TEST_CHANGES is how many changes are made; by default few enough for every run.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

import conftest
from accounts import accounted, replayed
from factories import ManualClock
from random_changes import RandomChanges
from vestige.embedding import open_embedder
from vestige.engine import ingest, parts
from vestige.engine.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path

CHANGES = int(os.environ.get("VESTIGE_TEST_CHANGES", "250"))


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_changes_do_what_they_say_on_both_backends(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[list[str]] = []
    for open_backend in conftest.BACKENDS.values():
        clock, ids = ManualClock(), random.Random(seed)  # noqa: S311  # the same on each backend
        for module in (ingest, parts):
            monkeypatch.setattr(module, "uuid4", lambda ids=ids: UUID(int=ids.getrandbits(128)))
        async with open_backend(tmp_path, clock) as open_handle:
            engine = Engine(await open_handle(), open_embedder("hashing", "hashing-384"), clock)
            changes = RandomChanges(engine, clock, seed)
            await changes.run(CHANGES)
            assert await replayed(engine) == await accounted(engine)
            assert min(changes.done.values()) > 0
            ends.append(await changes.rows())
    assert ends[0] == ends[1]
