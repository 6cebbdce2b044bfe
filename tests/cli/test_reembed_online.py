"""`vestige migrate reembed --online`, the way back, and what is told of what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import pytest

from command_line import files_of, run_on_terminal
from vestige.embedding.hashing import HashingEmbedder

if TYPE_CHECKING:
    from command_line import CommandLine

NEW: Final = ("migrate", "reembed", "--model", "hashing-384", "--online", "--yes")
ROLL_BACK: Final = ("migrate", "reembed", "--rollback")
FORGET: Final = ("migrate", "reembed", "--forget-old")
OFFLINE: Final = ("migrate", "reembed", "--model", "hashing-384", "--yes")


@pytest.fixture
def ids(vestige: CommandLine, variables: dict[str, str]) -> list[str]:
    """Memories with vectors of hashing-64, on each backend."""
    assert variables
    return [vestige.remembered(f"the harbour opens at {hour}") for hour in (7, 8, 9)]


def use(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setenv("VESTIGE_EMBEDDINGS_MODEL", model)


def best(vestige: CommandLine, query: str) -> tuple[object, float]:
    (first, *_) = vestige("recall", query, "--json").items("results")
    return first["id"], cast("float", first["vector_score"])


def test_the_model_changes_and_the_old_vectors_are_kept(
    vestige: CommandLine, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = vestige("show", ids[0], "--json").json
    ran = vestige(*NEW, "--workers", "2", "--batch-size", "1")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("encoded: 3 memories by hashing-384 (384 dimensions")
    assert "ms for the switch" in ran.out
    assert "go back with --rollback" in ran.err
    assert 'model = "hashing-384"' in ran.err
    use(monkeypatch, "hashing-384")
    assert best(vestige, "the harbour opens at 8") == (ids[1], pytest.approx(1.0, abs=1e-4))
    assert vestige("show", ids[0], "--json").json == before
    doctor = vestige("doctor")
    assert (doctor.code, doctor.out) == (0, "nothing is wrong\n")
    assert "bytes of hashing-64 (64 dimensions" in doctor.err
    assert "--forget-old" in doctor.err
    assert vestige("health").out.startswith("healthy")
    details = cast("dict[str, str]", vestige("stats", "--json").json["details"])
    assert "hashing-64" in details["old_vectors"]


def test_the_report_is_json(vestige: CommandLine, ids: list[str]) -> None:
    ran = vestige(*NEW, "--json")
    assert (ran.json["way"], ran.json["rows"], ran.json["updated"]) == ("online", 3, len(ids))
    assert cast("float", ran.json["switch_seconds"]) > 0


def test_going_back_encodes_what_came_after_the_switch(
    vestige: CommandLine, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vestige(*NEW).code == 0
    use(monkeypatch, "hashing-384")
    late = vestige.remembered("the lighthouse is white")
    ran = vestige(*ROLL_BACK, "--yes")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("back: the store has vectors of hashing-64")
    use(monkeypatch, "hashing-64")
    assert best(vestige, "the lighthouse is white") == (late, pytest.approx(1.0, abs=1e-4))
    assert best(vestige, "the harbour opens at 9")[0] == ids[2]
    assert vestige("doctor").out == "nothing is wrong\n"
    assert vestige(*FORGET, "--yes").out.startswith("dropped: the vectors of hashing-384")
    assert "old_vectors" not in cast("dict[str, str]", vestige("stats", "--json").json["details"])


def test_after_forgetting_there_is_no_way_back_and_the_way_on_is_said(
    vestige: CommandLine, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vestige(*NEW).code == 0
    assert vestige(*FORGET, "--yes").code == 0
    use(monkeypatch, "hashing-384")
    refused = vestige(*ROLL_BACK, "--yes")
    assert refused.code == 1
    assert "no old vectors are kept" in refused.err
    assert "--model NAME" in refused.err
    again = vestige(*FORGET, "--yes")
    assert (again.code, "no old vectors are kept" in again.err) == (1, True)
    assert len(vestige("recall", "harbour", "--json").items("results")) == len(ids)


def test_giving_up_before_the_switch_leaves_the_store_as_it_was(
    vestige: CommandLine, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        broken.setattr(HashingEmbedder, "embed_documents", interrupt)
        assert vestige(*NEW).code == 130
    assert "--resume" in vestige("doctor").out
    assert vestige("health").out.startswith("degraded: the change of the model from hashing-64")
    assert best(vestige, "the harbour opens at 8")[0] == ids[1]
    for refused in (vestige(*OFFLINE), vestige(*FORGET, "--yes")):
        assert refused.code == 1
        assert "is unfinished" in refused.err
        assert "--resume" in refused.err
    ran = vestige(*ROLL_BACK, "--yes")
    assert ran.code == 0, ran.err
    assert "given up" in ran.out
    assert vestige("doctor").out == "nothing is wrong\n"
    assert best(vestige, "the harbour opens at 8")[0] == ids[1]


def test_a_change_offline_cannot_be_rolled_back(
    vestige: CommandLine, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ids
    with monkeypatch.context() as broken:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        broken.setattr(HashingEmbedder, "embed_documents", interrupt)
        assert vestige(*OFFLINE).code == 130
    refused = vestige(*ROLL_BACK, "--yes")
    assert refused.code == 1
    assert "took the old vectors away" in refused.err
    assert "--model hashing-384 --resume" in refused.err
    use(monkeypatch, "hashing-384")
    recalled = vestige("recall", "harbour")
    assert recalled.code == 0
    assert "may be found by words alone" in recalled.err
    note = cast("str", vestige("recall", "harbour", "--json").json["note"])
    assert "--resume" in note


@pytest.mark.parametrize("option", ["--keep-hnsw", "--concurrent-index"])
def test_an_option_that_means_nothing_on_sqlite_says_so_and_does_no_harm(
    vestige: CommandLine, option: str
) -> None:
    vestige.remembered("once")
    ran = vestige("migrate", "reembed", "--model", "hashing-384", "--yes", option)
    assert ran.code == 0
    assert f"{option} changes nothing on SQLite" in ran.err


@pytest.mark.parametrize("variables", ["postgres"], indirect=True)
def test_on_a_server_the_index_is_built_as_asked(
    vestige: CommandLine, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = vestige(*OFFLINE, "--keep-hnsw")
    assert refused.code == 1
    assert "the vector index cannot be kept: it is of 64 dimensions" in refused.err
    assert vestige(*OFFLINE, "--concurrent-index").code == 0
    use(monkeypatch, "hashing-384")
    details = cast("dict[str, str]", vestige("stats", "--json").json["details"])
    for name in ("idx_knowledge_nodes_embedding_hnsw", "idx_memory_windows_embedding_hnsw"):
        assert details[name].startswith("valid")
    assert best(vestige, "the harbour opens at 8")[0] == ids[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--model"),
        (("--rollback", "--forget-old"), "--rollback"),
        (("--rollback", "--model", "hashing-64"), "--model"),
        (("--rollback", "--online"), "--online"),
        (("--forget-old", "--resume"), "--resume"),
        (("--forget-old", "--dry-run"), "--dry-run"),
        (("--model", "hashing-64", "--workers", "0"), "--workers"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    vestige: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    vestige.remembered("once")
    before = files_of(vestige.folder)
    ran = vestige("migrate", "reembed", *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert files_of(vestige.folder) == before


def test_what_drops_vectors_asks_on_a_terminal(vestige: CommandLine) -> None:
    vestige.remembered("once")
    assert vestige(*NEW).code == 0
    assert vestige(*FORGET).code == 2
    refused = run_on_terminal(vestige.environ, *FORGET, typed=b"n\n")
    assert refused.code == 1
    assert "nothing was changed" in refused.out
    accepted = run_on_terminal(vestige.environ, *FORGET, typed=b"y\n")
    assert accepted.code == 0
    assert "dropped" in accepted.out
