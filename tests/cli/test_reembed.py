"""`vestige migrate reembed`, as a person uses it and as a machine breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import pytest

from command_line import files_of, is_two_lines, run_on_terminal
from vestige.embedding.hashing import HashingEmbedder
from vestige.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from command_line import CommandLine, Ran

NEW: Final = ("migrate", "reembed", "--model", "hashing-384")
HINT: Final = "vestige migrate reembed --model hashing-384 --resume"


@pytest.fixture
def toml(vestige: CommandLine, monkeypatch: pytest.MonkeyPatch) -> str:
    """A configuration in a file, in place of the variables."""
    for name in ("PROVIDER", "MODEL"):
        monkeypatch.delenv(f"VESTIGE_EMBEDDINGS_{name}")
    text = '# mine\n[embeddings] # the model\nprovider = "hashing"\nmodel = "hashing-64"\n\n'
    text += "[defaults]\nlimit = 5 # few\n"
    (vestige.folder / "vestige.toml").write_text(text)
    return text


def use_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", "hashing-384")


def model_of(ran: Ran, key: str) -> object:
    return cast("dict[str, object]", ran.json[key])["name"]


@pytest.mark.usefixtures("variables")
def test_the_model_changes_and_memories_are_found_by_it(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [vestige.remembered(f"the harbour opens at {hour}") for hour in (7, 8, 9)]
    before = vestige("show", ids[0], "--json").json
    ran = vestige(*NEW, "--yes")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("encoded: 3 memories by hashing-384 (384 dimensions")
    assert 'model = "hashing-384"' in ran.err
    assert "VESTIGE_EMBEDDINGS_MODEL is stronger than vestige.toml" in ran.err
    refused = vestige("recall", "harbour")
    assert refused.code == 1
    assert "vestige migrate reembed --model NAME" in refused.err
    use_new(monkeypatch)
    (first, *_) = vestige("recall", "the harbour opens at 8", "--json").items("results")
    assert first["id"] == ids[1]
    assert first["vector_score"] == pytest.approx(1.0, abs=1e-4)
    assert vestige("show", ids[0], "--json").json == before
    assert vestige("doctor").out == "nothing is wrong\n"


@pytest.mark.usefixtures("variables")
def test_a_dry_run_tells_what_would_happen_and_changes_nothing(vestige: CommandLine) -> None:
    vestige.remembered("once")
    before = vestige("stats", "--json").json
    ran = vestige(*NEW, "--dry-run", "--json", "--batch-size", "1")
    assert (ran.code, ran.err) == (0, "")
    assert (model_of(ran, "old_model"), model_of(ran, "new_model")) == ("hashing-64", "hashing-384")
    assert (ran.json["rows"], ran.json["batches"], ran.json["updated"]) == (1, 1, 0)
    is_server = before["backend"] == "postgres"
    assert ran.json["column_type_changes"] is is_server
    assert vestige("stats", "--json").json["model"] == before["model"]
    shown = vestige(*NEW, "--dry-run").out
    assert "1 to encode, 0 done already" in shown
    assert f"column type  {'changes' if is_server else 'stays'}" in shown


def test_the_same_model_again_does_nothing(vestige: CommandLine) -> None:
    vestige.remembered("once")
    before = files_of(vestige.folder)
    ran = vestige("migrate", "--reembed", "--model", "hashing-64")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("nothing to do: the store has vectors of hashing-64")
    assert files_of(vestige.folder) == before


def test_without_a_terminal_it_wants_a_yes_and_names_the_backup(vestige: CommandLine) -> None:
    vestige.remembered("once")
    before = files_of(vestige.folder)
    ran = vestige(*NEW)
    assert ran.code == 2
    assert f"vestige backup --data-dir {vestige.folder}" in ran.err
    assert "--yes" in ran.err
    assert files_of(vestige.folder) == before
    assert vestige(*NEW, "--no-confirm").code == 0


def test_it_asks_on_a_terminal(vestige: CommandLine) -> None:
    vestige.remembered("once")
    refused = run_on_terminal(vestige.environ, *NEW, typed=b"n\n")
    assert refused.code == 1
    assert "nothing was changed" in refused.out
    accepted = run_on_terminal(vestige.environ, *NEW, typed=b"y\n")
    assert accepted.code == 0
    assert "1 memory by hashing-384" in accepted.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--model", "nonsense"), 2, "known: all-MiniLM-L6-v2, hashing-64, hashing-384"),
        (("--model", "x", "--provider", "hashin"), 2, "unknown embedding provider 'hashin'"),
        (("--model", "openai:nomic"), 2, "needs a base_url"),
        (("--model", "hashing-384", "--dimension", "100"), 2, "of 384 dimensions, not 100"),
        (("--model", "hashing-384", "--resume"), 1, "there is no unfinished change"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_changes(
    vestige: CommandLine, arguments: tuple[str, ...], code: int, words: str
) -> None:
    vestige.remembered("once")
    before = files_of(vestige.folder)
    ran = vestige("migrate", "reembed", *arguments, "--yes")
    assert ran.code == code
    assert words in ran.err
    assert is_two_lines(ran.err)
    assert files_of(vestige.folder) == before


def test_there_has_to_be_a_store(vestige: CommandLine) -> None:
    ran = vestige(*NEW, "--yes")
    assert ran.code == 1
    assert "there is no store" in ran.err
    assert files_of(vestige.folder) == {}


def test_the_configuration_is_written_and_the_former_one_kept(
    vestige: CommandLine, toml: str
) -> None:
    vestige.remembered("once")
    ran = vestige(*NEW, "--yes", "--write-config")
    assert ran.code == 0, ran.err
    path = vestige.folder / "vestige.toml"
    assert path.read_text() == toml.replace("hashing-64", "hashing-384")
    assert (vestige.folder / "vestige.toml.backup").read_text() == toml
    assert f"{path} names the model now" in ran.err
    assert len(vestige("recall", "once", "--json").items("results")) == 1


def test_a_configuration_that_cannot_be_edited_is_found_before_anything_changes(
    vestige: CommandLine, toml: str
) -> None:
    vestige.remembered("once")
    inline = 'embeddings = {provider = "hashing", model = "hashing-64"}\n'
    (vestige.folder / "vestige.toml").write_text(inline)
    before = files_of(vestige.folder)
    ran = vestige(*NEW, "--yes", "--write-config")
    assert toml
    assert ran.code == 2
    assert "cannot be edited line by line" in ran.err
    assert files_of(vestige.folder) == before


@pytest.mark.usefixtures("variables")
def test_a_refused_text_is_listed_and_the_exit_code_says_so(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {text: vestige.remembered(text) for text in ("one", "poison", "three")}
    embed = HashingEmbedder.embed_documents

    def refuse(embedder: HashingEmbedder, texts: Sequence[str]) -> NDArray[np.float32]:
        if "poison" in texts:
            raise EmbeddingError("the text is too bitter")
        return embed(embedder, texts)

    monkeypatch.setattr(HashingEmbedder, "embed_documents", refuse)
    ran = vestige(*NEW, "--yes", "--json")
    assert ran.code == 1
    assert ran.json["updated"] == 2
    assert ran.items("failures") == [{"id": ids["poison"], "reason": "the text is too bitter"}]
    assert "memories left without a vector: 1" in ran.err


@pytest.mark.usefixtures("variables")
def test_an_unfinished_change_is_named_by_doctor_and_health_and_can_be_resumed(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige.remembered("once")
    with monkeypatch.context() as broken:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        broken.setattr(HashingEmbedder, "embed_documents", interrupt)
        ran = vestige(*NEW, "--yes")
    assert ran.code == 130
    assert "--resume" in ran.err
    assert vestige("doctor").out.endswith(f"is unfinished\n  repair: {HINT}\n")
    assert vestige("health").out.startswith("degraded: the change of the model from hashing-64")
    again = vestige(*NEW, "--yes")
    assert again.code == 1
    assert is_two_lines(again.err)
    assert HINT in again.err
    assert vestige("recall", "once").code == 1  # with the old model
    assert vestige(*NEW, "--resume").code == 0
    use_new(monkeypatch)
    assert vestige("doctor").out == "nothing is wrong\n"
    assert len(vestige("recall", "once", "--json").items("results")) == 1
