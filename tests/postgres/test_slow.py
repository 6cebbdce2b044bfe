"""The plan of a slow statement, in which PostgreSQL writes the values of the query."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import pytest

from postgres_server import a_store_database
from vestige.models import MemoryFilter
from vestige.storage.postgres.slow import LITERAL
from vestige.storage.postgres.store import PostgresStore
from vestige.telemetry import log_slow
from vestige.telemetry.slow import DEFAULT_SLOW_MS

if TYPE_CHECKING:
    from collections.abc import Generator

QUOTED: Final = "it's the \\ swordfish"


@pytest.fixture(autouse=True)
def everything_is_slow() -> Generator[None]:
    log_slow(0)
    yield
    log_slow(DEFAULT_SLOW_MS)


async def plans_of_a_list(
    caplog: pytest.LogCaptureFixture, max_connections: int | None = None
) -> list[str | None]:
    async with a_store_database() as url:
        store = await PostgresStore.connect(url, max_connections)
        await store.list_memories(MemoryFilter(codebase=QUOTED, tags=(QUOTED,)))
        await store.close()
    return [
        vars(record).get("plan")
        for record in caplog.records
        if record.name == "vestige.slow"
        and record.levelno == logging.WARNING
        and vars(record)["operation"] == "memories.list_memories"
    ]


async def test_the_values_in_a_plan_are_replaced(caplog: pytest.LogCaptureFixture) -> None:
    (plan,) = await plans_of_a_list(caplog)
    assert plan is not None
    assert "codebase = ?::text" in plan
    assert "tags && ?::text[]" in plan
    assert "swordfish" not in plan


async def test_who_has_one_connection_is_not_kept_waiting_for_a_plan(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert len(await plans_of_a_list(caplog, max_connections=1)) == 1


@pytest.mark.parametrize(
    "literal", ["'plain'", "'it''s'", "E'a \\\\ b'", "'{\"a b\",c''d}'", "''", "'two\nlines'"]
)
def test_a_literal_is_replaced_whole(literal: str) -> None:
    assert LITERAL.sub("?", f"(a = {literal}::text)") in {"(a = ?::text)", "(a = E?::text)"}
