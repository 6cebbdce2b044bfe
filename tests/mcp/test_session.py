from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from mcp_clients import call, connected, refused, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from vestige.models import JsonObject


async def test_status_of_a_new_memory_names_store_model_and_health(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        answer = await call(client, "session", action="status")
    assert answer["health"] == "healthy"
    assert answer["store"] == f"sqlite:{tmp_path / 'vestige.db'}"
    assert answer["scope"] == "all codebases"
    assert (answer["model"], answer["dimension"]) == ("hashing-64", 64)
    assert (answer["memory_count"], answer["due_count"]) == (0, 0)
    assert isinstance(answer["schema_version"], int)


async def test_status_counts_what_is_stored(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        await call(client, "remember", content="a", codebase="billing")
        await call(client, "remember", content="b", codebase="billing", node_type="decision")
        await call(client, "remember", content="c")
        answer = await call(client, "session", action="status")
    assert answer["memory_count"] == 3
    assert answer["node_types"] == {"fact": 2, "decision": 1}
    assert answer["codebases"] == {"billing": 2}


async def test_status_tells_what_an_operator_needs_to_know(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        answer = await call(client, "session", action="status")
    assert isinstance(answer["details"], dict)
    assert answer["details"]["journal_mode"] == "wal"
    assert answer["details"]["unapplied_steps"] == "0002_hnsw (waiting)"


async def test_only_the_most_frequent_names_are_listed(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        for number in range(21):
            await call(client, "remember", content=f"n{number}", codebase=f"c{number:02}")
        await call(client, "remember", content="once more", codebase="c20")
        answer = await call(client, "session", action="status")
    assert isinstance(answer["codebases"], dict)
    assert list(answer["codebases"]) == ["c20", *(f"c{number:02}" for number in range(19))]


async def test_a_name_in_the_text_of_a_status_stays_on_its_line(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        await call(client, "remember", content="a", codebase='x"\nhealth: unavailable')
        result = await client.call_tool("session", {"action": "status"})
    lines = text_of(result).splitlines()
    assert [line for line in lines if line.startswith("health")] == ['health: "healthy"']


async def test_a_session_starts_with_reminders_the_codebase_and_what_was_asked_for(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    async with connected(tmp_path, **environ) as client:
        await call(client, "intention", action="set", content="Run the bench", codebase="shop")
        decision = await call(
            client, "codebase", action="remember_decision", codebase="shop", decision="Use cents."
        )
        liked = await call(client, "remember", content="The user prefers short answers")
        await call(client, "remember", content="another project", codebase="garden")
        answer = await call(client, "session", codebase="shop", queries=["user prefers answers"])
    assert (answer["action"], answer["scope"]) == ("start", "codebase shop")
    (reminder,) = cast("list[JsonObject]", answer["reminders"])
    assert (reminder["content"], reminder["reason"]) == (
        "Run the bench",
        "its context is here: codebase",
    )
    memories = cast("list[JsonObject]", answer["memories"])
    assert [row["id"] for row in memories] == [decision["id"], liked["id"]]
    assert "left_out" not in answer


async def test_a_session_keeps_to_its_budget_and_says_what_is_left_out(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        for number in range(5):
            content = f"Use number{number} for this. " * 50
            await call(client, "remember", content=content, codebase="shop", node_type="decision")
        answer = await call(client, "session", codebase="shop", token_budget=200)
    assert answer["left_out"]
    shown = "".join(str(row["content"]) for row in cast("list[JsonObject]", answer["memories"]))
    assert 0 < len(shown) < 1000


async def test_the_timeline_counts_days_and_goes_back_as_far_as_asked(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    async with connected(tmp_path, **environ) as client:
        for day in ("01", "02", "02"):
            content, at = f"a memory of day {day}", f"2026-01-{day}T10:00:00Z"
            await call(client, "remember", content=content, created_at=at, force_create=True)
        answer = await call(client, "session", action="timeline", limit=2)
        assert answer["notes"] == ["2026-01-02: 2 created"]
        assert answer["left_out"] == 1
        since = await call(client, "session", action="timeline", since="2026-01-02T00:00:00Z")
        assert len(cast("list[JsonObject]", since["memories"])) == 2
        assert "left_out" not in since


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"action": "status", "limit": 5}, "limit: is not used by status"),
        ({"action": "start", "since": "2026-01-31T00:00:00Z"}, "since: is not used by start"),
        ({"action": "timeline", "queries": ["a"]}, "queries: is not used by timeline"),
        ({"action": "timeline", "since": "yesterday"}, "since: 'yesterday' is no RFC 3339"),
        ({"action": "start", "token_budget": -5}, "token_budget"),
        ({"action": "start", "queries": ["a"] * 11}, "queries"),
        ({"action": "end"}, "action"),
    ],
)
async def test_what_a_session_cannot_do_is_refused_by_name(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    async with connected(tmp_path) as client:
        assert message in (await refused(client, "session", **arguments))["message"]
