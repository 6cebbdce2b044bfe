"""`vestige doctor` on both backends: what it says, what it repairs, and what it leaves alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import asyncpg
import pytest

from command_line import files_of, is_two_lines, run_on_terminal
from command_tree import COMMANDS, options_of
from postgres_server import a_database, server_url
from sqlite.databases import run_sql
from vestige.embedding.hashing import HashingEmbedder
from vestige.errors import EmbeddingError
from vestige.storage import problems

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from command_line import CommandLine

NO_SCHEDULING: Final = "2 memories have no scheduling, and cannot become due"
NO_VECTOR: Final = "1 memory has no vector, and cannot be found by meaning"


class Damage(Protocol):
    """Runs a statement on the store behind its back."""

    def __call__(self, sql: str) -> object: ...


@pytest.fixture(scope="session")
def server() -> str:
    """The server for tests, found before a test's own command line hides what names it."""
    return server_url()


@pytest.fixture(params=["sqlite", "postgres"])
async def damage(
    request: pytest.FixtureRequest,
    server: str,
    vestige: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[Damage]:
    """Choose the backend for the commands of a test, whose store can then be damaged."""
    assert server
    if request.param == "sqlite":
        yield lambda sql: run_sql(vestige.store, sql)
        return

    async def execute(sql: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async with a_database() as url:
        monkeypatch.setenv("VESTIGE_STORAGE_BACKEND", "postgres")
        monkeypatch.setenv("VESTIGE_STORAGE_POSTGRES_URL", url)
        yield lambda sql: asyncio.run(execute(sql))


def problems_in(vestige: CommandLine, *arguments: str, key: str = "problems") -> list[object]:
    ran = vestige("doctor", "--json", *arguments)
    return [problem["problem"] for problem in ran.items(key)]


@pytest.mark.usefixtures("damage")
def test_a_store_without_problems_is_told_to_be_fine(vestige: CommandLine) -> None:
    vestige.remembered("one")
    ran = vestige("doctor")
    assert (ran.code, ran.out, ran.err) == (0, "nothing is wrong\n", "")
    assert vestige("doctor", "--repair").out == "nothing is wrong\n"
    assert vestige("doctor", "--json").json == {
        "problems": [],
        "repaired": [],
        "encoded": 0,
        "failures": [],
    }


def test_a_problem_is_told_with_its_repair_and_left(vestige: CommandLine, damage: Damage) -> None:
    for text in ("one", "two"):
        vestige.remembered(text)
    damage("DELETE FROM scheduling")
    for _ in range(2):
        ran = vestige("doctor")
        assert ran.code == 1
        assert ran.out == f"problem: {NO_SCHEDULING}\n  repair: vestige doctor --repair\n"


def test_a_repair_brings_back_scheduling_and_vectors(vestige: CommandLine, damage: Damage) -> None:
    vestige.remembered("one")
    lost = vestige.remembered("retries stop after five attempts")
    before = vestige("show", lost, "--json").json
    damage("DELETE FROM scheduling")
    damage("UPDATE knowledge_nodes SET embedding = NULL WHERE content <> 'one'")
    ran = vestige("doctor", "--repair", "--yes")
    assert ran.code == 0, ran.err
    assert f"repaired: {NO_SCHEDULING}\n" in ran.out
    assert "encoded: 1 memory\n" in ran.out
    after = vestige("show", lost, "--json").json
    assert after.pop("has_embedding") is True
    assert after == {name: value for name, value in before.items() if name != "has_embedding"}
    assert vestige("doctor").code == 0


def test_a_repair_as_json_names_what_was_repaired(vestige: CommandLine, damage: Damage) -> None:
    for text in ("one", "two"):
        vestige.remembered(text)
    damage("DELETE FROM scheduling")
    ran = vestige("doctor", "--repair", "--yes", "--json")
    assert ran.code == 0
    (repaired,) = ran.items("repaired")
    assert repaired == {
        "problem": NO_SCHEDULING,
        "repair": "vestige doctor --repair",
        "is_repairable": True,
    }
    assert ran.items("problems") == []


def test_a_step_that_was_undone_is_found_and_applied(vestige: CommandLine, damage: Damage) -> None:
    del damage
    vestige.remembered("one")
    assert vestige("migrate", "revert", "--yes").code == 0
    ran = vestige("doctor")
    assert ran.code == 1
    assert "0006_fsrs_weights is not applied\n  repair: vestige migrate up\n" in ran.out
    assert vestige("doctor", "--repair", "--yes").code == 0
    assert vestige("migrate", "up").out == "there was nothing to apply\n"


@pytest.mark.usefixtures("damage")
def test_what_cannot_be_repaired_stays_and_the_exit_code_says_so(vestige: CommandLine) -> None:
    vestige.remembered("one")
    for _ in vestige("migrate", "info", "--json").items("steps"):
        assert vestige("migrate", "revert", "--yes").code == 0
    ran = vestige("doctor", "--repair", "--yes")
    assert ran.code == 1
    assert ran.out == "problem: the store has no tables yet\n  repair: vestige migrate up\n"


def test_a_text_that_the_embedder_refuses_is_listed_and_left(
    vestige: CommandLine, damage: Damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {text: vestige.remembered(text) for text in ("one", "poison", "three")}
    damage("UPDATE knowledge_nodes SET embedding = NULL")
    embed = HashingEmbedder.embed_documents

    def refuse(embedder: HashingEmbedder, texts: Sequence[str]) -> NDArray[np.float32]:
        if "poison" in texts:
            raise EmbeddingError("the text is too bitter")
        return embed(embedder, texts)

    monkeypatch.setattr(HashingEmbedder, "embed_documents", refuse)
    ran = vestige("doctor", "--repair", "--yes")
    assert ran.code == 1
    assert "encoded: 2 memories\n" in ran.out
    assert f"problem: {NO_VECTOR}\n" in ran.out
    assert ran.err == f"{ids['poison']} got no vector: the text is too bitter\n"
    ran = vestige("doctor", "--repair", "--yes", "--json")
    assert ran.items("failures") == [{"id": ids["poison"], "reason": "the text is too bitter"}]
    assert ran.json["encoded"] == 0


def test_without_missing_vectors_the_model_of_the_store_is_not_needed(
    vestige: CommandLine, damage: Damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("one")
    damage("DELETE FROM scheduling")
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")
    assert vestige("doctor", "--repair", "--yes").code == 0


def test_another_model_than_that_of_the_store_encodes_nothing(
    vestige: CommandLine, damage: Damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("one")
    damage("UPDATE knowledge_nodes SET embedding = NULL")
    with monkeypatch.context() as context:
        context.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")
        ran = vestige("doctor", "--repair", "--yes")
        assert ran.code == 1
        assert is_two_lines(ran.err)
        assert "hashing-384" in ran.err
    assert NO_VECTOR in problems_in(vestige)


def test_a_repair_that_nobody_can_confirm_is_not_begun(
    vestige: CommandLine, damage: Damage
) -> None:
    for text in ("one", "two"):
        vestige.remembered(text)
    damage("DELETE FROM scheduling")
    ran = vestige("doctor", "--repair")
    assert (ran.code, ran.out) == (2, "")
    assert is_two_lines(ran.err)
    assert "--yes" in ran.err
    assert problems_in(vestige) == [NO_SCHEDULING]


@pytest.mark.parametrize(("typed", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_on_a_terminal_it_asks_first(vestige: CommandLine, typed: bytes, code: int) -> None:
    for text in ("one", "two"):
        vestige.remembered(text)
    run_sql(vestige.store, "DELETE FROM scheduling")
    ran = run_on_terminal(vestige.environ, "doctor", "--repair", typed=typed)
    assert ran.code == code
    assert f"problem: {NO_SCHEDULING}" in ran.out
    assert problems_in(vestige) == ([NO_SCHEDULING] if code else [])


def test_a_missing_store_is_said_and_not_made(vestige: CommandLine) -> None:
    for arguments in (["doctor"], ["doctor", "--repair", "--yes"]):
        ran = vestige(*arguments)
        assert (ran.code, ran.out) == (1, "")
        assert is_two_lines(ran.err)
        assert str(vestige.store) in ran.err
    assert files_of(vestige.folder) == {}


@pytest.mark.parametrize("command", [problems.REPAIR, problems.MIGRATE])
def test_a_repair_names_a_command_that_exists(command: str) -> None:
    program, *words = command.split()
    options = [word for word in words if word.startswith("--")]
    name = " ".join(word for word in words if word not in options)
    assert program == "vestige"
    assert name in COMMANDS
    assert set(options) <= set(options_of(name))
