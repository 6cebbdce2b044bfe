from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from command_line import files_of, is_two_lines
from factories import a_domain, a_group, a_user
from vestige.embedding import open_embedder
from vestige.models import LOCAL_USER_ID
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from command_line import CommandLine


@pytest.fixture
async def filled(vestige: CommandLine) -> CommandLine:
    """A command line whose store has two domains, a user and a group."""
    embedder = open_embedder("hashing", "hashing-64")
    store = await SqliteStore.open(vestige.store)
    await store.register_model(embedder.signature)
    await store.upsert_domain(
        a_domain(
            "work",
            centroid=embedder.embed_query("work")[0],
            top_terms=("office", "desk\x1b[2J"),
            memory_count=7,
            metadata={"colour": "blue"},
        )
    )
    await store.upsert_domain(a_domain("home"))
    await store.upsert_user(a_user("ana", display_name="Ana", metadata={"team": "api"}))
    await store.upsert_group(a_group("shop", display_name="Shop\n"))
    await store.close()
    return vestige


def test_domains_are_listed(filled: CommandLine) -> None:
    ran = filled("domains", "list")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "id    label  memories  top terms",
        "home  Home   0         -",
        "work  Work   7         office, desk\\x1b[2J",
    ]
    found = filled("domains", "list", "--json").items("domains")
    assert [domain["id"] for domain in found] == ["home", "work"]


def test_a_domain_is_shown_whole(filled: CommandLine) -> None:
    assert filled("domains", "show", "work", "--json").json == {
        "id": "work",
        "label": "Work",
        "top_terms": ["office", "desk\x1b[2J"],
        "memory_count": 7,
        "metadata": {"colour": "blue"},
        "created_at": "2024-05-17T09:30:00.123456Z",
        "has_centroid": True,
    }
    shown = filled("domains", "show", "work").out
    assert "centroid   64 dimensions\n" in shown
    assert 'metadata   {"colour": "blue"}\n' in shown
    assert "\x1b" not in shown
    assert filled("domains", "show", "home", "--json").json["has_centroid"] is False


def test_an_unknown_domain_is_named(filled: CommandLine) -> None:
    before = files_of(filled.folder)
    for domain_id, named in (("play", "'play'"), ("", "empty"), ("p\udcff", "surrogate")):
        ran = filled("domains", "show", domain_id)
        assert (ran.code, ran.out) == (1, "")
        assert is_two_lines(ran.err)
        assert named in ran.err
    assert "vestige domains list" in filled("domains", "show", "play").err
    assert files_of(filled.folder) == before


def test_users_and_groups_are_listed(filled: CommandLine) -> None:
    found = filled("users", "list", "--json").items("users")
    assert [user["id"] for user in found] == [str(LOCAL_USER_ID), str(a_user("ana").id)]
    assert found[1] == {
        "id": str(a_user("ana").id),
        "handle": "ana",
        "display_name": "Ana",
        "metadata": {"team": "api"},
        "created_at": "2024-05-17T09:30:00.123456Z",
    }
    assert f"{a_user('ana').id}  ana " in filled("users", "list").out
    groups = filled("groups", "list", "--json").items("groups")
    assert [(group["handle"], group["display_name"]) for group in groups] == [("shop", "Shop\n")]
    assert f"{a_group('shop').id}  shop    Shop\\n  2024-05-17" in filled("groups", "list").out


def test_a_new_store_has_the_local_user_and_nothing_else(vestige: CommandLine) -> None:
    vestige.remembered("a text")
    users = vestige("users", "list", "--json").items("users")
    assert [user["id"] for user in users] == [str(LOCAL_USER_ID)]
    for command, key in (("groups", "groups"), ("domains", "domains")):
        ran = vestige(command, "list")
        assert (ran.code, ran.out, ran.err) == (0, "", f"there are no {key}\n")
        assert vestige(command, "list", "--json").json == {key: []}


def test_domains_users_and_groups_do_not_need_the_model_of_the_store(
    filled: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")
    assert filled("list").code == 1
    for command in (("domains", "show", "work"), ("domains", "list"), ("users", "list")):
        assert filled(*command).code == 0
    assert filled("groups", "list").code == 0
