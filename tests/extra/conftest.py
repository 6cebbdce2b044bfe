"""Programs that packages of Debian and npm bring, unpacked by `make test-extra`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder that the packages were unpacked into."""
    return Path(os.environ["VESTIGE_TEST_SERVERS"]).resolve()
