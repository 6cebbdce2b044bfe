"""The MCP server on either backend: what an agent says arrives in the row, and goes from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from mcp_clients import call, config_in, connected
from vestige.storage.opening import open_store
from vestige.storage.sqlite.store import SqliteStore
from vestige.transfer.copy_plan import CopyPlan, CopyReport
from vestige.transfer.copying import copy
from vestige.transfer.export import export_lines

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT: Final[dict[str, object]] = {
    "file": "src/api.py",
    "topics": ["retries", "payments"],
    "source": "https://wiki.example/retries",
}


async def test_what_an_agent_says_of_a_memory_survives_to_row_copy_and_export(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    async with connected(tmp_path, **environ) as client:
        told = await call(
            client, "remember", content="The payment API is retried", codebase="shop", **CONTEXT
        )
    store = await open_store(config_in(tmp_path, **environ))
    row = await store.get(UUID(str(told["id"])))
    assert row is not None
    assert row.codebase == "shop"
    assert {name: row.metadata[name] for name in CONTEXT} == CONTEXT
    assert row.metadata["mcp_client_id"]
    assert row.metadata["session_id"]

    other = await SqliteStore.open(tmp_path / "copy.db")
    await copy(store, other, CopyPlan(model="keep"), CopyReport())
    assert await other.get(row.id) == row

    lines = b"".join([line async for line in export_lines(store)]).decode()
    kept = [text for text in lines.splitlines() if '"table":"knowledge_nodes"' in text]
    (line,) = [text for text in kept if str(row.id) in text]
    for name, value in CONTEXT.items():
        assert f'"{name}":' in line
        assert str(value if isinstance(value, str) else "payments") in line
    await other.close()
    await store.close()


async def test_an_agent_recalls_edits_and_forgets(tmp_path: Path, environ: dict[str, str]) -> None:
    async with connected(tmp_path, **environ) as client:
        told = await call(client, "remember", content="The harbour opens at nine")
        found = await call(client, "recall", query="when does the harbour open?")
        assert [row["id"] for row in _rows(found["results"])] == [told["id"]]
        state = await call(client, "session", action="status")
        assert state["store"] == found["store"]


async def test_an_agent_replaces_hides_takes_back_and_purges(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    async with connected(tmp_path, **environ) as client:
        old = await call(client, "remember", content="The harbour opens at nine")
        new = await call(
            client, "remember", content="The harbour opens at ten", supersedes=old["id"]
        )
        assert new["action"] == "superseded"
        assert new["previous_content"] == "The harbour opens at nine"
        batch = await call(client, "remember", items=["one", "", "three"])
        assert ["error" in row for row in _rows(batch["results"])] == [False, True, False]
        for action in ("suppress", "restore"):
            await call(client, "memory", action=action, id=new["id"])
        undone = await call(client, "memory", action="undo")
        assert [row["action"] for row in _rows(undone["changes"])] == ["restored"]
        edited = await call(
            client, "memory", action="edit", id=new["id"], valid_until="2031-01-01T00:00:00Z"
        )
        assert edited["valid_until"] == "2031-01-01T00:00:00.000000Z"
        await call(client, "memory", action="forget", id=old["id"], confirm=True)
        await call(client, "memory", action="undo")
        got = await call(client, "memory", action="get", id=old["id"])
        assert got["content"] == "The harbour opens at nine"
        assert got["superseded_at"]
        purged = await call(client, "memory", action="purge", id=old["id"], confirm=True)
        assert purged["is_erased"] is True
        log = await call(client, "memory", action="changelog", id=old["id"], limit=100)
    clients = {row["client_id"] for row in _rows(log["changes"])}
    assert len(clients) == 1
    assert None not in clients
    assert [row["action"] for row in _rows(log["changes"])] == [
        *("purged", "undone", "forgotten", "superseded", "created")
    ]
    assert "nine" not in str(log)


def _rows(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return cast("list[dict[str, object]]", value)
