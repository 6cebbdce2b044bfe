from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from mcp import Client

from mcp_clients import call, config_in, connected, refused, structured, text_of
from vestige.config import load_config
from vestige.engine.engine import Engine
from vestige.mcp.memory_handle import MemoryHandle
from vestige.mcp.server import build_server

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_misspelt_argument_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        error = await refused(client, "recall", query="x", codebas="billing")
    assert error["code"] == "invalid_input"
    assert error["message"] == "'codebas': recall has no such argument; did you mean codebase?"
    assert "codebase, since, until" in error["hint"]


async def test_an_argument_like_no_other_is_refused_without_a_guess(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        error = await refused(client, "session", zzz=1)
    assert error["message"] == "'zzz': session has no such argument"
    assert error["hint"].startswith("session takes action, queries, codebase")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"query": "x", "limit": "many"}, "limit: must be a valid integer"),
        ({"query": ["x"]}, "query: must be a valid string"),
        ({"query": "x", "tags": "a"}, "tags: must be a list"),
        ({"query": "x", "tags": [1]}, "tags.0: must be a valid string"),
        ({"query": "x", "detail_level": "all"}, "detail_level: must be 'brief', 'summary' or"),
        ({"query": "x", "explain": "perhaps"}, "explain: must be a valid boolean"),
        ({}, "query: is required"),
    ],
)
async def test_a_value_of_the_wrong_type_is_refused_by_name(
    arguments: dict[str, object], problem: str, tmp_path: Path
) -> None:
    async with connected(tmp_path) as client:
        error = await refused(client, "recall", **arguments)
    assert error["message"].startswith(problem)
    assert "pydantic" not in error["message"]


async def test_a_refused_value_is_not_repeated(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        error = await refused(client, "remember", content={"password": "hunter2"})
    assert "hunter2" not in str(error)


async def test_null_means_that_an_argument_is_not_given(tmp_path: Path) -> None:
    nothing = dict.fromkeys(["limit", "tags", "codebase", "since", "explain", "detail_level"])
    async with connected(tmp_path) as client:
        await call(client, "remember", content="the build uses make")
        answer = await call(client, "recall", query="build", **nothing)
    assert answer["scope"] == "all codebases"
    assert answer["results"]


async def test_a_list_that_comes_as_json_text_is_understood(tmp_path: Path) -> None:
    # Some clients send lists like this.
    async with connected(tmp_path) as client:
        await call(client, "remember", content="build", tags='["a", "b"]')
        answer = await call(client, "recall", query="build", tags='["b"]')
    assert answer["results"]


async def test_an_unknown_tool_is_refused_and_the_tools_are_named(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        error = await refused(client, "smart_ingest", content="x")
    assert error["hint"] == (
        "The tools are session, remember, recall, memory, codebase, intention, maintain."
    )


async def test_an_error_names_the_store_and_the_scope(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        result = await client.call_tool("recall", {"query": "", "codebase": "billing"})
    assert result.is_error
    answer = structured(result)
    assert answer["store"] == f"sqlite:{tmp_path / 'vestige.db'}"
    assert answer["scope"] == "codebase billing"
    assert "codebase billing" in text_of(result)


async def test_a_store_that_cannot_be_opened_fails_each_call_until_it_can(tmp_path: Path) -> None:
    path = tmp_path / "vestige.db"
    path.mkdir()
    async with connected(tmp_path) as client:
        assert (await refused(client, "session"))["code"] == "store_unavailable"
        assert (await refused(client, "remember", content="x"))["code"] == "store_unavailable"
        path.rmdir()
        assert (await call(client, "session", action="status"))["memory_count"] == 0


async def test_a_model_other_than_that_of_the_store_is_refused_with_both_names(
    tmp_path: Path,
) -> None:
    async with connected(tmp_path) as client:
        await call(client, "remember", content="x")
    async with connected(tmp_path, VESTIGE_EMBEDDINGS_MODEL="hashing-384") as client:
        error = await refused(client, "session")
    assert error["code"] == "model_mismatch"
    assert "hashing-64" in error["message"]
    assert "hashing-384" in error["message"]
    assert "reembed" in error["hint"]


async def test_a_password_is_in_no_answer(tmp_path: Path) -> None:
    url = "postgresql://ana:hunter2@db.example/vestige"
    environ = {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}
    async with connected(tmp_path, **environ) as client:
        result = await client.call_tool("session", {"action": "status"})
    assert result.is_error
    assert structured(result)["store"] == "postgres:postgresql://ana:***@db.example/vestige"
    assert "hunter2" not in result.model_dump_json()


async def test_a_crash_is_logged_and_tells_the_client_nothing_of_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(_: Engine) -> None:
        raise ZeroDivisionError("internal detail")

    monkeypatch.setattr(Engine, "health", crash)
    async with connected(tmp_path) as client:
        with caplog.at_level(logging.ERROR):
            result = await client.call_tool("session", {"action": "status"})
    assert result.is_error
    assert text_of(result) == "Error executing tool session"
    assert "internal detail" in caplog.text


async def test_nothing_is_opened_before_a_tool_is_called_and_all_is_closed_at_the_end(
    tmp_path: Path,
) -> None:
    config = config_in(tmp_path)
    handle = MemoryHandle(config)
    async with Client(build_server(config, handle)) as client:
        await client.list_tools()
        assert not list(tmp_path.iterdir())
        await call(client, "remember", content="x")
        engine = await handle.engine()
        assert await engine.store.count() == 1
    assert (await engine.health()).status == "unavailable"


def test_the_store_is_the_configured_one(tmp_path: Path) -> None:
    environ = {"VESTIGE_STORAGE_SQLITE_PATH": "team.db"}
    handle = MemoryHandle(load_config(None, tmp_path, environ))
    assert handle.store_name == f"sqlite:{tmp_path / 'team.db'}"
