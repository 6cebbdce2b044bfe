"""A day with agents: what one of them decides in the morning, the others know at noon."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

import pytest
from mcp import Client
from mcp.types import Implementation

from mcp_clients import call, config_in
from postgres_server import a_store_database
from vestige.mcp.server import build_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from vestige.models import JsonObject

SHOP: Final = {"codebase": "shop"}
QUESTION: Final = "where are the sessions of the shop kept?"
REDIS: Final = "The sessions of the shop are kept in Redis."
POSTGRES: Final = "The sessions of the shop are kept in PostgreSQL."


def client(name: str, folder: Path, **environ: str) -> Client:
    """Return a client with a name, whose server is its own."""
    server = build_server(config_in(folder, **environ))
    return Client(server, client_info=Implementation(name=name, version="1"))


@asynccontextmanager
async def agents(kind: str, folder: Path) -> AsyncGenerator[tuple[Client, Client]]:
    """Yield the agent of the morning and that of noon, who may be the same."""
    if kind == "one client on SQLite":
        async with client("editor", folder) as only:
            yield only, only
        return
    async with a_store_database() as url:
        shared = {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}
        async with (
            client("editor", folder / "a", **shared) as first,
            client("terminal", folder / "b", **shared) as second,
        ):
            yield first, second


def contents(answer: JsonObject, key: str = "results") -> list[str]:
    return [str(row["content"]) for row in cast("list[JsonObject]", answer[key])]


@pytest.mark.parametrize("kind", ["two clients on one PostgreSQL store", "one client on SQLite"])
async def test_what_was_decided_in_the_morning_is_known_at_noon_and_replaced_by_the_evening(
    tmp_path: Path, kind: str
) -> None:
    async with agents(kind, tmp_path) as (first, second):
        await live_through_a_day(first, second)


async def live_through_a_day(first: Client, second: Client) -> None:
    # In the morning the store is empty; something is decided, and something is left for later.
    start = await call(first, "session", queries=[QUESTION], **SHOP)
    assert (start["reminders"], start["memories"]) == ([], [])
    decided = await call(
        first, "codebase", action="remember_decision", decision=REDIS,
        rationale="They may be lost.", alternatives=["PostgreSQL"], **SHOP,
    )  # fmt: skip
    assert decided["action"] == "created"
    await call(
        first, "intention", action="set", content="Measure the logins", topic="sessions", **SHOP
    )

    # At noon another agent starts on the same thing: it is reminded, and finds the decision.
    start = await call(second, "session", queries=[QUESTION], topics=["sessions"], **SHOP)
    assert contents(start, "reminders") == ["Measure the logins"]
    (known,) = cast("list[JsonObject]", start["memories"])
    assert REDIS in str(known["content"])
    assert "They may be lost." in str(known["content"])
    (reminder,) = cast("list[JsonObject]", start["reminders"])
    await call(second, "intention", action="complete", id=reminder["id"])

    # In the afternoon it is decided otherwise.
    changed = await call(
        second, "codebase", action="remember_decision", decision=POSTGRES,
        rationale="They must not be lost after all.", supersedes=known["id"], **SHOP,
    )  # fmt: skip
    assert (changed["action"], changed["previous_id"]) == ("superseded", decided["id"])

    # In the evening only what holds is recalled, and nothing is left to do.
    (answer,) = contents(await call(first, "recall", query=QUESTION))
    assert POSTGRES in answer
    assert REDIS not in answer
    evening = await call(first, "session", topics=["sessions"], **SHOP)
    assert evening["reminders"] == []
    assert len(contents(evening, "memories")) == 1
    before = await call(first, "recall", query=QUESTION, include_superseded=True)
    assert len(contents(before)) == 2

    # The changelog tells the day, newest first, and who did what.
    told = await call(first, "memory", action="changelog", limit=20)
    story = [(row["action"], row["client_id"]) for row in cast("list[JsonObject]", told["changes"])]
    editor, other = "editor/1", "editor/1" if first is second else "terminal/1"
    assert story == [
        ("superseded", other),
        ("superseded", other),
        ("completed", other),
        ("intended", editor),
        ("created", editor),
    ]
