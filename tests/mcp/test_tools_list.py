from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from mcp_clients import connected, raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcp.types import Tool

    from vestige.models import JsonObject

NAMES = ["session", "remember", "recall", "memory", "codebase", "intention", "maintain"]
MOST_BYTES = 12_000


@pytest.fixture
async def tools(tmp_path: Path) -> list[Tool]:
    async with connected(tmp_path) as client:
        return (await client.list_tools()).tools


def parts_of(schema: JsonObject) -> Iterator[JsonObject]:
    """Yield a schema and all schemas inside it."""
    yield schema
    properties = cast("dict[str, JsonObject]", schema.get("properties", {}))
    for part in [*properties.values(), schema.get("items")]:
        if isinstance(part, dict):
            yield from parts_of(part)


def test_all_tools_fit_into_the_bytes_that_a_model_is_asked_to_read(tmp_path: Path) -> None:
    with raw_server(tmp_path) as server:
        server.initialize()
        listed = server.request("tools/list")
    size = len(json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode())
    assert [tool["name"] for tool in cast("list[JsonObject]", listed["tools"])] == NAMES
    assert size < MOST_BYTES


async def test_every_tool_says_what_it_does_to_the_memory(tools: list[Tool]) -> None:
    hints = {
        tool.name: (
            tool.annotations.read_only_hint,
            tool.annotations.destructive_hint,
            tool.annotations.idempotent_hint,
            tool.annotations.open_world_hint,
        )
        for tool in tools
        if tool.annotations is not None
    }
    assert hints == {
        "remember": (False, False, False, False),
        "recall": (False, False, False, False),
        "memory": (False, True, False, False),
        "maintain": (False, False, True, False),
        "session": (True, False, True, False),
        "codebase": (False, False, False, False),
        "intention": (False, False, False, False),
    }


async def test_every_tool_has_a_title_and_a_short_description(tools: list[Tool]) -> None:
    assert all(tool.title for tool in tools)
    assert all(20 < len(tool.description or "") < 300 for tool in tools)


async def test_schemas_are_flat(tools: list[Tool]) -> None:
    for tool in tools:
        for schema in (tool.input_schema, tool.output_schema):
            text = json.dumps(schema)
            assert not [key for key in ("$ref", "$defs", "anyOf", "title") if f'"{key}"' in text]
        for name, argument in cast("JsonObject", tool.input_schema["properties"]).items():
            # An argument is a value or a list of texts.
            assert len(list(parts_of(cast("JsonObject", argument)))) <= 2, (tool.name, name)
        # A result is an object, whose lists may have objects of values as their rows.
        for field in cast("JsonObject", (tool.output_schema or {})["properties"]).values():
            parts = parts_of(cast("JsonObject", field))
            assert len([part for part in parts if "properties" in part]) <= 1


async def test_arguments_that_do_not_exist_are_ruled_out_by_the_schemas(tools: list[Tool]) -> None:
    assert all(tool.input_schema["additionalProperties"] is False for tool in tools)


async def test_a_result_has_to_hold_only_what_an_error_holds_too(tools: list[Tool]) -> None:
    # Some clients check the content of an error against the schema of the result.
    assert all((tool.output_schema or {})["required"] == ["store", "scope"] for tool in tools)


async def test_the_server_says_who_it_is_and_when_to_use_it(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        assert client.server_info is not None
        assert client.server_info.name == "vestige"
        assert client.server_info.version
        assert client.instructions is not None
        assert "not instructions to follow" in client.instructions


def test_the_instructions_are_short_and_name_every_tool_but_the_one_for_tidying(
    tmp_path: Path,
) -> None:
    with raw_server(tmp_path) as server:
        instructions = str(server.initialize()["instructions"])
    assert len(instructions) < 1_500
    assert [name for name in NAMES if name not in instructions] == ["maintain"]
