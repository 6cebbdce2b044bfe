from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from uuid import UUID

import pytest

from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

RETRIES = "the API retries five times"
COLOUR = "the logo of the shop is blue"


@pytest.fixture
def ids(vestige: CommandLine) -> dict[str, str]:
    return {
        RETRIES: vestige.remembered(
            RETRIES, "--tags", "api", "--type", "decision", "--created-at", "2026-01-10"
        ),
        COLOUR: vestige.remembered(
            COLOUR, "--tags", "brand", "--codebase", "shop", "--created-at", "2026-02-10"
        ),
    }


def found(vestige: CommandLine, *arguments: str) -> list[object]:
    ran = vestige("recall", *arguments, "--json")
    assert ran.code == 0, ran.err
    return [result["content"] for result in ran.items("results")]


def test_the_best_answer_is_printed_first_with_its_whole_id(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige("recall", "how often does the API retry?")
    first, content, memory_id, *_ = ran.out.splitlines()
    assert first.startswith("1. ")
    assert first.endswith("decision  2026-01-10  tags api")
    assert content == f"   {RETRIES}"
    assert memory_id.strip() == ids[RETRIES]


@pytest.mark.usefixtures("ids")
def test_json_has_the_fields_that_programs_rely_on(vestige: CommandLine) -> None:
    result = vestige("recall", "API retries", "--json").items("results")[0]
    assert {
        *("id", "content", "score", "fts_score", "vector_score", "node_type", "tags"),
        *("codebase", "created_at", "updated_at", "retrievability"),
        *("accessibility", "marks", "characters_left_out"),
    } == set(result)
    assert result["content"] == RETRIES


@pytest.mark.usefixtures("ids")
def test_explain_adds_the_parts_of_the_score_to_json(vestige: CommandLine) -> None:
    result = vestige("recall", "API retries", "--json", "--explain").items("results")[0]
    explanation = result["explanation"]
    assert isinstance(explanation, dict)
    explanation = cast("dict[str, float]", explanation)
    parts = [value for name, value in explanation.items() if name.endswith("_part")]
    assert len(parts) == 7
    assert sum(parts) == pytest.approx(result["score"])
    assert {"vector_rank", "fts_rank", "literals", "path"} <= explanation.keys()


def test_explain_shows_tables_with_a_row_for_each_hit_and_what_is_beside_them(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    vestige("link", ids[RETRIES], ids[COLOUR])
    ran = vestige("recall", "five `API` retries", "--explain")
    _, parts, sources = ran.out.split("\n\n")
    heading, *rows = parts.splitlines()
    assert heading.split() == [
        *("hit", "score", "=", "cosine", "+", "BM25", "+", "literal", "+", "links"),
        *("+", "kept", "+", "recent", "+", "place"),
    ]
    assert [row.split()[0] for row in rows] == ["1.", "2."]
    source_heading, *lines = sources.splitlines()
    assert source_heading.split() == [
        *("hit", "cosine", "rank", "BM25", "rank", "retrievability", "state")
    ]
    assert lines[2:] == [
        "1. holds literally: API",
        f"2. is reached from {ids[RETRIES]} -> {ids[COLOUR]}",
    ]
    assert max(map(len, [heading, *rows, *lines[:2]])) <= 80


def test_what_does_not_fit_into_a_budget_is_counted(
    vestige: CommandLine, ids: dict[str, str]
) -> None:
    ran = vestige("recall", "the", "--token-budget", "70")
    assert [memory_id in ran.out for memory_id in ids.values()].count(True) == 1
    assert ran.err == "1 more found, which do not fit into the budget of tokens\n"
    as_json = vestige("recall", "the", "--token-budget", "70", "--json")
    assert as_json.json["left_out"] == 1
    assert 0 < int(str(as_json.json["tokens"])) <= 70


def test_a_long_content_is_cut_to_the_budget(vestige: CommandLine) -> None:
    vestige.remembered("the word " * 500)
    (result,) = vestige("recall", "word", "--token-budget", "200", "--json").items("results")
    assert len(str(result["content"])) + int(str(result["characters_left_out"])) == 4_500
    assert len(str(result["content"])) < 1_500


@pytest.mark.parametrize("tokens", ["0", "-1", "many", "1.5"])
def test_a_budget_that_is_no_number_is_refused(vestige: CommandLine, tokens: str) -> None:
    ran = vestige("recall", "the", "--token-budget", tokens)
    assert ran.code == 2
    assert "--token-budget" in ran.err


@pytest.mark.usefixtures("ids")
def test_the_past_is_what_was_known_then(vestige: CommandLine) -> None:
    assert found(vestige, "the", "--as-of", "2026-01-20") == [RETRIES]
    assert found(vestige, "the", "--as-of", "2026-01-01") == []


async def mark(path: Path, old: str, hidden: str) -> None:
    """Let one memory be replaced and expired, and another one hidden."""
    store = await SqliteStore.open(path)
    for memory_id in (old, hidden):
        record = await store.get(UUID(memory_id))
        assert record is not None
        at = record.created_at
        if memory_id == old:
            await store.update(replace(record, superseded_at=at, valid_until=at))
        else:
            await store.update(replace(record, suppressed_at=at))
    await store.close()


def test_marks_say_what_does_not_hold(vestige: CommandLine) -> None:
    old = vestige.remembered("the port is 80", "--created-at", "2026-01-01")
    hidden = vestige.remembered("the port is secret", "--created-at", "2026-01-01")
    asyncio.run(mark(vestige.store, old, hidden))
    assert found(vestige, "the port") == []
    ran = vestige("recall", "the port", "--include-superseded")
    assert "superseded, expired  fact" in ran.out
    assert hidden not in ran.out
    (row,) = vestige("recall", "port", "--include-suppressed", "--json").items("results")
    assert (row["marks"], row["accessibility"]) == (["suppressed"], "unavailable")


@pytest.mark.usefixtures("ids")
def test_a_recall_writes_only_when_it_is_told_to(vestige: CommandLine) -> None:
    for arguments, reviews in (((), 0), (("--reinforce",), 2)):
        assert vestige("recall", "the", *arguments).code == 0
        assert vestige("stats", "--json").json["review_event_count"] == reviews


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (("--tags", "api,other"), RETRIES),
        (("--type", "decision", "--type", "note"), RETRIES),
        (("--codebase", "shop"), COLOUR),
        (("--since", "2026-02-01"), COLOUR),
        (("--until", "2026-02-01T00:00:00Z"), RETRIES),
        (("--since", "2026-01-01", "--until", "2026-01-11"), RETRIES),
    ],
)
def test_a_filter_keeps_only_what_it_names(
    vestige: CommandLine, arguments: tuple[str, ...], kept: str
) -> None:
    assert found(vestige, "the", *arguments) == [kept]


@pytest.mark.usefixtures("ids")
def test_what_has_faded_can_be_left_out(vestige: CommandLine) -> None:
    vestige.remembered("the newest of all", "--created-at", "2199-01-01")
    assert found(vestige, "the", "--min-retrievability", "1") == ["the newest of all"]


@pytest.mark.usefixtures("ids")
def test_the_limit_of_the_command_line_wins_over_the_configured_one(
    vestige: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "vestige.toml").write_text("[defaults]\nlimit = 1\n")
    assert len(found(vestige, "the")) == 1
    assert len(found(vestige, "the", "--limit", "2")) == 2


def test_finding_nothing_is_said_on_standard_error_and_is_no_failure(vestige: CommandLine) -> None:
    ran = vestige("recall", "anything")
    assert (ran.code, ran.out, ran.err) == (0, "", "nothing was found\n")


def test_finding_nothing_is_an_empty_list_in_json(vestige: CommandLine) -> None:
    ran = vestige("recall", "anything", "--json")
    assert ran.code == 0
    assert ran.json == {"results": []}


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize("query", ['"API retries', "-", "AND OR NOT", "'; DROP TABLE x; --", "🙂"])
def test_a_query_of_any_characters_is_only_a_query(vestige: CommandLine, query: str) -> None:
    assert vestige("recall", query, "--json").code == 0
