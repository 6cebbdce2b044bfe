from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_clients import call, connected, text_of

if TYPE_CHECKING:
    from pathlib import Path


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
