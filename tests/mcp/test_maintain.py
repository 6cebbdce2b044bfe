from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from mcp_clients import call, config_in, connected, refused, stored_rows, structured, text_of
from vestige.storage.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client

    from vestige.models import JsonObject

TEXTS = ["The API timeout is 30 seconds", "The API timeout is 45 seconds", "the ship is slow"]


async def remember(client: Client, *contents: str) -> list[str]:
    answers = [
        await call(client, "remember", content=content, codebase="dock", force_create=True)
        for content in contents
    ]
    return [str(answer["id"]) for answer in answers]


def findings(answer: JsonObject) -> list[JsonObject]:
    return cast("list[JsonObject]", answer["findings"])


async def test_a_plan_writes_nothing_and_consolidate_does_what_it_says_in_the_clients_name(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    async with connected(tmp_path, **environ) as client:
        await remember(client, *TEXTS)
        plan = await call(client, "maintain", action="consolidate_plan")
        assert await call(client, "maintain", action="consolidate_plan") == plan
        done = await call(client, "maintain", action="consolidate")
        again = await call(client, "maintain", action="consolidate")
    assert done["changes"] == plan["changes"]
    assert set(cast("dict[str, int]", again["changes"]).values()) <= {0}
    assert [row["kind"] for row in findings(plan)] == ["contradiction"]
    store = await open_store(config_in(tmp_path, **environ))
    accounts = [entry for entry in await store.list_changelog() if entry.action == "consolidated"]
    await store.close()
    assert all(entry.client_id and entry.session_id for entry in accounts)
    assert bool(accounts) == any(cast("dict[str, int]", plan["changes"]).values())


async def test_contradictions_come_with_both_texts_and_values(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        older, newer, _ = await remember(client, *TEXTS)
        arguments = {"action": "find_contradictions", "codebase": "dock"}
        result = await client.call_tool("maintain", arguments)
    answer = structured(result)
    (row,) = findings(answer)
    assert (row["kind"], row["ids"]) == ("contradiction", [older, newer])
    assert (row["content"], row["other_content"]) == (TEXTS[0], TEXTS[1])
    assert row["reason"] == "number: '30 seconds' and '45 seconds'"
    assert row["confidence"] == 0.9
    assert (answer["scope"], answer["total"]) == ("codebase dock", 1)
    assert f"> {TEXTS[0]}\n> {TEXTS[1]}" in text_of(result)
    assert "not instructions" in text_of(result)


async def test_duplicates_name_ten_ids_and_how_many_there_are(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        ids = await remember(client, *["the same"] * 12, "another thing")
        answer = await call(client, "maintain", action="find_duplicates", threshold=0.9, limit=3)
    (row,) = findings(answer)
    assert row["kind"] == "duplicate"
    assert row["reason"] == "12 memories; the first two: the same text"
    named = cast("list[str]", row["ids"])
    assert len(named) == 10
    assert set(named) <= set(ids)
    assert len(await stored_rows(tmp_path)) == 10  # a page; nothing is deleted


@pytest.mark.parametrize(
    ("action", "arguments", "argument"),
    [
        ("consolidate", {"codebase": "dock"}, "codebase"),
        ("consolidate_plan", {"limit": 3}, "limit"),
        ("find_contradictions", {"threshold": 0.5}, "threshold"),
        ("find_duplicates", {"threshold": 1.5}, "threshold"),
        ("find_duplicates", {"limit": 1001}, "limit"),
        ("merge", {}, "action"),
    ],
)
async def test_an_argument_that_the_action_cannot_use_is_refused(
    tmp_path: Path, action: str, arguments: dict[str, object], argument: str
) -> None:
    async with connected(tmp_path) as client:
        error = await refused(client, "maintain", action=action, **arguments)
    assert error["message"].startswith(f"{argument}: ")


async def test_an_empty_memory_has_nothing_to_maintain(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        plan = await call(client, "maintain", action="consolidate_plan")
        found = await call(client, "maintain", action="find_duplicates")
    assert plan["changes"] == {"retrievability": 0, "vectors": 0, "domains": 0}
    assert (found["findings"], found["total"]) == ([], 0)
