"""Secrets that are given to the command line, to the MCP server and to LangGraph."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from langgraph.store.base import PutOp

import vestige as library
from factories import HASHING
from mcp_clients import call, connected, refused, stored_rows, text_of
from secret_samples import SECRETS
from vestige.config import load_config
from vestige.errors import SecretFoundError
from vestige.integrations.langgraph import VestigeStore

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine, Ran
    from vestige.models import JsonObject

TOKEN: Final = SECRETS["Anthropic API key"][0]
TEXT: Final = f"use {TOKEN} here"
MASKED: Final = "use [Anthropic API key removed] here"
MASK: Final = {"VESTIGE_SECRETS_POLICY": "mask"}

COMMANDS: Final = {
    "remember": ["remember", TEXT],
    "remember tags": ["remember", "a", "--tags", TOKEN],
    "remember source": ["remember", "a", "--source", TEXT],
    "intention": ["intention", "set", TEXT, "--at", "2h"],
    "pattern": ["codebase", "pattern", "a", TEXT, "--codebase", "b"],
    "decision": ["codebase", "decision", TEXT, "--codebase", "b"],
}
CALLS: Final[dict[str, tuple[str, JsonObject]]] = {
    "remember": ("remember", {"content": TEXT}),
    "remember tags": ("remember", {"content": "a", "tags": [TOKEN]}),
    "remember source": ("remember", {"content": "a", "source": TEXT}),
    "intention": ("intention", {"action": "set", "content": TEXT, "in_minutes": 5}),
    "pattern": (
        "codebase",
        {"action": "remember_pattern", "codebase": "b", "name": "a", "description": TEXT},
    ),
    "decision": ("codebase", {"action": "remember_decision", "codebase": "b", "decision": TEXT}),
}


def everything_of(ran: Ran) -> str:
    return ran.out + ran.err


def files_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*.db*")))


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_a_secret_without_repeating_it(
    vestige: CommandLine, command: str, *, as_json: bool
) -> None:
    ran = vestige(*COMMANDS[command], *(["--json"] if as_json else []))
    assert ran.code == 1
    assert "Anthropic API key" in ran.err
    assert "[secrets]" in ran.err
    assert TOKEN not in everything_of(ran)
    assert TOKEN.encode() not in files_in(vestige.folder)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_masks_a_secret_says_so(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch, command: str, *, as_json: bool
) -> None:
    monkeypatch.setenv("VESTIGE_SECRETS_POLICY", "mask")
    ran = vestige(*COMMANDS[command], *(["--json"] if as_json else []))
    assert ran.code == 0, ran.err
    assert "Anthropic API key" in everything_of(ran)
    assert TOKEN not in everything_of(ran)
    assert TOKEN.encode() not in files_in(vestige.folder)


def test_an_edit_refuses_a_secret_and_leaves_the_memory_as_it_was(vestige: CommandLine) -> None:
    memory_id = vestige.remembered("something")
    ran = vestige("edit", memory_id, "--content", TEXT)
    assert ran.code == 1
    assert TOKEN not in everything_of(ran)
    assert vestige("show", memory_id, "--json").json["content"] == "something"


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
@pytest.mark.parametrize("policy", ["refuse", "mask"])
def test_an_import_of_notes_shows_no_secret_of_texts_or_headings(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch, policy: str, options: list[str]
) -> None:
    monkeypatch.setenv("VESTIGE_SECRETS_POLICY", policy)
    notes = vestige.folder / "notes"
    notes.mkdir()
    (notes / "a.md").write_text(f"# Keys {TOKEN}\n\n{TEXT}\n\n# Others\n\nnothing\n")
    for as_json in ([], ["--json"]):
        ran = vestige("import", str(notes), *options, *as_json)
        assert ran.code == (1 if policy == "refuse" else 0)
        assert TOKEN not in everything_of(ran)
        assert "Anthropic API key" in everything_of(ran)
    assert TOKEN.encode() not in files_in(vestige.folder)


def test_an_import_of_an_export_moves_what_is_there(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VESTIGE_SECRETS_POLICY", "allow")
    memory_id = vestige.remembered(TEXT)
    export = tmp_path / "export.jsonl"
    assert vestige("export", "--output", str(export)).code == 0
    monkeypatch.setenv("VESTIGE_SECRETS_POLICY", "refuse")
    monkeypatch.setenv("VESTIGE_STORAGE_SQLITE_PATH", "other.db")
    assert vestige("import", str(export)).code == 0
    assert vestige("show", memory_id, "--json").json["content"] == TEXT


@pytest.mark.parametrize("as_json", [False, True])
def test_find_secrets_prints_ids_and_kinds_but_never_a_secret(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch, *, as_json: bool
) -> None:
    monkeypatch.setenv("VESTIGE_SECRETS_POLICY", "allow")
    memory_id = vestige.remembered(TEXT)
    vestige.remembered("nothing to see")
    ran = vestige("find", "secrets", *(["--json"] if as_json else []))
    assert ran.code == 0
    assert memory_id in ran.out
    assert "Anthropic API key" in ran.out
    assert TOKEN not in everything_of(ran)
    if as_json:
        first = ran.items("secrets")[0]
        assert (first["id"], first["where"]) == (memory_id, "memory")
        assert first["places"] == [{"kind": "Anthropic API key", "field": "content", "line": 1}]
        assert ran.json["looked_at"] == 2


@pytest.mark.parametrize("tool", CALLS)
async def test_a_tool_refuses_a_secret_without_repeating_it(tmp_path: Path, tool: str) -> None:
    name, arguments = CALLS[tool]
    async with connected(tmp_path) as client:
        error = await refused(client, name, **arguments)
    assert error["code"] == "secret_found"
    assert TOKEN not in json.dumps(error)
    assert TOKEN.encode() not in files_in(tmp_path)


@pytest.mark.parametrize("tool", CALLS)
async def test_a_tool_that_masks_a_secret_says_so(tmp_path: Path, tool: str) -> None:
    name, arguments = CALLS[tool]
    async with connected(tmp_path, **MASK) as client:
        result = await client.call_tool(name, arguments)
    shown = text_of(result) + json.dumps(result.structured_content)
    assert "taken out: Anthropic API key" in text_of(result)
    assert "taken out: Anthropic API key" in json.dumps(result.structured_content)
    assert TOKEN not in shown
    assert TOKEN.encode() not in files_in(tmp_path)


async def test_the_tool_memory_says_what_an_edit_has_masked(tmp_path: Path) -> None:
    async with connected(tmp_path, **MASK) as client:
        known = await call(client, "remember", content="something")
        answer = await call(client, "memory", action="edit", id=known["id"], content=TEXT)
    assert answer["content"] == MASKED
    assert str(answer["note"]).startswith("taken out: Anthropic API key")


async def test_one_of_several_statements_with_a_secret_is_refused_alone(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        answer = await call(client, "remember", items=["first", TEXT, "third"])
    rows = answer["results"]
    assert isinstance(rows, list)
    assert [row.get("error") for row in rows if isinstance(row, dict)] == [
        None,
        "secret_found",
        None,
    ]
    assert TOKEN not in json.dumps(answer)
    assert {record.content for record in await stored_rows(tmp_path)} == {"first", "third"}


@pytest.mark.parametrize("policy", ["refuse", "mask"])
def test_langgraph_puts_no_secret(tmp_path: Path, policy: str) -> None:
    config = load_config(None, tmp_path, {**HASHING, "VESTIGE_SECRETS_POLICY": policy})
    put = PutOp(namespace=("a",), key="b", value={"text": TEXT})
    with library.open(config) as memory:
        store = VestigeStore(memory)
        if policy == "refuse":
            with pytest.raises(SecretFoundError):
                store.batch([put])
            assert store.get(("a",), "b") is None
        else:
            store.batch([put])
            item = store.get(("a",), "b")
            assert item is not None
            assert item.value == {"text": MASKED}
    assert TOKEN.encode() not in files_in(tmp_path)
