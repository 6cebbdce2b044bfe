from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from forked_programs import forked_programs

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture(scope="session")
def quick_programs() -> Generator[Path]:
    """A folder whose `vestige` spends no time on importing."""
    with forked_programs() as folder:
        yield folder
