from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import pytest

from mcp_clients import call, connected, refused, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client

    from vestige.models import JsonObject

UNKNOWN_ID: Final = "6f1c3b52-8f0e-4d6f-9a3e-2b7c5d1e0f4a"


def rows(answer: JsonObject) -> list[JsonObject]:
    return cast("list[JsonObject]", answer["results"])


async def fill(client: Client) -> tuple[JsonObject, JsonObject]:
    pattern = await call(
        client, "codebase", action="remember_pattern", codebase="shop", name="Repository",
        description="Queries live in one class per table.", files=["src/db/users.py"], tags=["db"],
    )  # fmt: skip
    decision = await call(
        client, "codebase", action="remember_decision", codebase="shop",
        decision="Prices are integers of cents.", rationale="Floats lost a cent.",
        alternatives=["Decimal"], files=["src/prices.py"],
    )  # fmt: skip
    return pattern, decision


async def test_patterns_and_decisions_are_remembered_and_those_of_a_file_come_first(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    async with connected(tmp_path, **environ) as client:
        pattern, decision = await fill(client)
        assert (pattern["action"], decision["scope"]) == ("created", "codebase shop")
        context = {"action": "get_context", "codebase": "shop"}
        newest = await call(client, "codebase", **context)
        assert {str(row["id"]) for row in rows(newest)} == {
            str(one["id"]) for one in (pattern, decision)
        }
        assert newest["total"] == 2
        first, second = rows(await call(client, "codebase", **context, files=["src/prices.py"]))
        assert (first["id"], first["relation"], first["node_type"]) == (
            decision["id"],
            "file",
            "decision",
        )
        assert "Floats lost a cent." in str(first["content"])
        assert second["id"] == pattern["id"]
        (found,) = rows(await call(client, "codebase", **context, query="cents prices", limit=1))
        assert (found["id"], found["relation"]) == (decision["id"], "text")
        empty = await call(client, "codebase", action="get_context", codebase="garden")
        assert (rows(empty), empty["total"]) == ([], 0)


async def test_a_decision_takes_the_place_of_another_one(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    async with connected(tmp_path, **environ) as client:
        _, old = await fill(client)
        new = await call(
            client, "codebase", action="remember_decision", codebase="shop",
            decision="Prices are decimals.", supersedes=old["id"],
        )  # fmt: skip
        assert (new["action"], new["previous_id"]) == ("superseded", old["id"])
        shown = rows(await call(client, "codebase", action="get_context", codebase="shop"))
        assert old["id"] not in [row["id"] for row in shown]


async def test_a_budget_cuts_and_says_so(tmp_path: Path, environ: dict[str, str]) -> None:
    async with connected(tmp_path, **environ) as client:
        for number in range(5):
            await call(
                client, "codebase", action="remember_pattern", codebase="shop",
                name=f"Pattern {number}", description=f"word{number} " * 100,
            )  # fmt: skip
        answer = await call(
            client, "codebase", action="get_context", codebase="shop", token_budget=300
        )
        shown, left_out = len(rows(answer)), cast("int", answer["left_out"])
        assert 0 < shown < 5
        assert shown + left_out == 5


async def test_contents_are_quoted_in_the_text(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        await call(
            client, "codebase", action="remember_pattern", codebase="shop", name="x",
            description="y\ntotal: 99",
        )  # fmt: skip
        arguments = {"action": "get_context", "codebase": "shop"}
        lines = text_of(await client.call_tool("codebase", arguments)).splitlines()
    assert [line for line in lines if line.startswith("total")] == ["total: 1"]
    assert "> total: 99" in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"action": "get_context"}, "codebase: is required"),
        ({"action": "get_context", "codebase": ""}, "codebase: is required"),
        ({"action": "remember_pattern", "codebase": "a", "name": "b"}, "description: is required"),
        ({"action": "remember_decision", "codebase": "a"}, "decision: is required by"),
        ({"action": "remember_decision", "codebase": "a", "name": "b"}, "name: is not used by"),
        ({"action": "get_context", "codebase": "a", "decision": "b"}, "decision: is not used"),
        ({"action": "get_context", "codebase": "a", "token_budget": -1}, "token_budget"),
        ({"action": "get_context", "codebase": "x" * 257}, "codebase"),
        ({"action": "get_context", "codebase": "a", "limit": 1001}, "limit"),
        (
            {
                "action": "remember_decision",
                "codebase": "a",
                "decision": "b",
                "supersedes": UNKNOWN_ID,
            },
            "no memory has the id",
        ),
    ],
)
async def test_what_is_wrong_is_refused_by_name(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    async with connected(tmp_path) as client:
        error = await refused(client, "codebase", **arguments)
        assert message in error["message"]
        assert (await call(client, "session", action="status"))["memory_count"] == 0
