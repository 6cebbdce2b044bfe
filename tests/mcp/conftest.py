"""The two backends as a client's server is told of them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from postgres_server import a_store_database

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest.fixture(params=["sqlite", "postgres"])
async def environ(request: pytest.FixtureRequest) -> AsyncGenerator[dict[str, str]]:
    """Variables that choose a backend."""
    async with AsyncExitStack() as closing:
        if request.param == "sqlite":
            yield {}
            return
        url = await closing.enter_async_context(a_store_database())
        yield {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}
