from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from mcp_clients import call, connected, refused, rows_of, stored_rows, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client


async def remembered(client: Client) -> str:
    answer = await call(
        client,
        "remember",
        content="Deploy on Tuesdays.",
        node_type="decision",
        tags=["deploy"],
        codebase="billing",
        file="deploy.md",
    )
    return str(answer["id"])


async def test_get_returns_all_of_a_memory_and_how_it_is_scheduled(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        answer = await call(client, "memory", action="get", id=memory_id)
    assert answer["id"] == memory_id
    assert answer["content"] == "Deploy on Tuesdays."
    assert (answer["node_type"], answer["tags"]) == ("decision", ["deploy"])
    assert (answer["codebase"], answer["scope"]) == ("billing", "codebase billing")
    assert isinstance(answer["metadata"], dict)
    assert answer["metadata"]["file"] == "deploy.md"
    assert answer["retrievability"] == 1.0
    assert {"stability", "next_review", "reps", "lapses", "created_at"} <= answer.keys()


async def test_metadata_with_empty_values_comes_back_whole(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        answer = await call(client, "remember", content="x", topics=["", "a"])
        got = await call(client, "memory", action="get", id=answer["id"])
    assert isinstance(got["metadata"], dict)
    assert got["metadata"]["topics"] == ["", "a"]


async def test_edit_answers_with_the_text_before_and_the_text_now(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        arguments = {"action": "edit", "id": memory_id, "content": "Deploy on Fridays."}
        result = await client.call_tool("memory", arguments)
        found = rows_of(await call(client, "recall", query="Fridays"))
    assert result.structured_content is not None
    assert result.structured_content["previous_content"] == "Deploy on Tuesdays."
    assert result.structured_content["content"] == "Deploy on Fridays."
    assert "previous_tags" not in result.structured_content
    assert text_of(result).endswith("previous content:\n> Deploy on Tuesdays.")
    assert [row["content"] for row in found] == ["Deploy on Fridays."]


async def test_edit_changes_only_what_is_given_and_names_what_it_replaced(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        answer = await call(
            client,
            "memory",
            action="edit",
            id=memory_id,
            tags=[],
            codebase="shop",
            node_type="fact",
        )
    (row,) = await stored_rows(tmp_path)
    assert (row.content, row.tags, row.codebase) == ("Deploy on Tuesdays.", (), "shop")
    assert answer["previous_tags"] == ["deploy"]
    assert (answer["previous_codebase"], answer["codebase"]) == ("billing", "shop")
    assert (answer["previous_node_type"], answer["node_type"]) == ("decision", "fact")


@pytest.mark.parametrize("content", ['["a", "list"]', "null", "{}", "3"])
async def test_new_content_that_looks_like_json_stays_text(content: str, tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        await call(client, "memory", action="edit", id=memory_id, content=content)
    (row,) = await stored_rows(tmp_path)
    assert row.content == content


async def test_an_edit_of_nothing_is_refused(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        error = await refused(client, "memory", action="edit", id=memory_id)
    assert error["message"] == "edit: nothing would change"


@pytest.mark.parametrize("arguments", [{}, {"confirm": False}, {"confirm": None}])
async def test_forget_without_a_confirmation_says_so_and_changes_nothing(
    arguments: dict[str, bool | None], tmp_path: Path
) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        error = await refused(client, "memory", action="forget", id=memory_id, **arguments)
    assert "nothing was changed" in error["message"]
    assert "confirm: true" in error["hint"]
    assert len(await stored_rows(tmp_path)) == 1


async def test_forget_deletes_and_answers_with_what_was_deleted(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        answer = await call(client, "memory", action="forget", id=memory_id, confirm=True)
        error = await refused(client, "memory", action="get", id=memory_id)
    assert answer["previous_content"] == "Deploy on Tuesdays."
    assert answer["previous_tags"] == ["deploy"]
    assert error["code"] == "memory_not_found"
    assert not await stored_rows(tmp_path)


async def test_promote_makes_a_memory_last_and_demote_makes_it_fade(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        promoted = await call(client, "memory", action="promote", id=memory_id)
        demoted = await call(client, "memory", action="demote", id=memory_id)
    assert float(str(promoted["stability"])) > float(str(promoted["previous_stability"]))
    assert float(str(demoted["stability"])) < float(str(promoted["stability"]))
    assert (demoted["reps"], demoted["lapses"]) == (2, 1)


@pytest.mark.parametrize(
    "action", ["get", "edit", "promote", "demote", "forget", "suppress", "restore", "purge"]
)
async def test_an_unknown_id_is_named(action: str, tmp_path: Path) -> None:
    unknown = str(uuid4())
    more = {"confirm": True} if action in {"forget", "purge"} else {}
    more = {"content": "x"} if action == "edit" else more
    async with connected(tmp_path) as client:
        error = await refused(client, "memory", action=action, id=unknown, **more)
    assert error["code"] == "memory_not_found"
    assert unknown in error["message"]


async def test_an_id_that_is_none_is_refused(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        error = await refused(client, "memory", action="get", id="the first one\n> of all")
    assert error["message"] == "id: 'the first one > of all' is not a UUID"


async def test_a_change_that_the_action_would_not_make_is_refused(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        memory_id = await remembered(client)
        error = await refused(client, "memory", action="promote", id=memory_id, content="new")
    assert error["message"] == "content: is not used by promote"
    (row,) = await stored_rows(tmp_path)
    assert row.content == "Deploy on Tuesdays."
