"""The reference page of the MCP tools names what the server offers, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

from mcp_clients import connected
from vestige.engine.codebase import CONTEXT_TOKENS
from vestige.engine.session_start import SESSION_TOKENS
from vestige.mcp import results

if TYPE_CHECKING:
    from mcp.types import Tool
    from pydantic import BaseModel

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "mcp-tools.md"
COMMON: Final = "What all tools have in common"
RESOURCES: Final = "What can be read without a tool"
FIRST_CELL: Final = re.compile(r"^\| (`.*?) \|", re.MULTILINE)
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


# What the page calls the types of a schema.
TYPES: Final[dict[str, set[str]]] = {
    "array": {"list of text"},
    "boolean": {"true or false"},
    "integer": {"whole number"},
    "number": {"number"},
    "one of": {"one of"},
    "string": {"text", "time"},
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


async def test_a_row_names_no_choice_of_an_action_that_is_not_there(tools: list[Tool]) -> None:
    for tool in tools:
        for name, argument in tool.input_schema["properties"].items():
            row = argument_rows(sections()[tool.name])[name]
            assert "enum" not in argument or set(CODE.findall(row[3])) == set(argument["enum"])


async def test_a_row_says_the_type_and_the_default_of_an_argument(tools: list[Tool]) -> None:
    for tool in tools:
        rows = argument_rows(sections()[tool.name])
        for name, argument in tool.input_schema["properties"].items():
            kind = "one of" if "enum" in argument else argument["type"]
            assert rows[name][1] in TYPES[kind], (tool.name, name)
            if "default" in argument:
                assert rows[name][2] == f"`{argument['default']}`"


def test_the_budgets_are_those_of_the_code() -> None:
    assert argument_rows(sections()["session"])["token_budget"][2] == str(SESSION_TOKENS)
    assert argument_rows(sections()["codebase"])["token_budget"][2] == str(CONTEXT_TOKENS)


async def test_no_field_of_a_result_is_listed_that_is_not_there(tools: list[Tool]) -> None:
    for tool in tools:
        assert tool.output_schema is not None
        known = set(tool.output_schema["properties"])
        for (name, _), row in ROWS.items():
            known |= set(row.model_fields) if name == tool.name else set()
        _, *tables = re.split(
            r"^\| (?:result|field of a [\w ]+) \|", sections()[tool.name], flags=re.MULTILINE
        )
        listed = [
            row for table in tables for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        ]
        assert {name for row in listed for name in CODE.findall(row)} <= known


async def test_every_resource_is_on_the_page_and_no_other(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
    offered = [str(one.uri) for one in resources] + [one.uri_template for one in templates]
    listed = re.findall(r"^\| `(\w+://[^`]+)` \|", sections()[RESOURCES], re.MULTILINE)
    assert sorted(listed) == sorted(offered)


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
