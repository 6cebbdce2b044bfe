"""The reference page of the MCP tools names what the server offers, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

from mcp_clients import connected
from vestige.mcp import results

if TYPE_CHECKING:
    from mcp.types import Tool
    from pydantic import BaseModel

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "mcp-tools.md"
COMMON: Final = "What all tools have in common"
RESOURCES: Final = "What can be read without a tool"
CODE: Final = re.compile(r"`(\w+)`")
# The lists of a result whose items are objects, which its schema does not describe.
ROWS: Final[dict[tuple[str, str], type[BaseModel]]] = {
    ("session", "reminders"): results.IntentionRow,
    ("session", "memories"): results.SessionRow,
    ("remember", "candidates"): results.CandidateRow,
    ("remember", "results"): results.ItemRow,
    ("recall", "results"): results.HitRow,
    ("memory", "changes"): results.ChangeRow,
    ("codebase", "results"): results.CodebaseRow,
    ("intention", "intentions"): results.IntentionRow,
    ("maintain", "findings"): results.FindingRow,
}


@pytest.fixture
async def tools(tmp_path: Path) -> list[Tool]:
    async with connected(tmp_path) as client:
        return (await client.list_tools()).tools


def sections() -> dict[str, str]:
    """Return the text of each section of the page by its heading."""
    _, *parts = PAGE.read_text(encoding="utf-8").split("\n## ")
    return {heading: text for heading, _, text in (part.partition("\n") for part in parts)}


def argument_rows(section: str) -> dict[str, list[str]]:
    """Return the cells of each row of the table of arguments by the name of the argument."""
    table = section.partition("| argument |")[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    return {CODE.findall(row[0])[0]: [cell.strip() for cell in row] for row in rows}


async def test_the_page_has_a_section_for_every_tool_and_no_other(tools: list[Tool]) -> None:
    assert list(sections()) == [COMMON, *(tool.name for tool in tools), RESOURCES]


async def test_every_argument_has_a_row_and_every_row_is_an_argument(tools: list[Tool]) -> None:
    for tool in tools:
        rows = argument_rows(sections()[tool.name])
        assert list(rows) == list(cast("dict[str, object]", tool.input_schema["properties"]))


async def test_a_row_says_whether_an_argument_is_required(tools: list[Tool]) -> None:
    for tool in tools:
        rows = argument_rows(sections()[tool.name])
        required = [name for name, row in rows.items() if row[2] == "required"]
        assert required == tool.input_schema.get("required", [])


async def test_every_choice_of_an_argument_is_named(tools: list[Tool]) -> None:
    for tool in tools:
        rows = argument_rows(sections()[tool.name])
        for name, argument in tool.input_schema["properties"].items():
            assert set(argument.get("enum", [])) <= set(CODE.findall(" ".join(rows[name])))


async def test_every_field_of_a_result_is_named(tools: list[Tool]) -> None:
    common = set(CODE.findall(sections()[COMMON]))
    for tool in tools:
        assert tool.output_schema is not None
        named = common | set(CODE.findall(sections()[tool.name]))
        for name, field in tool.output_schema["properties"].items():
            rows = ROWS.get((tool.name, name))
            inner: set[str] = set() if rows is None else set(rows.model_fields)
            assert field["type"] == "array" or rows is None
            assert {name, *inner} <= named, tool.name


def test_every_list_of_rows_is_looked_at(tools: list[Tool]) -> None:
    answers = {
        "session": results.SessionAnswer,
        "remember": results.RememberAnswer,
        "recall": results.RecallAnswer,
        "memory": results.MemoryAnswer,
        "codebase": results.CodebaseAnswer,
        "intention": results.IntentionAnswer,
        "maintain": results.MaintainAnswer,
    }
    assert set(answers) == {tool.name for tool in tools}
    listed = {
        (tool, name)
        for tool, answer in answers.items()
        for name, field in answer.model_fields.items()
        if "Row" in str(field.annotation)
    }
    assert listed == set(ROWS)
